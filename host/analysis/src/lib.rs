//! NDA programs as an editor sees them: every fault with its hint, what a name is and where it comes from, renames that change no
//! meaning, and beside each product what `nda plan` says that it costs.
//!
//! Places are bytes of the source. Knows no protocol and no window; the language's front end alone, nothing of its compilers. What
//! products cost is asked of whoever knows it ([`Costs`]).
//!
//! # Example
//!
//! ```
//! use nda_analysis::Analysis;
//!
//! let analysis = Analysis::new("fn main() -> int {\n    let one = 1;\n    return one + two;\n}\n");
//! let fault = &analysis.faults()[0];
//! assert_eq!(analysis.text(fault.span), "two");
//! ```

#![forbid(unsafe_code)]

mod costs;
mod hover;
mod plan;
mod products;
mod rename;
mod shapes;

pub use costs::{Costs, Known, model_beside};
pub use hover::Hover;
pub use plan::{Layer, Plan};
pub use products::{Hint, Product};
pub use rename::RenameError;
pub use shapes::{Shape, Shapes};

pub use nda_lang::ast::{Span, Type};
pub use nda_lang::{Definition, Diagnostic, KEYWORDS, Role, line_and_column};
use nda_lang::{Inspection, format, inspect};

/// What is known of a source.
#[derive(Debug, Clone)]
pub struct Analysis {
    source: String,
    inspection: Inspection,
}

impl Analysis {
    /// Looks at a source, whole or broken.
    pub fn new(source: impl Into<String>) -> Analysis {
        let source = source.into();
        Analysis { inspection: inspect(&source), source }
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Everything that is wrong, in the order of the places.
    pub fn faults(&self) -> &[Diagnostic] {
        &self.inspection.faults
    }

    /// All that is declared.
    pub fn definitions(&self) -> &[Definition] {
        &self.inspection.notes.definitions
    }

    /// The source as it is formatted; none if its form is broken, because what was not understood would be lost.
    pub fn formatted(&self) -> Option<String> {
        (self.inspection.broken == 0).then(|| format(&self.inspection.ast))
    }

    /// The number of what is declared or used at a byte; the byte behind a name is the name's, too.
    fn definition_number(&self, byte: usize) -> Option<usize> {
        let notes = &self.inspection.notes;
        let uses = notes.uses.iter().map(|one| (one.span, one.definition));
        let all = notes.definitions.iter().enumerate().map(|(number, one)| (one.span, number)).chain(uses);
        all.filter(|(span, _)| touches(*span, byte)).max_by_key(|(span, _)| span.start).map(|(_, number)| number)
    }

    /// What the name at a byte was declared as.
    pub fn definition(&self, byte: usize) -> Option<&Definition> {
        self.definition_number(byte).map(|number| &self.definitions()[number])
    }

    /// Where the name at a byte stands, its declaration first.
    pub fn references(&self, byte: usize) -> Vec<Span> {
        self.definition_number(byte).map(|number| self.places(number)).unwrap_or_default()
    }

    fn places(&self, number: usize) -> Vec<Span> {
        let mut places = vec![self.definitions()[number].span];
        let mut uses: Vec<Span> = self.inspection.notes.uses.iter().filter(|one| one.definition == number).map(|one| one.span).collect();
        uses.sort_by_key(|span| span.start);
        uses.dedup();
        places.extend(uses);
        places
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.source.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

/// Whether a byte is in a span or right behind it.
fn touches(span: Span, byte: usize) -> bool {
    span.start as usize <= byte && byte <= span.end as usize
}
