//! What one board is planned to take is what it takes among all of them, and every list has the same status of a board.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn json(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn one_board_and_all_boards_are_planned_alike() {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf");
    let tiny = tiny.to_str().unwrap();
    let all = json(&["plan", tiny, "--board", "all", "--json"])["boards"].clone();
    let large = all.as_array().unwrap().iter().find(|row| row["board"] == "ulx3s-85f").unwrap();
    let plan = json(&["plan", tiny, "--board", "ulx3s-85f", "--json"]);
    let alone = &plan["board"];
    for field in ["array_s", "link_s", "turnaround_s", "limit", "tokens_per_second"] {
        assert_eq!(alone["products"][field], large["all_on_boards"][field], "{field}: {alone} {large}");
    }
    // A token that the board makes by itself: its cycles at the image's clock.
    let (cycles, mhz) = (alone["cycles_per_token"].as_f64().unwrap(), alone["clock_mhz"].as_f64().unwrap());
    let speed = alone["tokens_per_second"].as_f64().unwrap();
    assert_eq!(
        (alone["limit"].as_str(), alone["cycles_per_token"].as_u64()),
        (Some("array"), plan["whole_token"]["cycles_at_most"].as_u64())
    );
    assert!((speed * cycles / (mhz * 1e6) - 1.0).abs() < 1e-9 && speed > 1_000.0, "{alone}");
    let listed = json(&["devices", "--json"])["boards"].clone();
    for row in all.as_array().unwrap() {
        let its = listed.as_array().unwrap().iter().find(|board| board["name"] == row["board"]).unwrap();
        let status = nda_boards::Board::named(row["board"].as_str().unwrap()).unwrap().status.name();
        assert_eq!((its["status"].as_str(), row["status"].as_str()), (Some(status), Some(status)), "{row}");
    }
}
