//! `FabricGemv`: GEMV on a device. Tiles are streamed once and sealed; then only activations travel.

use crate::error::DeviceError;
use crate::layout::{Allocator, Block, Limits, Place, total_words};
use crate::link::MAX_RESPONSE;
use crate::options::DriverStats;
use crate::request::{Care, JobRequest, ProgramOutcome, ProgramRequest, RunOutcome};
use crate::session::Driver;
use crate::store::Store;
use crate::transport::Transport;
use nda_gemv::check::{check_run, check_shape, stacked_shape};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, ProgramId, Programs, Shape, Start, Work};
use nda_spec::job::{pack_activations, pack_tile_words, plane_groups};
use nda_spec::plan::Layer;
use nda_spec::tile::{col_words, valid_mask};
use nda_spec::vector::cycles::{ProgramCost, answer_bytes, program_cost};
use nda_spec::vector::{Placed, Program};
use nda_spec::wire::{HEADER_BYTES, JobFlags, PROGRAM_BYTES};
use nda_spec::{ActivationCode, TileMatrix, golden, width};
use std::collections::HashMap;
use std::ops::Range;

/// Attempts at one block before the link or the board counts as faulty.
const MAX_BLOCK_TRIES: u32 = 128;

/// Bytes done and bytes in all of an upload.
type Progress = Box<dyn FnMut(u64, u64) + Send>;

/// GEMV on a device.
///
/// Matrices are cut into blocks that fit the device. Blocks get a place in the tile store as long as
/// there is room and stay there; the rest goes through a ring of pages and travels whenever it is
/// used, so that any shape works, and [`Self::resident`] says whether it works fast.
pub struct FabricGemv<'m, T: Transport = Box<dyn Transport>> {
    driver: Driver<T>,
    pub(crate) limits: Limits,
    pub(crate) store: Store,
    pub(crate) allocator: Allocator,
    pub(crate) matrices: Vec<Matrix<'m>>,
    /// Blocks that are in the ring now, and the pages that they take.
    pub(crate) ring: Vec<(BlockId, Range<usize>)>,
    /// First page of the ring; behind the last page as long as everything fits.
    ring_first: usize,
    ring_next: usize,
    /// Whether the next matrix starts on a page of its own.
    skip_to_page: bool,
    pub(crate) programs: Vec<Placement>,
    /// Programs and inputs since the last one that began anew: what must run again if the device lost what they left.
    chain: Vec<(ProgramId, Vec<u8>)>,
    progress: Option<Progress>,
}

/// A program in the tile store; `None` once its place was given away.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) request: Option<ProgramRequest>,
    cost: ProgramCost,
    /// What a run multiplies.
    work: Work,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockId {
    matrix: usize,
    block: usize,
}

pub(crate) struct Matrix<'m> {
    pub(crate) shape: Shape,
    parts: Vec<Part<'m>>,
    pub(crate) groups: usize,
    /// What was placed before it was uploaded by then.
    starts_page: bool,
    pub(crate) blocks: Vec<Block>,
    /// What the activations' offset adds to each row; computed when first needed.
    a2_constants: Option<Vec<i32>>,
}

/// A matrix of a stack. Each starts with a row group of its own.
struct Part<'m> {
    matrix: TileMatrix<'m>,
    first_row: usize,
    first_group: usize,
    groups: usize,
}

/// How a prepared matrix lies on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatrixPlan {
    /// Jobs of one run.
    pub jobs: usize,
    /// Bytes of its tile words that stay on the device.
    pub resident_bytes: u64,
    /// Bytes of its tile words that travel again for every run, other matrices permitting.
    pub streamed_bytes: u64,
}

impl<'m, T: Transport> FabricGemv<'m, T> {
    /// A back end on that device. Nothing travels before the first run.
    pub fn new(driver: Driver<T>) -> FabricGemv<'m, T> {
        let g = *driver.geometry();
        FabricGemv {
            limits: Limits::new(driver.ident()),
            store: Store::new(g.pages(), g.page_words, g.tile_word_bytes()),
            allocator: Allocator { next_word: 0, end_word: g.tile_words },
            matrices: Vec::new(),
            ring: Vec::new(),
            ring_first: g.pages(),
            ring_next: g.pages(),
            skip_to_page: false,
            programs: Vec::new(),
            chain: Vec::new(),
            progress: None,
            driver,
        }
    }

    /// Tells `progress` the bytes done and the bytes in all while tiles are uploaded.
    pub fn set_progress(&mut self, progress: impl FnMut(u64, u64) + Send + 'static) {
        self.progress = Some(Box::new(progress));
    }

    /// The driver, for its statistics and the device's.
    pub fn driver(&self) -> &Driver<T> {
        &self.driver
    }

    /// The driver, to ask the device something.
    pub fn driver_mut(&mut self) -> &mut Driver<T> {
        &mut self.driver
    }

    /// Ends the session and gives the driver back.
    pub fn into_driver(self) -> Driver<T> {
        self.driver
    }

    /// Whether all prepared matrices stay on the device. If not, some weights travel for every run.
    pub fn resident(&self) -> bool {
        self.matrices.iter().flat_map(|m| &m.blocks).all(|b| b.place != Place::Ring)
    }

    /// Words of the tile store that a further matrix can have.
    pub fn words_left(&self) -> usize {
        let page_words = self.driver.geometry().page_words;
        self.allocator.end_word.saturating_sub(self.allocator.next_word.next_multiple_of(page_words))
    }

    /// Row groups of so many columns that there is still room for, so that they stay on the device.
    pub fn room(&self, cols: usize) -> usize {
        self.groups_in(self.words_left(), cols)
    }

    /// Row groups of so many columns that the device holds when it is empty.
    pub fn capacity(&self, cols: usize) -> usize {
        self.groups_in(self.driver.geometry().tile_words, cols)
    }

    /// The first word that a further matrix can have.
    pub fn next_word(&self) -> usize {
        let next = self.allocator.next_word;
        if self.skip_to_page { next.next_multiple_of(self.driver.geometry().page_words) } else { next }
    }

    /// [`Self::next_word`] once a product was prepared at `next_word`; `None` if it would not stay on the device.
    pub fn next_word_after(&self, next_word: usize, layer: &Layer) -> Option<usize> {
        let g = self.driver.geometry();
        let words = total_words(g, &self.limits, layer.row_groups(g), layer.cols)?;
        // As `Self::place` decides: from the next page on, wherever the product then begins.
        let room = self.allocator.end_word.saturating_sub(next_word.next_multiple_of(g.page_words));
        (words <= room).then_some(next_word + words)
    }

    fn groups_in(&self, words: usize, cols: usize) -> usize {
        let of_group = total_words(self.driver.geometry(), &self.limits, 1, cols).unwrap_or(usize::MAX);
        words.checked_div(of_group).unwrap_or(usize::MAX)
    }

    /// Bytes that [`Self::upload`] sends at most: those of pages that the device is not known to hold.
    pub fn upload_bytes(&self) -> u64 {
        let pages = self.store.pages_of(0..self.allocator.next_word);
        (self.store.unsettled(pages) * self.store.page_bytes()) as u64
    }

    /// How a prepared matrix lies on the device; `None` for an id that is not this back end's.
    pub fn plan(&self, id: MatrixId) -> Option<MatrixPlan> {
        let word_bytes = self.driver.geometry().tile_word_bytes() as u64;
        let mut plan = MatrixPlan::default();
        for block in &self.matrices.get(id.0)?.blocks {
            let bytes = block.words() as u64 * word_bytes;
            plan.jobs += 1;
            match block.place {
                Place::Fixed(_) => plan.resident_bytes += bytes,
                Place::Ring => plan.streamed_bytes += bytes,
            }
        }
        Some(plan)
    }

    /// Uploads and seals what stays on the device and is not there yet. `run` does so by itself; call
    /// this to have the waiting, and its progress, before the first run.
    pub fn upload(&mut self) -> Result<(), DeviceError> {
        let pages = self.store.pages_of(0..self.allocator.next_word);
        if self.store.unsettled(pages.clone()) == 0 {
            return Ok(());
        }
        // A page that is sealed once should not change: a later matrix starts on a page of its own.
        self.skip_to_page = true;
        self.settle(pages)
    }

    fn settle(&mut self, pages: Range<usize>) -> Result<(), DeviceError> {
        match &mut self.progress {
            Some(progress) => self.store.settle(&mut self.driver, pages, progress),
            None => self.store.settle(&mut self.driver, pages, &mut |_, _| {}),
        }
    }

    /// Gives a new matrix its places. Takes room for the ring, once, when something does not fit.
    fn place(&mut self, index: usize) {
        let g = *self.driver.geometry();
        self.matrices[index].starts_page = std::mem::take(&mut self.skip_to_page);
        let Matrix { shape, groups, .. } = self.matrices[index];
        let room = self.allocator.end_word - self.allocator.next_word.next_multiple_of(g.page_words);
        let fits = total_words(&g, &self.limits, groups, shape.cols).is_some_and(|words| words <= room);
        if fits || self.ring_first < g.pages() {
            return self.place_fixed(index);
        }
        self.ring_first = g.pages() - self.limits.ring_pages;
        self.ring_next = self.ring_first;
        self.allocator = Allocator { next_word: 0, end_word: self.ring_first * g.page_words };
        // Programs stood behind the matrices that are placed anew, and name their places.
        self.programs.iter_mut().for_each(|program| program.request = None);
        // All over again: places below the ring come out as they were, so their pages need no upload.
        (0..=index).for_each(|i| self.place_fixed(i));
    }

    pub(crate) fn place_fixed(&mut self, index: usize) {
        let g = *self.driver.geometry();
        let matrix = &mut self.matrices[index];
        if matrix.starts_page {
            self.allocator.skip_to_page(&g);
        }
        matrix.blocks = self.allocator.place(&g, &self.limits, matrix.groups, matrix.shape.cols);
        for block in &matrix.blocks {
            if let Place::Fixed(base) = block.place {
                self.store.stage(base, &matrix.pack(&g, block));
            }
        }
    }

    /// The first word of a block's place, staged.
    fn base(&mut self, id: BlockId) -> usize {
        let g = *self.driver.geometry();
        let matrix = &self.matrices[id.matrix];
        let block = &matrix.blocks[id.block];
        if let Place::Fixed(base) = block.place {
            return base;
        }
        if let Some((_, pages)) = self.ring.iter().find(|(there, _)| *there == id) {
            return pages.start * g.page_words;
        }
        let count = block.words().div_ceil(g.page_words);
        if self.ring_next + count > g.pages() {
            self.ring_next = self.ring_first;
        }
        let pages = self.ring_next..self.ring_next + count;
        self.ring_next = pages.end;
        self.ring.retain(|(_, other)| other.end <= pages.start || pages.end <= other.start);
        self.store.stage(pages.start * g.page_words, &matrix.pack(&g, block));
        let base = pages.start * g.page_words;
        self.ring.push((id, pages));
        base
    }

    /// Adds what the link and the device have counted since.
    fn count(&self, (stats_before, cycles_before): (DriverStats, Option<u64>), cost: &mut Cost) {
        let (stats, cycles) = (self.driver.stats(), self.driver.transport().cycles());
        cost.bytes_out = stats.bytes_out - stats_before.bytes_out;
        cost.bytes_in = stats.bytes_in - stats_before.bytes_in;
        cost.cycles = cycles.unwrap_or(0).saturating_sub(cycles_before.unwrap_or(0));
    }

    /// Runs one block; returns its result words.
    fn run_block(
        &mut self,
        id: BlockId,
        flags: JobFlags,
        act: &[u8],
        groups: usize,
        init: i32,
        cost: &mut Cost,
    ) -> Result<Vec<u8>, DeviceError> {
        let base = self.base(id);
        let block = &self.matrices[id.matrix].blocks[id.block];
        // Limits::new keeps these within their fields.
        let job = JobRequest {
            flags,
            plane_groups: groups as u8,
            base: base as u32,
            row_groups: block.groups.len() as u16,
            col_beats: block.col_beats as u16,
            init,
        };
        let beats = (block.words() * groups) as u64;
        let pages = self.store.pages_of(base..base + block.words());
        // Between the seal of these pages and the run nothing else may have been acted on: a late
        // WRITE and SEAL of what the page held before would have been enough for a wrong number.
        let care = if self.store.is_rewritten(pages.clone()) { Care::Audited } else { Care::Sealed };
        if care == Care::Audited && !self.driver.is_audited() {
            self.driver.audit()?;
        }
        for _ in 0..MAX_BLOCK_TRIES {
            self.settle(pages.clone())?;
            match self.driver.run(&job, act, care)? {
                RunOutcome::TileDirty(_) => self.store.doubt(pages.clone()),
                RunOutcome::Doubtful => self.store.doubt_rewritten(),
                RunOutcome::Done(result) => {
                    cost.jobs += 1;
                    cost.beats += beats;
                    cost.run_cycles += u64::from(result.run_cycles);
                    return Ok(result.results);
                }
            }
        }
        let what = format!("a job on pages {} to {}", pages.start, pages.end - 1);
        Err(DeviceError::Unsettled { device: self.driver.describe().into(), what, tries: MAX_BLOCK_TRIES })
    }

    fn run_matrix(&mut self, index: usize, x: Activations<'_>, y: &mut [i32], cost: &mut Cost) -> Result<(), DeviceError> {
        let g = *self.driver.geometry();
        let code = self.matrices[index].shape.code;
        let flags = JobFlags::new(code, x.code);
        let groups = plane_groups(x.code, g.planes);
        self.narrow(index, x.code);
        let mut act = Vec::new();
        let mut init = 0;
        let mut packed = 0..0;
        for i in 0..self.matrices[index].blocks.len() {
            let cols = self.matrices[index].blocks[i].cols.clone();
            if cols != packed {
                let values = &x.values[cols.clone()];
                act = pack_activations(&g, x.code, values);
                init = golden::vector_constant(code, values);
                packed = cols;
            }
            let results = self.run_block(BlockId { matrix: index, block: i }, flags, &act, groups, init, cost)?;
            self.matrices[index].add(g.array_rows, i, &results, y);
        }
        if x.code == ActivationCode::A2 {
            let matrix = &mut self.matrices[index];
            let constants = matrix.a2_constants.take().unwrap_or_else(|| matrix.row_constants());
            y.iter_mut().zip(&constants).for_each(|(sum, constant)| *sum = sum.wrapping_add(*constant));
            matrix.a2_constants = Some(constants);
        }
        Ok(())
    }

    /// Where a program's matrix lies, if it stays there and is one job of whole words of codes and whole row groups.
    fn placed(&self, id: MatrixId) -> Option<Placed> {
        let g = self.driver.geometry();
        let matrix = self.matrices.get(id.0)?;
        let [block] = matrix.blocks.as_slice() else { return None };
        let Place::Fixed(base) = block.place else { return None };
        let whole = matrix.shape.cols % g.array_cols == 0 && matrix.parts.iter().all(|part| part.matrix.rows() % g.array_rows == 0);
        let fits = whole && matrix.shape.cols <= g.vector_words;
        fits.then_some(Placed {
            base: u16::try_from(base).ok()?,
            groups: u16::try_from(matrix.groups).ok()?,
            beats: u16::try_from(block.col_beats).ok()?,
            code: matrix.shape.code,
        })
    }

    /// What a prepared program takes on the device; `None` for an id that is not this back end's.
    pub fn program_cost(&self, id: ProgramId) -> Option<ProgramCost> {
        self.programs.get(id.0).map(|program| program.cost)
    }

    /// Gives a program a place behind the matrices; `None` if there is none or the device cannot run it.
    fn place_program(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Option<Placement> {
        let g = *self.driver.geometry();
        let mut places = HashMap::new();
        let mut work = Work::default();
        for number in program.matrices() {
            let id = matrix(number)?;
            places.insert(number, self.placed(id)?);
            work += Work::of(1, self.matrices.get(id.0)?.shape.weights());
        }
        let fits = g.vector_words > 0
            && self.ring_first == g.pages()
            && program.wide_words() <= g.vector_words
            && program.output_bytes() <= answer_bytes(&g)
            && program.input_bytes() + PROGRAM_BYTES <= usize::from(self.driver.ident().mtu)
            && HEADER_BYTES + program.output_bytes() <= MAX_RESPONSE;
        let bytes = program.to_bytes(|number| places[&number]).filter(|_| fits)?;
        let words = bytes.len().div_ceil(g.tile_word_bytes());
        if std::mem::take(&mut self.skip_to_page) {
            self.allocator.skip_to_page(&g);
        }
        // The probe of its seals is a job of as many row groups.
        if words > g.result_words || words > self.allocator.end_word - self.allocator.next_word {
            return None;
        }
        let base = self.allocator.next_word;
        self.allocator.next_word += words;
        self.store.stage(base, &bytes);
        let base = u16::try_from(base).ok()?;
        let cost = program_cost(&g, base, &bytes)?;
        let request = ProgramRequest {
            base,
            words: words as u16,
            jobs: program.jobs() as u16,
            output_bytes: program.output_bytes(),
            cycles: cost.cycles,
        };
        Some(Placement { request: Some(request), cost, work })
    }

    /// Runs the chain's last program, and if the device lost what it goes on from, all of the chain again.
    fn run_chain(&mut self) -> Result<(Vec<u8>, Cost), DeviceError> {
        let mut cost = Cost::default();
        let mut from = self.chain.len() - 1;
        for _ in 0..MAX_BLOCK_TRIES {
            let Some((id, input)) = self.chain.get(from) else { break };
            let Some(Placement { request: Some(request), cost: run, .. }) = self.programs.get(id.0) else { break };
            let outcome = self.driver.run_program(request, if from > 0 { Start::Continues } else { Start::Anew }, input)?;
            cost.jobs += 1;
            match outcome {
                ProgramOutcome::Done { output, cycles } => {
                    cost.beats += run.beats;
                    cost.run_cycles += u64::from(cycles);
                    from += 1;
                    if from == self.chain.len() {
                        return Ok((output, cost));
                    }
                }
                ProgramOutcome::Gone => from = 0,
                ProgramOutcome::TileDirty(_) => {
                    // Matrices and programs that stay: all that a program can need.
                    let pages = self.store.pages_of(0..self.allocator.next_word);
                    self.store.doubt(pages.clone());
                    self.settle(pages)?;
                    from = 0;
                }
            }
        }
        let what = format!("a chain of {} programs", self.chain.len());
        Err(DeviceError::Unsettled { device: self.driver.describe().into(), what, tries: MAX_BLOCK_TRIES })
    }

    fn backend(&self) -> String {
        format!("fabric ({}, {})", self.driver.ident().config, self.driver.describe())
    }
}

impl<'m> Matrix<'m> {
    fn new(array_rows: usize, shape: Shape, parts: &[TileMatrix<'m>]) -> Matrix<'m> {
        let (mut first_row, mut first_group) = (0, 0);
        let parts = parts
            .iter()
            .map(|&matrix| {
                let groups = matrix.rows().div_ceil(array_rows);
                let part = Part { matrix, first_row, first_group, groups };
                first_row += matrix.rows();
                first_group += groups;
                part
            })
            .collect();
        Matrix { shape, parts, groups: first_group, starts_page: false, blocks: Vec::new(), a2_constants: None }
    }

    /// Each part's share of the row groups: part, and its own row groups.
    fn shares(&self, groups: &Range<usize>) -> impl Iterator<Item = (&Part<'m>, Range<usize>)> {
        let groups = groups.clone();
        self.parts.iter().filter_map(move |part| {
            let start = groups.start.max(part.first_group);
            let end = groups.end.min(part.first_group + part.groups);
            (start < end).then(|| (part, start - part.first_group..end - part.first_group))
        })
    }

    /// Tile words of a block.
    fn pack(&self, g: &nda_spec::config::Geometry, block: &Block) -> Vec<u8> {
        let mut words = Vec::with_capacity(block.words() * g.tile_word_bytes());
        for (part, own) in self.shares(&block.groups) {
            let rows = own.start * g.array_rows..(own.end * g.array_rows).min(part.matrix.rows());
            words.extend_from_slice(&pack_tile_words(g, &part.matrix, rows, block.cols.clone()));
        }
        words
    }

    /// Adds a block's results to y.
    fn add(&self, array_rows: usize, block: usize, results: &[u8], y: &mut [i32]) {
        let mut rest = results;
        for (part, own) in self.shares(&self.blocks[block].groups) {
            let (mine, later) = rest.split_at(own.len() * array_rows * width::RESULT_BYTES);
            rest = later;
            let first = part.first_row + own.start * array_rows;
            // Rows that fill up the part's last group have no place in y.
            let end = part.first_row + part.matrix.rows();
            for (sum, bytes) in y[first..end].iter_mut().zip(mine.chunks_exact(width::RESULT_BYTES)) {
                // 24 bits, sign-extended.
                *sum = sum.wrapping_add(i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8);
            }
        }
    }

    /// `golden::row_constant` of every row, from the planes.
    fn row_constants(&self) -> Vec<i32> {
        let coefficients = self.shape.code.row().array.coefficients.affine().coefficients;
        let offset = ActivationCode::A2.affine().offset;
        let words = col_words(self.shape.cols);
        let row = |matrix: &TileMatrix<'_>, row: usize| -> i32 {
            let word = |word: usize| -> i32 {
                let planes = matrix.array_planes_at(row, word);
                let valid = valid_mask(self.shape.cols, word);
                coefficients.iter().zip(planes).map(|(c, plane)| c * (plane & valid).count_ones() as i32).sum()
            };
            offset * (0..words).map(word).sum::<i32>()
        };
        self.parts.iter().flat_map(|part| (0..part.matrix.rows()).map(move |r| row(&part.matrix, r))).collect()
    }
}

impl<'m, T: Transport> Gemv<'m> for FabricGemv<'m, T> {
    fn name(&self) -> String {
        self.backend()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        check_shape(&self.backend(), shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let shape = stacked_shape(&self.backend(), parts)?;
        let id = MatrixId(self.matrices.len());
        self.matrices.push(Matrix::new(self.driver.geometry().array_rows, shape, parts));
        self.place(id.0);
        Ok(id)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let shape = self.matrices.get(id.0).ok_or(GemvError::UnknownMatrix { id })?.shape;
        check_run(shape, &x, y)?;
        y.fill(0);
        let mut cost = Cost::default();
        if shape.rows == 0 || shape.cols == 0 {
            return Ok(cost);
        }
        let before = (self.driver.stats(), self.driver.transport().cycles());
        self.upload().and_then(|()| self.run_matrix(id.0, x, y, &mut cost)).map_err(|error| GemvError::Device(Box::new(error)))?;
        self.count(before, &mut cost);
        cost.device = Work::of(1, shape.weights());
        Ok(cost)
    }

    fn programs(&mut self) -> Option<&mut dyn Programs> {
        (self.driver.geometry().vector_words > 0).then_some(self)
    }
}

impl<T: Transport> Programs for FabricGemv<'_, T> {
    fn prepare_program(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<Option<ProgramId>, GemvError> {
        Ok(self.place_program(program, matrix).map(|placement| {
            self.programs.push(placement);
            ProgramId(self.programs.len() - 1)
        }))
    }

    fn run_program(&mut self, id: ProgramId, start: Start, input: &[u8], output: &mut Vec<u8>) -> Result<Cost, GemvError> {
        // A page that held something else in this session needs an audit, which programs do not make.
        let rewritten = self.store.is_rewritten(self.store.pages_of(0..self.allocator.next_word));
        if rewritten || self.programs.get(id.0).is_none_or(|program| program.request.is_none()) {
            return Err(GemvError::UnknownProgram { id });
        }
        if start == Start::Anew {
            self.chain.clear();
        } else if self.chain.is_empty() {
            return Err(GemvError::Device("the program that this one goes on from did not run".into()));
        }
        self.chain.push((id, input.to_vec()));
        let before = (self.driver.stats(), self.driver.transport().cycles());
        let done = self.upload().and_then(|()| self.run_chain());
        let (answer, mut cost) = match done {
            Ok(done) => done,
            Err(error) => {
                // What did not run cannot be gone on from.
                self.chain.clear();
                return Err(GemvError::Device(Box::new(error)));
            }
        };
        *output = answer;
        self.count(before, &mut cost);
        cost.device = self.programs[id.0].work;
        Ok(cost)
    }
}
