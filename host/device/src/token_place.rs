//! Where a token program lies on a device, and whether it can.

use crate::fabric::FabricGemv;
use crate::layout::Place as BlockPlace;
use crate::session::Driver;
use crate::transport::Transport;
use nda_gemv::{MatrixId, NoTokens, Work};
use nda_spec::token::cycles::{Fabric, most};
use nda_spec::token::wired::row_order;
use nda_spec::token::{Image, Pass, Place, Program, Source, Step};
use nda_spec::wire::TOKEN_CYCLES_BITS;
use std::ops::Range;

/// A bound that is this many times what a token takes gives up none that is on its way.
const SLACK: u64 = 2;

/// A token program on the device.
pub(crate) struct TokenPlace {
    pub(crate) tokens: usize,
    /// Pages of the tile store that its weights lie on.
    pub(crate) pages: Range<usize>,
    /// Cycles of a token at most.
    pub(crate) token_cycles: u32,
    /// What a token multiplies until its position is taken, and what its head multiplies.
    pub(crate) work: [Work; 2],
}

/// Pages of a device's program memory.
pub(crate) fn program_pages<T: Transport>(driver: &Driver<T>) -> usize {
    let g = driver.geometry();
    driver.token().map_or(0, |sizes| sizes.program_words(g.tile_word_bytes(), g.page_words) / g.page_words)
}

/// What some steps multiply.
fn work_of(program: &Program, steps: &[Step]) -> Work {
    steps.iter().fold(Work::default(), |mut work, step| {
        if let Step::Pass(Pass { source: Source::Product { matrix }, .. }) = step {
            let shape = program.matrices[usize::from(*matrix)];
            work += Work::of(1, shape.rows * shape.cols);
        }
        work
    })
}

impl<T: Transport> FabricGemv<'_, T> {
    /// Where a program's matrix lies, if it stays there in one piece.
    fn token_place(&self, id: MatrixId) -> Option<(Place, usize)> {
        let g = self.driver.geometry();
        let matrix = self.matrices.get(id.0)?;
        let [block] = matrix.blocks.as_slice() else { return None };
        let BlockPlace::Fixed(base) = block.place else { return None };
        let (_, stacked) = matrix.parts.split_last()?;
        let whole = stacked.iter().all(|part| part.matrix.rows() % g.array_rows == 0);
        whole.then_some((Place { base: base as u32 }, base + block.words()))
    }

    pub(crate) fn place_tokens(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokenPlace, NoTokens> {
        let (g, sizes) = (*self.driver.geometry(), *self.driver.token().ok_or(NoTokens::Absent)?);
        // What is wrong with the program says more than what became of its matrices.
        sizes.fit(program, &g)?;
        let apart = |number| NoTokens::Apart { number };
        let (mut ids, mut places) = (Vec::new(), Vec::new());
        let (mut first, mut behind) = (usize::MAX, 0);
        for number in 0..program.matrices.len() {
            let id = matrix(number).ok_or(apart(number))?;
            let (place, end) = self.token_place(id).ok_or(apart(number))?;
            (first, behind) = (first.min(place.base as usize), behind.max(end));
            ids.push(id);
            places.push(place);
        }
        let image = Image { program: program.clone(), places };
        let mut bytes: Vec<u8> = image.encode(&sizes, &g)?.into_iter().flat_map(u64::to_le_bytes).collect();
        let fabric = Fabric { rows: g.array_rows, cols: g.array_cols, ..Fabric::TOKEN_1024 };
        let cycles = most(program, &fabric) * SLACK;
        let token_cycles = u32::try_from(cycles).ok().filter(|cycles| cycles >> TOKEN_CYCLES_BITS == 0).ok_or(NoTokens::Slow { cycles })?;
        for (number, id) in ids.into_iter().enumerate() {
            self.put_in_order(id, row_order(program, number));
        }
        bytes.resize(program_pages(&self.driver) * self.store.page_bytes(), 0);
        self.store.stage(g.tile_words, &bytes);
        let pages = self.store.pages_of(first..behind);
        let work = [&program.body, &program.head].map(|steps| work_of(program, steps));
        Ok(TokenPlace { tokens: program.tokens(), pages, token_cycles, work })
    }

    /// Lets the rows of a matrix lie as the token machine takes them.
    fn put_in_order(&mut self, id: MatrixId, order: Vec<usize>) {
        let g = *self.driver.geometry();
        let matrix = &mut self.matrices[id.0];
        let is_plain = order.iter().enumerate().all(|(at, &row)| at == row);
        matrix.order = (!is_plain).then_some(order);
        for block in &matrix.blocks {
            if let BlockPlace::Fixed(base) = block.place {
                self.store.stage(base, &matrix.pack(&g, block));
            }
        }
    }

    /// Whether an empty device has room for a program and its weights, and runs it.
    pub(crate) fn runs_tokens(&self, program: &Program) -> Result<(), NoTokens> {
        let g = self.driver.geometry();
        Ok(self.driver.token().ok_or(NoTokens::Absent)?.fit(program, g)?)
    }
}
