//! Tensor names to numbers, before the first run.

use crate::diagnostic::Diagnostic;
use crate::module::{Module, NamePiece, NameUse, Purpose};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Most entries of one table: a document that numbers its tensors wildly is refused instead of filling memory.
const MAX_ENTRIES: usize = 1 << 20;
/// An entry that leads nowhere.
const NONE: u32 = u32::MAX;

/// What the tensor names of a program lead to in one document.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// Every fused layer that `gemv` can name: its matrices in order.
    pub layers: Vec<Vec<String>>,
    /// Every vector that `tensor` can name.
    pub tensors: Vec<String>,
    /// Every matrix or table that `row` can name.
    pub rows: Vec<String>,
    uses: Vec<Link>,
    /// Every tensor of the document, for messages.
    names: HashSet<String>,
}

/// One place in the program: a table over the numbers in the holes.
#[derive(Debug, Clone, Default)]
struct Link {
    extents: Vec<usize>,
    table: Vec<u32>,
}

/// A name's text with its numbers filled in.
pub(crate) fn spell(name: &[NamePiece], holes: &[i64]) -> String {
    name.iter()
        .map(|piece| match piece {
            NamePiece::Text(text) => text.clone(),
            NamePiece::Hole(hole) => holes[*hole].to_string(),
        })
        .collect()
}

/// The numbers that make the template this name, if any do. Numbers are written without leading zeros.
fn numbers(template: &[NamePiece], holes: usize, name: &str) -> Option<Vec<usize>> {
    let mut found: Vec<Option<usize>> = vec![None; holes];
    let mut rest = name;
    for piece in template {
        match piece {
            NamePiece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            NamePiece::Hole(hole) => {
                let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let digits = &rest[..len];
                let number: usize = digits.parse().ok().filter(|_| digits == "0" || !digits.starts_with('0'))?;
                rest = &rest[len..];
                if *found[*hole].get_or_insert(number) != number {
                    return None;
                }
            }
        }
    }
    if rest.is_empty() { found.into_iter().collect() } else { None }
}

impl Links {
    /// Finds every tensor that a program names among those of a document.
    pub(crate) fn new(module: &Module, names: &[String]) -> (Links, Vec<Diagnostic>) {
        let mut linker =
            Linker { links: Links::default(), all: names, set: names.iter().map(String::as_str).collect(), known: HashMap::new() };
        let mut errors = Vec::new();
        for named in &module.uses {
            match linker.link(named) {
                Ok(link) => linker.links.uses.push(link),
                Err((message, hint)) => errors.push(Diagnostic { message, span: named.span, hint }),
            }
        }
        (linker.links, errors)
    }

    /// Where a place's names lead with these numbers in the holes. No text is made or compared.
    #[inline]
    pub(crate) fn find(&self, place: usize, holes: impl Iterator<Item = i64>) -> Option<usize> {
        let link = &self.uses[place];
        let mut at = 0;
        for (extent, number) in link.extents.iter().zip(holes) {
            let number = usize::try_from(number).ok().filter(|n| n < extent)?;
            at = at * extent + number;
        }
        link.table.get(at).filter(|entry| **entry != NONE).map(|entry| *entry as usize)
    }

    /// Of names that lead nowhere together, the first that is not there.
    pub(crate) fn missing(&self, names: Vec<String>) -> String {
        let missing = names.iter().find(|name| !self.names.contains(*name)).cloned();
        missing.unwrap_or_else(|| names.join("+"))
    }

    /// Where names lead by their text: the interpreter's way.
    pub fn find_by_name(&self, purpose: Purpose, names: &[String]) -> Option<usize> {
        match purpose {
            Purpose::Gemv => self.layers.iter().position(|layer| layer.as_slice() == names),
            Purpose::Tensor => self.tensors.iter().position(|name| *name == names[0]),
            Purpose::Row => self.rows.iter().position(|name| *name == names[0]),
        }
    }
}

struct Linker<'n> {
    links: Links,
    all: &'n [String],
    set: HashSet<&'n str>,
    known: HashMap<(u8, Vec<String>), u32>,
}

impl Linker<'_> {
    fn link(&mut self, named: &NameUse) -> Result<Link, (String, String)> {
        let shown = |name: &[NamePiece]| {
            let holes = ["i", "j", "k"];
            name.iter()
                .map(|p| match p {
                    NamePiece::Text(text) => text.clone(),
                    NamePiece::Hole(hole) => format!("{{{}}}", holes[*hole]),
                })
                .collect::<String>()
        };
        let first = &named.names[0];
        let tuples: BTreeSet<Vec<usize>> = self.all.iter().filter_map(|name| numbers(first, named.holes, name)).collect();
        if tuples.is_empty() {
            let (message, help) = (format!("the document has no tensor '{}'", shown(first)), "'nda info FILE' lists the tensors");
            return Err((message, help.into()));
        }
        let extents: Vec<usize> =
            (0..named.holes).map(|hole| tuples.iter().map(|t| t[hole]).max().unwrap_or(0).saturating_add(1)).collect();
        let entries = extents.iter().try_fold(1_usize, |product, extent| product.checked_mul(*extent)).filter(|n| *n <= MAX_ENTRIES);
        let Some(entries) = entries else {
            return Err((format!("the numbers of '{}' are too large", shown(first)), "number tensors from 0".into()));
        };
        let mut table = vec![NONE; entries];
        let mut missing = None;
        for tuple in tuples {
            let holes: Vec<i64> = tuple.iter().map(|n| *n as i64).collect();
            let names: Vec<String> = named.names.iter().map(|name| spell(name, &holes)).collect();
            // Not all are there: no fault unless the program comes to ask for them.
            if let Some(name) = names.iter().find(|name| !self.set.contains(name.as_str())) {
                missing.get_or_insert((names[0].clone(), name.clone()));
                continue;
            }
            let at = tuple.iter().zip(&extents).fold(0, |at, (number, extent)| at * extent + number);
            table[at] = self.entry(named.purpose, names);
        }
        match missing {
            Some((first, missing)) if table.iter().all(|entry| *entry == NONE) => {
                let message = format!("the document has a tensor '{first}', but no '{missing}'");
                Err((message, "names that are used together are there together".into()))
            }
            _ => Ok(Link { extents, table }),
        }
    }

    fn entry(&mut self, purpose: Purpose, names: Vec<String>) -> u32 {
        let links = &mut self.links;
        *self.known.entry((purpose as u8, names.clone())).or_insert_with(|| {
            let count = match purpose {
                Purpose::Gemv => {
                    links.layers.push(names);
                    links.layers.len()
                }
                Purpose::Tensor => {
                    links.tensors.extend(names);
                    links.tensors.len()
                }
                Purpose::Row => {
                    links.rows.extend(names);
                    links.rows.len()
                }
            };
            count as u32 - 1
        })
    }
}
