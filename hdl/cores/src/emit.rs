//! `emit`: the only road to Verilog, and what it refuses to let through.
//!
//! rust-hdl emits one module an instance under flat names, lets Verilog keywords pass as names, and turns a
//! forgotten `#[hdl_gen]` into an empty module (docs/rust-hdl.md, sections 1 and 2). So its text is checked
//! here, modules that are the same are merged into one, and names become what the sources call them.

mod check;
mod error;
mod parts;
pub mod units;

pub use error::{EmitError, MAX_BITS};

use crate::top::board_parallel::{BoardParallel, SeedBoardParallel};
use crate::top::board_uart::{BoardUart, SeedBoardUart};
use check::check;
use nda_spec::Config;
use nda_spec::config::Geometry;
use nda_spec::wire::{ENGINE_VERSION, Ident, PROTOCOL_VERSION};
use parts::place_parts;
use rust_hdl_core::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Which way a board's bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// Eight data bits with ready/valid, both ways.
    Parallel,
    /// Two pins.
    Uart,
}

impl Port {
    /// Both, for loops over all images.
    pub const ALL: [Port; 2] = [Port::Parallel, Port::Uart];

    /// The name in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Port::Parallel => "parallel",
            Port::Uart => "uart",
        }
    }
}

/// The array shapes that are compiled in: rows, cols, planes, then log2 of the frame buffer's bytes, for the boards of
/// these two types. Widths are const generics in rust-hdl, so a shape has to be known to the compiler.
macro_rules! geometries {
    ($parallel:ident, $uart:ident, $config:expr, $page:expr, $port:expr; $(($rows:literal, $cols:literal, $planes:literal, $aw:literal)),+ $(,)?) => {{
        let (config, g): (&Config, &Geometry) = ($config, &$config.geometry);
        let frames = config.slots * config.slot_bytes;
        match (g.array_rows, g.array_cols, g.planes, frames.trailing_zeros()) {
            $(($rows, $cols, $planes, $aw) => {
                const W: usize = $rows * $cols * 2;
                const X: usize = $cols * $planes;
                const Y: usize = $rows * 24;
                const U: usize = if Y > 64 { Y } else { 64 };
                match $port {
                    Port::Parallel => {
                        let mut board = $parallel::<W, X, Y, U, $aw>::new(config, $page);
                        board.clock.connect();
                        board.rx_valid.connect();
                        board.rx_data.connect();
                        board.tx_ready.connect();
                        board.connect_all();
                        text(&board)
                    }
                    Port::Uart => {
                        let mut board = $uart::<W, X, Y, U, $aw>::new(config, $page);
                        board.clock.connect();
                        board.rx.connect();
                        board.connect_all();
                        text(&board)
                    }
                }
            })+
            (rows, cols, planes, _) => Err(EmitError::Geometry { rows, cols, planes, slot_bytes: config.slot_bytes, slots: config.slots }),
        }
    }};
}

/// Verilog of a whole board, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Emitted {
    /// The Verilog; its top module is [`Emitted::top`].
    pub verilog: String,
    /// Name of the top module.
    pub top: &'static str,
    /// What `IDENT` returns.
    pub ident: Ident,
}

/// Emits the board of a configuration as the simulated board; its build is the hash of its own text.
///
/// # Errors
/// [`EmitError`] says what is refused and where.
pub fn emit(config: &Config, port: Port) -> Result<Emitted, EmitError> {
    // The hash is taken of the text with the hash's own place as zero.
    let blank = emit_as(config, port, 0, 0)?;
    let hash = blake3::hash(blank.verilog.as_bytes());
    let build = hash.as_bytes()[..8].iter().rev().fold(0, |all, &b| all << 8 | u64::from(b));
    emit_as(config, port, 0, build)
}

/// Emits the board of a configuration with a board row's id and a build of the caller's: what a bitstream says of itself.
///
/// # Errors
/// As [`emit`].
pub fn emit_as(config: &Config, port: Port, board_id: u16, build: u64) -> Result<Emitted, EmitError> {
    config.check()?;
    let ident = Ident {
        protocol: PROTOCOL_VERSION,
        engine: ENGINE_VERSION,
        board: board_id,
        geometry: config.geometry,
        mtu: config.mtu() as u16,
        slots: config.slots as u8,
        clk_hz: config.clk_hz,
        baud: if port == Port::Uart { config.baud } else { 0 },
        config: config.name.clone(),
        ring: config.token.map_or(0, |sizes| sizes.ring as u16),
        seed: config.seed,
        build,
    };
    let verilog = stacker::grow(STACK_BYTES, || board(config, &ident, port))?;
    Ok(Emitted { verilog, top: "board", ident })
}

/// Stack for a board's value: rust-hdl's blocks are built by value, and without the optimiser each level of them copies those below.
/// The board of whole tokens overflows the 2 MiB of a test's thread.
const STACK_BYTES: usize = 64 << 20;

fn board(config: &Config, ident: &Ident, port: Port) -> Result<String, EmitError> {
    let page = ident.to_bytes();
    let raw = if config.token.is_some() {
        crate::top::token_engine::board(config, page, port)?
    } else if config.seed {
        geometries!(SeedBoardParallel, SeedBoardUart, config, page, port; (1, 64, 2, 12))?
    } else {
        geometries!(BoardParallel, BoardUart, config, page, port;
            (1, 16, 1, 10),
            (1, 64, 2, 12),
            (4, 64, 2, 12),
            (8, 128, 8, 13),
            (2, 128, 8, 12),
            (1, 64, 2, 11),
            (1, 64, 2, 10),
            (1, 32, 4, 11),
            (8, 32, 2, 13),
        )?
    };
    finish(&raw, "board")
}

/// rust-hdl's text of a block whose inputs are connected.
///
/// # Errors
/// [`EmitError::Circuit`] with what rust-hdl found.
pub fn text<B: Block>(block: &B) -> Result<String, EmitError> {
    check_all(block).map_err(|e| EmitError::Circuit(format!("{e:?}")))?;
    Ok(generate_verilog_unchecked(block))
}

/// One module of the text: its lines between `module` and `endmodule`.
struct Module {
    name: String,
    lines: Vec<String>,
}

/// Checks rust-hdl's text, merges equal modules and renames them after their place: `top$engine$array` becomes
/// `board_engine_array` for a top called `board`.
///
/// # Errors
/// [`EmitError`] names the module and the signal.
pub fn finish(raw: &str, top: &str) -> Result<String, EmitError> {
    let modules = place_parts(split(raw))?;
    for module in &modules {
        check(module)?;
    }
    Ok(rename(&merge(modules), top))
}

fn split(raw: &str) -> Vec<Module> {
    let mut modules = Vec::new();
    let mut current: Option<Module> = None;
    for line in raw.lines() {
        let trimmed = line.trim();
        if let Some(rest) = trimmed.strip_prefix("module ") {
            let name = rest.split('(').next().unwrap_or_default().trim().to_string();
            current = Some(Module { name, lines: Vec::new() });
        }
        if let Some(module) = &mut current {
            module.lines.push(line.trim_end().to_string());
            if trimmed.starts_with("endmodule") {
                modules.extend(current.take());
            }
        }
    }
    modules
}

/// Merges modules whose text is the same once the modules inside them are.
fn merge(modules: Vec<Module>) -> Vec<Module> {
    // The deepest path first, so that a parent's text is compared after its children have been merged.
    let mut order: Vec<usize> = (0..modules.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(modules[i].name.matches('$').count()));
    let mut kept_as: HashMap<String, String> = HashMap::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut kept: BTreeMap<usize, Module> = BTreeMap::new();
    for i in order {
        let module = &modules[i];
        let mut lines = Vec::new();
        for line in &module.lines {
            let mut parts = line.trim_start().splitn(2, ' ');
            let (first, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let indent = &line[..line.len() - line.trim_start().len()];
            match kept_as.get(first) {
                Some(other) if first.starts_with(&format!("{}$", module.name)) => lines.push(format!("{indent}{other} {rest}")),
                _ => lines.push(line.clone()),
            }
        }
        let key = lines.join("\n").replace(&format!("module {}(", module.name), "module @(");
        let key = key.replace(&format!("endmodule // {}", module.name), "endmodule");
        let canonical = seen.entry(key).or_insert_with(|| module.name.clone()).clone();
        if canonical == module.name {
            kept.insert(i, Module { name: canonical.clone(), lines });
        }
        kept_as.insert(module.name.clone(), canonical);
    }
    kept.into_values().collect()
}

fn rename(modules: &[Module], top: &str) -> String {
    // Longest first, so that `top$a$b` is not taken for `top$a`.
    let mut names: Vec<(&str, String)> =
        modules.iter().map(|m| (m.name.as_str(), m.name.replacen("top", top, 1).replace('$', "_"))).collect();
    names.sort_by_key(|n| std::cmp::Reverse(n.0.len()));
    let new_name = |word: &str| names.iter().find(|n| n.0 == word).map(|n| n.1.as_str());
    let mut out = String::from("// Emitted from hdl/cores by nda-cores; do not edit.\n`default_nettype wire\n");
    for module in modules {
        for line in &module.lines {
            let trimmed = line.trim_start();
            let indent = &line[..line.len() - trimmed.len()];
            let renamed = if let Some(rest) = trimmed.strip_prefix("module ") {
                let (name, ports) = rest.split_once('(').unwrap_or((rest, ""));
                format!("module {}({ports}", new_name(name.trim()).unwrap_or(name))
            } else if trimmed.starts_with("endmodule") {
                "endmodule".into()
            } else {
                let (first, rest) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
                match new_name(first) {
                    Some(name) if !rest.is_empty() => format!("{name} {rest}"),
                    _ => trimmed.into(),
                }
            };
            out += indent;
            out += &renamed;
            out += "\n";
        }
        out += "\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module around these lines, as rust-hdl writes it.
    fn module(lines: &str) -> Result<String, EmitError> {
        finish(&format!("module top(clock,y);\n    input wire  clock;\n    output reg  y;\n{lines}\nendmodule // top\n"), "core")
    }

    /// A core whose `update` lacks `#[hdl_gen]`, with its output connected to quiet rust-hdl's own check.
    #[derive(LogicBlock, Default)]
    struct Forgotten {
        clock: Signal<In, Clock>,
        y: Signal<Out, Bit>,
    }

    impl Logic for Forgotten {
        fn update(&mut self) {}
        fn connect(&mut self) {
            self.y.connect();
        }
    }

    #[test]
    fn a_core_without_hdl_gen_is_refused_as_empty() {
        let raw = generate_verilog_unchecked(&Forgotten::default());
        assert!(matches!(finish(&raw, "core"), Err(EmitError::Empty { .. })), "{raw}");
    }

    #[test]
    fn open_outputs_keywords_and_unsafe_widths_are_refused_by_name() {
        assert!(module("always @(posedge clock) y <= 1'b1;").is_ok());
        let undriven = |signal: &str| EmitError::Undriven { module: "top".into(), signal: signal.into() };
        assert_eq!(module("reg  a;\nalways @(*) a = clock;").unwrap_err(), undriven("y"));
        assert_eq!(module("reg [3:0] a;\nalways @(*) y = a == 3;").unwrap_err(), undriven("a"));
        let keyword = |name: &str| EmitError::Keyword { module: "top".into(), name: name.into() };
        assert_eq!(module("reg  small;\nalways @(*) begin small = clock; y = small; end").unwrap_err(), keyword("small"));
        assert_eq!(module("top$table table(\n.y(y)\n);\nalways @(*) y = 1;").unwrap_err(), keyword("table"));
        let wide = module("reg [5000:0] a;\nalways @(*) begin a = 0; y = a[0]; end").unwrap_err();
        assert_eq!(wide, EmitError::Width { module: "top".into(), name: "a".into(), bits: 5001 });
        // What a const generic used as a value leaves behind.
        let undeclared = module("always @(*) y = clock >> N;").unwrap_err();
        assert_eq!(undeclared, EmitError::Undeclared { module: "top".into(), name: "N".into() });
    }

    #[test]
    fn modules_below_a_cores_own_text_are_checked_and_bear_its_place() {
        let part = |body: &str| format!("module core_text$row(clock, y);\n    input wire clock;\n    output reg y;\n{body}\nendmodule\n");
        let top = |name: &str, instance: &str| {
            format!(
                "module {name}(clock,y);\n    input wire clock;\n    output wire y;\n{instance} row_0(.clock(clock), .y(y));\nendmodule // {name}\n"
            )
        };
        let good = top("top", "core_text$row") + &part("always @(posedge clock) y <= ~y;");
        let text = finish(&good, "core").unwrap();
        assert!(text.contains("module core_row(") && text.contains("core_row row_0(") && !text.contains('$'), "{text}");
        let named = |name: &str| name.replace("core_text", "top");
        let undriven = top("top", "core_text$row") + &part("reg a;\nalways @(posedge clock) y <= a;");
        assert_eq!(finish(&undriven, "core").unwrap_err(), EmitError::Undriven { module: named("core_text$row"), signal: "a".into() });
        let empty = top("top", "core_text$row") + &part("");
        assert_eq!(finish(&empty, "core").unwrap_err(), EmitError::Empty { module: named("core_text$row") });
        let keyword = top("top", "core_text$row") + &part("reg before;\nalways @(posedge clock) begin before <= y; y <= before; end");
        assert_eq!(finish(&keyword, "core").unwrap_err(), EmitError::Keyword { module: named("core_text$row"), name: "before".into() });
        let wide = top("top", "core_text$row") + &part("reg [5000:0] a;\nalways @(posedge clock) begin a <= y; y <= a[0]; end");
        assert!(matches!(finish(&wide, "core").unwrap_err(), EmitError::Width { bits: 5001, .. }));
        // Two cores' texts may share a name for their modules, but must not mean two different modules by it.
        let (rising, falling) = (part("always @(posedge clock) y <= ~y;"), part("always @(negedge clock) y <= ~y;"));
        let both = top("top", "core_text$row") + &top("top$b", "core_text$row");
        let shared = finish(&(both.clone() + &rising + &rising), "core").unwrap();
        assert_eq!(shared.matches("module core_row(").count() + shared.matches("module core_b_row(").count(), 1, "{shared}");
        let named = |owners: usize| EmitError::Part { stem: "core_text".into(), owners };
        assert_eq!(finish(&(both + &rising + &falling), "core").unwrap_err(), named(2));
        let nowhere = top("top", "top$x") + &rising;
        assert_eq!(finish(&nowhere, "core").unwrap_err(), named(0));
    }

    #[test]
    fn equal_modules_stand_once_and_bear_their_place() {
        let config = Config::named("nano16").unwrap();
        let verilog = emit(&config, Port::Parallel).unwrap().verilog;
        let names: Vec<&str> = verilog.lines().filter_map(|l| l.trim().strip_prefix("module ")?.split('(').next()).collect();
        let array = ["board", "board_engine_array", "board_engine_array_row", "board_engine_array_row_popcount"];
        assert!(array.iter().all(|name| names.contains(name)), "{names:?}");
        assert!(names.len() < 55, "{} modules", names.len());
        assert!(!verilog.contains("module top"));
    }

    #[test]
    fn a_geometry_that_is_not_compiled_in_is_an_error_that_says_where_to_add_it() {
        let mut config = Config::named("nano16").unwrap();
        config.geometry.planes = 4;
        let error = emit(&config, Port::Parallel).unwrap_err();
        assert!(error.to_string().contains("geometries!"), "{error}");
        config.geometry.planes = 3;
        assert!(matches!(emit(&config, Port::Parallel), Err(EmitError::Config(_))));
    }

    #[test]
    fn the_build_hash_is_that_of_the_text_and_differs_between_images() {
        let all: Vec<Emitted> = Config::all().unwrap().iter().flat_map(|c| Port::ALL.map(|port| emit(c, port).unwrap())).collect();
        let hashes: std::collections::BTreeSet<u64> = all.iter().map(|e| e.ident.build).collect();
        assert_eq!(hashes.len(), all.len());
        let again = emit(&Config::named("nano16").unwrap(), Port::Parallel).unwrap();
        assert_eq!((again.verilog, again.ident.build), (all[0].verilog.clone(), all[0].ident.build));
    }
}
