//! An open program.

use crate::place::{byte, position, range};
use lsp_types::{
    CodeLens, Command, Diagnostic, DiagnosticSeverity, DocumentSymbol, InlayHint, InlayHintKind, InlayHintLabel, InlayHintTooltip,
    Position, Range, SymbolKind, TextDocumentContentChangeEvent, TextEdit,
};
use nda_analysis::{Analysis, Definition, Hint, Known, Role};
use nda_text::{Snapshot, Step, Text, TextError};
use std::sync::{Arc, Mutex, PoisonError};

/// A program as its editor has it.
pub struct Open {
    text: Text,
    /// The editor's number of this state.
    pub version: i32,
    /// What is known of this state.
    pub analysis: Analysis,
    /// What its products cost; filled from another thread.
    pub known: Arc<Mutex<Known>>,
}

impl Open {
    /// A program.
    ///
    /// # Errors
    /// One that is too long.
    pub fn new(text: &str, version: i32) -> Result<Open, TextError> {
        Ok(Open { text: Text::new(text)?, version, analysis: Analysis::new(text), known: Arc::default() })
    }

    /// The text.
    pub fn now(&self) -> &Snapshot {
        self.text.now()
    }

    /// Takes over changes of the editor.
    ///
    /// # Errors
    /// A change that does not fit the text: server and editor have different ones.
    pub fn change(&mut self, changes: &[TextDocumentContentChangeEvent], version: i32) -> Result<(), TextError> {
        for change in changes {
            let whole = 0..self.now().bytes();
            let range = change.range.map_or(whole, |range| byte(self.now(), range.start)..byte(self.now(), range.end));
            // Between steps the text is compacted; an editor that is open all day never stops changing it.
            self.text.edit(range, &change.text, Step::New)?;
        }
        self.version = version;
        self.analysis = Analysis::new(self.now().slice(0..self.now().bytes()));
        Ok(())
    }

    /// What is known of costs now.
    pub fn costs(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All faults.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let one = |fault: &nda_analysis::Diagnostic| Diagnostic {
            range: range(self.now(), fault.span),
            severity: Some(DiagnosticSeverity::ERROR),
            source: Some("nda".into()),
            message: if fault.hint.is_empty() { fault.message.clone() } else { format!("{}\nhelp: {}", fault.message, fault.hint) },
            ..Diagnostic::default()
        };
        self.analysis.faults().iter().map(one).collect()
    }

    fn hints(&self) -> Vec<(Hint, Range)> {
        let hints = self.analysis.hints(&self.costs().plan);
        hints.into_iter().map(|hint| (range(self.now(), hint.product.span), hint)).map(|(range, hint)| (hint, range)).collect()
    }

    /// What each product within a range costs, at the end of its line.
    pub fn inlays(&self, within: Range) -> Vec<InlayHint> {
        let shown = self.hints().into_iter().filter(|(_, at)| at.start <= within.end && within.start <= at.end);
        let one = |(hint, at): (Hint, Range)| {
            let line_end = self.now().byte_at(nda_text::Position { line: at.end.line as usize, column: usize::MAX >> 1 });
            InlayHint {
                position: position(self.now(), line_end),
                label: InlayHintLabel::String(hint.text),
                kind: Some(InlayHintKind::TYPE),
                text_edits: None,
                tooltip: Some(InlayHintTooltip::String(hint.details.join("\n"))),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            }
        };
        shown.map(one).collect()
    }

    /// The same for editors without inlay hints: above each product.
    pub fn lenses(&self) -> Vec<CodeLens> {
        let one = |(hint, at): (Hint, Range)| {
            let command = Command { title: hint.text, command: String::new(), arguments: None };
            CodeLens { range: Range { start: at.start, end: at.start }, command: Some(command), data: None }
        };
        self.hints().into_iter().map(one).collect()
    }

    /// Functions and constants.
    #[expect(deprecated, reason = "the type has a field of that kind, which must be given")]
    pub fn symbols(&self) -> Vec<DocumentSymbol> {
        let one = |definition: &Definition| {
            let kind = match definition.role {
                Role::Function => SymbolKind::FUNCTION,
                Role::Constant => SymbolKind::CONSTANT,
                _ => return None,
            };
            let range = range(self.now(), definition.span);
            let detail = Some(definition.of.name().to_owned());
            let name = definition.name.clone();
            Some(DocumentSymbol { name, detail, kind, tags: None, deprecated: None, range, selection_range: range, children: None })
        };
        self.analysis.definitions().iter().filter_map(one).collect()
    }

    /// The edit that formats the program; none if there is nothing to do or its form is broken.
    pub fn formatted(&self) -> Option<Vec<TextEdit>> {
        let text = self.analysis.formatted()?;
        if text == self.analysis.source() {
            return Some(Vec::new());
        }
        let range = Range { start: Position::default(), end: position(self.now(), self.now().bytes()) };
        Some(vec![TextEdit { range, new_text: text }])
    }
}
