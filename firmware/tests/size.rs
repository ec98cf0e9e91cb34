//! The token machine's budget of an ECP5-85F, before anything is placed.

use nda_boards::Board;
use nda_firmware::{Tools, root, size};

/// Of an ECP5-85F: block RAMs, multipliers, LUT sites.
const BUDGET: [(&str, u64); 2] = [("DP16KD", 175), ("MULT18X18D", 140)];
const PART_SITES: u64 = 83_640;
/// What the machine alone must reach, in MHz.
const ALONE_MHZ: f64 = 115.0;

#[test]
#[ignore = "half an hour of yosys and nextpnr: cargo test --release -p nda-firmware --test size -- --ignored"]
fn the_whole_token_board_is_within_its_budget_of_an_ecp5_85f() {
    let (board, folder) = (Board::named("ulx3s-85f").expect("a row"), tempfile::tempdir().expect("a folder"));
    let tools = Tools::of_project(&root());
    let size =
        size::measure(&board, "token1024", &[1], &tools, folder.path(), &|line| println!("{line}")).unwrap_or_else(|e| panic!("{e}"));
    let sites = size::luts(&size.cells);
    println!("{sites} LUT sites of {PART_SITES}: {:?}", size.cells);
    assert!(sites < PART_SITES, "{sites} LUT sites");
    for (kind, most) in BUDGET {
        assert!(size.cells[kind] <= most, "{kind}: {}, more than {most}", size.cells[kind]);
    }
    let alone = size.alone.expect("a machine that was routed alone");
    assert!(alone.mhz.values().all(|mhz| *mhz >= ALONE_MHZ), "{:?}", alone.mhz);
}
