//! What yosys is told: the script of a board's synthesis, and where memories are.

use nda_boards::{Board, ECP5_SYNTHESIS, Family, MemoryFile};
use nda_cores::store::packed_store::is_banked;
use nda_spec::Config;
use nda_spec::config::WeightMemory;

/// The script of the synthesis.
///
/// The identity's table stays a module, because it is exchanged for each seed; a row of the array stays one where there are
/// several, because all are alike and are then mapped once; and so does a bank of the weights, for its registers' sake: until
/// all is mapped where its memories are to be placed, for then no two banks are alike. Why the options: [`ECP5_SYNTHESIS`].
pub(crate) fn synthesis(board: &Board, config: &Config, memories: Option<&MemoryFile>) -> String {
    let spram = if config.weight_memory == WeightMemory::Spram { " -spram" } else { "" };
    let family = match board.family {
        // ABC's `flow2` takes 2 % fewer LUTs, as on an ECP5: a UP5K is full without it.
        Family::Ice40 if board.device == "up5k" => {
            format!("scratchpad -copy abc9.script.flow2 abc9.script; synth_ice40 -device u -no-rw-check{spram}")
        }
        Family::Ice40 => format!("synth_ice40 -device hx -no-rw-check{spram}"),
        Family::Ecp5 => ECP5_SYNTHESIS.into(),
        // Pads are in the top: -noiopads keeps it from putting some on every module that is kept.
        Family::Gowin | Family::Gatemate => {
            let family = match board.device.as_str() {
                "GW2A-18C" => "gw2a",
                // It has LUT RAM for constants alone.
                "GW5A-25A" => "gw5a -nolutram",
                _ => "gw1n",
            };
            format!("synth_gowin -family {family} -nowidelut -no-rw-check -noiopads")
        }
    };
    let g = &config.geometry;
    let rows = if g.array_rows > 1 { " board_engine_array_row*" } else { "" };
    let units: String = match config.token {
        Some(_) => TOKEN_UNITS.iter().map(|unit| format!(" board_engine_{unit}")).collect(),
        None => String::new(),
    };
    // Copies of a register, one a bank, would be made one again.
    let banks = ["tiles", "command_seal_bytes"].map(|store| format!("board_engine_{store}_bank board_engine_{store}_last")).join(" ");
    let kept = if is_banked(8 * g.tile_word_bytes()) { format!(" {banks}") } else { String::new() };
    // Of units that are mapped once, each has memories and multipliers of its own.
    let apart = format!("{units}{kept}");
    let placed = match (memories.is_some(), apart.is_empty()) {
        (false, _) => String::new(),
        (true, true) => format!(" script {PLACEMENT};"),
        (true, false) => format!(" setattr -mod -unset keep_hierarchy{apart}; flatten; script {PLACEMENT};"),
    };
    format!(
        "read_verilog board.v top.v; setattr -mod -set keep_hierarchy 1 board_engine_identity{rows}{units}{kept}; \
         {family} -top top;{placed} write_json netlist.json; tee -q -o stat.txt stat"
    )
}

/// Modules of the token machine of which there are several, all alike: mapped once, as rows of the array are. What goes in and
/// comes out of them stands in registers, so nothing is lost at their borders.
const TOKEN_UNITS: [&str; 12] = [
    "array_generator",
    "machine_lane",
    "machine_reduce_lane",
    "machine_turn_lane",
    "machine_gate_lane",
    "machine_code_maker",
    "machine_attention_dots",
    "machine_attention_mix",
    "machine_attention_scale",
    "machine_attention_extreme",
    "machine_attention_query_generator",
    "machine_chooser_lanes",
];

/// The script that places memories.
const PLACEMENT: &str = "memories.ys";

/// Its name and text. Yosys stops at a cell that is not there, nextpnr at a site.
pub(crate) fn placement(memories: &MemoryFile) -> (String, String) {
    let line = |(cell, site): &(String, String)| {
        // Logic around a multiplier is called after it.
        let kind = if site.contains("/MULT18_") { "MULT18X18D" } else { "DP16KD" };
        let it = format!("top/c:{cell} top/t:{kind} %i");
        format!("select -assert-count 1 {it}\nsetattr -set BEL \"{site}\" {it}\n")
    };
    (PLACEMENT.into(), memories.places.iter().map(line).collect())
}
