//! Drives a chooser, and compares every token with the golden model's.

use crate::circuit::{Circuit, pack};
use nda_cores::token::chooser::{CYCLES, seeds};
use nda_spec::random::Random;
use nda_spec::token::{Choice, Chooser, LANES, WIDE_MAX};

/// Logits that are close to each other, equal, or as far apart as they can be.
fn logits(random: &mut Random, tokens: usize) -> Vec<i32> {
    let style = random.below(6);
    let logit = |random: &mut Random| match style {
        0 => WIDE_MAX - random.below(2) as i32,
        1 => -WIDE_MAX + random.below(2) as i32,
        2 => -4096,
        3 => (random.next_u64() as i32) >> 8,
        _ => random.below(200_000) as i32 - 100_000,
    };
    (0..tokens).map(|_| logit(random).clamp(-WIDE_MAX, WIDE_MAX)).collect()
}

/// One token, with gaps between the beats for every second one.
fn choose(circuit: &mut impl Circuit, random: &mut Random, choice: Choice, tokens: usize, position: u32) {
    let logits = logits(random, tokens);
    let mut golden = Chooser::new(choice, position);
    logits.iter().for_each(|logit| golden.offer(*logit));

    circuit.set("seed", &[choice.seed]);
    circuit.set("position", &[position.into()]);
    circuit.set("is_greedy", &[u64::from(choice.inverse_temperature == 0)]);
    circuit.set("inverse_temperature", &[choice.inverse_temperature.into()]);
    pulse(circuit, "start");
    let mut cycles = 1;
    while circuit.get("ready")[0] == 0 {
        circuit.clock();
        cycles += 1;
        assert!(cycles <= seeds::CYCLES, "the seeds do not come");
    }
    assert_eq!(cycles, seeds::CYCLES);

    let gaps = position % 2 == 1;
    let beats: Vec<&[i32]> = logits.chunks(LANES).collect();
    for (i, beat) in beats.iter().enumerate() {
        (0..if gaps { random.below(3) } else { 0 }).for_each(|_| circuit.clock());
        // Lanes that are not tokens hold what would win.
        let lanes = (0..LANES).map(|lane| i64::from(beat.get(lane).copied().unwrap_or(WIDE_MAX)));
        circuit.set("logits", &pack(lanes, 24));
        circuit.set("logit_keep", &[u64::MAX >> (64 - beat.len())]);
        circuit.set("logit_last", &[u64::from(i + 1 == beats.len())]);
        pulse(circuit, "logit_valid");
    }
    circuit.set("logit_last", &[0]);
    for cycle in 1..=CYCLES {
        assert_eq!(circuit.get("made_valid")[0] == 1, cycle == CYCLES, "cycle {cycle}");
        if cycle < CYCLES {
            circuit.clock();
        }
    }
    assert_eq!(circuit.get("made_token")[0], u64::from(golden.token()), "{choice:?} at {position}, {tokens} tokens");
    circuit.clock();
    assert_eq!(circuit.get("made_valid")[0], 0);
}

fn pulse(circuit: &mut impl Circuit, name: &str) {
    circuit.set(name, &[1]);
    circuit.clock();
    circuit.set(name, &[0]);
}

/// Greedy and temperatures from one extreme to the other, vocabularies of every tail.
pub fn every_choice(circuit: &mut impl Circuit, draws: u32) {
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let sizes = [1, 7, 8, 9, 16, 61, 256];
    for position in 0..draws {
        let inverse_temperature = [0, 1, 131_071, 1280, 1024, random.below(4096) as u32][position as usize % 6];
        let choice = Choice { inverse_temperature, seed: random.next_u64() };
        let tokens = sizes[random.below(sizes.len())];
        choose(circuit, &mut random, choice, tokens, position);
    }
    // A hash whose addition wraps, and the last position.
    for position in [u32::MAX, u32::MAX - 1, 1 << 31] {
        choose(circuit, &mut random, Choice { inverse_temperature: 900, seed: u64::MAX }, 256, position);
    }
}
