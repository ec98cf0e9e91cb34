//! What a file is as a model: its architecture, its size, what its weights are kept as, and what a board could hold of them.

use crate::failure::{Exit, Failure, Outcome};
use crate::output;
use nda_boards::Board;
use nda_ndf::{Document, VectorShape};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A model in a few lines.
pub struct Summary {
    architecture: String,
    blocks: String,
    context: String,
    vocabulary: String,
    /// Forms of the weights of matrices, and how many weights are in each.
    forms: BTreeMap<String, u64>,
    /// Bits that weights and their scales are kept in, padding included, by form.
    bits: BTreeMap<String, u64>,
    /// 2-bit weights that an array multiplies, stacks counted.
    on_boards: u64,
    /// Weights of matrices that stay on the CPU.
    on_cpu: u64,
}

/// A board and the 2-bit weights that its block RAM holds.
struct Capacity {
    board: String,
    weights: u64,
}

fn capacities() -> Outcome<Vec<Capacity>> {
    let failed = |e: nda_boards::BoardError| Failure::new(Exit::Failed, e, "constraints/boards.toml", "correct the row and build again");
    let of = |board: Board| {
        let weights = board.config().map_err(failed)?.geometry.capacity() as u64;
        Ok(Capacity { board: board.name, weights })
    };
    Board::all().map_err(failed)?.into_iter().map(of).collect()
}

impl Summary {
    /// A document as a model; none of one without an architecture, as a single matrix is.
    pub fn of_document(document: &Document<'_>) -> Option<Summary> {
        let text = |key: &str| document.metadata().get(key).unwrap_or("?").to_owned();
        document.metadata().get("architecture")?;
        let mut summary = Summary {
            architecture: text("architecture"),
            blocks: text("n_layers"),
            context: text("context"),
            vocabulary: document.metadata().get("vocab_size").unwrap_or("256").to_owned(),
            forms: BTreeMap::new(),
            bits: BTreeMap::new(),
            on_boards: 0,
            on_cpu: 0,
        };
        for m in document.matrices() {
            let form = format!("{}, {}, scale per {}", m.code().name(), stacks(m.stacks()), m.granularity().name());
            let kept = |stack: usize| 64 * m.stack(stack).words().len() + 32 * m.stack_scales(stack).len();
            summary.add_bits(&form, (0..m.stacks()).map(kept).sum::<usize>() as u64);
            summary.add_planes(form, m.rows() * m.cols(), m.stacks());
        }
        for grid in document.grids() {
            let (m, count) = (grid.matrix(), grid.matrix().coefficients().len());
            let form = format!("{}, {}, scale per {} columns", m.code().name(), stacks(count), m.group().cols());
            summary.add_bits(&form, (64 * m.words().len() + 16 * m.scales().len()) as u64);
            summary.add_planes(form, m.rows() * m.cols(), count);
        }
        for vector in document.vectors() {
            if let VectorShape::Table { rows, cols } = vector.shape() {
                summary.add_bits("f32", 32 * (rows * cols) as u64);
                summary.add_floats("f32".into(), rows * cols);
            }
        }
        Some(summary)
    }

    fn add_bits(&mut self, form: &str, bits: u64) {
        *self.bits.entry(form.to_owned()).or_default() += bits;
    }

    /// Bits per weight of a form.
    fn bits_per_weight(&self, form: &str) -> f64 {
        let of = |counts: &BTreeMap<String, u64>| counts.get(form).copied().unwrap_or_default() as f64;
        of(&self.bits) / of(&self.forms)
    }

    fn add_planes(&mut self, form: String, weights: usize, stacks: usize) {
        *self.forms.entry(form).or_default() += weights as u64;
        self.on_boards += (weights * stacks) as u64;
    }

    fn add_floats(&mut self, form: String, weights: usize) {
        *self.forms.entry(form).or_default() += weights as u64;
        self.on_cpu += weights as u64;
    }

    /// The lines.
    pub fn print(&self) -> Outcome {
        let Summary { architecture, blocks, context, vocabulary, .. } = self;
        let noun = if blocks == "1" { "block" } else { "blocks" };
        output::line(format_args!("model: {architecture}, {blocks} {noun}, context {context}, {vocabulary} tokens"))?;
        let form =
            |(form, count): (&String, &u64)| format!("{} {form}, {:.2} bits per weight", millions(*count), self.bits_per_weight(form));
        output::line(format_args!("weights: {}", self.forms.iter().map(form).collect::<Vec<_>>().join("; ")))?;
        if self.on_boards == 0 {
            return output::line("on a board: nothing, all weights are floats; 'nda convert --weights k2' fits them to 2-bit planes");
        }
        let capacities = capacities()?;
        let whole: Vec<&str> = capacities.iter().filter(|c| c.weights >= self.on_boards).map(|c| c.board.as_str()).collect();
        let needed = millions(self.on_boards);
        let rest = if self.on_cpu == 0 { String::new() } else { format!("; {} floats stay on the CPU", millions(self.on_cpu)) };
        match (whole.as_slice(), capacities.iter().max_by_key(|c| c.weights)) {
            ([], Some(largest)) => {
                let (board, share) = (&largest.board, 100.0 * largest.weights as f64 / self.on_boards as f64);
                output::line(format_args!("on a board: {needed} 2-bit weights, of which the block RAM of {board} holds {share:.2} %{rest}"))
            }
            _ => output::line(format_args!("on a board: {needed} 2-bit weights; the block RAM of {} holds them{rest}", whole.join(", "))),
        }
    }

    /// The same as JSON.
    pub fn json(&self) -> Outcome<Value> {
        let boards: Vec<Value> = capacities()?.iter().map(|c| json!({ "board": c.board, "holds_weights": c.weights })).collect();
        let bits: BTreeMap<&String, f64> = self.forms.keys().map(|form| (form, self.bits_per_weight(form))).collect();
        Ok(json!({
            "architecture": self.architecture, "blocks": self.blocks, "context": self.context, "vocabulary": self.vocabulary,
            "weights": self.forms, "bits_per_weight": bits, "board_weights": self.on_boards, "cpu_weights": self.on_cpu, "boards": boards,
        }))
    }
}

#[cfg(feature = "convert")]
impl Summary {
    /// A model of another format: what it would be without a choice of weights.
    pub fn of_source(source: &dyn nda_convert::Source) -> Summary {
        let description = source.description();
        let (shape, is_ternary) = (&description.shape, |stored: &str| {
            stored == "U8" || nda_convert::gguf::Kind::all().any(|kind| kind.is_ternary() && kind.name() == stored)
        });
        let mut summary = Summary {
            architecture: description.architecture.name().into(),
            blocks: shape.n_layers.to_string(),
            context: shape.context.to_string(),
            vocabulary: shape.vocab_size.to_string(),
            forms: BTreeMap::new(),
            bits: BTreeMap::new(),
            on_boards: 0,
            on_cpu: 0,
        };
        for info in &description.tensors {
            let VectorShape::Table { rows, cols } = info.shape else { continue };
            summary.add_bits(&info.stored_as, 8 * info.stored_bytes);
            match is_ternary(&info.stored_as) {
                true => summary.add_planes(info.stored_as.clone(), rows * cols, 1),
                false => summary.add_floats(info.stored_as.clone(), rows * cols),
            }
        }
        summary
    }
}

fn stacks(count: usize) -> String {
    if count == 1 { "1 stack".into() } else { format!("{count} stacks") }
}

fn millions(count: u64) -> String {
    format!("{:.2} M", count as f64 / 1e6)
}
