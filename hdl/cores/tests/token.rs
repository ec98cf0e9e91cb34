//! The token machine against its golden model, word by word: what every step writes, in the order in which it is written.
//!
//! The array, the attention and the choice stand beside the machine; here they are played: sums from the weights as the tile store
//! has them, what is mixed from the golden model.

#[path = "../../spec/tests/token/lower.rs"]
mod lower;
#[allow(dead_code, reason = "its other half is the specification's tests'")]
#[path = "../../spec/tests/token/model.rs"]
mod model;
mod token_bench;

use model::{Model, SMALL, Size, Style, TINY};
use nda_spec::token::Choice;
use token_bench::Bench;

/// Architectures and rows of the array: a word of sums comes in one beat, in two, four and eight.
const SMALL_CASES: [(Style, usize); 8] = [
    (Style::Llama, 8),
    (Style::BitNet, 8),
    (Style::Gemma, 8),
    (Style::Llama, 4),
    (Style::BitNet, 4),
    (Style::Gemma, 4),
    (Style::Gemma, 2),
    (Style::Llama, 1),
];

#[test]
fn a_small_model_of_every_architecture_streams_what_golden_computes() {
    for (style, rows) in SMALL_CASES {
        let mut bench = Bench::new(&Model::random(style, SMALL, 5), rows);
        for token in [3, 60, 3, 17] {
            bench.token(token);
        }
    }
}

#[test]
fn a_model_of_the_committed_shape_streams_what_golden_computes() {
    for rows in [8, 4] {
        let mut bench = Bench::new(&Model::random(Style::Llama, TINY, 5), rows);
        for token in [3, 255, 0] {
            bench.token(token);
        }
    }
}

/// The ring of 6 wraps; cycles are those that are predicted.
#[test]
fn small_models_choose_the_tokens_that_golden_chooses() {
    for (style, rows) in SMALL_CASES {
        let positions = if style == Style::BitNet || rows < 4 { 2 } else { 8 };
        let mut bench = Bench::whole(&Model::random(style, Size { ring: 6, ..SMALL }, 6), rows);
        let mut token = 1;
        for position in 0..positions {
            let choice = if position % 2 == 0 { Choice::GREEDY } else { Choice::at(0.8, 7).unwrap() };
            let (next, _) = bench.next(token, choice);
            token = next;
        }
    }
}

#[test]
fn a_model_of_the_committed_shape_chooses_the_tokens_that_golden_chooses() {
    for (rows, most) in [(8, 3_100), (4, 4_020)] {
        let mut bench = Bench::whole(&Model::random(Style::Llama, TINY, 6), rows);
        let mut token = 1;
        for position in 0..3 {
            let (next, cycles) = bench.next(token, Choice::at(0.8, 7).unwrap());
            assert!(cycles < most, "{rows} rows: {cycles} at position {position}");
            token = next;
        }
    }
}

/// What a seal is made of is what was written, to the last unit.
#[test]
fn every_unit_of_a_program_can_be_peeked_at() {
    Bench::new(&Model::random(Style::Gemma, SMALL, 5), 8).peek_at_everything();
}
