//! What one file says by itself.

use std::collections::HashMap;

/// What a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A function of an NDA program.
    Program,
    /// A function or method in Rust.
    Function,
    /// A struct, enum, trait or alias in Rust.
    Type,
    /// A core in Rust-HDL: a struct that derives `LogicBlock`.
    Core,
    /// A module in Verilog.
    Module,
    /// A port, wire or register of a module.
    Signal,
    /// A tensor of a document.
    Tensor,
    /// Words of a board's tile store that hold a tensor.
    Tile,
    /// A variable of a wave.
    Wave,
}

impl Kind {
    /// Its name in queries.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Program => "program",
            Kind::Function => "function",
            Kind::Type => "type",
            Kind::Core => "core",
            Kind::Module => "module",
            Kind::Signal => "signal",
            Kind::Tensor => "tensor",
            Kind::Tile => "tile",
            Kind::Wave => "wave",
        }
    }
}

/// One thing with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The module of a signal, the core of a port, the scope of a wave, the tensor of a tile; else empty.
    pub within: String,
    /// Where, from 1; 0 where lines mean nothing.
    pub line: u32,
    /// A core's or module's ports, in order; an instance's name and type in a core; a tile's board, first word, words, document and product.
    pub parts: Vec<(String, String)>,
}

/// Where something is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// In which symbol.
    pub within: String,
}

/// A name that is used, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub within: usize,
    pub line: u32,
}

/// One file's symbols and what they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub(crate) symbols: Vec<Symbol>,
    /// Symbols by name.
    pub(crate) by_name: HashMap<String, Vec<usize>>,
    /// Names that are called or instantiated, by name.
    pub(crate) uses: HashMap<String, Vec<Use>>,
    /// Strings of an NDA program, which name tensors: the pattern, the function.
    pub(crate) patterns: Vec<(String, Use)>,
}

impl Facts {
    /// What a file says, by the ending of its name; a file of another kind says nothing.
    pub fn of(path: &str, text: &str) -> Facts {
        match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("rs") => crate::rust::facts(text),
            Some("nda") => crate::program::facts(text),
            Some("v" | "sv" | "vh") => crate::verilog::facts(text),
            Some("vcd") => crate::wave::facts(text),
            _ => Facts::default(),
        }
    }

    /// Its symbols.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    pub(crate) fn add(&mut self, symbol: Symbol) -> usize {
        let number = self.symbols.len();
        self.by_name.entry(symbol.name.clone()).or_default().push(number);
        self.symbols.push(symbol);
        number
    }

    pub(crate) fn uses(&mut self, name: &str, within: usize, line: u32) {
        let places = self.uses.entry(name.to_owned()).or_default();
        if places.last() != Some(&Use { within, line }) {
            places.push(Use { within, line });
        }
    }
}

impl Symbol {
    pub(crate) fn new(kind: Kind, name: &str, within: &str, line: u32) -> Symbol {
        Symbol { kind, name: name.into(), within: within.into(), line, parts: Vec::new() }
    }

    /// The names of its ports, in order.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|(_, what)| what == PORT).map(|(name, _)| name.as_str())
    }
}

/// What the parts of a core or module that are ports are marked with.
pub(crate) const PORT: &str = "port";
