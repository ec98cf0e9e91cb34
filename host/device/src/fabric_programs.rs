//! Programs of the vector unit, between the products of a [`FabricGemv`].

use crate::error::DeviceError;
use crate::fabric::{FabricGemv, MAX_BLOCK_TRIES, Placement};
use crate::layout::Place;
use crate::link::MAX_RESPONSE;
use crate::request::{ProgramOutcome, ProgramRequest};
use crate::transport::Transport;
use nda_gemv::{Cost, GemvError, MatrixId, ProgramId, Programs, Start, Work};
use nda_spec::vector::cycles::{ProgramCost, answer_bytes, program_cost};
use nda_spec::vector::{Placed, Program};
use nda_spec::wire::{HEADER_BYTES, PROGRAM_BYTES};
use std::collections::HashMap;

impl<T: Transport> FabricGemv<'_, T> {
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
