//! What names mean and where: for whoever shows a program to a person.

use crate::ast::{Span, Type};

/// What a name was declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A function.
    Function,
    /// A constant of the program.
    Constant,
    /// A parameter of a function.
    Parameter,
    /// A variable.
    Variable,
    /// The index of a loop.
    Index,
}

/// A name where it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// As what.
    pub role: Role,
    /// Its type; a function's result. Unknown where the declaration was not understood.
    pub of: Type,
    /// A function's parameters.
    pub params: Vec<(String, Type)>,
}

/// A name where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Where.
    pub span: Span,
    /// Its place among the definitions.
    pub definition: usize,
}

/// Definitions in the order of the places, uses in the order in which they were checked.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// All that is declared.
    pub definitions: Vec<Definition>,
    /// All that is used of them.
    pub uses: Vec<Use>,
    /// Builtins that are called: the name's place.
    pub builtins: Vec<(Span, &'static str)>,
}
