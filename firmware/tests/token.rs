//! What the token machine's units cost on an ECP5, at the sizes of the committed model: yosys maps them, and every core's header
//! states what is found here.

mod mapped;

use mapped::Mapped;
use nda_cores::netlist::Emit;
use nda_cores::token::attention::{Sizes, unit::unit};
use nda_cores::token::chooser::chooser;

/// The attention of models/tiny.ndf: four heads of 32 channels on two of the cache, 102 positions in five layers.
const TINY: Sizes = Sizes { heads: 4, kv_heads: 2, head_dim: 32, ring: 102, rows: 1020, makers: 16, positions: 2 };

/// Holds cores to LUT4, multipliers and block RAMs: at most as many, and of LUT4 no less than nine tenths, so that a header
/// that states too much is found too.
fn hold(mapped: &Mapped, top: &str, cores: &[(&str, u64, u64, u64)]) {
    let mut faults = Vec::new();
    for (core, luts, multipliers, memories) in cores {
        let module = if core.is_empty() { top.to_string() } else { format!("{top}_{core}") };
        let found = mapped.luts(&module);
        let [dsp, ram] = ["MULT18X18D", "DP16KD"].map(|kind| mapped.cells(&module, kind));
        println!("{module}: {found} LUT4, {dsp} MULT18X18D, {ram} DP16KD");
        if found > *luts || found * 10 < *luts * 9 || (dsp, ram) != (*multipliers, *memories) {
            faults.push(format!("{module}: {found} LUT4, {dsp} MULT18X18D, {ram} DP16KD; stated {luts}, {multipliers}, {memories}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn attention_takes_what_its_headers_say() {
    let top = "attention_unit";
    let mapped = Mapped::of(top, &unit("attention", &TINY).emit(top).expect("emitted"), "*");
    let cores = [
        ("", 20_450, 53, 18),
        ("attention_store", 445, 0, 15),
        ("attention_store_levels", 180, 0, 0),
        ("attention_span", 110, 0, 0),
        ("attention_query", 1_510, 0, 0),
        ("attention_query_generator", 46, 0, 0),
        ("attention_dots", 980, 0, 0),
        ("attention_extreme", 100, 0, 0),
        ("attention_factors", 80, 1, 0),
        ("attention_scale", 190, 1, 0),
        ("attention_softmax_2", 170, 0, 1),
        ("attention_mix", 1_190, 12, 0),
        ("attention_inverse", 165, 0, 1),
    ];
    hold(&mapped, top, &cores);
}

#[test]
fn the_choice_takes_what_its_headers_say() {
    let mapped = Mapped::of("chooser", &chooser("choice").emit("chooser").expect("emitted"), "*");
    let cores = [("", 3_020, 8, 4), ("choice_seeds", 390, 0, 0), ("choice_lanes", 545, 2, 1), ("choice_best", 455, 0, 0)];
    hold(&mapped, "chooser", &cores);
}
