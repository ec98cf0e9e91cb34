//! The kernels over emulated intrinsics against the golden model.

use nda_spec::{ActivationCode, TileMatrix, golden, tile};

use super::*;
use crate::activations::Form;
use crate::word::for_planes;
use nda_gemv::Activations;

/// One tile by one vector, over the emulated intrinsics.
fn emulated(code: WeightCode, x_code: ActivationCode, words: &[u64], values: &[i8]) -> [i32; TILE_ROWS] {
    let mut x = PreparedX::default();
    let mut sums = [i32::MIN; TILE_ROWS];
    let form = match x_code {
        ActivationCode::A2 => Form::A2,
        _ if code.planes() == 1 => Form::Subsets,
        _ => Form::Bytes,
    };
    x.prepare(form, &Activations { code: x_code, values });
    match (form, code) {
        (Form::A2, WeightCode::Quaternary) => a2_quaternary(words, &x.a2, x.cols, &mut sums),
        (Form::A2, WeightCode::Ternary) => a2_ternary(words, &x.a2, &mut sums),
        (Form::A2, _) => for_planes!(code, Word => a2_affine::<Word>(code, words, &x, &mut sums)),
        (Form::Subsets, _) => {
            add_lookups(&[words], &x.subsets.words, &mut [[0; 2 * BLOCK_ROWS]; PAIRS], &mut sums);
            crate::subsets::products(code, &x.subsets, &[x.sum], &mut sums);
        }
        _ => match super::super::BytesKernel::of(code) {
            super::super::BytesKernel::Fields => bytes_by_fields(code, words, &x, &mut sums),
            super::super::BytesKernel::Table => bytes_by_table::<TwoPlanes>(code, words, &x, &mut sums),
        },
    }
    sums
}

/// One tile of `weight(i)` by a vector of `value(i)`, both indices into the code's values, against the golden model.
fn check(cols: usize, weight: impl Fn(usize) -> usize, value: impl Fn(usize) -> usize) {
    for code in WeightCode::ALL {
        for x_code in ActivationCode::ALL {
            let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
            let weights: Vec<i8> = (0..TILE_ROWS * cols).map(|i| code.values()[weight(i) % code.values().len()]).collect();
            let values: Vec<i8> = (0..cols).map(|i| all[value(i) % all.len()]).collect();
            let words = tile::pack(TILE_ROWS, cols, code, &weights).unwrap();
            let expected = golden::gemv(TILE_ROWS, cols, &weights, &values);
            assert_eq!(emulated(code, x_code, &words, &values), expected[..], "{code:?} {x_code:?} {cols} columns");
        }
    }
}

#[test]
fn emulated_avx512_bytes_are_those_of_every_machine() {
    let (mut x, mut bytes) = (PreparedX::default(), vec![[7; LANES]; 3]);
    for cols in 0..200 {
        for value in [|i: usize| (i * 37 + i / 7) as i8, |_| i8::MIN, |_| i8::MAX] {
            let values: Vec<i8> = (0..cols).map(value).collect();
            x.prepare(Form::Bytes, &Activations { code: ActivationCode::A8, values: &values });
            assert_eq!(fill_bytes(&values, &mut bytes), x.sum, "{cols} columns");
            assert_eq!(bytes, x.bytes, "{cols} columns");
        }
    }
}

#[test]
fn emulated_avx512_a2_words_are_those_of_every_machine() {
    let (mut x, mut words) = (PreparedX::default(), vec![A2Word::default(); 3]);
    for cols in 0..200 {
        let values: Vec<i8> = (0..cols).map(|i| [-2, -1, 1, 2][(i * 7 + i / 3) % 4]).collect();
        x.prepare(Form::A2, &Activations { code: ActivationCode::A2, values: &values });
        assert_eq!(x.sum, values.iter().map(|&v| i32::from(v)).sum::<i32>());
        fill_a2(&values, &mut words);
        assert_eq!(words, x.a2, "{cols} columns");
    }
}

#[test]
fn emulated_avx512_kernels_equal_golden_at_tails_and_extremes() {
    for cols in [0, 1, 7, 8, 63, 64, 65, 100, 127, 128, 129, 200] {
        check(cols, |i| i * 7 + i / 5, |i| i * 37 + i / 3);
        for (weight, value) in [(0, 0), (0, usize::MAX), (usize::MAX, 0), (usize::MAX, usize::MAX)] {
            // The largest index of a code is one less than a multiple of its length; 768 is one of each length.
            check(cols, |_| weight.min(767), |_| value.min(767));
        }
    }
}

#[test]
fn emulated_avx512_kernels_of_several_vectors_equal_golden() {
    use crate::activations::Vectors;
    for (code, cols) in WeightCode::ALL.into_iter().flat_map(|code| [(code, 130), (code, 63), (code, 128)]) {
        let weights: Vec<i8> = (0..TILE_ROWS * cols).map(|i| code.values()[(i * 7 + i / 5) % code.values().len()]).collect();
        let words = tile::pack(TILE_ROWS, cols, code, &weights).unwrap();
        // The first vectors are all at one extreme.
        let value = |i: usize| if i < 2 * cols { i8::MIN } else { (i * 37 + i / 3) as i8 };
        let values: Vec<i8> = (0..15 * cols).map(value).collect();
        let mut x = Vectors::default();
        x.prepare(Form::Bytes, cols, &values);
        let mut sums = vec![i32::MIN; 15 * TILE_ROWS];
        for block in 0..BLOCKS {
            for_planes!(code, Word => {
                vectors::<Word, 8, 1>(code, &words, block, &x, 0, &mut sums);
                vectors::<Word, 4, 2>(code, &words, block, &x, 8, &mut sums[8 * TILE_ROWS..]);
                vectors::<Word, 2, 4>(code, &words, block, &x, 12, &mut sums[12 * TILE_ROWS..]);
                vectors::<Word, 1, 8>(code, &words, block, &x, 14, &mut sums[14 * TILE_ROWS..]);
            });
        }
        let expected: Vec<i32> = values.chunks(cols).flat_map(|x| golden::gemv(TILE_ROWS, cols, &weights, x)).collect();
        assert_eq!(sums, expected, "{code:?}, {cols} columns");
    }
}

#[test]
fn emulated_avx512_fields_are_scaled_down_before_they_leave_32_bits() {
    // All weights at their largest and all activations -128 make the largest sums; one word more than is added up at a time.
    let cols = (FIELD_WORDS + 1) * tile::WORD_COLS;
    for code in WeightCode::ALL {
        let words = tile::pack(TILE_ROWS, cols, code, &vec![code.highest(); TILE_ROWS * cols]).unwrap();
        for value in [i8::MIN, i8::MAX] {
            let expected = [cols as i32 * i32::from(code.highest()) * i32::from(value); TILE_ROWS];
            assert_eq!(emulated(code, ActivationCode::A8, &words, &vec![value; cols]), expected, "{code:?}");
        }
    }
}

#[test]
fn emulated_avx512_kernels_read_a_contradictory_weight_as_zero() {
    let words: Vec<u64> = (1..=2 * tile::word_u64(WeightCode::Ternary) as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let matrix = TileMatrix::new(TILE_ROWS, 128, WeightCode::Ternary, &words).unwrap();
    for x_code in ActivationCode::ALL {
        let values: Vec<i8> = (0..128).map(|i| if i % 3 == 0 { -2 } else { 1 }).collect();
        let expected = golden::gemv(TILE_ROWS, 128, &matrix.to_values(), &values);
        assert_eq!(emulated(WeightCode::Ternary, x_code, &words, &values), expected[..], "{x_code:?}");
    }
}

/// A grid of one plane by one vector over the emulated intrinsics.
fn check_one_plane_grid(grid: &GridMatrix<'_>, x: &nda_gemv::GroupedVectors<'_>, expected: &[f32]) {
    let mut packed = GridInput::default();
    packed.set(&crate::ThreadPool::default(), x);
    for (tile, expected) in expected.chunks(TILE_ROWS).enumerate() {
        let mut y = [f32::NAN; TILE_ROWS];
        one_plane_grid(grid, tile, &packed, &mut y);
        let bits = |rows: &[f32]| rows.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&y[..expected.len()]), bits(expected), "{:?} {:?} {:?}", grid.code(), grid.group(), grid.coefficients());
    }
}

/// Which weights and activations a grid has.
#[derive(Clone, Copy, PartialEq)]
enum Fill {
    Mixed,
    Extremes,
}

/// A grid by several vectors over the emulated intrinsics, tile by tile, against the definition.
fn check_grid(shape: (usize, usize), code: WeightCode, group: nda_spec::GroupCols, coefficients: &[i8], fill: Fill) {
    use nda_spec::grid::{HALF_COLS, gemv, scale_count, scale_index};
    let ((rows, cols), vectors) = (shape, 3);
    let is_extreme = fill == Fill::Extremes;
    let pick = |i: usize| if is_extreme { code.values().len() - 1 } else { (i * 7 + i / 5 + i / 64) % code.values().len() };
    let mut words = Vec::new();
    for k in 0..coefficients.len() {
        let values: Vec<i8> = (0..rows * cols).map(|i| code.values()[pick(i + k)]).collect();
        words.extend(tile::pack(rows, cols, code, &values).unwrap());
    }
    let mut scales = vec![0; scale_count(rows, cols, group).unwrap()];
    for i in 0..rows * cols {
        scales[scale_index(i / cols, i % cols, cols, group)] = 0x1234 ^ (i as u16 & 0x83ff);
    }
    let grid = GridMatrix::new(shape, code, group, coefficients, &scales, &words).unwrap();
    let codes: Vec<i8> = (0..cols * vectors).map(|i| if is_extreme { 127 } else { ((i * 37 % 255) as i16 - 127) as i8 }).collect();
    let x_scales: Vec<f32> = (0..cols.div_ceil(HALF_COLS) * vectors).map(|i| i as f32 / 7.0).collect();
    let mut x = GridInput::default();
    x.set(&crate::ThreadPool::default(), &nda_gemv::GroupedVectors::new(cols, &codes, &x_scales).unwrap());
    let (tables, mut totals) = (super::super::kernels::grid_tables(&grid), Vec::new());
    let each = codes.chunks(cols).zip(x_scales.chunks(cols.div_ceil(HALF_COLS)));
    let expected: Vec<Vec<f32>> = each
        .map(|(codes, scales)| {
            let mut y = vec![0.0; rows];
            gemv(&grid, codes, scales, &mut y);
            y
        })
        .collect();
    if code.planes() == 1 && coefficients.len() == 1 {
        for (codes, (scales, expected)) in codes.chunks(cols).zip(x_scales.chunks(cols.div_ceil(HALF_COLS)).zip(&expected)) {
            check_one_plane_grid(&grid, &nda_gemv::GroupedVectors::new(cols, codes, scales).unwrap(), expected);
        }
    }
    for tile in 0..rows.div_ceil(TILE_ROWS) {
        let mut y = vec![f32::NAN; TILE_ROWS * vectors];
        let totals = super::super::cleared(&grid, tile, &x, &mut totals, &y);
        for_planes!(code, Word => match coefficients.len() {
            1 => super::grid::<Word, 1>(&grid, tile, &tables, &x, totals),
            2 => super::grid::<Word, 2>(&grid, tile, &tables, &x, totals),
            3 => super::grid::<Word, 3>(&grid, tile, &tables, &x, totals),
            _ => super::grid::<Word, 4>(&grid, tile, &tables, &x, totals),
        });
        super::super::add_halves(&x, totals, &mut y);
        for (vector, expected) in expected.iter().enumerate() {
            for row in 0..TILE_ROWS.min(rows - tile * TILE_ROWS) {
                let (found, expected) = (y[vector * TILE_ROWS + row], expected[tile * TILE_ROWS + row]);
                assert_eq!(found.to_bits(), expected.to_bits(), "{shape:?} {code:?} {group:?} {coefficients:?}: {found} {expected}");
            }
        }
    }
}

#[test]
fn emulated_avx512_grids_equal_the_definition() {
    for code in WeightCode::ALL {
        for group in nda_spec::GroupCols::ALL {
            for coefficients in [&[1][..], &[4, 7], &[3, 5, 8], &[1, 2, 4, 8], &[31], &[15, 16]] {
                for shape in [(1, 1), (31, 32), (33, 63), (5, 65), (40, 200), (33, 321)] {
                    check_grid(shape, code, group, coefficients, Fill::Mixed);
                }
                check_grid((32, 128), code, group, coefficients, Fill::Extremes);
            }
        }
    }
}
