//! A source as an editor sees it: everything that is wrong, and what its names mean. Nothing is compiled.

use crate::ast::Ast;
use crate::check::{Notes, notes};
use crate::diagnostic::Diagnostic;
use crate::parser::parse;

/// What is known of a source, whole or broken.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The tree of all that was understood.
    pub ast: Ast,
    /// Everything that is wrong, in the order of the places.
    pub faults: Vec<Diagnostic>,
    /// How many of the faults are of the form: then the tree is not the whole source.
    pub broken: usize,
    /// What names mean.
    pub notes: Notes,
}

/// Parses and checks a source.
pub fn inspect(source: &str) -> Inspection {
    let (ast, mut faults) = parse(source);
    let broken = faults.len();
    let (notes, more) = notes(&ast);
    faults.extend(more);
    faults.sort_by_key(|fault| fault.span.start);
    Inspection { ast, faults, broken, notes }
}
