//! Products on a back end of any kind: matrices of every code by one vector and by many, each checked before it is timed.

use std::time::Duration;

use nda_gemv::{Activations, Gemv, GemvError, GroupedVectors, run_vectors};
use nda_spec::grid::{GroupCols, HALF_COLS, scale_count};
use nda_spec::random::Random;
use nda_spec::tile::matrix_u64;
use nda_spec::{ActivationCode, GridMatrix, TileMatrix, WeightCode, golden, grid};
use serde_json::{Value, json};

use crate::BenchError;
use crate::cases::{PREFILL, activations, words};
use crate::timing::{Timing, measure};

/// Group-quantized matrices: two stacks, as most models have, and the one of 1-bit models.
const GRIDS: [(&str, WeightCode, &[i8], GroupCols); 2] =
    [("k2", WeightCode::Quaternary, &[4, 7], GroupCols::C32), ("binary", WeightCode::Binary, &[1], GroupCols::C128)];
/// Rows of a product that are compared with the golden model, which takes its time.
const CHECKED_ROWS: usize = 64;

/// A product of a back end.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// `quaternary A8 x16`.
    pub name: String,
    /// Multiplications with additions a second, in 10^9.
    pub gmac_per_s: f64,
    /// Bytes of planes and scales read a second, in 10^9.
    pub gb_per_s: f64,
    /// One product, what is sent and what comes back included.
    pub timing: Timing,
}

impl Product {
    /// As JSON.
    pub fn json(&self) -> Value {
        let Timing { median_s, p10_s, p90_s, samples, .. } = self.timing;
        json!({
            "name": self.name, "gmac_per_s": self.gmac_per_s, "gb_per_s": self.gb_per_s,
            "median_s": median_s, "p10_s": p10_s, "p90_s": p90_s, "samples": samples,
        })
    }

    /// As a line.
    pub fn line(&self) -> String {
        let Product { name, gmac_per_s, gb_per_s, timing } = self;
        format!("{name:<26} {:>10.3} ms {gmac_per_s:>9.3} GMAC/s {gb_per_s:>9.3} GB/s", 1e3 * timing.median_s)
    }
}

/// Matrices of one shape: one of every code, and group-quantized ones.
pub struct Matrices {
    shape: (usize, usize),
    planes: Vec<(WeightCode, Vec<u64>)>,
    /// Of every one of [`GRIDS`]: its stacks, and its scales.
    grids: Vec<(Vec<u64>, Vec<u16>)>,
    seed: u64,
}

impl Matrices {
    /// Random ones.
    ///
    /// # Errors
    /// The shape has no rows or no columns.
    pub fn new(shape: (usize, usize), seed: u64) -> Result<Matrices, BenchError> {
        let mut random = Random::new(seed);
        let mut planes = Vec::new();
        for code in WeightCode::ALL {
            planes.push((code, canonical(shape, code, &mut random)?));
        }
        let mut grids = Vec::new();
        for (_, code, coefficients, group) in GRIDS {
            let mut stacks = Vec::new();
            for _ in coefficients {
                stacks.extend(canonical(shape, code, &mut random)?);
            }
            // Small positive normal numbers.
            let scales = (0..scale_count(shape.0, shape.1, group)?).map(|_| 0x2000 | (random.next_u64() as u16 & 0x07ff)).collect();
            grids.push((stacks, scales));
        }
        Ok(Matrices { shape, planes, grids, seed })
    }

    /// Every product that the back end makes; `progress` is told of each before it is checked and timed.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] before anything of the product is timed; a back end that fails.
    pub fn measure<'m>(
        &'m self,
        gemv: &mut dyn Gemv<'m>,
        time: Duration,
        mut progress: impl FnMut(&str),
    ) -> Result<Vec<Product>, BenchError> {
        let mut found = Vec::new();
        for (code, planes) in &self.planes {
            let matrix = TileMatrix::new(self.shape.0, self.shape.1, *code, planes)?;
            let few = if *code == WeightCode::Quaternary { &ActivationCode::ALL[..] } else { &[ActivationCode::A8] };
            let works = few.iter().map(|x| (*x, 1)).chain([(ActivationCode::A8, PREFILL)]);
            for (x, vectors) in works {
                let name = name_of(&format!("{} {}", code.name().to_lowercase(), x.name()), vectors);
                progress(&name);
                found.push(self.matrix(gemv, matrix, (x, vectors), time, name)?);
            }
        }
        let (rows, cols) = self.shape;
        for ((form, code, coefficients, group), (stacks, scales)) in GRIDS.into_iter().zip(&self.grids) {
            let grid = GridMatrix::new((rows, cols), code, group, coefficients, scales, stacks)?;
            for vectors in [1, PREFILL] {
                let name = name_of(&format!("group-quantized {form} A8"), vectors);
                progress(&name);
                found.extend(self.grid(gemv, grid, vectors, time, name)?);
            }
        }
        Ok(found)
    }

    fn matrix<'m>(
        &self,
        gemv: &mut dyn Gemv<'m>,
        matrix: TileMatrix<'m>,
        (code, vectors): (ActivationCode, usize),
        time: Duration,
        name: String,
    ) -> Result<Product, BenchError> {
        let (rows, cols) = self.shape;
        let values = activations(code, vectors * cols, &mut Random::new(self.seed));
        let x = Activations { code, values: &values };
        let id = gemv.prepare(&[matrix])?;
        let mut y = vec![0; vectors * rows];
        run_vectors(gemv, id, vectors, x, &mut y)?;
        let checked = rows.min(CHECKED_ROWS);
        let weights: Vec<i8> = (0..checked).flat_map(|row| (0..cols).map(move |col| matrix.get(row, col))).collect();
        for (x, y) in values.chunks_exact(cols).zip(y.chunks_exact(rows)) {
            self.check(&name, &y[..checked], &golden::gemv(checked, cols, &weights, x))?;
        }
        let mut failed = None;
        let timing = measure(time, || failed = failed.take().or(run_vectors(gemv, id, vectors, x, &mut y).err()));
        failed.map_or(Ok(()), Err::<(), GemvError>)?;
        Ok(self.product(name, vectors, size_of_val(matrix.words()), timing))
    }

    /// None of a back end that does not multiply such matrices as they are.
    fn grid<'m>(
        &self,
        gemv: &mut dyn Gemv<'m>,
        matrix: GridMatrix<'m>,
        vectors: usize,
        time: Duration,
        name: String,
    ) -> Result<Option<Product>, BenchError> {
        let (rows, cols) = self.shape;
        let Some(grids) = gemv.grids() else { return Ok(None) };
        let Some(id) = grids.prepare_grid(&[matrix])? else { return Ok(None) };
        let codes = activations(ActivationCode::A8, vectors * cols, &mut Random::new(self.seed));
        let x_scales: Vec<f32> = (0..vectors * cols.div_ceil(HALF_COLS)).map(|at| (at % 1000) as f32 / 777.0).collect();
        let x = GroupedVectors::new(cols, &codes, &x_scales).map_err(GemvError::from)?;
        let mut y = vec![0.0; vectors * rows];
        grids.run_grid(id, &x, &mut y)?;
        let mut wanted = vec![0.0; rows];
        for ((codes, scales), y) in x.iter().zip(y.chunks_exact(rows)) {
            grid::gemv(&matrix, codes, scales, &mut wanted);
            self.check(&name, y, &wanted)?;
        }
        let mut failed = None;
        let timing = measure(time, || failed = failed.take().or(grids.run_grid(id, &x, &mut y).err()));
        failed.map_or(Ok(()), Err::<(), GemvError>)?;
        Ok(Some(self.product(name, vectors, size_of_val(matrix.words()) + size_of_val(matrix.scales()), timing)))
    }

    fn product(&self, name: String, vectors: usize, bytes: usize, timing: Timing) -> Product {
        let products = (self.shape.0 * self.shape.1 * vectors) as f64;
        let of = |amount: f64| amount / timing.median_s / 1e9;
        Product { name, gmac_per_s: of(products), gb_per_s: of(bytes as f64), timing }
    }

    fn check<T: PartialEq + std::fmt::Debug>(&self, name: &str, found: &[T], wanted: &[T]) -> Result<(), BenchError> {
        match found.iter().zip(wanted).enumerate().find(|(_, (found, wanted))| found != wanted) {
            None => Ok(()),
            Some((row, (found, wanted))) => Err(BenchError::Wrong {
                case: name.into(),
                row,
                found: format!("{found:?}"),
                expected: format!("{wanted:?}"),
                seed: self.seed,
            }),
        }
    }
}

fn name_of(product: &str, vectors: usize) -> String {
    if vectors == 1 { product.into() } else { format!("{product} x{vectors}") }
}

/// Random planes without a bit in the padding.
fn canonical((rows, cols): (usize, usize), code: WeightCode, random: &mut Random) -> Result<Vec<u64>, BenchError> {
    if rows.is_multiple_of(32) && cols.is_multiple_of(64) {
        return words((rows, cols), code, random);
    }
    matrix_u64(rows, cols, code)?;
    let values: Vec<i8> = (0..rows * cols).map(|_| code.values()[(random.next_u64() >> 33) as usize % code.values().len()]).collect();
    Ok(nda_spec::tile::pack(rows, cols, code, &values)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_kernels::CpuGemv;

    #[test]
    fn every_product_of_a_back_end_is_checked_and_timed() {
        for shape in [(64, 128), (33, 70)] {
            let matrices = Matrices::new(shape, 3).unwrap();
            let mut told = Vec::new();
            let found = matrices.measure(&mut CpuGemv::new(), Duration::ZERO, |name| told.push(name.to_owned())).unwrap();
            assert_eq!(found.iter().map(|product| product.name.clone()).collect::<Vec<_>>(), told);
            assert_eq!(told.len(), 2 * WeightCode::ALL.len() + 2 + 2 * GRIDS.len(), "{told:?}");
            assert!(found.iter().all(|product| product.gmac_per_s > 0.0 && product.gb_per_s > 0.0), "{found:?}");
        }
        let error = Matrices::new((4, 4), 3).unwrap().check("product", &[1, 2], &[1, 3]).unwrap_err();
        assert!(error.to_string().contains("row 1 is 2, but the golden model says 3"), "{error}");
    }
}
