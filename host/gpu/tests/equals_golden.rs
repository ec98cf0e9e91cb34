//! On the adapter of this machine, the software one where there is no other: every code, every tail, bit for bit.

mod common;

use common::open;
use nda_gemv::{Activations, Gemv, GemvError, Grids, GroupedVectors, MatrixId, Vectors};
use nda_gpu::{GpuGemv, Kernel, adapters};
use nda_spec::grid::{scale_count, scale_index};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, GridMatrix, GroupCols, TileMatrix, WeightCode, golden, grid, tile};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn tiles(rows: usize, cols: usize, code: WeightCode, values: &[i8]) -> Vec<u64> {
    tile::pack(rows, cols, code, values).unwrap()
}

fn codes_of(code: ActivationCode) -> Vec<i8> {
    (i8::MIN..=i8::MAX).filter(|value| code.contains(*value)).collect()
}

#[test]
fn products_equal_golden_at_every_tail_and_for_every_code() {
    let Some(gemv) = open("products on a GPU") else { return };
    products_equal_golden(gemv);
    let Some(gemv) = open("products without subgroups on a GPU") else { return };
    products_equal_golden(gemv.without_subgroups());
}

fn products_equal_golden(mut gemv: GpuGemv) {
    let case = (
        prop::sample::select(WeightCode::ALL.to_vec()),
        prop::sample::select(ActivationCode::ALL.to_vec()),
        1_usize..70,
        1_usize..200,
        1_usize..20,
        any::<u64>(),
    );
    let mut runner = TestRunner::new(Config::with_cases(100));
    let run = |(code, x_code, rows, cols, vectors, seed): (WeightCode, ActivationCode, usize, usize, usize, u64)| {
        let mut random = Random::new(seed);
        let values: Vec<i8> = (0..rows * cols).map(|_| random.one_of(code.values())).collect();
        let all = codes_of(x_code);
        let x: Vec<i8> = (0..vectors * cols).map(|_| random.one_of(&all)).collect();
        let words = tiles(rows, cols, code, &values);
        let part = TileMatrix::new(rows, cols, code, &words).unwrap();
        // Two parts: the second's rows stand behind the first's.
        let id = gemv.prepare(&[part, part]).unwrap();
        let mut found = vec![0; 2 * vectors * rows];
        gemv.run_vectors(id, vectors, Activations { code: x_code, values: &x }, &mut found).unwrap();
        let one = |x: &[i8]| golden::gemv(rows, cols, &values, x).repeat(2);
        prop_assert_eq!(found, x.chunks(cols).flat_map(one).collect::<Vec<_>>());
        let mut found = vec![0; 2 * rows];
        gemv.run(id, Activations { code: x_code, values: &x[..cols] }, &mut found).unwrap();
        prop_assert_eq!(found, one(&x[..cols]));
        Ok(())
    };
    let run = std::cell::RefCell::new(run);
    runner.run(&case, |values| (run.borrow_mut())(values)).unwrap();
}

#[test]
fn both_kernels_are_right_at_both_extremes() {
    for kernel in Kernel::ALL {
        let Some(gemv) = open("extremes on a GPU") else { return };
        let mut gemv = gemv.with_kernel(kernel);
        for code in WeightCode::ALL {
            for x_code in ActivationCode::ALL {
                for w in [code.lowest(), code.highest()] {
                    for v in [x_code.range().0, x_code.range().1] {
                        let (rows, cols) = (40, 4_100);
                        let words = tiles(rows, cols, code, &vec![w; rows * cols]);
                        let id = gemv.prepare(&[TileMatrix::new(rows, cols, code, &words).unwrap()]).unwrap();
                        let mut y = vec![0; rows];
                        gemv.run(id, Activations { code: x_code, values: &vec![v; cols] }, &mut y).unwrap();
                        assert_eq!(y, vec![cols as i32 * i32::from(w) * i32::from(v); rows], "{kernel:?} {code:?} {x_code:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn group_quantized_matrices_equal_golden_to_the_bit() {
    let Some(mut gemv) = open("group-quantized products on a GPU") else { return };
    let stacks = prop::sample::select(vec![vec![1], vec![4, 1], vec![7, 4], vec![16, 8, 4, 3]]);
    let case = (
        prop::sample::select(WeightCode::ALL.to_vec()),
        prop::sample::select(GroupCols::ALL.to_vec()),
        stacks,
        1_usize..70,
        1_usize..300,
        1_usize..7,
        any::<u64>(),
    );
    let mut runner = TestRunner::new(Config::with_cases(100));
    let run = |(code, group, coefficients, rows, cols, vectors, seed): (WeightCode, GroupCols, Vec<i8>, usize, usize, usize, u64)| {
        let mut random = Random::new(seed);
        let mut words = Vec::new();
        for _ in &coefficients {
            let values: Vec<i8> = (0..rows * cols).map(|_| random.one_of(code.values())).collect();
            words.extend(tiles(rows, cols, code, &values));
        }
        let mut scales = vec![0_u16; scale_count(rows, cols, group).unwrap()];
        for row in 0..rows {
            for col in (0..cols).step_by(group.cols()) {
                let bits = random.below(1 << 16) as u16;
                // Finite, of every exponent; small ones often, so that sums meet what is near them.
                scales[scale_index(row, col, cols, group)] = if bits & 0x7c00 == 0x7c00 { bits & 0xbfff } else { bits };
            }
        }
        let matrix = GridMatrix::new((rows, cols), code, group, &coefficients, &scales, &words).unwrap();
        let id = gemv.prepare_grid(&[matrix, matrix]).unwrap().unwrap();
        let codes: Vec<i8> = (0..vectors * cols).map(|_| (random.below(255) as i32 - 127) as i8).collect();
        // From subnormal to large, but no infinite sums.
        let x_scales: Vec<f32> =
            (0..vectors * cols.div_ceil(32)).map(|_| f32::from_bits((random.below(200) << 23 | random.below(1 << 23)) as u32)).collect();
        let x = GroupedVectors::new(cols, &codes, &x_scales).unwrap();
        let mut found = vec![0.0; 2 * vectors * rows];
        gemv.run_grid(id, &x, &mut found).unwrap();
        for ((codes, scales), found) in x.iter().zip(found.chunks(2 * rows)) {
            let mut wanted = vec![0.0; rows];
            grid::gemv(&matrix, codes, scales, &mut wanted);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(found), bits(&wanted).repeat(2));
        }
        Ok(())
    };
    let run = std::cell::RefCell::new(run);
    runner.run(&case, |values| (run.borrow_mut())(values)).unwrap();
}

#[test]
fn a_product_is_one_submission_and_reads_its_result_alone() {
    let Some(gemv) = open("submissions of a GPU") else { return };
    let mut gemv = gemv.with_kernel(Kernel::Dot4);
    let (rows, cols) = (100, 130);
    let words = tiles(rows, cols, WeightCode::Ternary, &vec![1; rows * cols]);
    let id = gemv.prepare(&[TileMatrix::new(rows, cols, WeightCode::Ternary, &words).unwrap()]).unwrap();
    let (submissions, bytes) = gemv.traffic();
    let mut y = vec![0; rows];
    let cost = gemv.run(id, Activations { code: ActivationCode::A8, values: &[3; 130] }, &mut y).unwrap();
    assert_eq!(gemv.traffic(), (submissions + 1, bytes + 4 * rows as u64));
    assert_eq!((cost.device.products, cost.device.weights, cost.cpu.products), (1, (rows * cols) as u64, 0));
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let Some(mut gemv) = open("refusals of a GPU") else { return };
    let words = tiles(4, 4, WeightCode::Ternary, &[1; 16]);
    let id = gemv.prepare(&[TileMatrix::new(4, 4, WeightCode::Ternary, &words).unwrap()]).unwrap();
    let short = gemv.run(id, Activations { code: ActivationCode::A8, values: &[1; 3] }, &mut [0; 4]);
    assert!(matches!(short, Err(GemvError::Length { what: "x", found: 3, .. })));
    let unknown = gemv.run(MatrixId(9), Activations { code: ActivationCode::A8, values: &[1; 4] }, &mut [0; 4]);
    assert!(matches!(unknown, Err(GemvError::UnknownMatrix { .. })));
    let many = adapters().len();
    let wanted = GpuGemv::open(Some(&many.to_string())).unwrap_err();
    assert!(wanted.to_string().starts_with(&format!("no GPU adapter '{many}'; there are: 0 (")), "{wanted}");
}
