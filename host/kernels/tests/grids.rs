//! Every variant multiplies grids as `nda_spec::grid::gemv` says, to the bit, whatever the vectors and threads.

use nda_gemv::{GemvError, GridId, Grids, GroupedVectors};
use nda_kernels::{CpuGemv, Variant};
use nda_spec::WeightCode;
use nda_spec::grid::{GridMatrix, GroupCols, HALF_COLS, gemv, scale_count, scale_index};
use nda_spec::random::Random;
use nda_spec::tile::pack;

struct Owned {
    shape: (usize, usize),
    code: WeightCode,
    group: GroupCols,
    coefficients: Vec<i8>,
    scales: Vec<u16>,
    words: Vec<u64>,
}

impl Owned {
    fn new(
        shape: (usize, usize),
        code: WeightCode,
        group: GroupCols,
        coefficients: &[i8],
        mut weight: impl FnMut() -> i8,
        seed: u64,
    ) -> Owned {
        let mut random = Random::new(seed);
        let (rows, cols) = shape;
        let mut words = Vec::new();
        for _ in coefficients {
            let values: Vec<i8> = (0..rows * cols).map(|_| weight()).collect();
            words.extend(pack(rows, cols, code, &values).unwrap());
        }
        let mut scales = vec![0; scale_count(rows, cols, group).unwrap()];
        for row in 0..rows {
            for col in (0..cols).step_by(group.cols()) {
                // Both signs, subnormals and large ones, but no infinity.
                scales[scale_index(row, col, cols, group)] = (random.next_u64() as u16) & 0xbfff;
            }
        }
        Owned { shape, code, group, coefficients: coefficients.to_vec(), scales, words }
    }

    fn grid(&self) -> GridMatrix<'_> {
        let grid = GridMatrix::new(self.shape, self.code, self.group, &self.coefficients, &self.scales, &self.words).unwrap();
        grid.check().unwrap();
        grid
    }
}

fn input(cols: usize, vectors: usize, codes: &[i8], random: &mut Random) -> (Vec<i8>, Vec<f32>) {
    let codes: Vec<i8> = (0..cols * vectors).map(|_| random.one_of(codes)).collect();
    let scales: Vec<f32> = (0..cols.div_ceil(HALF_COLS) * vectors).map(|_| random.below(1000) as f32 / 777.0).collect();
    (codes, scales)
}

fn check(parts: &[&Owned], vectors: usize, codes: &[i8], threads: usize, what: &str) {
    let cols = parts[0].shape.1;
    let mut random = Random::new(cols as u64 * 77 + vectors as u64 + 1);
    let (codes, scales) = input(cols, vectors, codes, &mut random);
    let x = GroupedVectors::new(cols, &codes, &scales).unwrap();
    let rows: usize = parts.iter().map(|p| p.shape.0).sum();
    let mut expected = vec![0.0; rows * vectors];
    for vector in 0..vectors {
        let mut first = vector * rows;
        for part in parts {
            let halves = cols.div_ceil(HALF_COLS);
            let (codes, scales) = (&codes[vector * cols..][..cols], &scales[vector * halves..][..halves]);
            gemv(&part.grid(), codes, scales, &mut expected[first..first + part.shape.0]);
            first += part.shape.0;
        }
    }
    for variant in Variant::available() {
        let mut cpu = CpuGemv::with_variant(variant).unwrap().with_threads(threads).unwrap();
        let grids: Vec<GridMatrix<'_>> = parts.iter().map(|p| p.grid()).collect();
        let id = cpu.prepare_grid(&grids).unwrap().expect("a CPU multiplies grids");
        let mut y = vec![f32::NAN; rows * vectors];
        cpu.run_grid(id, &x, &mut y).unwrap();
        let same = y.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "{variant}, {what}: {y:?} against {expected:?}");
    }
}

#[test]
fn products_of_grids_equal_the_definition_at_every_tail() {
    let all: Vec<i8> = (-127..=127).collect();
    for code in WeightCode::ALL {
        for group in GroupCols::ALL {
            for coefficients in [&[1][..], &[4, 7], &[3, 5, 8], &[1, 2, 4, 8], &[4, 7, 12], &[31]] {
                for shape in [(1, 1), (4, 31), (31, 32), (32, 33), (33, 63), (5, 64), (65, 65), (40, 200), (33, 321)] {
                    let mut random = Random::new(shape.0 as u64 * 31 + shape.1 as u64);
                    let owned = Owned::new(shape, code, group, coefficients, || random.one_of(code.values()), 9);
                    check(&[&owned], 3, &all, 1, &format!("{code:?} {group:?} {coefficients:?} {shape:?}"));
                }
            }
        }
    }
}

#[test]
fn extremes_are_exact() {
    for (weight, code) in [(2, 127), (-2, 127), (2, -127), (-2, -127)] {
        for coefficients in
            [&[31][..], &[16], &[4], &[8], &[15, 16], &[8, 8], &[1, 1], &[3, 5], &[7, 8, 16], &[5, 5, 6], &[1, 1, 1, 1], &[4, 4, 4, 5]]
        {
            let owned = Owned::new((33, 300), WeightCode::Quaternary, GroupCols::C32, coefficients, || weight, 5);
            check(&[&owned], 2, &[code], 1, &format!("{weight} {code} {coefficients:?}"));
        }
    }
}

#[test]
fn threads_and_parts_change_no_bit() {
    let mut random = Random::new(11);
    let all: Vec<i8> = (-127..=127).collect();
    for (code, group, coefficients) in [
        (WeightCode::Quaternary, GroupCols::C32, &[4, 7][..]),
        (WeightCode::Binary, GroupCols::C128, &[1]),
        (WeightCode::Binary, GroupCols::C32, &[3]),
    ] {
        let mut of = |rows| Owned::new((rows, 576), code, group, coefficients, || random.one_of(code.values()), rows as u64);
        let parts = [of(1100), of(190), of(3)];
        let parts: Vec<&Owned> = parts.iter().collect();
        for (vectors, threads) in [1, 5].into_iter().flat_map(|vectors| [1, 2, 3].map(|threads| (vectors, threads))) {
            check(&parts, vectors, &all, threads, &format!("{code:?}, {vectors} vectors, {threads} threads"));
        }
    }
}

#[test]
fn wrong_inputs_are_refused() {
    let owned = Owned::new((4, 40), WeightCode::Quaternary, GroupCols::C32, &[1], || 1, 3);
    let x = GroupedVectors::new(39, &[0; 39], &[1.0; 2]).unwrap();
    let mut cpu = CpuGemv::new();
    let id = cpu.prepare_grid(&[owned.grid()]).unwrap().unwrap();
    assert!(matches!(cpu.run_grid(id, &x, &mut [0.0; 4]), Err(GemvError::Length { what: "x", .. })));
    let x = GroupedVectors::new(40, &[0; 40], &[1.0; 2]).unwrap();
    assert!(matches!(cpu.run_grid(id, &x, &mut [0.0; 5]), Err(GemvError::Length { what: "y", .. })));
    assert!(matches!(cpu.run_grid(GridId(7), &x, &mut [0.0; 4]), Err(GemvError::UnknownGrid { .. })));
    assert!(cpu.prepare_grid(&[]).is_err());
    let wider = Owned::new((4, 41), WeightCode::Quaternary, GroupCols::C32, &[1], || 1, 3);
    assert!(cpu.prepare_grid(&[owned.grid(), wider.grid()]).is_err());
}
