//! `FabricGemv`: GEMV on a device. Tiles are streamed once and sealed; then only activations travel.

use crate::error::DeviceError;
use crate::fabric_tokens::Sequence;
use crate::layout::{Allocator, Limits, Place, total_words};
use crate::matrix::Matrix;
use crate::options::DriverStats;
use crate::request::{JobRequest, RunOutcome};
use crate::session::Driver;
use crate::store::Store;
use crate::token_place::{TokenPlace, program_pages};
use crate::transport::Transport;
use nda_gemv::check::{check_run, check_shape, stacked_shape};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Seeds, Shape, Tokens, Work};
use nda_spec::job::{pack_activations, plane_groups};
use nda_spec::plan::Layer;
use nda_spec::wire::JobFlags;
use nda_spec::{ActivationCode, TileMatrix, golden};
use std::ops::Range;

/// Attempts at one block before the link or the board counts as faulty.
pub(crate) const MAX_BLOCK_TRIES: u32 = 128;

/// Bytes done and bytes in all of an upload.
type Progress = Box<dyn FnMut(u64, u64) + Send>;

/// GEMV on a device.
///
/// Matrices are cut into blocks that fit the device. Blocks get a place in the tile store as long as
/// there is room and stay there; the rest goes through a ring of pages and travels whenever it is
/// used, so that any shape works, and [`Self::resident`] says whether it works fast.
pub struct FabricGemv<'m, T: Transport = Box<dyn Transport>> {
    pub(crate) driver: Driver<T>,
    pub(crate) limits: Limits,
    pub(crate) store: Store,
    pub(crate) allocator: Allocator,
    pub(crate) matrices: Vec<Matrix<'m>>,
    /// Blocks that are in the ring now, and the pages that they take.
    pub(crate) ring: Vec<(BlockId, Range<usize>)>,
    /// First page of the ring; behind the last page as long as everything fits.
    pub(crate) ring_first: usize,
    ring_next: usize,
    /// Whether the next matrix starts on a page of its own.
    pub(crate) skip_to_page: bool,
    /// Token programs.
    pub(crate) token_places: Vec<TokenPlace>,
    /// The sequence of tokens, as the caller knows it.
    pub(crate) sequence: Sequence,
    progress: Option<Progress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockId {
    matrix: usize,
    block: usize,
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
            store: Store::new(g.pages() + program_pages(&driver), g.page_words, g.tile_word_bytes()),
            allocator: Allocator { next_word: 0, end_word: g.tile_words },
            matrices: Vec::new(),
            ring: Vec::new(),
            ring_first: g.pages(),
            ring_next: g.pages(),
            skip_to_page: false,
            token_places: Vec::new(),
            sequence: Sequence::default(),
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

    /// Row groups of the given number of columns that there is still room for, so that they stay on the device.
    pub fn room(&self, cols: usize) -> usize {
        self.groups_in(self.words_left(), cols)
    }

    /// Row groups of the given number of columns that the device holds when it is empty.
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
        if self.store.unsettled(pages.clone()) > 0 {
            // A page that is sealed once should not change: a later matrix starts on a page of its own.
            self.skip_to_page = true;
            self.settle(pages)?;
        }
        (0..self.token_places.len()).try_for_each(|place| self.settle_tokens(place))
    }

    pub(crate) fn settle(&mut self, pages: Range<usize>) -> Result<(), DeviceError> {
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
    pub(crate) fn count(&self, (stats_before, cycles_before): (DriverStats, Option<u64>), cost: &mut Cost) {
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
        let pages = self.store.pages_of(base..base + block.words());
        let job = JobRequest {
            flags,
            plane_groups: groups as u8,
            base: base as u32,
            row_groups: block.groups.len() as u16,
            col_beats: block.col_beats as u16,
            init,
            digest: self.store.digest(pages.clone()),
        };
        let beats = (block.words() * groups) as u64;
        for _ in 0..MAX_BLOCK_TRIES {
            self.settle(pages.clone())?;
            match self.driver.run(&job, act)? {
                RunOutcome::Pages => self.store.doubt(pages.clone()),
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

    pub(crate) fn backend(&self) -> String {
        format!("fabric ({}, {})", self.driver.ident().config, self.driver.describe())
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

    fn tokens(&mut self) -> Option<&mut dyn Tokens> {
        self.driver.token().is_some().then_some(self)
    }

    fn seeds(&mut self) -> Option<&mut dyn Seeds> {
        self.driver.ident().seed.then_some(self)
    }
}
