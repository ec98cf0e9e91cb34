//! The thin top of a board: pads, PLL, a clean start of the clock, the board module, LEDs.
//!
//! Its nets are called alike on every board: `oscillator` from the pad, `fast` from the PLL, `clock` for the cores.

mod pll;

use crate::error::FlowError;
use nda_boards::{Active, Board, Direction, Family, Pll};
use nda_spec::Config;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The module that waits for the PLL (see the file).
pub const CLOCK_START: &str = include_str!("../verilog/clock_start.v");

/// What of a board's primitives its synthesis lacks.
pub(crate) fn primitives(board: &Board) -> &'static str {
    if board.device.starts_with("GW5A") { include_str!("../verilog/gw5a.v") } else { "" }
}

/// A board's top, without the modules that it instantiates.
///
/// # Errors
/// A row without PLL.
pub fn top(board: &Board, config: &Config) -> Result<String, FlowError> {
    let not_routed = || FlowError::NotRouted { board: board.name.clone(), note: board.note.clone() };
    let pll = board.pll.as_ref().ok_or_else(not_routed)?;
    let ports = ports(board);
    let names: Vec<&str> = ports.iter().map(|p| p.name).collect();
    let mut text = format!("// {}, configuration {}: made from its row in constraints/boards.toml.\n", board.title, config.name);
    let _ = writeln!(text, "module top({});", names.join(", "));
    for port in &ports {
        let _ = writeln!(text, "    {};", port.declaration());
    }
    text += "    wire oscillator, fast, locked, run, clock, received, sent, link, busy, fault;\n";
    text += &pads(board, &ports);
    text += &pll::text(board, pll, config);
    text += "    clock_start start(.oscillator(oscillator), .locked(locked), .run(run));\n";
    text += gate(board.family);
    text += "    board board(.clock(clock), .rx(received), .tx(sent), .link(link), .busy(busy), .fault(fault));\nendmodule\n";
    Ok(text)
}

/// A port of the top: a scalar, or a vector of the highest index that is used.
struct Port<'b> {
    name: &'b str,
    direction: Direction,
    /// `None` for a scalar: nextpnr-ice40 calls the one bit of a vector `led`, not `led[0]`.
    last: Option<usize>,
}

impl Port<'_> {
    fn declaration(&self) -> String {
        let direction = if self.direction == Direction::Input { "input" } else { "output" };
        match self.last {
            Some(last) => format!("{direction} wire [{last}:0] {}", self.name),
            None => format!("{direction} wire {}", self.name),
        }
    }
}

/// `led[3]` as base and index.
fn indexed(port: &str) -> (&str, Option<usize>) {
    match port.strip_suffix(']').and_then(|p| p.split_once('[')) {
        Some((base, index)) => (base, index.parse().ok()),
        None => (port, None),
    }
}

fn ports(board: &Board) -> Vec<Port<'_>> {
    let mut all: Vec<Port<'_>> = Vec::new();
    for (port, direction) in board.ports() {
        let (name, index) = indexed(port);
        match all.iter_mut().find(|p| p.name == name) {
            Some(known) => known.last = known.last.max(index),
            None => all.push(Port { name, direction, last: index }),
        }
    }
    all
}

/// What each port gets or gives, by name.
fn values(board: &Board) -> BTreeMap<&str, String> {
    let lit = |light: &str| if board.leds.active == Active::High { light.to_string() } else { format!("!{light}") };
    let dark = if board.leds.active == Active::High { "1'b0" } else { "1'b1" };
    let leds = &board.leds;
    let shown = [(&leds.link, "link"), (&leds.busy, "busy"), (&leds.fault, "fault")];
    let shown = shown.into_iter().filter_map(|(port, light)| Some((port.as_deref()?, lit(light))));
    shown
        .chain(leds.dark.iter().map(|port| (port.as_str(), dark.to_string())))
        .chain(board.high.iter().map(|port| (port.as_str(), "1'b1".to_string())))
        .chain([(board.tx.as_str(), "sent".to_string())])
        .chain([(board.rx.as_str(), "received".to_string()), (board.oscillator.port.as_str(), "oscillator".to_string())])
        .collect()
}

/// The instance of the pad of a port; the checks of the routed design find it by this name.
pub(crate) fn pad_name(port: &str) -> String {
    format!("pad_{}", port.replace('[', "_").replace(']', ""))
}

/// Pads are inferred but on Gowin: its synthesis would put some on the ports of every module that is kept.
fn pads(board: &Board, ports: &[Port<'_>]) -> String {
    let mut text = String::new();
    let direction = |port: &str| ports.iter().find(|p| p.name == indexed(port).0).map_or(Direction::Output, |p| p.direction);
    let is_reference = |port: &str| port == board.oscillator.port && matches!(board.pll, Some(Pll::SbPll40TwoPad { .. }));
    for (port, value) in values(board) {
        let _ = match (board.family, direction(port)) {
            // The PLL's own pad; the oscillator comes back out of the PLL.
            _ if is_reference(port) => Ok(()),
            (Family::Gowin, Direction::Input) => writeln!(text, "    IBUF {}(.I({port}), .O({value}));", pad_name(port)),
            (Family::Gowin, Direction::Output) => writeln!(text, "    OBUF {}(.I({value}), .O({port}));", pad_name(port)),
            (_, Direction::Input) => writeln!(text, "    assign {value} = {port};"),
            (_, Direction::Output) => writeln!(text, "    assign {port} = {value};"),
        };
    }
    text
}

/// From `fast` and `run` to `clock`, whose first edge is a whole one.
const fn gate(family: Family) -> &'static str {
    match family {
        Family::Ecp5 => {
            "    // The gate takes its enable on the falling edge, so two registers of the fast clock are all that it needs.\n\
             \x20   reg [1:0] enable = 0;\n\
             \x20   always @(posedge fast) enable <= {enable[0], run};\n\
             \x20   DCCA gate(.CLKI(fast), .CE(enable[1]), .CLKO(clock));\n"
        }
        Family::Ice40 => {
            "    // Half of the fast clock from a flip-flop, which has no glitch whenever `run` rises.\n\
             \x20   reg [1:0] enable = 0;\n\
             \x20   reg half = 0;\n\
             \x20   always @(posedge fast) begin\n\
             \x20       enable <= {enable[0], run};\n\
             \x20       if (enable[1]) half <= !half;\n\
             \x20   end\n\
             \x20   SB_GB buffer(.USER_SIGNAL_TO_GLOBAL_BUFFER(half), .GLOBAL_BUFFER_OUTPUT(clock));\n"
        }
        Family::Gowin | Family::Gatemate => {
            "    // Half of the fast clock from a flip-flop, which has no glitch whenever `run` rises.\n\
             \x20   reg [1:0] enable = 0;\n\
             \x20   reg half = 0;\n\
             \x20   always @(posedge fast) begin\n\
             \x20       enable <= {enable[0], run};\n\
             \x20       if (enable[1]) half <= !half;\n\
             \x20   end\n\
             \x20   BUFG buffer(.I(half), .O(clock));\n"
        }
    }
}
