//! What a lane costs on an ECP5: yosys maps rows of the arrays, as the images have them, and what a further column or row takes
//! is counted in LUT4.

mod mapped;

use mapped::Mapped;
use nda_cores::emit::units::units;

/// LUT4 of a row of an array unit.
fn row(unit: &str) -> u64 {
    let verilog = units().expect("units").into_iter().find(|(name, _)| *name == unit).expect("a unit").1;
    Mapped::of(unit, &verilog, "*row*").luts(&format!("{unit}_row"))
}

#[test]
fn a_further_column_of_two_bit_planes_takes_twelve_lut4_at_most() {
    let [narrow, wide] = ["plane_array_2x24x2", "plane_array_4x64x2"].map(row);
    let lane = (wide - narrow) as f64 / f64::from(64 - 24);
    println!("planes, 2 bits x 2 planes: a row of 24 columns {narrow} LUT4, of 64 {wide}; a further column {lane:.2}");
    assert!((8.0..=12.0).contains(&lane), "{lane}");
}

#[test]
fn a_lane_of_tables_multiplies_two_bits_by_a8_in_eighteen_lut4_at_most() {
    let row = row("table_array_1x128");
    let lane = row as f64 / 128.0;
    println!("tables, 2 bits x A8: a row of 128 columns {row} LUT4; a lane {lane:.2}");
    assert!((12.0..=18.0).contains(&lane), "{lane}");
}
