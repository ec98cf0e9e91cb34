//! Every variant that this machine can run equals the golden model, bit for bit, for every pair of codes.

#[path = "equals_golden/refusals.rs"]
mod refusals;

use nda_gemv::{Activations, Columns, Gemv, GemvError, Vectors};
use nda_kernels::{CpuGemv, Variant};
use nda_spec::random::Random;
use nda_spec::tile::{matrix_u64, pack};
use nda_spec::{ActivationCode, TileMatrix, WeightCode, golden, width};
use proptest::prelude::*;

/// Columns of the widest random row from which the tests cut their vectors.
const MAX_TEST_COLS: usize = 200;

/// Miri, which interprets AVX-512 on any machine, takes a sample of the sizes (the command stands in avx512.rs).
const STEP: usize = if cfg!(miri) { 23 } else { 1 };

/// The variants to test; says which this machine leaves untested, and why.
fn variants() -> Vec<Variant> {
    for variant in Variant::ALL {
        if let Err(reason) = CpuGemv::with_variant(variant) {
            nda_tests::not_here(variant, reason);
        }
    }
    Variant::available()
}

fn code_pairs() -> impl Iterator<Item = (WeightCode, ActivationCode)> {
    WeightCode::ALL.into_iter().flat_map(|code| ActivationCode::ALL.into_iter().map(move |x_code| (code, x_code)))
}

fn x_values(x_code: ActivationCode) -> Vec<i8> {
    (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect()
}

/// `count` of the values at random, repeatably.
fn random(values: &[i8], count: usize, seed: u64) -> Vec<i8> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.one_of(values)).collect()
}

/// One product by every given back end, against the golden model.
struct Product<'a> {
    code: WeightCode,
    x_code: ActivationCode,
    rows: usize,
    weights: &'a [i8],
    x: &'a [i8],
}

impl Product<'_> {
    fn check(&self, variants: &[Variant], what: &str) {
        let Product { code, x_code, rows, weights, x } = *self;
        let words = pack(rows, x.len(), code, weights).expect("values of the code");
        let matrix = TileMatrix::new(rows, x.len(), code, &words).expect("the packed shape");
        let expected = golden::gemv(rows, x.len(), weights, x);
        for &variant in variants {
            let mut cpu = CpuGemv::with_variant(variant).expect("an available variant");
            let id = cpu.prepare(&[matrix]).expect("a small matrix");
            let mut y = vec![i32::MIN; rows];
            cpu.run(id, Activations { code: x_code, values: x }, &mut y).expect("a right run");
            assert_eq!(y, expected, "{variant} {code:?} {x_code:?} {rows} x {} {what}", x.len());
        }
    }
}

/// A random product of the shape.
fn check_random(variants: &[Variant], rows: usize, cols: usize) {
    for (code, x_code) in code_pairs() {
        let seed = (rows * 1000 + cols) as u64;
        let weights = random(code.values(), rows * cols, seed);
        let x = random(&x_values(x_code), cols, seed + 1);
        Product { code, x_code, rows, weights: &weights, x: &x }.check(variants, &format!("seed {seed}"));
    }
}

#[test]
fn gemv_equals_golden_at_every_tail_of_columns() {
    let variants = variants();
    for cols in (0..=MAX_TEST_COLS).step_by(STEP) {
        for rows in [1, 33] {
            check_random(&variants, rows, cols);
        }
    }
}

#[test]
fn gemv_equals_golden_at_every_tail_of_rows() {
    let variants = variants();
    for rows in (0..=70).step_by(STEP) {
        for cols in [0, 1, 63, 64, 65, 130] {
            check_random(&variants, rows, cols);
        }
    }
}

#[test]
fn gemv_equals_golden_at_every_alignment_of_the_words() {
    let (rows, cols, variants) = (33, 130, variants());
    for (code, x_code) in code_pairs() {
        let weights = random(code.values(), rows * cols, 3);
        let x = random(&x_values(x_code), cols * 2, 4);
        let words = pack(rows, cols, code, &weights).expect("values of the code");
        let expected: Vec<i32> = x.chunks(cols).flat_map(|x| golden::gemv(rows, cols, &weights, x)).collect();
        // Words begin at every multiple of 8 within a cache line, and end where their memory ends.
        for offset in 0..8 {
            let moved: Vec<u64> = std::iter::repeat_n(u64::MAX, offset).chain(words.iter().copied()).collect();
            let matrix = TileMatrix::new(rows, cols, code, &moved[offset..]).expect("the packed shape");
            for &variant in &variants {
                let mut cpu = CpuGemv::with_variant(variant).expect("an available variant");
                let id = cpu.prepare(&[matrix]).expect("a small matrix");
                let mut y = vec![i32::MIN; 2 * rows];
                cpu.run(id, Activations { code: x_code, values: &x[..cols] }, &mut y[..rows]).expect("a right run");
                assert_eq!(y[..rows], expected[..rows], "{variant} {code:?} {x_code:?}, offset {offset}");
                cpu.run_vectors(id, 2, Activations { code: x_code, values: &x }, &mut y).expect("a right run");
                assert_eq!(y, expected, "{variant} {code:?} {x_code:?}, offset {offset}, two vectors");
            }
        }
    }
}

/// All values the smallest, all the largest, and both in turn, beginning with either.
fn extremes(values: &[i8], count: usize) -> [Vec<i8>; 4] {
    let ends = [values[0], values[values.len() - 1]];
    let starting = |first: usize, step: usize| (0..count).map(|i| ends[(first + i * step) % 2]).collect();
    [starting(0, 0), starting(1, 0), starting(0, 1), starting(1, 1)]
}

/// Every extreme of the weights by every extreme of the activations.
fn check_extremes(variants: &[Variant], rows: usize, cols: usize) {
    for (code, x_code) in code_pairs() {
        for weights in &extremes(code.values(), rows * cols) {
            for x in &extremes(&x_values(x_code), cols) {
                Product { code, x_code, rows, weights, x }.check(variants, "extremes");
            }
        }
    }
}

#[test]
fn gemv_equals_golden_at_the_extremes_of_every_code() {
    let variants = variants();
    // 15,000 columns overflow 16 bits at the weakest pair of codes; around 256, 448 and 512 the narrow counters are emptied.
    for (rows, cols) in [(1, 1), (33, 63), (32, 64), (31, 65), (2, 192), (2, 193), (2, 255), (2, 257), (2, 449), (2, 513), (1, 15_000)] {
        check_extremes(&variants, rows, cols);
    }
}

/// A row of equal weights, made without a list of its values: the planes of the row are all ones or all zeros.
fn equal_row(code: WeightCode, weight: i8, cols: usize) -> Vec<u64> {
    let (bit0, bit1) = code.encode(weight).expect("a value of the code");
    let mut words = vec![0; matrix_u64(1, cols, code).expect("a shape that fits")];
    for col_word in 0..cols.div_ceil(64) {
        for (plane, bit) in [bit0, bit1].into_iter().enumerate().take(code.planes()) {
            let index = nda_spec::tile::u64_index(code, 0, col_word, plane, cols.div_ceil(64));
            words[index] = if bit { nda_spec::tile::valid_mask(cols, col_word) } else { 0 };
        }
    }
    words
}

/// Equal weights by equal activations, whose sum anyone multiplies out.
fn check_equal_row(cols: usize, code: WeightCode, x_code: ActivationCode) {
    let (smallest, largest) = x_code.range();
    for weight in [code.lowest(), code.highest()] {
        let words = equal_row(code, weight, cols);
        let matrix = TileMatrix::new(1, cols, code, &words).expect("the row's shape");
        for value in [smallest, largest] {
            let x = vec![value; cols];
            for variant in variants() {
                let mut cpu = CpuGemv::with_variant(variant).expect("an available variant");
                let id = cpu.prepare(&[matrix]).expect("columns within the limit");
                let mut y = [0];
                cpu.run(id, Activations { code: x_code, values: &x }, &mut y).expect("a right run");
                assert_eq!(
                    i64::from(y[0]),
                    i64::from(weight) * i64::from(value) * cols as i64,
                    "{variant} {code:?} {x_code:?} {weight} {value}"
                );
            }
        }
    }
}

#[test]
fn a_million_columns_of_extremes_are_summed_exactly() {
    for (code, x_code) in code_pairs() {
        check_equal_row(1_000_000, code, x_code);
    }
}

#[test]
fn the_most_columns_of_extremes_that_32_bits_hold_are_summed_exactly() {
    check_equal_row(width::MAX_COLS, WeightCode::Quaternary, ActivationCode::A8);
}

#[test]
fn a_contradictory_ternary_weight_counts_as_zero_in_every_variant() {
    let (rows, cols) = (32, 64);
    let bytes = random(&[0, 85, -1, 51, 15, -86], rows * cols / 8 * WeightCode::Ternary.planes(), 1);
    let (bytes, _) = bytes.as_chunks::<8>();
    let words: Vec<u64> = bytes.iter().map(|eight| u64::from_le_bytes(eight.map(i8::cast_unsigned))).collect();
    let matrix = TileMatrix::new(rows, cols, WeightCode::Ternary, &words).expect("one tile of one word");
    assert!(matrix.check().is_err(), "the words must contradict somewhere");
    for x_code in ActivationCode::ALL {
        let x = random(&x_values(x_code), cols, 2);
        let expected = golden::gemv(rows, cols, &matrix.to_values(), &x);
        for variant in variants() {
            let mut cpu = CpuGemv::with_variant(variant).expect("an available variant");
            let id = cpu.prepare(&[matrix]).expect("a small matrix");
            let mut y = vec![0; rows];
            cpu.run(id, Activations { code: x_code, values: &x }, &mut y).expect("a right run");
            assert_eq!(y, expected, "{variant} {x_code:?}");
        }
    }
}

/// Rows of up to three stacked parts, with their weights packed.
fn pack_parts(code: WeightCode, part_rows: &[usize], cols: usize, seed: u64) -> (Vec<i8>, Vec<Vec<u64>>) {
    let weights = random(code.values(), part_rows.iter().sum::<usize>() * cols, seed);
    let mut rest = weights.as_slice();
    let mut packed = Vec::new();
    for &rows in part_rows {
        let (own, others) = rest.split_at(rows * cols);
        packed.push(pack(rows, cols, code, own).expect("values of the code"));
        rest = others;
    }
    (weights, packed)
}

fn views<'a>(code: WeightCode, part_rows: &[usize], cols: usize, packed: &'a [Vec<u64>]) -> Vec<TileMatrix<'a>> {
    part_rows.iter().zip(packed).map(|(&rows, words)| TileMatrix::new(rows, cols, code, words).expect("the packed shape")).collect()
}

proptest! {
    #[test]
    fn stacked_parts_equal_golden_row_after_row(
        code in prop::sample::select(WeightCode::ALL.to_vec()),
        x_code in prop::sample::select(ActivationCode::ALL.to_vec()),
        part_rows in prop::collection::vec(0_usize..70, 1..4),
        cols in 0_usize..400,
        seed in any::<u64>(),
    ) {
        let (weights, packed) = pack_parts(code, &part_rows, cols, seed);
        let x = random(&x_values(x_code), cols, seed ^ 1);
        let rows: usize = part_rows.iter().sum();
        let expected = golden::gemv(rows, cols, &weights, &x);
        for variant in variants() {
            let mut cpu = CpuGemv::with_variant(variant).unwrap();
            // A second matrix, and a second run, must not disturb the first.
            let id = cpu.prepare(&views(code, &part_rows, cols, &packed)).unwrap();
            let last = cpu.prepare(&views(code, &part_rows[..1], cols, &packed)).unwrap();
            let mut y = vec![0; rows];
            cpu.run(last, Activations { code: x_code, values: &x }, &mut y[..part_rows[0]]).unwrap();
            prop_assert_eq!(&y[..part_rows[0]], &expected[..part_rows[0]]);
            for _ in 0..2 {
                y.fill(i32::MIN);
                cpu.run(id, Activations { code: x_code, values: &x }, &mut y).unwrap();
                prop_assert_eq!(&y, &expected, "{}", variant);
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_rows() {
    let (part_rows, cols) = ([1025, 70, 33], 2050);
    let rows: usize = part_rows.iter().sum();
    assert!(rows * cols >= CpuGemv::new().parallel_min_products(), "too small to be shared");
    for (code, x_code) in code_pairs() {
        let (weights, packed) = pack_parts(code, &part_rows, cols, 7);
        let x = random(&x_values(x_code), cols, 8);
        let expected = golden::gemv(rows, cols, &weights, &x);
        for variant in variants() {
            for threads in [1, 2, 5] {
                let mut cpu = CpuGemv::with_variant(variant).unwrap().with_threads(threads).unwrap();
                assert_eq!(cpu.threads(), threads);
                let id = cpu.prepare(&views(code, &part_rows, cols, &packed)).unwrap();
                let mut y = vec![0; rows];
                cpu.run(id, Activations { code: x_code, values: &x }, &mut y).unwrap();
                assert_eq!(y, expected, "{variant} {code:?} {x_code:?} {threads} threads");
            }
        }
    }
}

#[test]
fn several_vectors_at_once_equal_golden_one_by_one() {
    for (part_rows, cols, vectors) in
        [(&[1][..], 1, 2), (&[33, 5], 65, 3), (&[32], 64, 16), (&[70, 0, 40], 200, 5), (&[3], 100, 1), (&[1025, 70], 513, 9), (&[4], 7, 0)]
    {
        let rows: usize = part_rows.iter().sum();
        for (code, x_code) in code_pairs() {
            let (weights, packed) = pack_parts(code, part_rows, cols, 17);
            let x = random(&x_values(x_code), cols * vectors, 18);
            let expected: Vec<i32> = x.chunks(cols).flat_map(|x| golden::gemv(rows, cols, &weights, x)).collect();
            for variant in variants() {
                for threads in [1, 2] {
                    let mut cpu = CpuGemv::with_variant(variant).unwrap().with_threads(threads).unwrap();
                    let id = cpu.prepare(&views(code, part_rows, cols, &packed)).unwrap();
                    for _ in 0..2 {
                        let mut y = vec![i32::MIN; rows * vectors];
                        cpu.run_vectors(id, vectors, Activations { code: x_code, values: &x }, &mut y).unwrap();
                        assert_eq!(y, expected, "{variant} {code:?} {x_code:?} {part_rows:?} x {cols}, {vectors} vectors");
                    }
                }
            }
        }
    }
}

#[test]
fn some_columns_equal_golden_wherever_they_begin_and_end() {
    let (part_rows, cols) = ([33, 5], 200);
    let rows: usize = part_rows.iter().sum();
    for (code, x_code) in code_pairs() {
        let (weights, packed) = pack_parts(code, &part_rows, cols, 27);
        for variant in variants() {
            let mut cpu = CpuGemv::with_variant(variant).unwrap();
            let id = cpu.prepare(&views(code, &part_rows, cols, &packed)).unwrap();
            for own in [0..200, 0..32, 32..64, 64..128, 63..65, 7..7, 200..200, 128..200, 160..192, 192..200, 1..199] {
                let x = random(&x_values(x_code), own.len(), 28);
                let cut: Vec<i8> = weights.chunks(cols).flat_map(|row| row[own.clone()].to_vec()).collect();
                let mut y = vec![i32::MIN; rows];
                cpu.run_columns(id, own.clone(), Activations { code: x_code, values: &x }, &mut y).unwrap();
                assert_eq!(y, golden::gemv(rows, own.len(), &cut, &x), "{variant} {code:?} {x_code:?} {own:?}");
            }
            let x = Activations { code: x_code, values: &[1; 2] };
            assert!(matches!(cpu.run_columns(id, 199..201, x, &mut vec![0; rows]), Err(GemvError::Columns { end: 201, .. })));
            assert!(matches!(cpu.run_columns(id, 0..3, x, &mut vec![0; rows]), Err(GemvError::Length { what: "x", .. })));
        }
    }
}

#[test]
fn several_vectors_of_extremes_are_exact() {
    for (code, x_code) in code_pairs() {
        let (rows, cols) = (33, 15_000);
        for weights in &extremes(code.values(), rows * cols)[..2] {
            let words = pack(rows, cols, code, weights).unwrap();
            let matrix = TileMatrix::new(rows, cols, code, &words).unwrap();
            let x: Vec<i8> = extremes(&x_values(x_code), cols).concat();
            let expected: Vec<i32> = x.chunks(cols).flat_map(|x| golden::gemv(rows, cols, weights, x)).collect();
            for variant in variants() {
                let mut cpu = CpuGemv::with_variant(variant).unwrap();
                let id = cpu.prepare(&[matrix]).unwrap();
                let mut y = vec![0; rows * 4];
                cpu.run_vectors(id, 4, Activations { code: x_code, values: &x }, &mut y).unwrap();
                assert_eq!(y, expected, "{variant} {code:?} {x_code:?}");
            }
        }
    }
}
