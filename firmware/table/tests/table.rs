//! The committed table and records are those that come out now.

use nda_boards::{BOARDS_TOML, Board};
use nda_firmware::rows::{RECORDS, ROWS, record_path, rows};
use nda_firmware::{Record, Run, root};
use std::collections::BTreeSet;

#[test]
fn the_committed_table_is_the_one_that_the_records_make() {
    nda_table::check(&root()).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn every_row_says_whether_its_record_is_stale() {
    let found = rows(&root()).unwrap_or_else(|e| panic!("{e}"));
    assert!(found == BOARDS_TOML, "a status of {} is not its record's; run `make boards-table` and build again", ROWS);
}

/// Boards whose record is of fewer than three seeds so far, or of seeds that miss: seeds tried, and how many of them meet the clock. A seed
/// of a part that is 78 % full takes 50 minutes of a core. docs/boards.md and the evidence say so too.
const FEWER: [(&str, usize, usize); 2] = [("ulx3s-85f", 2, 1), ("ulx3s-25f", 3, 2)];

#[test]
fn every_record_is_of_a_routed_board_and_of_three_seeds_that_meet_its_clock_or_says_how_many() {
    let routed: Vec<Board> = Board::all().expect("boards").into_iter().filter(|b| b.status.is_routed()).collect();
    for board in &routed {
        let record = Record::read(&record_path(&root(), board)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((record.inputs.board.as_str(), record.inputs.board_id), (board.name.as_str(), board.id));
        let seeds: BTreeSet<u64> = record.runs.iter().map(|r| r.seed).collect();
        let meets = |run: &&Run| run.met && run.clock.achieved >= run.clock.constraint;
        let met = record.runs.iter().filter(meets).count();
        match FEWER.iter().find(|(name, ..)| *name == board.name) {
            Some((_, tried, good)) => assert_eq!((seeds.len(), met), (*tried, *good), "{}: {:?}", board.name, record.runs),
            // The clock is not a matter of luck: every seed of the list meets it.
            None => assert!(seeds.len() >= 3 && met == record.runs.len(), "{}: {:?}", board.name, record.runs),
        }
        let shipped = record.shipped().expect("the shipped seed is one of them");
        assert!(meets(&shipped), "{}: the image's own seed misses its clock", board.name);
        assert_eq!(shipped.id, record.id);
    }
    let files = std::fs::read_dir(root().join(RECORDS)).expect("the records");
    let there: BTreeSet<String> = files.map(|f| f.expect("a file").file_name().into_string().expect("a name")).collect();
    let known: BTreeSet<String> = routed.iter().map(|b| format!("{}.json", b.name)).chain(["README.md".into()]).collect();
    assert!(there.is_subset(&known), "{there:?} has a record of a board that is not routed");
}
