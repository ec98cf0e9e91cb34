//! Netlists: counting cells, putting the identification page in, reading it back.
//!
//! The page that `IDENT` returns holds the bitstream's id, and the id depends on the seed. So the table of the page is
//! kept as a module of its own by synthesis (it is a table of 16 words of 32 bits: one LUT4 a bit of the word), and
//! only that module is exchanged for each seed.

use crate::error::FlowError;
use nda_boards::Family;
use nda_spec::wire::IDENT_BYTES;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The module that holds the page.
pub const IDENTITY_MODULE: &str = "board_engine_identity";
/// How the routed design calls the table's cells, behind the path to them.
const BIT_PREFIX: &str = "engine.identity.bit_";
/// Bits of a word of the page.
const WORD_BITS: usize = 32;

/// A netlist of which only the identity module is looked into.
#[derive(Debug, Deserialize, serde::Serialize)]
pub struct Netlist<'t> {
    creator: String,
    #[serde(borrow)]
    modules: BTreeMap<String, &'t RawValue>,
}

/// A module as far as cells are counted.
#[derive(Deserialize)]
struct CountedModule {
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default)]
    cells: BTreeMap<String, CountedCell>,
}

#[derive(Deserialize)]
struct CountedCell {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Ported {
    ports: BTreeMap<String, Bits>,
}

#[derive(Deserialize)]
struct Bits {
    bits: Vec<Value>,
}

impl<'t> Netlist<'t> {
    /// Reads what yosys wrote.
    ///
    /// # Errors
    /// The text is not a netlist, or has no identity module with 4 bits in and 32 out.
    pub fn parse(text: &'t str, path: &Path) -> Result<Netlist<'t>, FlowError> {
        let netlist: Netlist<'t> = serde_json::from_str(text).map_err(|e| FlowError::malformed(path, e))?;
        let module = netlist.modules.get(IDENTITY_MODULE);
        let module = module.ok_or_else(|| FlowError::malformed(path, format!("module {IDENTITY_MODULE} was not kept by synthesis")))?;
        let ported: Ported = serde_json::from_str(module.get()).map_err(|e| FlowError::malformed(path, e))?;
        let width = |port: &str| ported.ports.get(port).map_or(0, |p| p.bits.len());
        if (width("address"), width("data")) != (4, WORD_BITS) {
            return Err(FlowError::malformed(path, format!("{IDENTITY_MODULE} should have 4 bits of address and {WORD_BITS} of data")));
        }
        Ok(netlist)
    }

    /// The netlist with another page.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn with_page(&self, family: Family, page: &[u8; IDENT_BYTES], path: &Path) -> Result<String, FlowError> {
        let module = identity_module(family, page).to_string();
        let raw: &RawValue = serde_json::from_str(&module).map_err(|e| FlowError::malformed(path, e))?;
        let mut modules = self.modules.clone();
        modules.insert(IDENTITY_MODULE.into(), raw);
        serde_json::to_string(&Netlist { creator: self.creator.clone(), modules }).map_err(|e| FlowError::malformed(path, e))
    }

    /// Primitive cells by type, over the whole hierarchy.
    ///
    /// # Errors
    /// A module cannot be read.
    pub fn cell_counts(&self, path: &Path) -> Result<BTreeMap<String, u64>, FlowError> {
        let mut modules = BTreeMap::new();
        for (name, raw) in &self.modules {
            let module: CountedModule = serde_json::from_str(raw.get()).map_err(|e| FlowError::malformed(path, e))?;
            if !["blackbox", "whitebox"].iter().any(|a| module.attributes.contains_key(*a)) {
                modules.insert(name.as_str(), module);
            }
        }
        let mut counts = BTreeMap::new();
        let mut todo = vec!["top"];
        while let Some(name) = todo.pop() {
            let Some(module) = modules.get(name) else { continue };
            for cell in module.cells.values() {
                match modules.contains_key(cell.kind.as_str()) {
                    true => todo.push(&cell.kind),
                    false if cell.kind == "$scopeinfo" => {}
                    false => *counts.entry(cell.kind.clone()).or_insert(0) += 1,
                }
            }
        }
        Ok(counts)
    }
}

/// A LUT4's names: cell, inputs from the lowest address bit up, output, parameter.
struct Lut4 {
    kind: &'static str,
    inputs: [&'static str; 4],
    output: &'static str,
    parameter: &'static str,
}

const fn lut4(family: Family) -> Lut4 {
    match family {
        Family::Ice40 => Lut4 { kind: "SB_LUT4", inputs: ["I0", "I1", "I2", "I3"], output: "O", parameter: "LUT_INIT" },
        Family::Ecp5 => Lut4 { kind: "LUT4", inputs: ["A", "B", "C", "D"], output: "Z", parameter: "INIT" },
        Family::Gowin | Family::Gatemate => Lut4 { kind: "LUT4", inputs: ["I0", "I1", "I2", "I3"], output: "F", parameter: "INIT" },
    }
}

/// A LUT's contents for one bit of the words: heaviest address first, as the netlist writes numbers.
fn bit_init(page: &[u8; IDENT_BYTES], bit: usize) -> String {
    let is_one = |word: usize| page[word * 4 + bit / 8] >> (bit % 8) & 1 == 1;
    (0..16).rev().map(|word| if is_one(word) { '1' } else { '0' }).collect()
}

fn identity_module(family: Family, page: &[u8; IDENT_BYTES]) -> Value {
    let lut = lut4(family);
    // Net numbers 0 and 1 are never given by yosys; the address takes 2 to 5.
    let data = |bit: usize| 6 + bit;
    let cell = |bit: usize| {
        let mut directions = BTreeMap::from([(lut.output, "output")]);
        let mut connections = BTreeMap::from([(lut.output, [data(bit)])]);
        for (i, input) in lut.inputs.into_iter().enumerate() {
            directions.insert(input, "input");
            connections.insert(input, [2 + i]);
        }
        let cell = json!({
            "hide_name": 0, "type": lut.kind, "parameters": { lut.parameter: bit_init(page, bit) }, "attributes": {},
            "port_directions": directions, "connections": connections,
        });
        (format!("bit_{bit}"), cell)
    };
    let address_bits: Vec<usize> = (2..6).collect();
    let data_bits: Vec<usize> = (0..WORD_BITS).map(data).collect();
    // By name, whatever order objects keep: recorded images were routed with the cells in it.
    let cells: BTreeMap<String, Value> = (0..WORD_BITS).map(cell).collect();
    json!({
        "attributes": {},
        "ports": {
            "address": { "direction": "input", "bits": address_bits },
            "data": { "direction": "output", "bits": data_bits },
        },
        "cells": cells,
        "netnames": {
            "address": { "hide_name": 0, "bits": address_bits, "attributes": {} },
            "data": { "hide_name": 0, "bits": data_bits, "attributes": {} },
        },
    })
}

/// A routed design as nextpnr writes it.
#[derive(Deserialize)]
pub struct Routed {
    modules: BTreeMap<String, RoutedModule>,
}

#[derive(Deserialize)]
struct RoutedModule {
    cells: BTreeMap<String, RoutedCell>,
}

#[derive(Deserialize)]
struct RoutedCell {
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default)]
    connections: BTreeMap<String, Vec<u64>>,
}

impl Routed {
    /// Reads what nextpnr wrote.
    ///
    /// # Errors
    /// The text is not a netlist.
    pub fn parse(text: &str, path: &Path) -> Result<Routed, FlowError> {
        serde_json::from_str(text).map_err(|e| FlowError::malformed(path, e))
    }

    fn cells(&self) -> impl Iterator<Item = (&String, &RoutedCell)> {
        self.modules.values().flat_map(|m| &m.cells)
    }

    /// Whether the routed LUTs return this page: all 32 are there, see the same four address nets in the same order,
    /// and hold the page's bits.
    ///
    /// # Errors
    /// [`FlowError::Identity`] says which bit differs.
    pub fn check_page(&self, family: Family, page: &[u8; IDENT_BYTES]) -> Result<(), FlowError> {
        let error = |problem: String| FlowError::Identity { problem };
        let inputs = lut4(family).inputs;
        let mut address: Option<Vec<&Vec<u64>>> = None;
        let mut found = 0_usize;
        for (name, cell) in self.cells() {
            let Some((_, rest)) = name.split_once(BIT_PREFIX) else { continue };
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let bit = digits.parse().ok().filter(|&bit: &usize| bit < WORD_BITS);
            let bit = bit.ok_or_else(|| error(format!("cell '{name}' is not a bit of the table")))?;
            let init = ["LUT_INIT", "INITVAL", "INIT"].iter().find_map(|p| cell.parameters.get(*p)?.as_str());
            let wanted = bit_init(page, bit);
            if init != Some(wanted.as_str()) {
                return Err(error(format!("bit {bit} of the words is {}, not {wanted}", init.unwrap_or("not there"))));
            }
            let nets: Vec<&Vec<u64>> = inputs.iter().filter_map(|input| cell.connections.get(*input)).collect();
            if nets.len() != inputs.len() || *address.get_or_insert_with(|| nets.clone()) != nets {
                return Err(error(format!("bit {bit} of the words has another address than its neighbours")));
            }
            found += 1;
        }
        if found == WORD_BITS { Ok(()) } else { Err(error(format!("{found} of {WORD_BITS} LUTs were found"))) }
    }

    /// The sites of the cells of that name; `*` in it is any text.
    pub fn sites(&self, cell: &str) -> impl Iterator<Item = &str> {
        let named = self.cells().filter(move |(name, _)| fits(name, cell));
        named.filter_map(|(_, cell)| cell.attributes.get("NEXTPNR_BEL")?.as_str())
    }

    /// The I/O standard that the pad cell called `pad` has in the routed design.
    pub fn io_type(&self, pad: &str) -> Option<String> {
        let (_, cell) = self.cells().find(|(name, _)| *name == pad)?;
        // nextpnr-himbaechel-gowin writes `&IO_TYPE=LVCMOS33: 1`, nextpnr-ecp5 `IO_TYPE: LVCMOS33`.
        let flag = cell.attributes.keys().find_map(|k| k.strip_prefix("&IO_TYPE="));
        flag.or_else(|| cell.attributes.get("IO_TYPE")?.as_str()).map(str::to_string)
    }
}

/// Whether a name is one of those of a pattern.
fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((before, rest)) => {
            name.strip_prefix(before).is_some_and(|name| name.char_indices().any(|(at, _)| fits(&name[at..], rest)) || fits("", rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_or_none() {
        for (name, pattern) in [("a_1_P3", "a_*P*"), ("a_P", "a_*P*"), ("a", "a*"), ("a", "a"), ("abab", "*ab")] {
            assert!(fits(name, pattern), "{name} {pattern}");
        }
        for (name, pattern) in [("a_1_Q3", "a_*P*"), ("ab", "a"), ("b", "a*"), ("aba", "*ab")] {
            assert!(!fits(name, pattern), "{name} {pattern}");
        }
    }

    #[test]
    fn a_cells_site_is_what_nextpnr_wrote() {
        let text = r#"{"modules": {"top": {"cells": {
            "a.mem.0.0": {"attributes": {"NEXTPNR_BEL": "X13/Y22/EBR0"}}, "b": {"attributes": {}}
        }}}}"#;
        let routed = Routed::parse(text, Path::new("routed.json")).unwrap();
        let sites = |cell| routed.sites(cell).collect::<Vec<_>>();
        assert_eq!((sites("a.mem.0.0"), sites("a.mem*0")), (vec!["X13/Y22/EBR0"], vec!["X13/Y22/EBR0"]));
        assert!([sites("b"), sites("c"), sites("b*")].iter().all(Vec::is_empty));
    }
}
