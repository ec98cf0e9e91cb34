//! FabricPool equals the golden model however many boards there are and wherever rows go.

use nda_backends::FabricPool;
use nda_device::testing::{RandomMatrix, golden_stack, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort};
use nda_gemv::{Activations, Gemv, GemvError, MatrixId};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, TileMatrix, WeightCode};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

type Link = Loopback<ModelDevice>;

/// The session of a board of 2,048 words of 16 weights.
fn session() -> Driver<Link> {
    let config = Config::named("nano16").unwrap();
    let link = Loopback::new(ModelDevice::new(&config, ModelPort::Parallel));
    Driver::open(link, DriverOptions { seed: 7, ..DriverOptions::default() }).unwrap()
}

fn board<'m>() -> FabricGemv<'m, Link> {
    FabricGemv::new(session())
}

fn prepare<'m>(pool: &mut FabricPool<'m, Link>, stack: &'m [RandomMatrix]) -> MatrixId {
    let views: Vec<TileMatrix<'m>> = stack.iter().map(RandomMatrix::view).collect();
    pool.prepare(&views).unwrap()
}

fn check(pool: &mut FabricPool<'_, Link>, stacks: &[Vec<RandomMatrix>], ids: &[MatrixId], random: &mut Random) {
    for (stack, &id) in stacks.iter().zip(ids) {
        for code in ActivationCode::ALL {
            let x = random_vector(stack[0].cols, code, random);
            let expected = golden_stack(stack, &x);
            let mut y = vec![-1; expected.len()];
            pool.run(id, Activations { code, values: &x }, &mut y).unwrap();
            assert_eq!(y, expected, "{code:?}");
        }
    }
}

fn streamed(pool: &FabricPool<'_, Link>, ids: &[MatrixId]) -> u64 {
    ids.iter().map(|&id| pool.plan(id).unwrap().streamed_bytes).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_pool_equals_golden_for_any_stack_on_any_number_of_boards(
        boards in 1_usize..5,
        grows in any::<bool>(),
        polite in any::<bool>(),
        code in prop::sample::select(WeightCode::ALL.to_vec()),
        shapes in prop::collection::vec((prop::collection::vec(0_usize..200, 1..4), 0_usize..150), 1..6),
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let mut matrices = |rows: &[usize], cols| rows.iter().map(|&r| RandomMatrix::new(r, cols, code, &mut random)).collect::<Vec<_>>();
        let stacks: Vec<Vec<RandomMatrix>> = shapes.iter().map(|(rows, cols)| matrices(rows, *cols)).collect();
        let mut pool = if grows { FabricPool::growing(board(), || Ok(session())) } else { FabricPool::new((0..boards).map(|_| board()).collect()) };
        let (mut ids, mut kept) = (Vec::new(), Vec::new());
        for stack in &stacks {
            let rows: Vec<usize> = stack.iter().map(|m| m.rows).collect();
            prop_assert!(!grows || pool.has_room(&rows, stack[0].cols));
            if !polite || pool.has_room(&rows, stack[0].cols) {
                ids.push(prepare(&mut pool, stack));
                kept.push(stack.clone());
            }
        }
        // What was said to fit stays where it is, as long as nothing comes that does not.
        prop_assert!(!polite || streamed(&pool, &ids) == 0);
        let stacks = kept;
        pool.upload().unwrap();
        check(&mut pool, &stacks, &ids, &mut random);
    }
}

#[test]
fn a_product_larger_than_a_board_is_split_and_the_rest_fills_the_gaps() {
    let mut random = Random::new(3);
    // 128 columns are 8 words a row: a board holds 256 rows of them.
    let large = vec![
        RandomMatrix::new(300, 128, WeightCode::Quaternary, &mut random),
        RandomMatrix::new(301, 128, WeightCode::Quaternary, &mut random),
    ];
    let small: Vec<Vec<RandomMatrix>> = (0..3).map(|_| vec![RandomMatrix::new(40, 128, WeightCode::Ternary, &mut random)]).collect();
    let mut pool = FabricPool::growing(board(), || Ok(session()));
    let mut ids = vec![prepare(&mut pool, &large)];
    assert_eq!(pool.boards().len(), 3, "601 rows of 256 a board");
    for stack in &small {
        ids.push(prepare(&mut pool, std::slice::from_ref(&stack[0])));
    }
    assert_eq!(pool.boards().len(), 3, "120 rows more find room beside the last 89");
    assert_eq!(streamed(&pool, &ids), 0);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    pool.set_progress(move |done, total| told.lock().unwrap().push((done, total)));
    pool.upload().unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() > 3 && seen.windows(2).all(|w| w[0].0 <= w[1].0), "progress only grows");
    assert!(seen.last().is_some_and(|(done, total)| done == total && *total > 721 * 32 - 1), "and ends: {:?}", seen.last());
    let stacks: Vec<Vec<RandomMatrix>> = std::iter::once(large.clone()).chain(small.iter().cloned()).collect();
    check(&mut pool, &stacks, &ids, &mut random);
}

#[test]
fn a_board_that_cannot_be_opened_is_an_error_and_no_panic() {
    let mut random = Random::new(4);
    let large = [RandomMatrix::new(300, 128, WeightCode::Quaternary, &mut random)];
    let mut pool: FabricPool<'_, Link> = FabricPool::growing(board(), || Err("no further board".into()));
    let views: Vec<TileMatrix<'_>> = large.iter().map(RandomMatrix::view).collect();
    assert!(matches!(pool.prepare(&views), Err(GemvError::Device(e)) if e.to_string().contains("no further board")));
}
