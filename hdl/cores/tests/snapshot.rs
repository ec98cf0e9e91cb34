//! The emitted Verilog of the smallest configuration, for a reviewer to read and to see what a change does to it.

use nda_cores::{Port, emit};
use nda_spec::Config;
use std::path::Path;

#[test]
fn the_verilog_of_the_smallest_configuration_is_as_reviewed() {
    let configs = Config::all().unwrap();
    let smallest = configs.iter().min_by_key(|c| c.geometry.tile_words * c.geometry.array_rows * c.geometry.array_cols).unwrap();
    let emitted = emit(smallest, Port::Uart).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{}.v", smallest.name));
    nda_tests::assert_snapshot(&path, &emitted.verilog);
}
