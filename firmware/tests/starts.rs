//! Every routed board's top, simulated with its PLL noisy until it locks: the cores see no edge before, whole ones after,
//! none ever again once the lock is lost. Pins show what the row says.

use nda_boards::{Active, Board, Direction, Family};
use nda_firmware::top::{CLOCK_START, top};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn base(port: &str) -> &str {
    port.split('[').next().unwrap_or(port)
}

/// The instance of the top: its oscillator and rx from the bench, its outputs on wires of their own names.
fn instance(board: &Board) -> String {
    let mut widths: BTreeMap<&str, usize> = BTreeMap::new();
    for (port, direction) in board.ports() {
        if direction == Direction::Output {
            let index = port.split_once('[').map_or(0, |(_, i)| i.trim_end_matches(']').parse().expect("an index"));
            let width = widths.entry(base(port)).or_insert(0);
            *width = (*width).max(index + 1);
        }
    }
    let wires: String = widths.iter().map(|(name, width)| format!("wire [{}:0] pin_{name}; ", width - 1)).collect();
    let outputs: String = widths.keys().map(|name| format!(", .{name}(pin_{name})")).collect();
    format!("{wires} top top(.{}(oscillator), .{}(rx){outputs});", board.oscillator.port, board.rx)
}

/// The pins' values while the stub says link and fault, but not busy.
fn lit(board: &Board) -> String {
    let level = |on: bool| u8::from(on == (board.leds.active == Active::High));
    let shown = [(&board.leds.link, true), (&board.leds.busy, false), (&board.leds.fault, true)];
    let shown = shown.into_iter().filter_map(|(port, on)| Some((port.as_ref()?, level(on))));
    let dark = board.leds.dark.iter().map(|port| (port, level(false)));
    let high = board.high.iter().map(|port| (port, 1));
    let terms: Vec<String> = shown.chain(dark).chain(high).map(|(port, value)| format!("pin_{port} == {value}")).collect();
    terms.join(" && ")
}

fn simulate(board: &Board, folder: &Path) -> String {
    let config = board.config().expect("a configuration");
    let text = top(board, &config).expect("a top");
    let fast_ns = 1e9 / (f64::from(config.clk_hz) * f64::from(board.family.pll_cycles()));
    // The gate passes the fast clock's phases, the flip-flop its whole periods.
    let phase_ns = if board.family == Family::Ecp5 { fast_ns / 2.0 } else { fast_ns };
    let defines = [
        ("OSCILLATOR_NS", format!("{:.3}", 1e9 / f64::from(board.oscillator.hz))),
        ("FAST_NS", format!("{fast_ns:.3}")),
        ("PHASE_NS", format!("{:.3}", phase_ns - 0.01)),
        ("TOP", instance(board)),
        ("LIT", lit(board)),
        ("SENT", format!("pin_{}", board.tx)),
    ];
    let defines: String = defines.iter().map(|(name, value)| format!("`define {name} {value}\n")).collect();
    let sources = [include_str!("fake/bench.v"), include_str!("fake/primitives.v"), &text, CLOCK_START].join("\n");
    std::fs::write(folder.join("bench.v"), format!("{defines}{sources}")).expect("written");
    let arguments = "--binary --timing -Wno-fatal -Wno-lint -Wno-style --top-module bench -CFLAGS -O1 bench.v";
    let built = Command::new("verilator").args(arguments.split(' ')).current_dir(folder).output().expect("verilator; run 'make tools'");
    assert!(built.status.success(), "{}: {}", board.name, String::from_utf8_lossy(&built.stderr));
    let ran = Command::new(folder.join("obj_dir/Vbench")).current_dir(folder).output().expect("the simulation");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// One board for each way to make the clock.
#[test]
fn the_cores_see_whole_edges_only_and_none_without_a_lock() {
    for name in ["ulx3s-25f", "hx8k", "icebreaker", "tang-nano-9k", "tang-primer-25k"] {
        let board = Board::named(name).expect("a board");
        assert!(board.status.is_routed());
        let folder = tempfile::tempdir().expect("a folder");
        let output = simulate(&board, folder.path());
        assert!(output.contains("PASSED"), "{name}: {output}");
    }
}
