//! The real tools take the image of one board of each family from its row to the bitstream that its record tells of.
//!
//! Every check of the flow is passed on the way: exit statuses, constraints, speed, budget, I/O standards, places of memories
//! and the identification in the routed design. `make tools` installs what this needs; without it these tests fail and say so.
//! One seed each, minutes; `make boards` routes the other boards and seeds, and `firmware/records/` keeps what came out.

use nda_boards::Board;
use nda_firmware::{Flow, Record, Tools, root, rows};
use std::num::NonZeroUsize;

/// Routes a board with its record's seed. What is made of the inputs that the record names is what it says, byte by byte and
/// to the last digit of the clock, whichever machine made it.
fn route(name: &str) -> (Record, Vec<u8>) {
    let board = Board::named(name).expect("a board");
    let path = rows::record_path(&root(), &board);
    let committed = Record::read(&path).unwrap_or_else(|e| panic!("{e}"));
    let seed = committed.inputs.seed;
    let (folder, tools) = (tempfile::tempdir().expect("a folder"), Tools::of_project(&root()));
    let progress = |line: &str| println!("{name}: {line}");
    let flow = Flow::new(&board, &tools, folder.path(), &progress).unwrap_or_else(|e| panic!("{e}"));
    let record = flow.build(&[seed], NonZeroUsize::MIN).unwrap_or_else(|e| panic!("{name}: {e}"));
    let bytes = std::fs::read(flow.bitstream()).expect("the bitstream");
    assert_eq!(record.bitstream.bytes, bytes.len() as u64);
    assert_eq!(record.inputs.board_id, board.id);
    // Of other Verilog or tools the record is stale, and docs/boards.md says so.
    if committed.id == record.id {
        assert_eq!(committed.bitstream, record.bitstream, "{name}: another bitstream than its record's");
        let clock = |record: &Record| record.runs.iter().find(|run| run.seed == seed).map(|run| run.clock);
        assert_eq!(clock(&committed), clock(&record), "{name}");
    }
    (record, bytes)
}

#[test]
fn an_ice40_board_routes_and_a_fixed_seed_makes_the_same_bytes_twice() {
    let [first, second] = [(); 2].map(|()| route("hx8k"));
    assert_eq!(first.0.id, second.0.id);
    assert!(first.1 == second.1, "two bitstreams of {} differ", first.0.id);
    assert!(first.1.windows(4).any(|w| w == [0x7e, 0xaa, 0x99, 0x7e]), "iCE40's preamble");
}

#[test]
fn an_ecp5_board_routes() {
    let (_, bytes) = route("ulx3s-25f");
    assert!(bytes.windows(4).any(|w| w == [0xff, 0xff, 0xbd, 0xb3]), "ECP5's preamble");
}

#[test]
fn a_gowin_board_routes() {
    let (_, bytes) = route("tang-nano-9k");
    assert!(bytes.starts_with(b"1111"), "a .fs is text of zeros and ones");
}
