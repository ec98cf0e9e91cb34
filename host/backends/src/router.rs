//! Places products on boards or the CPU.

use crate::Boards;
use nda_gemv::{
    Activations, Cost, Gemv, GemvError, GridId, Grids, GroupedVectors, MatrixId, NoTokens, Seeds, Shape, Start, Tokens, TokensId, Vectors,
    integer_layers, run_vectors,
};
use nda_kernels::CpuGemv;
use nda_spec::plan::Layer;
use nda_spec::token;
use nda_spec::{GridMatrix, TileMatrix};
use std::ops::ControlFlow;

/// Boards as far as they have room, the CPU for the rest.
///
/// A product goes to the boards if its weights can stay there. What the CPU can do at once, it does at once: several vectors, and
/// group-quantized matrices whole. Such a matrix goes to the boards with all of its half words or with none.
pub struct Router<'m> {
    boards: Boards<'m>,
    cpu: CpuGemv<'m>,
    places: Vec<Place>,
    /// Grids that the CPU multiplies whole.
    grids: usize,
    refusals: Vec<String>,
}

/// Who has a matrix.
enum Place {
    Boards(MatrixId),
    Cpu(MatrixId),
}

impl<'m> Router<'m> {
    /// A router between these.
    pub fn new(boards: Boards<'m>, cpu: CpuGemv<'m>) -> Router<'m> {
        Router { boards, cpu, places: Vec::new(), grids: 0, refusals: Vec::new() }
    }

    /// The CPU's side.
    pub fn cpu(&self) -> &CpuGemv<'m> {
        &self.cpu
    }

    /// The boards, to be looked at.
    pub fn boards(&self) -> &Boards<'m> {
        &self.boards
    }

    /// The boards.
    pub fn boards_mut(&mut self) -> &mut Boards<'m> {
        &mut self.boards
    }

    /// Why each product on the CPU is there, in the order in which they were prepared.
    pub fn refusals(&self) -> &[String] {
        &self.refusals
    }

    /// Whether boards have any product.
    pub fn has_boards_at_work(&self) -> bool {
        self.places.iter().any(|place| matches!(place, Place::Boards(_)))
    }

    /// Why boards should not have products of these shapes.
    fn refusal(&self, layers: &[Layer]) -> String {
        let g = self.boards.boards()[0].driver().geometry();
        let words = layers.iter().map(|layer| layer.words(g)).fold(0, usize::saturating_add);
        let (left, all) = self.boards.words();
        format!("it needs {words} tile words, but {left} of {all} are left; its weights would travel with every token")
    }
}

impl<'m> Gemv<'m> for Router<'m> {
    fn name(&self) -> String {
        let on_cpu = self.places.iter().filter(|p| matches!(p, Place::Cpu(_))).count() + self.grids;
        match on_cpu {
            _ if !self.has_boards_at_work() => format!("{}, nothing on {}", self.cpu.name(), self.boards.name()),
            0 => self.boards.name(),
            n => format!("{}, {n} of {} products on {}", self.boards.name(), self.places.len() + self.grids, self.cpu.name()),
        }
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.cpu.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let layer = Layer { parts: parts.iter().map(TileMatrix::rows).collect(), cols: parts.first().map_or(0, TileMatrix::cols) };
        let place = if self.boards.has_room(&layer.parts, layer.cols) {
            Place::Boards(self.boards.prepare(parts)?)
        } else {
            self.refusals.push(self.refusal(&[layer]));
            Place::Cpu(self.cpu.prepare(parts)?)
        };
        self.places.push(place);
        Ok(MatrixId(self.places.len() - 1))
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        match self.places.get(id.0) {
            Some(Place::Boards(id)) => self.boards.run(*id, x, y),
            Some(Place::Cpu(id)) => self.cpu.run(*id, x, y),
            None => Err(GemvError::UnknownMatrix { id }),
        }
    }

    fn vectors(&mut self) -> Option<&mut dyn Vectors> {
        Some(self)
    }

    fn grids(&mut self) -> Option<&mut dyn Grids<'m>> {
        Some(self)
    }

    fn tokens(&mut self) -> Option<&mut dyn Tokens> {
        self.boards.tokens().is_some().then_some(self)
    }

    fn seeds(&mut self) -> Option<&mut dyn Seeds> {
        self.boards.seeds()
    }
}

impl Tokens for Router<'_> {
    fn runs(&mut self, program: &token::Program) -> Result<(), NoTokens> {
        self.boards.tokens().ok_or(NoTokens::Absent)?.runs(program)
    }

    fn prepare_tokens(&mut self, program: &token::Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens> {
        let tokens = self.boards.tokens().ok_or(NoTokens::Absent)?;
        let places = &self.places;
        let on_board = |number: usize| match places.get(matrix(number)?.0)? {
            Place::Boards(id) => Some(*id),
            Place::Cpu(_) => None,
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
        self.boards.tokens().ok_or(GemvError::UnknownTokens { id })?.generate(id, start, request, made)
    }

    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
        self.boards.tokens().ok_or(GemvError::UnknownTokens { id })?.step(id, start, token, logits)
    }
}

impl Vectors for Router<'_> {
    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        match self.places.get(id.0) {
            Some(Place::Boards(id)) => run_vectors(&mut self.boards, *id, vectors, x, y),
            Some(Place::Cpu(id)) => self.cpu.run_vectors(*id, vectors, x, y),
            None => Err(GemvError::UnknownMatrix { id }),
        }
    }
}

impl<'m> Grids<'m> for Router<'m> {
    fn prepare_grid(&mut self, parts: &[GridMatrix<'m>]) -> Result<Option<GridId>, GemvError> {
        let layers = integer_layers(parts);
        if self.boards.has_room_for_all(&layers) {
            return Ok(None);
        }
        let id = self.cpu.prepare_grid(parts)?;
        self.refusals.push(self.refusal(&layers));
        self.grids += 1;
        Ok(id)
    }

    fn run_grid(&mut self, id: GridId, x: &GroupedVectors<'_>, y: &mut [f32]) -> Result<Cost, GemvError> {
        self.cpu.run_grid(id, x, y)
    }
}
