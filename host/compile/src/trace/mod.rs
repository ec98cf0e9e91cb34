//! From a program to the graph of a token, by running it without its numbers.
//!
//! Metadata, shapes, loop counters and everything made of them are known and evaluated as the tiers evaluate them.
//! Tokens, the position and data are symbols: operations on vectors become nodes, and arithmetic on symbols remembers
//! what it depends on. A branch, an index or an argument that needs the number behind a symbol ends the trace.
//!
//! A graph must hold for any number of tokens at once, so the program is traced with one token and again with several;
//! the second trace only checks.

mod builtins;
mod expression;
mod symbol;
mod walk;

use crate::fuse::pruned;
use nda_ir::Graph;
use nda_lang::{Document, Links, Program, Type};
use walk::{Stop, Walk};

/// Tokens of the second trace.
const TOKENS_OF_THE_CHECK: usize = 3;
/// Most nodes of a graph, so that no program can fill memory.
const MAX_NODES: usize = 1 << 17;
/// Most calls and turns of loops in one trace: what a token takes is far less, and a loop without an end is found soon.
const MAX_STEPS: u64 = 1 << 22;

/// Why a program has no graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untraceable {
    /// Where in the source: file, line, column.
    pub place: String,
    /// What depended on what.
    pub reason: String,
}

impl std::fmt::Display for Untraceable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for Untraceable {}

/// The graph of a token: the program's `forward` and `logits`, and the choice of the next token.
///
/// # Errors
/// Where the program does what depends on numbers that are not known before a token is.
pub fn trace(program: &Program, links: &Links, document: &dyn Document) -> Result<Graph, Untraceable> {
    let graph = traced(program, links, document, 1)?;
    let forward = program.entry("forward").map(|entry| program.signature(entry).0);
    // One token at a time, if the program takes no more.
    if forward.is_some_and(|params| params.first() != Some(&Type::Int)) {
        let again = traced(program, links, document, TOKENS_OF_THE_CHECK)?;
        same(program, &graph, &again)?;
    }
    Ok(pruned(&graph))
}

fn traced(program: &Program, links: &Links, document: &dyn Document, tokens: usize) -> Result<Graph, Untraceable> {
    Walk::new(program, links, document, tokens).model().map_err(|stop| {
        let (reason, span) = match stop {
            Stop::Reason(reason, span) => (reason, span),
            Stop::Trap(trap, span) => (trap.to_string(), span),
        };
        let (line, column) = nda_lang::line_and_column(program.source(), span.start);
        Untraceable { place: format!("{}:{line}:{column}", program.file()), reason }
    })
}

/// Whether two traces agree, or the first place where they do not.
fn same(program: &Program, one: &Graph, several: &Graph) -> Result<(), Untraceable> {
    let lines = |graph: &Graph| -> Vec<(String, usize)> {
        graph.nodes().map(|(id, node)| (format!("{id} = {} {}", graph.line_of(node), node.shape), node.line)).collect()
    };
    let (one, several) = (lines(one), lines(several));
    let differ = |line: usize, a: &str, b: &str| {
        let reason = format!("what a token gives depends on how many are taken at once: '{a}' with 1 is '{b}' with {TOKENS_OF_THE_CHECK}");
        Err(Untraceable { place: format!("{}:{line}", program.file()), reason })
    };
    for ((a, line), (b, _)) in one.iter().zip(&several) {
        if a != b {
            return differ(*line, a, b);
        }
    }
    match (one.get(several.len()), several.get(one.len())) {
        (None, None) => Ok(()),
        (a, b) => {
            let text = |side: Option<&(String, usize)>| side.map_or("nothing".to_string(), |(text, _)| text.clone());
            differ(a.or(b).map_or(1, |(_, line)| *line), &text(a), &text(b))
        }
    }
}
