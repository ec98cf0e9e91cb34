//! Programs of vector steps, which run where the matrices are.

use crate::cost::Cost;
use crate::error::GemvError;
use crate::shape::MatrixId;
use nda_spec::vector::Program;

/// A prepared program of vector steps; valid only for the back end that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProgramId(pub usize);

/// What a program finds in the wide memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing that it uses.
    Anew,
    /// The wide values as the program before it left them.
    Continues,
}

/// Runs programs of vector steps.
pub trait Programs {
    /// Makes a program ready to run; `matrix` says which prepared matrix a number in it means. `None` if there is no room for it,
    /// or a matrix lies elsewhere: the caller then runs it on `nda_spec::vector::Machine`.
    ///
    /// # Errors
    /// A failure of the device.
    fn prepare_program(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<Option<ProgramId>, GemvError>;

    /// Runs a program on a request's bytes; `output` gets the answer's.
    ///
    /// # Errors
    /// A program that was not prepared here, a failure of the device.
    fn run_program(&mut self, id: ProgramId, start: Start, input: &[u8], output: &mut Vec<u8>) -> Result<Cost, GemvError>;
}
