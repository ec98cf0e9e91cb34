//! Small products of every kind and some whole tokens at the opening of an adapter: a driver that computes wrongly is refused before it
//! is used.

mod tokens;

use crate::error::GpuError;
use crate::gemv::GpuGemv;
use crate::kernel::Kernel;
use nda_gemv::{Activations, Gemv, GemvError, Grids, GroupedVectors, Vectors};
use nda_spec::grid::{HALF_COLS, scale_count};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, GridMatrix, GroupCols, TileError, TileMatrix, WeightCode, golden, grid, tile};

/// A row beyond a tile and a column beyond a word.
const ROWS: usize = 33;
const COLS: usize = 97;
/// More than four: a product of the first few takes another shader than a product of all, and one of a single vector a third.
const VECTORS: usize = 5;
const FEW: usize = 3;

/// Weights of a code, as values and as tiles.
fn weights(code: WeightCode, random: &mut Random) -> Result<(Vec<i8>, Vec<u64>), TileError> {
    let values: Vec<i8> = (0..ROWS * COLS).map(|_| random.one_of(code.values())).collect();
    let words = tile::pack(ROWS, COLS, code, &values)?;
    Ok((values, words))
}

/// Runs it.
///
/// # Errors
/// [`GpuError::Wrong`] with the product that differs; a device that fails.
pub(crate) fn run(gemv: &mut GpuGemv) -> Result<(), GpuError> {
    // The same test on every machine.
    let mut random = Random::new(7);
    for code in WeightCode::ALL {
        integers(gemv, code, &mut random)?;
    }
    group_quantized(gemv, &mut random)?;
    // Without integers of 64 bits the token machine is the CPU's.
    if Gemv::tokens(gemv).is_some() { tokens::run(gemv, &mut random) } else { Ok(()) }
}

fn wrong(gemv: &GpuGemv, what: impl std::fmt::Display) -> GpuError {
    GpuError::Wrong { adapter: gemv.adapter().name.clone(), what: what.to_string() }
}

/// A failure of the device as itself, everything else as a wrong answer.
fn failed(gemv: &GpuGemv, error: GemvError) -> GpuError {
    match error {
        GemvError::Device(error) => match error.downcast::<GpuError>() {
            Ok(error) => *error,
            Err(other) => wrong(gemv, other),
        },
        other => wrong(gemv, other),
    }
}

fn integers(gemv: &mut GpuGemv, code: WeightCode, random: &mut Random) -> Result<(), GpuError> {
    let (values, words) = weights(code, random).map_err(|e| wrong(gemv, e))?;
    let tiles = TileMatrix::new(ROWS, COLS, code, &words).map_err(|e| wrong(gemv, e))?;
    let id = gemv.prepare(&[tiles]).map_err(|e| failed(gemv, e))?;
    for x_code in ActivationCode::ALL {
        let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|v| x_code.contains(*v)).collect();
        let x: Vec<i8> = (0..VECTORS * COLS).map(|_| random.one_of(&all)).collect();
        let wanted: Vec<i32> = x.chunks(COLS).flat_map(|x| golden::gemv(ROWS, COLS, &values, x)).collect();
        for kernel in Kernel::ALL {
            gemv.force(Some(kernel));
            let what = format!("{} x {}, {}", code.name(), x_code.name(), kernel.name());
            for vectors in [1, FEW, VECTORS] {
                let x = Activations { code: x_code, values: &x[..vectors * COLS] };
                let mut found = vec![0; vectors * ROWS];
                gemv.run_vectors(id, vectors, x, &mut found).map_err(|e| failed(gemv, e))?;
                if found != wanted[..vectors * ROWS] {
                    return Err(wrong(gemv, &what));
                }
            }
            gemv.force(None);
        }
    }
    Ok(())
}

fn group_quantized(gemv: &mut GpuGemv, random: &mut Random) -> Result<(), GpuError> {
    let code = WeightCode::Quaternary;
    let mut words = Vec::new();
    for _ in 0..2 {
        words.extend(weights(code, random).map_err(|e| wrong(gemv, e))?.1);
    }
    let group = GroupCols::C32;
    let mut scales = vec![0_u16; scale_count(ROWS, COLS, group).unwrap_or(0)];
    for (row, col) in (0..ROWS).flat_map(|row| (0..COLS).step_by(HALF_COLS).map(move |col| (row, col))) {
        // Finite ones of every exponent, subnormal ones among them, of both signs.
        let bits = random.below(1 << 15) as u16;
        let finite = if bits & 0x7c00 == 0x7c00 { bits & !0x4000 } else { bits };
        scales[grid::scale_index(row, col, COLS, group)] = finite | (random.below(2) as u16) << 15;
    }
    let matrix = GridMatrix::new((ROWS, COLS), code, group, &[4, 1], &scales, &words).map_err(|e| wrong(gemv, e))?;
    let Some(id) = gemv.prepare_grid(&[matrix]).map_err(|e| failed(gemv, e))? else { return Ok(()) };
    let codes: Vec<i8> = (0..VECTORS * COLS).map(|_| (random.below(255) as i32 - 127) as i8).collect();
    let halves = COLS.div_ceil(HALF_COLS);
    let x_scales: Vec<f32> = (0..VECTORS * halves).map(|_| f32::from_bits((random.below(60 << 23) + (80 << 23)) as u32)).collect();
    let x = GroupedVectors::new(COLS, &codes, &x_scales).map_err(|e| wrong(gemv, e))?;
    let (mut wanted, mut found) = (vec![0.0; VECTORS * ROWS], vec![0.0; VECTORS * ROWS]);
    for ((codes, scales), y) in x.iter().zip(wanted.chunks_mut(ROWS)) {
        grid::gemv(&matrix, codes, scales, y);
    }
    gemv.run_grid(id, &x, &mut found).map_err(|e| failed(gemv, e))?;
    // One vector alone takes another shader.
    let first = GroupedVectors::new(COLS, &codes[..COLS], &x_scales[..halves]).map_err(|e| wrong(gemv, e))?;
    let mut alone = vec![0.0; ROWS];
    gemv.run_grid(id, &first, &mut alone).map_err(|e| failed(gemv, e))?;
    for found in [found, alone] {
        if let Some(at) = wanted.iter().zip(&found).position(|(a, b)| a.to_bits() != b.to_bits()) {
            return Err(wrong(gemv, format!("group-quantized, row {}: {} for {}", at % ROWS, found[at], wanted[at])));
        }
    }
    Ok(())
}
