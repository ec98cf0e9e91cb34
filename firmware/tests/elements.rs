//! The committed costs of the element cores are of the cores as they are.

use nda_firmware::{elements, root};

#[test]
fn the_committed_costs_are_of_the_cores_as_they_are() {
    elements::check(&root()).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn the_boolean_adder_takes_two_luts_an_element_and_no_memory_and_the_table_the_opposite() {
    let record = elements::record(&root()).unwrap_or_else(|e| panic!("{e}"));
    for (family, lut, ram, rams) in [("ecp5", "LUT4", "DP16KD", 32), ("ice40", "SB_LUT4", "SB_RAM40_4K", 128)] {
        let boolean = &record.units["seed_aligned_add_32"].cells[family];
        let table = &record.units["seed_table"].cells[family];
        // Sign and extra of 32 sums, one function of four inputs each, and two LUTs for the handshake.
        assert!((64..=66).contains(&boolean[lut]), "{family}: {boolean:?}");
        assert!(!boolean.contains_key(ram), "{family}: {boolean:?}");
        assert_eq!(table[ram], rams, "{family}: {table:?}");
    }
    // Factors are shifts and sums: no core takes a multiplier.
    let mut cells = record.units.values().flat_map(|unit| unit.cells.values()).flat_map(|cells| cells.keys());
    assert!(cells.all(|cell| !cell.starts_with("MULT") && !cell.contains("DSP")));
    assert_eq!(record.units["seed_table_single"].cells["ice40"]["SB_SPRAM256KA"], 2);
}
