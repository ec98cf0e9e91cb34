//! The identification that is put into a netlist is the one that the Verilog with this id has.

use nda_boards::Family;
use nda_cores::{Port, emit_as};
use nda_firmware::netlist::{IDENTITY_MODULE, Netlist};
use nda_spec::Config;
use nda_spec::wire::Ident;
use serde_json::{Value, json};
use std::path::Path;

/// The sixteen words that the emitted Verilog's table says.
fn verilog_words(verilog: &str) -> Vec<u32> {
    let start = format!("module {IDENTITY_MODULE}_words(");
    let module = verilog.split(&start).nth(1).expect("the module").split("endmodule").next().expect("its end");
    let word = |at: usize| {
        let entry = module.split(&format!("page[{at}] = 32'")).nth(1).unwrap_or_else(|| panic!("word {at} in {module}"));
        let (base, digits) = entry.split(';').next().expect("its end").split_at(1);
        u32::from_str_radix(digits, if base == "h" { 16 } else { 10 }).expect("a number")
    };
    (0..16).map(word).collect()
}

/// What the LUTs of a netlist's identity module answer.
fn netlist_words(text: &str, inputs: [&str; 4], output: &str, parameter: &str) -> Vec<u32> {
    let netlist: Value = serde_json::from_str(text).expect("JSON");
    let module = &netlist["modules"][IDENTITY_MODULE];
    let bits = |port: &str| module["ports"][port]["bits"].as_array().expect("bits").clone();
    let (address_bits, data_bits) = (bits("address"), bits("data"));
    let cells = module["cells"].as_object().expect("cells");
    let word = |address: usize| {
        let one = |net: &Value| address >> address_bits.iter().position(|b| b == net).expect("an address bit") & 1;
        let driver = |net: &Value| cells.values().find(|c| c["connections"][output][0] == *net).expect("a driver");
        let value = |net: &Value| {
            let cell = driver(net);
            let index: usize = inputs.iter().enumerate().map(|(i, input)| one(&cell["connections"][*input][0]) << i).sum();
            let init = cell["parameters"][parameter].as_str().expect("the contents").as_bytes();
            u32::from(init[init.len() - 1 - index] == b'1')
        };
        data_bits.iter().enumerate().map(|(i, net)| value(net) << i).sum()
    };
    (0..16).map(word).collect()
}

#[test]
fn the_netlists_table_is_the_verilogs_for_every_family_and_id() {
    let module = json!({ "ports": { "address": { "bits": [9, 8, 7, 6] }, "data": { "bits": (20..52).collect::<Vec<_>>() } }, "cells": {} });
    let empty = json!({ "creator": "a test", "modules": { "top": { "cells": {} }, IDENTITY_MODULE: module } }).to_string();
    let path = Path::new("netlist.json");
    let netlist = Netlist::parse(&empty, path).expect("a netlist");
    let config = Config::named("nano16").expect("a configuration");
    for (board, id) in [(1, 0), (7, u64::MAX), (0xbeef, 0x0123_4567_89ab_cdef)] {
        let emitted = emit_as(&config, Port::Uart, board, id).expect("Verilog");
        let words = verilog_words(&emitted.verilog);
        let page = emitted.ident.to_bytes();
        assert_eq!(Ident::from_bytes(&page).map(|ident| (ident.board, ident.build)), Ok((board, id)));
        let with = |family| netlist.with_page(family, &page, path).expect("a netlist");
        let names = ["I0", "I1", "I2", "I3"];
        assert_eq!(netlist_words(&with(Family::Ice40), names, "O", "LUT_INIT"), words);
        assert_eq!(netlist_words(&with(Family::Ecp5), ["A", "B", "C", "D"], "Z", "INIT"), words);
        assert_eq!(netlist_words(&with(Family::Gowin), names, "F", "INIT"), words);
    }
}
