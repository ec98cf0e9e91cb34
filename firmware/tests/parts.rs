//! What the parts of a board take on an ECP5, by yosys: every core's header states what is found here.

mod mapped;

use mapped::Mapped;
use nda_cores::{Port, emit_as};
use nda_spec::Config;

/// The parts of seed64's board: module, LUT4 with all that is in it, FF, DP16KD.
const PARTS: [(&str, u64, u64, u64); 8] = [
    ("board_engine", 6_701, 3_563, 24),
    ("board_engine_command", 1_899, 1_045, 1),
    ("board_engine_sequencer", 343, 119, 0),
    ("board_engine_frames", 372, 178, 2),
    ("board_engine_encoder", 387, 132, 1),
    ("board_engine_seeds", 1_771, 571, 0),
    ("board_engine_seeds_control", 544, 236, 0),
    ("board", 6_701, 3_563, 24),
];

#[test]
fn the_parts_of_a_board_take_what_their_headers_say() {
    let config = Config::named("seed64").expect("a configuration");
    let verilog = emit_as(&config, Port::Parallel, 0, 0).expect("emitted").verilog;
    hold(&Mapped::of("board", &verilog, "*"), &PARTS);
}

#[test]
fn the_commands_of_a_token_board_take_what_their_header_says() {
    let config = Config::named("token1024").expect("a configuration");
    let verilog = emit_as(&config, Port::Parallel, 0, 0).expect("emitted").verilog;
    let top = "board_engine_commands";
    hold(&Mapped::of(top, &verilog, "*"), &[(top, 3_280, 1_814, 1)]);
}

/// Holds modules to LUT4, FF and block RAM.
fn hold(mapped: &Mapped, parts: &[(&str, u64, u64, u64)]) {
    let mut faults = Vec::new();
    for &(module, luts, registers, memories) in parts {
        let found = (mapped.luts(module), mapped.cells(module, "TRELLIS_FF"), mapped.cells(module, "DP16KD"));
        println!("{module}: {found:?}");
        // Other releases of the tools map a little otherwise.
        let is_near = found.0 * 100 <= luts * 103 && found.0 * 100 >= luts * 97;
        if !is_near || (found.1, found.2) != (registers, memories) {
            faults.push(format!("{module}: {found:?}; stated {luts}, {registers}, {memories}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
