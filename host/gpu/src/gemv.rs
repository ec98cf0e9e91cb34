//! The back end: matrices on the device, products in one submission each.

use crate::device::{Call, Dispatch, Gpu, Read};
use crate::error::GpuError;
use crate::grid::{Pipelines, StackedGrid};
use crate::input::{Input, pack};
use crate::kernel::{Form, Kernel, MANY};
use crate::tokens::TokenMachine;
use crate::weights::{Chunk, Place, tiles};
use crate::{AdapterInfo, selftest, tune};
use nda_gemv::check::{check_run, check_shape, check_vectors, stacked_grids, stacked_shape};
use nda_gemv::{Activations, Cost, Gemv, GemvError, GridId, Grids, GroupedVectors, MatrixId, Shape, Tokens, TokensId, Vectors, Work};
use nda_spec::{ActivationCode, GridMatrix, TileMatrix, WeightCode};
use std::collections::HashMap;

/// Vectors of one workgroup, for as many vectors as there are at least: a weight is read once for all of them.
pub(crate) const WIDTHS: [u32; 3] = [1, 4, MANY];
/// Vectors of one submission: bounds what is sent, and what is read back.
const MOST_VECTORS: usize = 256;

/// A buffer that grows as it is needed.
#[derive(Debug)]
pub(crate) struct Growing {
    usage: wgpu::BufferUsages,
    buffer: Option<wgpu::Buffer>,
}

impl Growing {
    fn new(usage: wgpu::BufferUsages) -> Growing {
        Growing { usage, buffer: None }
    }

    /// The buffer, with room for that many words at least.
    fn room(&mut self, gpu: &Gpu, words: usize) -> Result<wgpu::Buffer, GpuError> {
        let bytes = words.max(1) as u64 * 4;
        match &self.buffer {
            Some(buffer) if buffer.size() >= bytes => Ok(buffer.clone()),
            _ => {
                let buffer = gpu.buffer(bytes.next_power_of_two().min(gpu.info.binding_bytes.max(bytes)), self.usage)?;
                self.buffer = Some(buffer.clone());
                Ok(buffer)
            }
        }
    }

    /// The buffer with these words in front.
    pub fn load(&mut self, gpu: &Gpu, words: &[u32]) -> Result<wgpu::Buffer, GpuError> {
        let buffer = self.room(gpu, words.len())?;
        gpu.write(&buffer, words);
        Ok(buffer)
    }
}

/// What vectors go in and out through.
#[derive(Debug)]
pub(crate) struct Memory {
    pub x: Growing,
    pub scales: Growing,
    sums: Growing,
    results: Growing,
    read: Growing,
}

impl Memory {
    fn new(gpu: &Gpu) -> Memory {
        use wgpu::BufferUsages as Usage;
        let sent = || Growing::new(Usage::STORAGE | Usage::COPY_DST);
        Memory {
            x: sent(),
            scales: sent(),
            sums: sent(),
            results: Growing::new(gpu.results()),
            read: Growing::new(Usage::MAP_READ | Usage::COPY_DST),
        }
    }

    /// Where results are written, and where they are read.
    pub fn y(&mut self, gpu: &Gpu, words: usize) -> Result<(wgpu::Buffer, wgpu::Buffer), GpuError> {
        let from = self.results.room(gpu, words)?;
        let to = if gpu.info.has_shared_memory { from.clone() } else { self.read.room(gpu, words)? };
        Ok((from, to))
    }
}

/// Matrices stacked by one `prepare`.
#[derive(Debug)]
struct Stack {
    shape: Shape,
    chunks: Vec<Chunk>,
}

/// Which kernel multiplies a code by a code, for one vector or several.
type Choice = (WeightCode, ActivationCode, u32);

/// A GEMV back end on a GPU, bit-equal to the golden model.
#[derive(Debug)]
pub struct GpuGemv {
    gpu: Gpu,
    memory: Memory,
    stacks: Vec<Stack>,
    grids: Vec<StackedGrid>,
    pipelines: HashMap<(Kernel, WeightCode, ActivationCode, u32), wgpu::ComputePipeline>,
    grid_pipelines: Pipelines,
    chosen: HashMap<Choice, Kernel>,
    machines: Vec<TokenMachine>,
    /// The kernel that is used whatever is faster, if somebody asks for one.
    forced: Option<Kernel>,
}

impl GpuGemv {
    /// Opens the adapter that a name means (a number, or a part of its name; without one the best, a software adapter only if
    /// there is no other) and multiplies small matrices of every code and makes some tokens on it.
    ///
    /// # Errors
    /// No such adapter, one that cannot be opened, one that computes wrongly.
    pub fn open(adapter: Option<&str>) -> Result<GpuGemv, GpuError> {
        let gpu = Gpu::open(adapter)?;
        let mut gemv = GpuGemv {
            memory: Memory::new(&gpu),
            gpu,
            stacks: Vec::new(),
            grids: Vec::new(),
            pipelines: HashMap::new(),
            grid_pipelines: Pipelines::default(),
            chosen: HashMap::new(),
            machines: Vec::new(),
            forced: None,
        };
        selftest::run(&mut gemv)?;
        gemv.stacks.clear();
        gemv.grids.clear();
        gemv.machines.clear();
        gemv.chosen.clear();
        Ok(gemv)
    }

    /// The same back end with one kernel for everything, instead of the faster of both.
    #[must_use]
    pub fn with_kernel(mut self, kernel: Kernel) -> GpuGemv {
        self.forced = Some(kernel);
        self
    }

    /// The same back end as if the adapter's shaders could not share values within a subgroup, to test what runs then.
    #[must_use]
    pub fn without_subgroups(mut self) -> GpuGemv {
        self.gpu.info.has_subgroups = false;
        self.pipelines.clear();
        self
    }

    pub(crate) fn force(&mut self, kernel: Option<Kernel>) {
        self.forced = kernel;
    }

    /// The adapter.
    pub fn adapter(&self) -> &AdapterInfo {
        &self.gpu.info
    }

    /// Submissions so far, and bytes read back in them.
    pub fn traffic(&self) -> (u64, u64) {
        (self.gpu.submissions, self.gpu.bytes_read)
    }

    /// The kernel that multiplies these codes, once a product has shown which is faster.
    pub fn kernel_of(&self, weights: WeightCode, x: ActivationCode) -> Option<Kernel> {
        self.forced.or_else(|| self.chosen.get(&(weights, x, 1)).copied())
    }

    /// The pipeline of a form for that many vectors per workgroup, made at its first use.
    pub(crate) fn pipeline_of(&mut self, form: &Form, vectors: u32) -> Result<wgpu::ComputePipeline, GpuError> {
        let key = form.key(vectors);
        if !self.pipelines.contains_key(&key) {
            self.pipelines.insert(key, self.gpu.pipeline(form.kernel.name(), form.source(vectors))?);
        }
        Ok(self.pipelines[&key].clone())
    }

    /// The kernel for products of these codes, chosen by a product with `x` if none has chosen it yet.
    pub(crate) fn choose_kernel(&mut self, id: MatrixId, x: Activations<'_>) -> Result<Kernel, GpuError> {
        let code = self.stacks[id.0].shape.code;
        if let Some(kernel) = self.kernel_of(code, x.code) {
            return Ok(kernel);
        }
        let (kernel, _) = tune::choose(self, id.0, 1, x)?;
        self.chosen.insert((code, x.code, 1), kernel);
        Ok(kernel)
    }

    /// A prepared matrix's parts on the device, if it has that shape.
    pub(crate) fn parts_of(&self, id: MatrixId, wanted: Shape) -> Option<&[Chunk]> {
        self.stacks.get(id.0).filter(|stack| stack.shape == wanted).map(|stack| &stack.chunks[..])
    }

    pub(crate) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// A token machine, and the device that it is on.
    pub(crate) fn machine(&mut self, id: TokensId) -> Result<(&mut TokenMachine, &mut Gpu), GemvError> {
        match self.machines.get_mut(id.0) {
            Some(machine) => Ok((machine, &mut self.gpu)),
            None => Err(GemvError::UnknownTokens { id }),
        }
    }

    pub(crate) fn add_machine(&mut self, machine: TokenMachine) -> TokensId {
        self.machines.push(machine);
        TokensId(self.machines.len() - 1)
    }

    /// Multiplies by one kernel.
    pub(crate) fn multiply(&mut self, kernel: Kernel, id: usize, vectors: usize, x: Activations<'_>) -> Result<Vec<u32>, GpuError> {
        let Shape { rows, cols, code } = self.stacks[id].shape;
        let form = Form::new(kernel, code, x.code, &self.gpu.info);
        let width = width_of(vectors);
        let padded = vectors.next_multiple_of(width as usize);
        let pipeline = self.pipeline_of(&form, width)?;
        let Input { words, sums } = pack(&form, x, cols, padded);
        let x_words = self.memory.x.load(&self.gpu, &words)?;
        let x_sums = self.memory.sums.load(&self.gpu, &sums)?;
        let (from, to) = self.memory.y(&self.gpu, padded * rows)?;
        let dispatch = |chunk: &Chunk| Dispatch {
            pipeline: pipeline.clone(),
            buffers: self.gpu.bind(&pipeline, &[&chunk.words, &x_words, &x_sums, &from, &chunk.shape]),
            groups: (chunk.tiles, (padded / width as usize) as u32),
        };
        let dispatches: Vec<Dispatch> = self.stacks[id].chunks.iter().map(dispatch).collect();
        self.gpu.submit(dispatches.iter().map(Call::from), Some(&Read::through(from, to, vectors * rows)))
    }

    fn product(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<(), GpuError> {
        let Shape { rows, cols, code } = self.stacks[id.0].shape;
        if rows == 0 || cols == 0 {
            y.fill(0);
            return Ok(());
        }
        let width = width_of(vectors);
        for (values, y) in x.values.chunks(MOST_VECTORS * cols).zip(y.chunks_mut(MOST_VECTORS * rows)) {
            let (x, vectors) = (Activations { code: x.code, values }, values.len() / cols);
            let chosen = self.forced.or_else(|| self.chosen.get(&(code, x.code, width)).copied());
            let found = match chosen {
                Some(kernel) => self.multiply(kernel, id.0, vectors, x)?,
                None => {
                    let (kernel, found) = tune::choose(self, id.0, vectors, x)?;
                    self.chosen.insert((code, x.code, width), kernel);
                    found
                }
            };
            y.iter_mut().zip(found).for_each(|(y, bits)| *y = bits.cast_signed());
        }
        Ok(())
    }
}

/// Vectors per workgroup for a product of `vectors` vectors.
fn width_of(vectors: usize) -> u32 {
    WIDTHS.into_iter().find(|width| *width as usize >= vectors).unwrap_or(MANY)
}

fn device(error: GpuError) -> GemvError {
    GemvError::Device(Box::new(error))
}

impl<'m> Gemv<'m> for GpuGemv {
    fn name(&self) -> String {
        format!("gpu ({}, {})", self.gpu.info.name, self.gpu.info.kind.name())
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        check_shape(&Gemv::name(self), shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let shape = stacked_shape(&Gemv::name(self), parts)?;
        let (mut first, mut chunks) = (0, Vec::new());
        for part in parts {
            chunks.extend(tiles(&self.gpu, part, Place { first, rows: shape.rows }).map_err(device)?);
            first += part.rows();
        }
        self.stacks.push(Stack { shape, chunks });
        Ok(MatrixId(self.stacks.len() - 1))
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let shape = self.stacks.get(id.0).ok_or(GemvError::UnknownMatrix { id })?.shape;
        check_run(shape, &x, y)?;
        self.product(id, 1, x, y).map_err(device)?;
        Ok(Cost { device: Work::of(1, shape.weights()), ..Cost::default() })
    }

    fn vectors(&mut self) -> Option<&mut dyn Vectors> {
        Some(self)
    }

    fn grids(&mut self) -> Option<&mut dyn Grids<'m>> {
        Some(self)
    }

    fn tokens(&mut self) -> Option<&mut dyn Tokens> {
        self.gpu.info.has_int64.then_some(self)
    }
}

impl Vectors for GpuGemv {
    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let shape = self.stacks.get(id.0).ok_or(GemvError::UnknownMatrix { id })?.shape;
        check_vectors(shape, vectors, &x, y)?;
        self.product(id, vectors, x, y).map_err(device)?;
        Ok(Cost { device: Work::of(vectors, shape.weights()), ..Cost::default() })
    }
}

impl<'m> Grids<'m> for GpuGemv {
    fn prepare_grid(&mut self, parts: &[GridMatrix<'m>]) -> Result<Option<GridId>, GemvError> {
        stacked_grids(&Gemv::name(self), parts)?;
        let grid = StackedGrid::upload(&self.gpu, &mut self.grid_pipelines, parts).map_err(device)?;
        self.grids.push(grid);
        Ok(Some(GridId(self.grids.len() - 1)))
    }

    fn run_grid(&mut self, id: GridId, x: &GroupedVectors<'_>, y: &mut [f32]) -> Result<Cost, GemvError> {
        let grid = self.grids.get(id.0).ok_or(GemvError::UnknownGrid { id })?;
        check_output(grid, x, y)?;
        grid.run(&mut self.gpu, &mut self.memory, &self.grid_pipelines, x, y).map_err(device)?;
        Ok(Cost { device: Work::of(x.vectors(), grid.weights), ..Cost::default() })
    }
}

/// The checks of `nda_gemv::check::check_grid`, of a matrix that is on the device.
fn check_output(grid: &StackedGrid, x: &GroupedVectors<'_>, y: &[f32]) -> Result<(), GemvError> {
    let shape = Shape { rows: grid.rows, cols: grid.cols, code: WeightCode::Quaternary };
    if x.cols() != grid.cols {
        return Err(GemvError::Length { what: "x", found: x.cols(), shape });
    }
    if y.len() != grid.rows * x.vectors() {
        return Err(GemvError::Length { what: "y", found: y.len(), shape });
    }
    Ok(())
}
