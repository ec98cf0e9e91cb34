//! The real tools take one board of each family to a bitstream; a fixed seed makes the same bytes twice.
//!
//! Every check of the flow is passed on the way: exit statuses, constraints, speed, budget, I/O standards and the
//! identification in the routed design. `make tools` installs what this needs; without it these tests fail and say so.
//! The HX8K gets its own image. The others get the smallest array at their own clock, which has all of the control
//! logic and takes a minute instead of ten; `make boards` routes what they ship, and `firmware/records/` says so.

use nda_boards::Board;
use nda_firmware::{Flow, Record, Tools, root, table};
use nda_spec::Config;
use std::num::NonZeroUsize;
use std::path::Path;

/// Routes a board with one seed in a folder of its own.
fn route(board: &Board, config: Config, folder: &Path) -> (Record, Vec<u8>) {
    let tools = Tools::of_project(&root());
    let progress = |line: &str| println!("{}: {line}", board.name);
    let flow = Flow::with_config(board, config, &tools, folder, &progress).unwrap_or_else(|e| panic!("{e}"));
    let record = flow.build(&[1], NonZeroUsize::MIN).unwrap_or_else(|e| panic!("{}: {e}", board.name));
    let bytes = std::fs::read(flow.bitstream()).expect("the bitstream");
    assert_eq!(record.bitstream.bytes, bytes.len() as u64);
    assert_eq!(record.inputs.board_id, board.id);
    (record, bytes)
}

/// The smallest array at the board's own clock and baud rate.
fn small(board: &Board) -> Config {
    let own = board.config().expect("a configuration");
    Config { clk_hz: own.clk_hz, baud: own.baud, ..Config::named("nano16").expect("nano16") }
}

#[test]
fn an_ice40_board_routes_and_a_fixed_seed_makes_the_same_bytes_twice() {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let board = Board::named("hx8k").expect("a board");
    let [first, second] = folders.each_ref().map(|folder| route(&board, board.config().expect("a configuration"), folder.path()));
    assert_eq!(first.0.id, second.0.id);
    assert!(first.1 == second.1, "two bitstreams of {} differ", first.0.id);
    // What another machine made of the same inputs may be committed.
    let path = table::record_path(&root(), &board);
    if path.is_file() {
        let committed = Record::read(&path).unwrap_or_else(|e| panic!("{e}"));
        assert!(committed.id != first.0.id || committed.bitstream == first.0.bitstream, "{committed:?}");
    }
    assert!(first.1.windows(4).any(|w| w == [0x7e, 0xaa, 0x99, 0x7e]), "iCE40's preamble");
}

#[test]
fn an_ecp5_board_routes() {
    let folder = tempfile::tempdir().expect("a folder");
    let board = Board::named("ulx3s-25f").expect("a board");
    let (_, bytes) = route(&board, small(&board), folder.path());
    assert!(bytes.windows(4).any(|w| w == [0xff, 0xff, 0xbd, 0xb3]), "ECP5's preamble");
}

#[test]
fn a_gowin_board_routes() {
    let folder = tempfile::tempdir().expect("a folder");
    let board = Board::named("tang-nano-9k").expect("a board");
    let (_, bytes) = route(&board, small(&board), folder.path());
    assert!(bytes.starts_with(b"1111"), "a .fs is text of zeros and ones");
}
