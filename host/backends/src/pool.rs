//! `FabricPool`: GEMV on several boards, each with the weights of some rows.

use nda_device::{DeviceError, Driver, FabricGemv, MatrixPlan, Transport};
use nda_gemv::check::{check_run, check_shape, stacked_shape};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, NoTokens, Seeds, Shape, Start, Tokens, TokensId};
use nda_spec::TileMatrix;
use nda_spec::plan::Layer;
use nda_spec::tile::TILE_ROWS;
use nda_spec::token;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError};

/// Why there is no further board.
pub type BoardError = Box<dyn std::error::Error + Send + Sync>;

/// Opens a further board. It knows no weights, so a pool can be sent to another thread and may outlive nobody's document.
type More<T> = Box<dyn FnMut() -> Result<Driver<T>, BoardError> + Send>;

/// Bytes done and bytes in all of an upload.
type Progress = Arc<Mutex<dyn FnMut(u64, u64) + Send>>;

/// GEMV on several boards.
///
/// A product goes to the first board that has room for all of its rows. One that no board has room for is split by rows,
/// in whole tiles, so y is the same integers however many boards there are. Boards that a product is split over work at
/// the same time. When no board has room left, weights travel through the last board's ring, as on a single board.
pub struct FabricPool<'m, T: Transport = Box<dyn Transport>> {
    boards: Vec<FabricGemv<'m, T>>,
    more: Option<More<T>>,
    matrices: Vec<Split>,
    progress: Option<Progress>,
}

/// A prepared product: which board has which rows of y. Boards ascend, and so do the rows.
struct Split {
    shape: Shape,
    pieces: Vec<Piece>,
}

struct Piece {
    board: usize,
    id: MatrixId,
    rows: Range<usize>,
}

impl<'m, T: Transport> FabricPool<'m, T> {
    /// These boards and no others.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(boards: Vec<FabricGemv<'m, T>>) -> FabricPool<'m, T> {
        assert!(!boards.is_empty(), "a pool has a board");
        FabricPool { boards, more: None, matrices: Vec::new(), progress: None }
    }

    /// One board, and as many more as the weights take: `more` opens their sessions.
    pub fn growing(first: FabricGemv<'m, T>, more: impl FnMut() -> Result<Driver<T>, BoardError> + Send + 'static) -> FabricPool<'m, T> {
        FabricPool { more: Some(Box::new(more)), ..FabricPool::new(vec![first]) }
    }

    /// The boards.
    pub fn boards(&self) -> &[FabricGemv<'m, T>] {
        &self.boards
    }

    /// Whether boards have, or will have, room for such a product, so that none of its weights travel again.
    pub fn has_room(&self, rows_of_parts: &[usize], cols: usize) -> bool {
        let groups = |board: &FabricGemv<'m, T>| groups_of(board, rows_of_parts);
        self.more.is_some()
            || self.boards.iter().any(|board| groups(board) <= board.room(cols))
            // Split, each board takes whole tiles; parts end within one, which may cost a tile more each.
            || self.boards.iter().map(|board| whole_rows(board, cols) / TILE_ROWS).fold(0, usize::saturating_add)
                >= rows_of_parts.iter().map(|rows| rows.div_ceil(TILE_ROWS)).sum::<usize>()
    }

    /// Whether boards have, or will have, room for all of these products, each whole on one board.
    pub fn has_room_for_all(&self, layers: &[Layer]) -> bool {
        let mut used: Vec<usize> = self.boards.iter().map(FabricGemv::next_word).collect();
        self.more.is_some()
            || layers.iter().all(|layer| {
                let next = self.boards.iter().zip(&mut used).find_map(|(board, used)| Some((board.next_word_after(*used, layer)?, used)));
                next.map(|(next, used)| *used = next).is_some()
            })
    }

    /// Words of the tile stores that are left, of how many.
    pub fn words(&self) -> (usize, usize) {
        let left = self.boards.iter().map(FabricGemv::words_left).sum();
        (left, self.boards.iter().map(|board| board.driver().geometry().tile_words).sum())
    }

    /// How a prepared product lies on the boards, all of them together; `None` for an id that is not this back end's.
    pub fn plan(&self, id: MatrixId) -> Option<MatrixPlan> {
        let mut plan = MatrixPlan::default();
        for piece in &self.matrices.get(id.0)?.pieces {
            let own = self.boards[piece.board].plan(piece.id)?;
            plan.jobs += own.jobs;
            plan.resident_bytes += own.resident_bytes;
            plan.streamed_bytes += own.streamed_bytes;
        }
        Some(plan)
    }

    /// Tells `progress` the bytes done and the bytes in all while tiles are uploaded.
    pub fn set_progress(&mut self, progress: impl FnMut(u64, u64) + Send + 'static) {
        self.progress = Some(Arc::new(Mutex::new(progress)));
    }

    /// Uploads and seals on every board what stays there and is not there yet, some boards at a time.
    ///
    /// # Errors
    /// The first failure of a board's; the others end what they have begun.
    pub fn upload(&mut self) -> Result<(), DeviceError> {
        if let Some(progress) = &self.progress {
            let sums = Arc::new(Mutex::new(vec![(0, 0); self.boards.len()]));
            for (i, board) in self.boards.iter_mut().enumerate() {
                sums.lock().unwrap_or_else(PoisonError::into_inner)[i] = (0, board.upload_bytes());
                let (progress, sums) = (Arc::clone(progress), Arc::clone(&sums));
                board.set_progress(move |done, _| {
                    let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
                    sums[i].0 = done;
                    let (done, total) = sums.iter().fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
                    progress.lock().unwrap_or_else(PoisonError::into_inner)(done, total);
                });
            }
        }
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(self.boards.len());
        if workers == 1 {
            return self.boards.iter_mut().try_for_each(FabricGemv::upload);
        }
        let queue = Mutex::new(self.boards.iter_mut());
        let worker = || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                match next {
                    Some(board) => board.upload()?,
                    None => return Ok(()),
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().try_for_each(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// The board that takes a whole product: one that has room, or a new one where there may be more.
    fn whole(&mut self, rows_of_parts: &[usize], cols: usize) -> Result<Option<usize>, GemvError> {
        let fits = |board: &FabricGemv<'m, T>| groups_of(board, rows_of_parts) <= board.room(cols);
        if let Some(board) = self.boards.iter().position(fits) {
            return Ok(Some(board));
        }
        // Only a product that an empty board can hold is worth a board of its own.
        let empty = |board: &FabricGemv<'m, T>| groups_of(board, rows_of_parts) <= board.capacity(cols);
        if self.more.is_none() || !self.boards.iter().any(empty) {
            return Ok(None);
        }
        self.grow()?;
        Ok(Some(self.boards.len() - 1))
    }

    fn grow(&mut self) -> Result<(), GemvError> {
        if let Some(more) = &mut self.more {
            self.boards.push(FabricGemv::new(more().map_err(GemvError::Device)?));
        }
        Ok(())
    }

    /// Parts cut by rows: what each board takes of them.
    fn split(&mut self, parts: &[TileMatrix<'m>], cols: usize) -> Result<Vec<(usize, Vec<TileMatrix<'m>>)>, GemvError> {
        let mut pieces: Vec<(usize, Vec<TileMatrix<'m>>)> = Vec::new();
        let (mut board, mut room) = (0, whole_rows(&self.boards[0], cols));
        for part in parts {
            let mut row = 0;
            while row < part.rows() {
                let is_last = board + 1 == self.boards.len() && self.more.is_none();
                if room < TILE_ROWS && !is_last {
                    board += 1;
                    if board == self.boards.len() {
                        self.grow()?;
                        if whole_rows(&self.boards[board], cols) < TILE_ROWS {
                            // Not even an empty board holds a tile: its rows travel.
                            self.more = None;
                        }
                    }
                    room = whole_rows(&self.boards[board], cols);
                    continue;
                }
                let left = part.rows() - row;
                let count = if is_last { left } else { left.min(room) };
                if pieces.last().is_none_or(|(last, _)| *last != board) {
                    pieces.push((board, Vec::new()));
                }
                if let Some((_, own)) = pieces.last_mut() {
                    own.push(part.rows_at(row..row + count));
                }
                room = room.saturating_sub(count.next_multiple_of(TILE_ROWS));
                row += count;
            }
        }
        Ok(pieces)
    }

    fn backend(&self) -> String {
        match self.boards.as_slice() {
            [board] => board.name(),
            boards => format!("{} boards: {}", boards.len(), boards[0].name()),
        }
    }
}

/// Row groups that parts take on a board: each part starts with one of its own.
fn groups_of<T: Transport>(board: &FabricGemv<'_, T>, rows_of_parts: &[usize]) -> usize {
    let array_rows = board.driver().geometry().array_rows;
    rows_of_parts.iter().map(|rows| rows.div_ceil(array_rows)).sum()
}

/// Rows that a board still has room for, in whole tiles that take whole row groups.
fn whole_rows<T: Transport>(board: &FabricGemv<'_, T>, cols: usize) -> usize {
    let groups_of_tile = TILE_ROWS.div_ceil(board.driver().geometry().array_rows);
    (board.room(cols) / groups_of_tile).saturating_mul(TILE_ROWS)
}

impl<'m, T: Transport> Gemv<'m> for FabricPool<'m, T> {
    fn name(&self) -> String {
        self.backend()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        check_shape(&self.backend(), shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let shape = stacked_shape(&self.backend(), parts)?;
        let rows: Vec<usize> = parts.iter().map(TileMatrix::rows).collect();
        let placed = match self.whole(&rows, shape.cols)? {
            Some(board) => vec![(board, parts.to_vec())],
            None => self.split(parts, shape.cols)?,
        };
        let (mut pieces, mut first_row) = (Vec::with_capacity(placed.len()), 0);
        for (board, parts) in placed {
            let rows = first_row..first_row + parts.iter().map(TileMatrix::rows).sum::<usize>();
            first_row = rows.end;
            pieces.push(Piece { board, id: self.boards[board].prepare(&parts)?, rows });
        }
        self.matrices.push(Split { shape, pieces });
        Ok(MatrixId(self.matrices.len() - 1))
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let split = self.matrices.get(id.0).ok_or(GemvError::UnknownMatrix { id })?;
        check_run(split.shape, &x, y)?;
        if let [piece] = split.pieces.as_slice() {
            return self.boards[piece.board].run(piece.id, x, y);
        }
        let mut cost = Cost::default();
        std::thread::scope(|scope| {
            let (mut boards, mut first_board, mut rest) = (self.boards.as_mut_slice(), 0, y);
            let mut jobs = Vec::with_capacity(split.pieces.len());
            for piece in &split.pieces {
                let (_, from) = std::mem::take(&mut boards).split_at_mut(piece.board - first_board);
                let Some((board, later)) = from.split_first_mut() else { break };
                (boards, first_board) = (later, piece.board + 1);
                let (own, others) = std::mem::take(&mut rest).split_at_mut(piece.rows.len());
                rest = others;
                jobs.push(scope.spawn(move || board.run(piece.id, x, own)));
            }
            for job in jobs {
                cost += job.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            // One product, however many boards have its rows.
            cost.device.products = 1;
            Ok(cost)
        })
    }

    fn tokens(&mut self) -> Option<&mut dyn Tokens> {
        // A sequence is on one board, which has all of the weights.
        let [board] = self.boards.as_mut_slice() else { return None };
        board.tokens().is_some().then_some(self)
    }

    fn seeds(&mut self) -> Option<&mut dyn Seeds> {
        // Any board that does them: their operands travel with the request.
        self.boards.iter_mut().find_map(|board| board.seeds())
    }
}

impl<T: Transport> Tokens for FabricPool<'_, T> {
    fn runs(&mut self, program: &token::Program) -> Result<(), NoTokens> {
        self.boards[0].tokens().ok_or(NoTokens::Absent)?.runs(program)
    }

    fn prepare_tokens(&mut self, program: &token::Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens> {
        let tokens = self.boards[0].tokens().ok_or(NoTokens::Absent)?;
        let matrices = &self.matrices;
        let on_board = |number: usize| match matrices.get(matrix(number)?.0)?.pieces.as_slice() {
            [piece] => Some(piece.id),
            _ => None,
        };
        tokens.prepare_tokens(program, &on_board)
    }

    fn generate(
        &mut self,
        id: TokensId,
        start: Start,
        request: &token::Request,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
    ) -> Result<(token::Reply, Cost), GemvError> {
        self.boards[0].tokens().ok_or(GemvError::UnknownTokens { id })?.generate(id, start, request, made)
    }

    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
        self.boards[0].tokens().ok_or(GemvError::UnknownTokens { id })?.step(id, start, token, logits)
    }
}
