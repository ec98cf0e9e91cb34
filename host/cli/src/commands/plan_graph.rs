//! `nda plan --graph`: the graph of a model's token.

use crate::failure::{Exit, Failure, Outcome};
use crate::output;
use nda_engine::Weights;

/// Prints the graph as text.
pub fn text(weights: &Weights<'_>) -> Outcome {
    output::line(graph(weights)?.to_string().trim_end())
}

/// Prints the graph as JSON.
pub fn json(weights: &Weights<'_>) -> Outcome {
    output::json_of("plan-graph", &graph(weights)?.to_json())
}

fn graph(weights: &Weights<'_>) -> Outcome<nda_ir::Graph> {
    let help = "such a program runs on the CPU as it is; host/lang/LANGUAGE.md, section 5, says what has a graph";
    weights.graph().map_err(|e| Failure::new(Exit::Failed, format_args!("the program has no graph: {}", e.reason), e.place, help).into())
}
