//! Attention over closed frames has one result, however positions are taken, and loses what its form says.

mod common;

use common::{HEADS, K, Q, Text, bits, values};
use nda_kernels::ThreadPool;
use nda_kernels::attention::{HeadCache, attend_plainly};
use nda_kv::{Cache, CacheForm, Call, Heads, KvError};
use nda_spec::kv::FORMS;

#[test]
fn batches_and_threads_change_no_bit_in_any_form() {
    let text = Text::new(330);
    let pool = ThreadPool::default();
    for form in FORMS.iter().map(CacheForm::Frames) {
        for window in [None, Some(100), Some(3)] {
            let expected = text.take(&mut Cache::new(form), &pool, 1, (0, 330), window);
            for (batch, threads) in [(7, 2), (32, 1), (64, 3), (330, 2)] {
                let pool = ThreadPool::new(threads).unwrap();
                let found = text.take(&mut Cache::new(form), &pool, batch, (0, 330), window);
                let at = bits(&found).iter().zip(bits(&expected)).position(|(a, b)| *a != b);
                assert_eq!(
                    at,
                    None,
                    "{form} in batches of {batch}, {threads} threads, window {window:?}: position {:?}",
                    at.map(|at| at / Q)
                );
            }
        }
    }
}

#[test]
fn attention_is_that_of_floats_within_what_a_form_loses() {
    let text = Text::new(300);
    for (name, most) in [("b4", 0.11), ("b4v2", 0.34), ("b2", 0.36)] {
        let found = text.take(&mut Cache::new(name.parse().unwrap()), &ThreadPool::default(), 32, (0, 300), None);
        let (mut lost, mut all) = (0.0, 0.0);
        for (place, found) in found.chunks_exact(32).enumerate() {
            let (position, head) = (place / 6, place % 6 / 3);
            let of = |values| HeadCache { values, stride: K };
            let mut exact = [0.0; 32];
            let q = &text.q[place * 32..][..32];
            attend_plainly(q, of(&text.key[head * 32..]), of(&text.value[head * 32..]), 0.2, 0..position + 1, &mut exact);
            lost += found.iter().zip(exact).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
            all += exact.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
            // The first frame is exact: eight bits.
            assert!(position >= 64 || lost / all < 4e-4, "{name}: {} at {position}", lost / all);
        }
        assert!((lost / all).sqrt() < most, "{name}: {}", (lost / all).sqrt());
    }
}

#[test]
fn what_is_taken_back_and_taken_again_is_the_same() {
    let text = Text::new(300);
    let pool = ThreadPool::new(2).unwrap();
    for form in FORMS.iter().map(CacheForm::Frames) {
        let expected = text.take(&mut Cache::new(form), &pool, 32, (0, 300), None);
        for back in [299, 270, 257, 256, 255, 200, 192, 191, 64, 5, 0] {
            let mut cache = Cache::new(form);
            text.take(&mut cache, &pool, 32, (0, 300), None);
            let left = cache.truncate(back);
            assert!(left <= back, "{form}: {left} left of {back}");
            if form == "b4".parse().unwrap() {
                assert!(back - left < 64, "{form}: {left} left of {back}");
            }
            let again = text.take(&mut cache, &pool, 7, (left, 300), None);
            assert_eq!(bits(&again), bits(&expected[left * Q..]), "{form}: back to {back}, {left} left");
        }
    }
}

#[test]
fn a_step_that_failed_midway_is_taken_back() {
    let text = Text::new(130);
    let pool = ThreadPool::default();
    for form in FORMS.iter().map(CacheForm::Frames) {
        let expected = text.take(&mut Cache::new(form), &pool, 32, (0, 130), None);
        let mut cache = Cache::new(form);
        text.take(&mut cache, &pool, 32, (0, 120), None);
        // One block of two takes positions that close a frame; then the step ends in an error.
        let call = Call {
            block: 0,
            first: 120,
            heads: HEADS,
            window: None,
            scale: 0.2,
            q: &text.q[120 * Q..],
            key: &text.key[120 * K..],
            value: &text.value[120 * K..],
        };
        cache.attend(&pool, &call, &mut [0.0; 10 * Q]).unwrap();
        assert_eq!(cache.truncate(120), 120);
        assert_eq!(bits(&text.take(&mut cache, &pool, 4, (120, 130), None)), bits(&expected[120 * Q..]), "{form}");
    }
}

#[test]
fn a_block_out_of_turn_and_values_that_are_not_finite_are_refused() {
    let text = Text::new(4);
    let pool = ThreadPool::default();
    let mut cache = Cache::new("b4".parse().unwrap());
    text.take(&mut cache, &pool, 2, (0, 2), None);
    let mut call =
        Call { block: 0, first: 0, heads: HEADS, window: None, scale: 1.0, q: &text.q[..Q], key: &text.key[..K], value: &text.value[..K] };
    assert!(matches!(cache.attend(&pool, &call, &mut [0.0; Q]), Err(KvError::Turn { taken: 2, position: 0, .. })));
    let infinite = vec![f32::INFINITY; K];
    (call.first, call.value) = (2, &infinite);
    assert_eq!(cache.attend(&pool, &call, &mut [0.0; Q]), Err(KvError::NotFinite { block: 0, what: "value" }));
}

#[test]
fn a_position_takes_the_bits_that_the_form_says() {
    let heads = Heads { queries: 3, keys: 3, head_dim: 64 };
    for (name, bits_of_value) in [("b4", 4.2), ("b4v2", 3.2), ("b2", 2.2)] {
        let mut cache = Cache::new(name.parse().unwrap());
        let count = 64 * 40;
        let x = values(1, count * 192);
        for first in (0..count).step_by(64) {
            let x = &x[first * 192..(first + 64) * 192];
            let call = Call { block: 0, first, heads, window: Some(1), scale: 1.0, q: x, key: x, value: x };
            cache.attend(&ThreadPool::default(), &call, &mut vec![0.0; x.len()]).unwrap();
            cache.commit(&vec![7; 64]);
        }
        // What is kept exactly of the newest frames and the tokens are beside the closed form; the
        // sinks are in the first frame and at hand.
        let recent = if name == "b4" { 1 } else { 2 } * 64 * 2 * (192 + 3) + 2 * 4 * 2 * (192 + 3) + 4 * count;
        let found = 8.0 * (cache.bytes() - recent) as f64 / (count * 2 * 192) as f64;
        assert!(found < bits_of_value, "{name}: {found} bits per value");
    }
}
