//! Names of tensors: known before the run, but for the numbers in their holes.

use super::Checker;
use super::scope::Variable;
use crate::ast::{self, Name, Span, Type};
use crate::module::{NamePiece, NameUse, Purpose, Slot};

/// Most different holes in the names of one place.
const MAX_HOLES: usize = 3;

impl Checker {
    /// The tensor names of one place. All of them have the same holes, so that one number leads to all.
    pub(super) fn names(&mut self, purpose: Purpose, args: &[&ast::Expr], span: Span) -> Option<(usize, Vec<Slot>)> {
        let mut holes: Vec<(String, Slot)> = Vec::new();
        let mut names = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let ast::ExprKind::Text(pieces) = &arg.kind else {
                let hint = "names are known before the run; numbers in them are holes: \"blk.{i}.q\"";
                self.error(arg.span, "a tensor's name is written where it is used, in double quotes", hint);
                return None;
            };
            let mut name = Vec::new();
            for piece in pieces {
                match piece {
                    ast::Piece::Text(text) => name.push(NamePiece::Text(text.clone())),
                    ast::Piece::Hole(hole) => {
                        name.push(NamePiece::Hole(if index == 0 { self.hole(hole, &mut holes)? } else { self.known_hole(hole, &holes)? }))
                    }
                }
            }
            names.push(name);
        }
        let whole = |name: &Vec<NamePiece>| (0..holes.len()).all(|hole| name.contains(&NamePiece::Hole(hole)));
        if holes.len() > MAX_HOLES || !names.iter().all(whole) {
            self.error(span, "names that are used together have the same holes, three at most", "gemv(\"blk.{i}.q\", \"blk.{i}.k\", x)");
            return None;
        }
        self.module.uses.push(NameUse { purpose, names, holes: holes.len(), span });
        Some((self.module.uses.len() - 1, holes.into_iter().map(|(_, slot)| slot).collect()))
    }

    /// The number of a hole of a further name, which brings no new ones.
    fn known_hole(&mut self, name: &Name, holes: &[(String, Slot)]) -> Option<usize> {
        let known = holes.iter().position(|(text, _)| *text == name.text);
        let is_poisoned = self.find(&name.text, name.span).is_some_and(|found| found.slot.of == Type::Unknown);
        if known.is_none() && !is_poisoned {
            let message = format!("the first name has no hole '{{{}}}'", name.text);
            self.error(name.span, message, "names that are used together have the same holes");
        }
        known
    }

    /// The number of a hole of the first name.
    fn hole(&mut self, name: &Name, holes: &mut Vec<(String, Slot)>) -> Option<usize> {
        if let Some(known) = holes.iter().position(|(text, _)| *text == name.text) {
            self.find(&name.text, name.span);
            return Some(known);
        }
        let Some(Variable { slot, .. }) = self.find(&name.text, name.span) else {
            self.no_such_variable(&name.text, name.span);
            return None;
        };
        if slot.of == Type::Unknown {
            return None;
        }
        if slot.of != Type::Int {
            let message = format!("a tensor's name has ints in its holes, but '{}' is {}", name.text, slot.of.name());
            self.error(name.span, message, "number the tensors: \"blk.{i}.q\"");
            return None;
        }
        holes.push((name.text.clone(), slot));
        Some(holes.len() - 1)
    }
}
