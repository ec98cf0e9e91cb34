//! Memory files: which block RAM of the part each of a netlist's memories is, and which multiplier each of its products.
//!
//! nextpnr's analytic placer legalises a hundred block RAMs by filling rows from one side, whatever hangs on them, and tears
//! multipliers apart where most of the part's are taken. On a large
//! part that decides everything else: so a board may say where they are, and the placer finds places for logic around them.
//! A line is a site and the cell that gets it, as nextpnr calls them; `*` is any text, because yosys calls a multiplier after the
//! first bit that is read of it; the synthesis stops unless one cell is called so. What stands behind `#` is for people.

use crate::BoardError;
use std::collections::BTreeSet;

/// A memory file, parsed: cells and their sites, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFile {
    /// Its name.
    pub name: String,
    /// Cell, or the pattern of its name, and site.
    pub places: Vec<(String, String)>,
}

impl MemoryFile {
    /// Reads a memory file.
    ///
    /// # Errors
    /// [`BoardError::Pins`] with the line: not a site and a cell, or one of them twice.
    pub fn parse(name: &str, text: &str) -> Result<MemoryFile, BoardError> {
        let (mut cells, mut sites) = (BTreeSet::new(), BTreeSet::new());
        let mut places = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let error = |problem: String| BoardError::Pins { file: name.into(), line: number + 1, problem };
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            let (site, cell) = match words[..] {
                [] => continue,
                [site, cell] => (site, cell),
                _ => return Err(error("must be a site and a cell".into())),
            };
            if !is_site(site) {
                return Err(error(format!(
                    "'{site}' is no block RAM and no multiplier; they are called like X13/Y22/EBR0 and X8/Y34/MULT18_4"
                )));
            }
            if !cell.chars().all(|c| c.is_ascii_alphanumeric() || "._*".contains(c)) {
                return Err(error(format!("'{cell}' is not a cell's name")));
            }
            if !sites.insert(site) || !cells.insert(cell) {
                return Err(error(format!("'{site}' or '{cell}' is named twice")));
            }
            places.push((cell.to_string(), site.to_string()));
        }
        Ok(MemoryFile { name: name.into(), places })
    }
}

/// `X13/Y22/EBR0`, `X8/Y34/MULT18_4`.
fn is_site(site: &str) -> bool {
    let number = |text: &str, prefix: &str| text.strip_prefix(prefix).is_some_and(|n| n.parse::<u16>().is_ok());
    let parts: Vec<&str> = site.split('/').collect();
    parts.len() == 3 && number(parts[0], "X") && number(parts[1], "Y") && ["EBR", "MULT18_"].iter().any(|kind| number(parts[2], kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_site_and_a_cell_and_what_is_not_is_named() {
        let file = MemoryFile::parse("a.ebr", "# of all\n\nX13/Y22/EBR0 board.a.mem.0.0 # first\nX8/Y34/MULT18_4 board.a.product_*MULT*\n")
            .unwrap();
        assert_eq!(file.places[1], ("board.a.product_*MULT*".into(), "X8/Y34/MULT18_4".into()));
        for (text, wanted) in [
            ("X13/Y22/EBR0\n", "a.ebr, line 1: must be a site and a cell"),
            (
                "\nX13/EBR0 a\n",
                "a.ebr, line 2: 'X13/EBR0' is no block RAM and no multiplier; they are called like X13/Y22/EBR0 and X8/Y34/MULT18_4",
            ),
            ("X13/Y22/EBR0 a;b\n", "a.ebr, line 1: 'a;b' is not a cell's name"),
            ("X1/Y2/EBR0 a\nX1/Y2/EBR0 b\n", "a.ebr, line 2: 'X1/Y2/EBR0' or 'b' is named twice"),
            ("X1/Y2/EBR0 a\nX1/Y2/EBR1 a\n", "a.ebr, line 2: 'X1/Y2/EBR1' or 'a' is named twice"),
        ] {
            assert_eq!(MemoryFile::parse("a.ebr", text).unwrap_err().to_string(), wanted);
        }
    }
}
