//! The back end of a board with a vector unit: from the graph to programs of vector steps.
//!
//! Residuals stay on the unit in fixed point, in steps that `nda_spec::vector` defines to the bit. What lies between two
//! places where the host needs numbers is one program; the host does the rest (embedding, rotary positions,
//! attention) in floats. Passes: [`place()`] says what is where, [`lower`](lower::lower) makes the steps.

mod codec;
mod lower;
mod place;

pub use codec::{Answer, STREAM_BITS, Take, VALUE_BITS};
pub use lower::{Numbers, RowScales, constant};

use nda_ir::{Graph, NodeId, Stage};
use nda_spec::vector::Program;
use place::{Action, Placed, place};

/// A part of a token's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A node's operation on the host, in floats.
    Host(NodeId),
    /// A program, by its place in [`BlockPlan::chains`].
    Unit(usize),
}

/// A program of the vector unit with what goes in and what comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The steps; a product's matrix is the number of its product in the graph.
    pub program: Program,
    /// The values of its request, in order.
    pub takes: Vec<Take>,
    /// What its answer's bytes are.
    pub answer: Answer,
    /// The node whose value the answer is.
    pub gives: NodeId,
}

impl Chain {
    /// Whether it needs the wide values that the program before it left.
    pub fn continues(&self) -> bool {
        !matches!(self.takes.first(), Some(Take::Wide(_)))
    }
}

/// A token's work on a host and a vector unit.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockPlan {
    /// Every program, in the order of use.
    pub chains: Vec<Chain>,
    /// What every token takes.
    pub forward: Vec<Work>,
    /// What a token takes that is asked for its successor.
    pub logits: Vec<Work>,
    /// Wide values that the programs need.
    pub wide_words: usize,
}

/// How many scores a program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// All of them.
    All,
    /// The largest; the others count as -inf.
    Largest(usize),
}

/// The programs of a graph, and the order of everything.
///
/// # Errors
/// Why a vector unit cannot run this graph.
pub fn plan_blocks(graph: &Graph, numbers: &dyn Numbers, scores: Scores) -> Result<BlockPlan, String> {
    let mut plan = BlockPlan { chains: Vec::new(), forward: Vec::new(), logits: Vec::new(), wide_words: 0 };
    let mut pending: Vec<Action> = Vec::new();
    for (placed, stage) in place(graph)? {
        let work = match placed {
            Placed::Host(node) => Some(Work::Host(node)),
            Placed::Unit(action) => {
                pending.push(action);
                action.gives().map(|_| Work::Unit(plan.chains.len()))
            }
        };
        if let Some(Work::Unit(_)) = work {
            plan.chains.push(lower::lower(graph, numbers, scores, &std::mem::take(&mut pending))?);
        }
        match stage {
            Stage::Forward => plan.forward.extend(work),
            Stage::Logits => plan.logits.extend(work),
        }
    }
    if plan.chains.is_empty() {
        return Err("no residual of the model's program stays on the vector unit".into());
    }
    let words = plan.chains.iter().map(|chain| chain.program.wide_words()).max().unwrap_or(1);
    Ok(BlockPlan { wide_words: words.max(1).next_power_of_two(), ..plan })
}
