//! The token machine's units against `nda_spec::token`, evaluated in Rust: every tail, both extremes, heads of every shape.

mod attention;
mod cells;
mod chooser;
mod circuit;

use attention::{both_extremes, every_tail};
use circuit::Circuit;
use nda_cores::netlist::{Evaluation, Netlist};
use nda_cores::token::attention::{Sizes, unit::unit};
use nda_cores::token::chooser::chooser;

struct Evaluated {
    evaluation: Evaluation,
    /// Outputs by number.
    names: Vec<String>,
}

impl Evaluated {
    fn new(netlist: &Netlist) -> Evaluated {
        Evaluated { evaluation: Evaluation::new(netlist), names: netlist.ports().1.into_iter().map(|port| port.0).collect() }
    }
}

impl Circuit for Evaluated {
    fn set(&mut self, name: &str, value: &[u64]) {
        self.evaluation.set(name, value);
    }

    fn get(&mut self, name: &str) -> Vec<u64> {
        let index = self.names.iter().position(|n| n == name).unwrap_or_else(|| panic!("no output '{name}'"));
        self.evaluation.output(index).to_vec()
    }

    fn clock(&mut self) {
        self.evaluation.clock();
    }
}

fn sizes(heads: usize, kv_heads: usize, head_dim: usize, ring: usize) -> Sizes {
    let makers = if (heads * head_dim).is_multiple_of(16) { 16 } else { 8 };
    Sizes { heads, kv_heads, head_dim, ring, rows: 2 * 3 * ring, makers, positions: 2 }
}

#[test]
fn attention_equals_golden_at_every_tail_with_shared_heads_in_three_layers() {
    let sizes = sizes(4, 2, 8, 9);
    for sizes in [sizes, Sizes { positions: 1, ..sizes }] {
        let netlist = unit("attention", &sizes);
        every_tail(|| Evaluated::new(&netlist), sizes, 3);
    }
}

#[test]
fn attention_equals_golden_at_both_extremes_in_heads_of_every_shape() {
    let one = Sizes { positions: 1, ..sizes(4, 2, 32, 5) };
    for sizes in [sizes(4, 4, 32, 3), sizes(1, 1, 8, 70), sizes(3, 1, 64, 2), sizes(2, 2, 16, 5), one] {
        both_extremes(Evaluated::new(&unit("attention", &sizes)), sizes);
    }
}

#[test]
fn the_choice_equals_golden_greedy_and_at_every_temperature() {
    let mut evaluated = Evaluated::new(&chooser("chooser"));
    chooser::every_choice(&mut evaluated, 60);
}
