//! The graph, and what can be asked of it. Edges are found by name, file by file.

use crate::facts::{Facts, Kind, PORT, Place, Symbol};
use crate::program::names;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cores that multiply, that of boards which make whole tokens last, and their port with the sums: where a tensor's product is seen.
const ARRAYS: [&str; 2] = ["GemvArray", "TokenArray"];
const SUMS: &str = "result";

/// Everything known of a project at one time. It never changes.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    files: BTreeMap<Arc<str>, Arc<Facts>>,
    symbols: usize,
}

/// How a tensor's product is seen, from the program down to the wave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Functions of programs that name the tensor.
    pub programs: Vec<Place>,
    /// Its tiles, said.
    pub tiles: Vec<String>,
    /// Modules that the array's core is emitted as, with the signal that has the sums: `module.signal`.
    pub signals: Vec<String>,
    /// Variables of waves that are this signal, with their scope.
    pub waves: Vec<String>,
}

/// Words of a board's tile store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile<'g> {
    /// The board.
    pub board: &'g str,
    /// The fused product that has them: its tensors, joined by `+`.
    pub product: &'g str,
    /// The first word, from 0.
    pub first_word: u64,
    /// How many words.
    pub words: u64,
}

impl std::fmt::Display for Tile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} words from word {} ({})", self.board, self.words, self.first_word, self.product)
    }
}

impl Graph {
    /// The same with other facts of one file.
    pub fn with(&self, path: &str, facts: Option<Facts>) -> Graph {
        let mut files = self.files.clone();
        let before = files.remove(path).map_or(0, |facts| facts.symbols.len());
        let now = facts.as_ref().map_or(0, |facts| facts.symbols.len());
        files.extend(facts.map(|facts| (Arc::from(path), Arc::new(facts))));
        Graph { files, symbols: self.symbols - before + now }
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.symbols
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.symbols == 0
    }

    /// The facts of a file.
    pub fn file(&self, path: &str) -> Option<&Facts> {
        self.files.get(path).map(Arc::as_ref)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&str, &Symbol)> {
        let all = self.files.iter().flat_map(|(path, facts)| facts.symbols.iter().map(move |symbol| (path.as_ref(), symbol)));
        all.filter(move |(_, symbol)| symbol.kind == kind)
    }

    /// Where a name is defined, with what it is.
    pub fn definitions(&self, name: &str) -> Vec<(Kind, Place)> {
        let of = |path: &Arc<str>, symbol: &Symbol| {
            (symbol.kind, Place { file: path.to_string(), line: symbol.line, within: symbol.within.clone() })
        };
        let found = self.files.iter().filter_map(|(path, facts)| Some((path, facts, facts.by_name.get(name)?)));
        found.flat_map(|(path, facts, numbers)| numbers.iter().map(move |number| of(path, &facts.symbols[*number]))).collect()
    }

    /// Who calls a function, or instantiates a module.
    pub fn callers(&self, name: &str) -> Vec<Place> {
        let found = self.files.iter().filter_map(|(path, facts)| Some((path, facts, facts.uses.get(name)?)));
        let place = |path: &str, facts: &Facts, within: usize, line| {
            let Symbol { name, within: owner, .. } = &facts.symbols[within];
            Place { file: path.into(), line, within: if owner.is_empty() { name.clone() } else { format!("{owner}::{name}") } }
        };
        found.flat_map(|(path, facts, uses)| uses.iter().map(move |one| place(path, facts, one.within, one.line))).collect()
    }

    /// What a function calls, by name and line.
    pub fn callees(&self, name: &str) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        for facts in self.files.values() {
            let Some(own) = facts.by_name.get(name) else { continue };
            let uses = facts.uses.iter().flat_map(|(callee, uses)| uses.iter().map(move |one| (callee, one)));
            found.extend(uses.filter(|(_, one)| own.contains(&one.within)).map(|(callee, one)| (callee.clone(), one.line)));
        }
        found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        found
    }

    /// The cores that a Verilog module may be emitted from: those whose ports are the module's, in the same order. If several are, the
    /// module's name decides, which is a path of instances through cores.
    pub fn emitted_from(&self, module: &str) -> Vec<&str> {
        let modules: Vec<&Symbol> = self.of_kind(Kind::Module).map(|(_, symbol)| symbol).filter(|symbol| symbol.name == module).collect();
        let is_like = |core: &Symbol| modules.iter().any(|module| core.ports().eq(module.ports()) && core.ports().next().is_some());
        let mut cores: Vec<&str> =
            self.of_kind(Kind::Core).map(|(_, core)| core).filter(|core| is_like(core)).map(|core| core.name.as_str()).collect();
        cores.sort_unstable();
        cores.dedup();
        if cores.len() > 1 {
            let by_path: Vec<&str> = cores.iter().copied().filter(|core| self.is_at(core, module)).collect();
            if !by_path.is_empty() {
                return by_path;
            }
        }
        cores
    }

    /// Whether the last instance on a module's path is of this core.
    fn is_at(&self, core: &str, module: &str) -> bool {
        let fields = self.of_kind(Kind::Core).flat_map(|(_, symbol)| symbol.parts.iter());
        fields.filter(|(_, of)| of == core).any(|(field, _)| module == field || module.ends_with(&format!("_{field}")))
    }

    /// The modules that a core is emitted as.
    pub fn emits(&self, core: &str) -> Vec<&str> {
        let mut modules: Vec<&str> = self.of_kind(Kind::Module).map(|(_, symbol)| symbol.name.as_str()).collect();
        modules.sort_unstable();
        modules.dedup();
        modules.retain(|module| self.emitted_from(module).contains(&core));
        modules
    }

    /// The signals of a module, by name and line.
    pub fn signals(&self, module: &str) -> Vec<(&str, u32)> {
        self.of_kind(Kind::Signal)
            .filter(|(_, symbol)| symbol.within == module)
            .map(|(_, symbol)| (symbol.name.as_str(), symbol.line))
            .collect()
    }

    /// The functions of programs that name a tensor.
    pub fn multiplied_by(&self, tensor: &str) -> Vec<Place> {
        let mut found = Vec::new();
        for (path, facts) in &self.files {
            let named = facts.patterns.iter().filter(|(pattern, _)| names(pattern, tensor));
            found.extend(named.map(|(_, one)| Place {
                file: path.to_string(),
                line: one.line,
                within: facts.symbols[one.within].name.clone(),
            }));
        }
        found
    }

    /// Variables of waves with a signal's name in an instance of a module: the scope ends with the module's last instance.
    pub fn waves(&self, module: &str, signal: &str) -> Vec<String> {
        let is_in = |scope: &str| {
            let last = scope.rsplit('.').next().unwrap_or("");
            // Scopes are instances, and a module is named after the path of its first one.
            !last.is_empty() && (module == last || module.ends_with(&format!("_{last}")) || last.ends_with(&format!("_{module}")))
        };
        let found = self.of_kind(Kind::Wave).filter(|(_, wave)| wave.name == signal && is_in(&wave.within));
        found.map(|(path, wave)| format!("{path}: {}.{}", wave.within, wave.name)).collect()
    }

    /// Where boards hold a tensor: the document, and the words of the tile store.
    pub fn tiles(&self, tensor: &str) -> Vec<(&str, Tile<'_>)> {
        let held = self.of_kind(Kind::Tile).filter(|(_, symbol)| symbol.within == tensor);
        fn tile(symbol: &Symbol) -> Option<(&str, Tile<'_>)> {
            let [(board, _), (first, _), (words, _), (document, _), (product, _)] = symbol.parts.as_slice() else { return None };
            Some((document.as_str(), Tile { board, product, first_word: first.parse().ok()?, words: words.parse().ok()? }))
        }
        held.filter_map(|(_, symbol)| tile(symbol)).collect()
    }

    /// The way of a tensor's product: the programs that ask for it, its tiles, the signal with its sums, the waves of that.
    pub fn shows(&self, tensor: &str) -> Shown {
        let modules: Vec<&str> = ARRAYS.iter().flat_map(|core| self.emits(core)).collect();
        Shown {
            programs: self.multiplied_by(tensor),
            tiles: self.tiles(tensor).iter().map(|(_, tile)| tile.to_string()).collect(),
            signals: modules.iter().map(|module| format!("{module}.{SUMS}")).collect(),
            waves: modules.iter().flat_map(|module| self.waves(module, SUMS)).collect(),
        }
    }

    /// The instances within a core or module: name and type.
    pub fn instances(&self, name: &str) -> Vec<(&str, &str)> {
        let owners = self.of_kind(Kind::Core).chain(self.of_kind(Kind::Module)).filter(|(_, symbol)| symbol.name == name);
        owners
            .flat_map(|(_, symbol)| symbol.parts.iter())
            .filter(|(_, of)| of != PORT)
            .map(|(name, of)| (name.as_str(), of.as_str()))
            .collect()
    }
}
