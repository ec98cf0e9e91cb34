//! Generated programs give the same output, the same result and the same error on every tier.

mod generator;

use crate::common::{SMALL, on_every_tier};
pub use generator::{Tape, program};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::RngSeed;

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_programs_mean_the_same_on_every_tier(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let source = program(Tape::new(bytes));
        on_every_tier(&source, SMALL, &[]);
    }
}

/// The generator must reach what it is there for: every kind of error, and programs that end well.
#[test]
fn generated_programs_reach_every_kind_of_end() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default() });
    let strategy = prop::collection::vec(any::<u8>(), 0..400);
    let mut ends = std::collections::BTreeMap::new();
    let kinds = [
        "overflow",
        "division",
        "fit an int",
        "cannot run",
        "index",
        "part of",
        "elements against",
        "no tensor",
        "steps",
        "open calls",
        "more bytes",
        "takes 4 elements",
    ];
    for _ in 0..4000 {
        let bytes = strategy.new_tree(&mut runner).expect("bytes").current();
        let last = crate::common::outcome(&program(Tape::new(bytes)), nda_lang::Tier::Closure, SMALL, &[]).pop().expect("an end");
        let kind = kinds.iter().find(|k| last.starts_with("error") && last.contains(**k)).copied();
        *ends.entry(kind.unwrap_or(if last.starts_with("error") { "other" } else { "value" })).or_insert(0) += 1;
    }
    println!("{ends:?}");
    for kind in kinds.iter().chain(&["value"]) {
        assert!(ends.get(kind).is_some_and(|n| *n >= 3), "{kind}: {ends:?}");
    }
}
