//! The token machine's units against `nda_spec::token`: the drivers of the netlists' own tests, on the emitted Verilog.

#[path = "../../../hdl/cores/tests/token_units/attention.rs"]
mod attention;
#[path = "../../../hdl/cores/tests/token_units/chooser.rs"]
mod chooser;

use crate::Bench;
use crate::circuit::Circuit;
use nda_cores::emit::units::ATTENTION;

impl Circuit for Bench {
    fn set(&mut self, name: &str, value: &[u64]) {
        let port = self.port(name);
        let bytes: Vec<u8> = value.iter().flat_map(|word| word.to_le_bytes()).take(self.model.get_bytes(port).len()).collect();
        self.model.set_bytes(port, &bytes);
    }

    fn get(&mut self, name: &str) -> Vec<u64> {
        let bytes = self.model.get_bytes(self.port(name));
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        bytes.chunks(8).map(word).collect()
    }

    fn clock(&mut self) {
        self.tick();
    }
}

#[test]
fn attention_equals_golden_at_every_tail_with_shared_heads_in_three_layers() {
    attention::every_tail(|| Bench::new("attention_unit"), ATTENTION, 3);
}

#[test]
fn attention_equals_golden_at_both_extremes() {
    attention::both_extremes(Bench::new("attention_unit"), ATTENTION);
}

#[test]
fn the_choice_equals_golden_greedy_and_at_every_temperature() {
    chooser::every_choice(&mut Bench::new("chooser"), 3_000);
}
