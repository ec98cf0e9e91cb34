//! What a person wants to know of the name under the pointer.

use crate::{Analysis, Plan, Shapes, touches};
use nda_lang::ast::{Span, Type};
use nda_lang::{Definition, Role, find_builtin, line_and_column};

/// LANGUAGE.md, which says what each builtin gives.
const LANGUAGE: &str = include_str!("../../lang/LANGUAGE.md");

/// What is said of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// The name's place.
    pub span: Span,
    /// Its declaration, as code.
    pub code: String,
    /// What else is known: a line each.
    pub notes: Vec<String>,
}

impl Analysis {
    /// What is known of the name, tensor or product at a byte.
    pub fn hover(&self, byte: usize, plan: &Plan, shapes: &Shapes) -> Option<Hover> {
        if let Some(number) = self.definition_number(byte) {
            let definition = &self.definitions()[number];
            let span = self.places(number).into_iter().find(|span| touches(*span, byte))?;
            return Some(Hover { span, code: declared(definition), notes: self.notes_of(definition, span, shapes) });
        }
        let builtins = &self.inspection.notes.builtins;
        if let Some((span, name)) = builtins.iter().find(|(span, _)| touches(*span, byte)) {
            return Some(self.builtin(*span, name, plan));
        }
        self.tensor(byte, plan)
    }

    fn notes_of(&self, definition: &Definition, used: Span, shapes: &Shapes) -> Vec<String> {
        let (line, _) = line_and_column(&self.source, definition.span.start);
        let mut notes = Vec::new();
        // A variable may hold another shape from an assignment on: the line in question says first.
        if definition.of == Type::Vec {
            let (here, _) = line_and_column(&self.source, used.start);
            let shape = shapes.at(&self.source, if definition.role == Role::Variable { line } else { here });
            notes.extend(shape.map(|shape| format!("shape: {shape}")));
        }
        if definition.of == Type::Unknown {
            notes.push("its type is not known, because its declaration is wrong".into());
        }
        notes.push(format!("declared in line {line}"));
        notes
    }

    fn builtin(&self, span: Span, name: &str, plan: &Plan) -> Hover {
        let code = find_builtin(name).map_or_else(|| name.to_owned(), |signature| signature.to_string());
        let mut notes: Vec<String> = manual(name).into_iter().collect();
        if name == "gemv" {
            let hint = self.hints(plan).into_iter().find(|hint| hint.product.span.start == span.start);
            if let Some(hint) = hint {
                notes.push(format!("{} on {}", hint.text, plan.config));
                notes.extend(hint.details);
            }
        }
        Hover { span, code, notes }
    }

    /// A tensor's name in a product.
    fn tensor(&self, byte: usize, plan: &Plan) -> Option<Hover> {
        let product = self.products().into_iter().rfind(|product| touches(product.span, byte))?;
        let text = self.text(product.span);
        let (name, at) = product.names.iter().find_map(|name| {
            let at = product.span.start as usize + text.find(&format!("\"{name}\""))? + 1;
            (at <= byte && byte <= at + name.len()).then_some((name, at))
        })?;
        let span = Span { start: at as u32, end: (at + name.len()) as u32 };
        let (rows, cols, is_fused) = plan.shape_of(name)?;
        let layer = if is_fused { "of a fused product of" } else { "a matrix of" };
        let mut notes = vec![format!("{layer} {rows} x {cols}")];
        notes.extend(plan.layers_of(&product.names).iter().map(|layer| layer.to_string()));
        Some(Hover { span, code: format!("\"{name}\""), notes })
    }
}

fn declared(definition: &Definition) -> String {
    let Definition { name, of, params, .. } = definition;
    let of = of.name();
    match definition.role {
        Role::Function => {
            let params: Vec<String> = params.iter().map(|(name, of)| format!("{name}: {}", of.name())).collect();
            let result = if definition.of == Type::Unit { String::new() } else { format!(" -> {of}") };
            format!("fn {name}({}){result}", params.join(", "))
        }
        Role::Constant => format!("let {name}: {of}  // a constant"),
        Role::Variable => format!("let {name}: {of}"),
        Role::Parameter => format!("{name}: {of}  // a parameter"),
        Role::Index => format!("{name}: {of}  // counts a loop, from 0"),
    }
}

/// The row of LANGUAGE.md's table that describes a builtin.
fn manual(name: &str) -> Option<String> {
    let rows = LANGUAGE.lines().filter(|line| line.starts_with("| `"));
    let mut cells = rows.filter_map(|row| row.trim_matches(['|', ' ']).split_once(" | "));
    let is_named = |calls: &str| {
        let words = calls.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        calls.contains('(') && words.into_iter().any(|word| word == name)
    };
    cells.find(|(calls, _)| is_named(calls)).map(|(calls, gives)| format!("{calls}: {gives}"))
}

#[cfg(test)]
mod tests {
    use super::manual;
    use nda_lang::builtin_names;

    #[test]
    fn every_builtin_has_its_row_in_the_language_manual() {
        let without: Vec<_> = builtin_names().filter(|name| manual(name).is_none()).collect();
        assert!(without.is_empty(), "{without:?}");
        assert!(manual("gemv").unwrap().contains("`W x`"));
    }
}
