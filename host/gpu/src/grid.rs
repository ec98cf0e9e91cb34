//! Group-quantized matrices on the device.

use crate::device::{Call, Dispatch, Gpu, Read};
use crate::error::GpuError;
use crate::gemv::Memory;
use crate::input::{HALF, bytes};
use crate::kernel::Positive;
use crate::weights::{Chunk, Place, grid};
use nda_gemv::GroupedVectors;
use nda_spec::{GridMatrix, WeightCode};
use std::collections::HashMap;

/// The shader of a code, a count of stacks and their coefficients.
type Key = (WeightCode, Vec<i8>);

/// Vectors of a workgroup where there are several: a weight is read once for all of them.
const SEVERAL: usize = 4;

/// Pipelines that were made: for one vector, and for [`SEVERAL`].
#[derive(Debug, Default)]
pub(crate) struct Pipelines(HashMap<Key, [wgpu::ComputePipeline; 2]>);

/// A prepared matrix: its parts, stacked by rows.
#[derive(Debug)]
pub(crate) struct StackedGrid {
    parts: Vec<Part>,
    pub rows: usize,
    pub cols: usize,
    /// Codes in it, each stack counted.
    pub weights: usize,
}

#[derive(Debug)]
struct Part {
    key: Key,
    chunks: Vec<Chunk>,
}

impl StackedGrid {
    /// Uploads parts of equal columns.
    ///
    /// # Errors
    /// No room; a shader that the driver does not take.
    pub fn upload(gpu: &Gpu, pipelines: &mut Pipelines, parts: &[GridMatrix<'_>]) -> Result<StackedGrid, GpuError> {
        let rows = parts.iter().map(GridMatrix::rows).sum();
        let mut first = 0;
        let mut uploaded = Vec::new();
        for part in parts {
            let key = (part.code(), part.coefficients().to_vec());
            pipelines.make(gpu, &key)?;
            uploaded.push(Part { key, chunks: grid(gpu, part, Place { first, rows })? });
            first += part.rows();
        }
        let weights = parts.iter().map(|part| part.rows() * part.cols() * part.stacks()).sum();
        Ok(StackedGrid { parts: uploaded, rows, cols: parts.first().map_or(0, GridMatrix::cols), weights })
    }

    /// `y = W x` of every vector.
    ///
    /// # Errors
    /// The device's.
    pub fn run(
        &self,
        gpu: &mut Gpu,
        memory: &mut Memory,
        pipelines: &Pipelines,
        x: &GroupedVectors<'_>,
        y: &mut [f32],
    ) -> Result<(), GpuError> {
        let half_words = 2 * self.cols.div_ceil(2 * HALF);
        let width = if x.vectors() == 1 { 1 } else { SEVERAL };
        let vectors = x.vectors().next_multiple_of(width);
        let mut words = vec![0_u32; vectors * half_words * HALF / 4];
        let mut scales = vec![0_u32; vectors * half_words];
        let mut sums = vec![0_i32; vectors * half_words];
        for (v, (codes, own)) in x.iter().enumerate() {
            for (h, (codes, scale)) in codes.chunks(HALF).zip(own).enumerate() {
                let at = v * half_words + h;
                bytes(&mut words[at * HALF / 4..][..HALF / 4], codes);
                scales[at] = scale.to_bits();
                sums[at] = codes.iter().map(|code| i32::from(*code)).sum();
            }
        }
        let x_words = memory.x.load(gpu, &words)?;
        let x_scales = memory.scales.load(gpu, &scales)?;
        // What the offsets add differs from part to part: the sums are loaded once for each offset.
        let mut x_sums = Vec::new();
        for part in &self.parts {
            let offset = part.offset();
            let scaled: Vec<u32> = sums.iter().map(|sum| (sum * offset).cast_unsigned()).collect();
            x_sums.push(gpu.buffer_of(scaled.into_iter(), wgpu::BufferUsages::STORAGE)?);
        }
        let (from, to) = memory.y(gpu, vectors * self.rows)?;
        let mut dispatches = Vec::new();
        for (part, sums) in self.parts.iter().zip(&x_sums) {
            let pipeline = &pipelines.0[&part.key][usize::from(width > 1)];
            for chunk in &part.chunks {
                let Some(scales) = &chunk.scales else { continue };
                let buffers = gpu.bind(pipeline, &[&chunk.words, scales, &x_words, &x_scales, sums, &from, &chunk.shape]);
                dispatches.push(Dispatch { pipeline: pipeline.clone(), buffers, groups: (chunk.tiles, (vectors / width) as u32) });
            }
        }
        let found = gpu.submit(dispatches.iter().map(Call::from), Some(&Read::through(from, to, y.len())))?;
        y.iter_mut().zip(found).for_each(|(y, bits)| *y = f32::from_bits(bits));
        Ok(())
    }
}

impl Part {
    /// What every activation adds to a sum besides what the shader sums.
    fn offset(&self) -> i32 {
        let coefficients: i32 = self.key.1.iter().map(|c| i32::from(*c)).sum();
        Positive::of(self.key.0).offset * coefficients
    }
}

impl Pipelines {
    fn make(&mut self, gpu: &Gpu, key: &Key) -> Result<(), GpuError> {
        if !self.0.contains_key(key) {
            let (code, coefficients) = key;
            let list = coefficients.iter().map(|c| format!("{c}u")).collect::<Vec<_>>().join(", ");
            let stacks = coefficients.len();
            let text = |vectors: usize| {
                let mut text = String::from("requires packed_4x8_integer_dot_product;\n");
                text += &format!("const VECTORS: u32 = {vectors}u;\nconst STACKS: u32 = {stacks}u;\n");
                text += &format!("const COEFFICIENTS = array<u32, {stacks}>({list});\n");
                text += &Positive::of(*code).constants(code.planes());
                text += include_str!("shaders/float.wgsl");
                text + include_str!("shaders/grid.wgsl")
            };
            let pipelines = [gpu.pipeline("group-quantized", text(1))?, gpu.pipeline("group-quantized", text(SEVERAL))?];
            self.0.insert(key.clone(), pipelines);
        }
        Ok(())
    }
}
