//! `nda plan --board all`: what each real board holds of a model, and how many of them would hold all of it.

use crate::backend;
use crate::failure::{Exit, Failure, Outcome};
use crate::output;
use nda_boards::{Board, TokenTime, TokenWork};
use nda_engine::Weights;
use nda_spec::plan::{Layer, TokenCost, token_cost};
use nda_spec::{ActivationCode, Config};
use serde_json::{Value, json};
use std::path::Path;

/// A board's share of a model, and the whole on enough of them.
struct Row {
    board: Board,
    config: Config,
    /// One board, the CPU beside it.
    one: TokenCost,
    /// All layers on boards.
    all: TokenCost,
    /// Boards that hold all layers.
    boards: usize,
}

impl Row {
    fn new(board: Board, config: Config, layers: &[Layer], code: ActivationCode) -> Row {
        let one = token_cost(&config, layers, code);
        let g = &config.geometry;
        // Layers that do not fit one board are split by rows, so words are what counts; each starts on a page of its own.
        let words: usize = layers.iter().map(|layer| layer.words(g).next_multiple_of(g.page_words)).sum();
        let mut large = config.clone();
        large.geometry.tile_words = words.max(g.tile_words);
        let all = token_cost(&large, layers, code);
        let boards = words.div_ceil(g.tile_words).max(1);
        Row { board, config, one, all, boards }
    }

    fn time(&self, cost: &TokenCost) -> TokenTime {
        TokenTime::new(&self.config, TokenWork { run_cycles: cost.run_cycles, bytes: cost.wire_bytes, round_trips: cost.jobs })
    }

    /// Weights of the model that one board holds, of 1.
    fn share(&self) -> f64 {
        self.one.weights as f64 / (self.all.weights as f64).max(1.0)
    }

    fn json(&self) -> Value {
        let time = self.time(&self.all);
        json!({
            "board": self.board.name, "configuration": self.config.name, "status": self.board.status.name(), "holds_weights": self.config.geometry.capacity(),
            "resident_weights": self.one.weights, "weights": self.all.weights, "resident_products": self.one.layers, "products": self.all.layers, "boards_for_all": self.boards,
            "memory_not_used": self.board.memory,
            "all_on_boards": { "array_s": time.array_s, "link_s": time.link_s, "turnaround_s": time.turnaround_s, "limit": time.limit(), "tokens_per_second": time.tokens_per_second(), "evidence": "projected" },
        })
    }
}

/// Every board's row; none if no product of the model is one that an array does.
fn rows(weights: &Weights<'_>) -> Outcome<Vec<Row>> {
    let layers = backend::layers(weights);
    if layers.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |e: nda_boards::BoardError| Failure::new(Exit::Failed, e, "constraints/boards.toml", "correct the row and build again");
    let mut rows = Vec::new();
    for board in Board::all().map_err(failed)? {
        let config = board.config().map_err(failed)?;
        rows.push(Row::new(board, config, &layers, weights.hyper().activation));
    }
    Ok(rows)
}

/// Prints all boards as a JSON object.
pub fn json(path: &Path, weights: &Weights<'_>) -> Outcome {
    let boards: Vec<Value> = rows(weights)?.iter().map(Row::json).collect();
    output::json(&json!({ "model": path, "layers_of_floats_on_cpu": weights.float_layers().len(), "boards": boards }))
}

/// Prints all boards as a table.
pub fn text(path: &Path, weights: &Weights<'_>) -> Outcome {
    let floats = weights.float_layers().len();
    if backend::layers(weights).is_empty() {
        let place = path.display();
        return output::line(format_args!(
            "{place}: every product runs on the CPU, and no board does any of the {floats}: {}",
            backend::FLOATS
        ));
    }
    table(path, &rows(weights)?)?;
    if floats == 0 {
        Ok(())
    } else {
        output::line(format_args!("\n{floats} layers run on the CPU beside every board, not counted here: {}", backend::FLOATS))
    }
}

fn table(path: &Path, rows: &[Row]) -> Outcome {
    let Some(first) = rows.first() else { return Ok(()) };
    output::line(format_args!(
        "{}: {} products of {:.1} M 2-bit weights per token, stacks counted; weights on boards are in block RAM\n",
        path.display(),
        first.all.layers,
        first.all.weights as f64 / 1e6
    ))?;
    let cells = |r: &Row| {
        let time = r.time(&r.all);
        vec![
            r.board.name.clone(),
            r.config.name.clone(),
            r.board.status.text().into(),
            r.config.geometry.capacity().to_string(),
            format!("{:.2} %", 100.0 * r.share()),
            format!("{} of {}", r.one.layers, r.all.layers),
            r.boards.to_string(),
            format!("{:.3}", time.array_s),
            format!("{:.3}", time.link_s),
            format!("{:.3}", time.turnaround_s),
            time.limit().into(),
            format!("{:.3}", time.tokens_per_second()),
        ]
    };
    let head = [
        "board",
        "image",
        "status",
        "holds weights",
        "of model",
        "products",
        "boards for all",
        "array s",
        "link s",
        "turnaround s",
        "limit",
        "tokens/s",
    ];
    output::line(output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>()))?;
    output::line(
        "\nof model, products: what stays on one board; the rest runs on the CPU, because its weights would travel with every token.\n\
         seconds and tokens/s: a token with all products on that many boards, one after the other (projected; nothing here has run on a board).",
    )?;
    output::line("\nmemory that the boards have besides block RAM:")?;
    rows.iter().try_for_each(|r| output::line(format_args!("  {}: {}", r.board.name, r.board.memory)))
}
