//! `nda plan`: what a model costs on a configuration, layer by layer, before anything runs.

use crate::backend::{self, BackendName, SimPort};
use crate::commands::plan_tokens::WholeToken;
use crate::commands::{plan_boards, plan_gpus, plan_graph};
use crate::failure::{Failure, Outcome};
use crate::{files, language, output};
use nda_boards::{Board, Status, TURNAROUND_S, TokenTime, TokenWork};
use nda_engine::{Prepared, Scratch, Weights};
use nda_gemv::Cost;
use nda_spec::Config;
use nda_spec::config::{DEFAULT_CONFIG, WeightMemory};
use nda_spec::token::text::Link;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Lists a model's fused layers on a configuration: words, cycles, bytes, limits.
///
/// Run cycles are exact: the array's counter says the same. Bytes are those of a vector of zeros (stuffing
/// depends a little on the values). Link cycles are the bytes' time at the configuration's baud rate, or one
/// cycle per byte with --port parallel.
///
/// With --board the configuration, clock and link are those of the board's image, and the time of a token is
/// projected: array, link and the turnarounds of the USB bridge. Nothing here has run on a board.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document.
    model: PathBuf,
    /// The configuration; 'nda devices' lists them.
    #[arg(long, default_value = DEFAULT_CONFIG)]
    config: String,
    /// The board, a row of constraints/boards.toml, in place of a configuration; 'all' compares them.
    #[arg(long, conflicts_with_all = ["config", "port"])]
    board: Option<String>,
    /// The link: uart or parallel.
    #[arg(long, value_enum, default_value_t = Port::Uart)]
    port: Port,
    /// Print the graph of a token that the model's program is compiled from, instead of costs.
    #[arg(long, conflicts_with_all = ["config", "board", "port"])]
    graph: bool,
    /// Print how many tokens per second the memory of some GPUs has the bandwidth for, instead of costs on a board.
    #[arg(long, conflicts_with_all = ["config", "board", "port", "graph", "program"])]
    gpus: bool,
    /// Plan with this program instead of the document's own; - is standard input.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The link of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Port {
    /// Ten bits per byte at the configuration's baud rate.
    Uart,
    /// A byte per cycle.
    Parallel,
}

/// One fused layer's place and cost.
struct Row {
    name: String,
    rows: usize,
    cols: usize,
    words: usize,
    /// Where its words begin in the tile store, if it is on one device.
    first_word: Option<usize>,
    cost: Cost,
    link_cycles: u64,
    /// Why it is not on the device, if it is not.
    refusal: Option<String>,
}

impl Row {
    /// A layer that the engine multiplies on the CPU.
    fn of_floats(name: &str, (rows, cols): (usize, usize)) -> Row {
        Row {
            name: name.into(),
            rows,
            cols,
            words: 0,
            first_word: None,
            cost: Cost::default(),
            link_cycles: 0,
            refusal: Some(backend::FLOATS.into()),
        }
    }

    /// Whether the device multiplies any of it.
    fn is_on_device(&self) -> bool {
        !self.cost.device.is_none()
    }

    fn limit(&self) -> &'static str {
        match (self.refusal.is_some(), self.link_cycles > self.cost.run_cycles) {
            (true, _) => "cpu",
            (false, true) => "link",
            (false, false) => "array",
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    if arguments.board.as_deref() == Some("all") {
        let mapped = files::open_document(&arguments.model)?;
        let weights = language::weights(&arguments.model, &mapped.document(), arguments.program.as_deref())?;
        return if arguments.json { plan_boards::json(&arguments.model, &weights) } else { plan_boards::text(&arguments.model, &weights) };
    }
    if arguments.gpus {
        let mapped = files::open_document(&arguments.model)?;
        return if arguments.json { plan_gpus::json(&mapped.document()) } else { plan_gpus::text(&mapped.document()) };
    }
    if arguments.graph {
        let mapped = files::open_document(&arguments.model)?;
        let weights = language::weights(&arguments.model, &mapped.document(), arguments.program.as_deref())?;
        return if arguments.json { plan_graph::json(&weights) } else { plan_graph::text(&weights) };
    }
    let board = arguments.board.as_deref().map(board).transpose()?;
    let config = match &board {
        Some(board) => board.config().map_err(|e| Failure::usage(e, "constraints/boards.toml", "correct the row"))?,
        None => backend::config(&arguments.config)?,
    };
    let mapped = files::open_document(&arguments.model)?;
    let weights = language::weights(&arguments.model, &mapped.document(), arguments.program.as_deref())?;
    let port = match arguments.port {
        Port::Uart => SimPort::Uart,
        Port::Parallel => SimPort::Parallel,
    };
    let rows = plan(&weights, &config, port).map_err(|stop| files::in_file(&arguments.model, stop))?;
    let link = match arguments.port {
        Port::Uart => Link::Uart(config.uart_divisor()),
        Port::Parallel => Link::Parallel,
    };
    let whole = WholeToken::of(&weights, &config, link);
    if arguments.json {
        let mut value = plan_json(arguments, &config, board.as_ref(), &rows);
        if let (Some(_), Some(Ok(whole))) = (&board, &whole) {
            whole.on_board(&mut value["board"]);
        }
        value["whole_token"] =
            whole.map_or(Value::Null, |whole| whole.map_or_else(|reason| json!({ "reason": reason }), |whole| whole.json()));
        return output::json(&value);
    }
    if let Some(board) = &board {
        board_text(board, &config)?;
    }
    plan_text(arguments, &config, &rows)?;
    let t = Totals::of(&rows);
    if let Some(board) = board.as_ref().filter(|_| t.on_device > 0) {
        let what = if matches!(whole, Some(Ok(_))) { "product by product on" } else { "on" };
        time_text(&format!("{what} the {}", board.title), &config, t.cost)?;
        if t.on_cpu > 0 {
            output::line("the layers on the CPU are not counted")?;
        }
    }
    match whole {
        None => Ok(()),
        Some(Ok(whole)) => whole.text(),
        Some(Err(reason)) => output::line(format_args!("\nno whole tokens: {reason}")),
    }
}

/// The board of a name.
fn board(name: &str) -> Outcome<Board> {
    Board::named(name).map_err(|e| Failure::usage(e, format_args!("--board {name}"), "use one of these names").into())
}

/// Where weights go on a board, before the layers.
fn board_text(board: &Board, config: &Config) -> Outcome {
    let g = &config.geometry;
    let store = match config.weight_memory {
        WeightMemory::Block => "block RAM",
        WeightMemory::Spram => "single-port RAM",
    };
    output::line(format_args!(
        "{} ({}): weights in {store}, {} words of {} bytes in pages of {}; beside the FPGA: {}",
        board.title,
        board.part,
        g.tile_words,
        g.tile_word_bytes(),
        g.page_words,
        board.memory
    ))?;
    match board.status {
        Status::Routed => Ok(()),
        Status::Stale => output::line("its routed image is stale: the cores have changed since"),
        Status::Constraints => output::line(format_args!("its image is not routed: {}", board.note)),
    }
}

/// The time of a token on a board, after the layers.
fn time_text(what: &str, config: &Config, cost: Cost) -> Outcome {
    let time = time(config, cost);
    let ms = |s: f64| 1000.0 * s;
    output::line(format_args!(
        "\n{what}: board {:.2} ms, link {:.2} ms at {} baud, turnarounds {:.2} ms ({} of {:.0} ms, assumed)\n\
         limit: {}; {:.2} tokens/s projected",
        ms(time.array_s),
        ms(time.link_s),
        config.baud,
        ms(time.turnaround_s),
        cost.jobs,
        ms(TURNAROUND_S),
        time.limit(),
        time.tokens_per_second(),
    ))
}

/// What a token's costs come to in time.
fn time(config: &Config, cost: Cost) -> TokenTime {
    TokenTime::new(config, TokenWork { run_cycles: cost.run_cycles, bytes: cost.bytes_out + cost.bytes_in, round_trips: cost.jobs })
}

/// Every layer once, with a vector of zeros, on the software model of the board: the driver that also
/// drives real boards cuts the jobs and counts the bytes, and the model counts cycles as `nda_spec::cycles` says.
fn plan(weights: &Weights<'_>, config: &Config, port: SimPort) -> Outcome<Vec<Row>> {
    let mut backend = backend::open_for_model(&BackendName::Loopback(config.clone(), port), weights)?;
    let code = weights.hyper().activation;
    let mut layers = Vec::new();
    for (name, products) in weights.fused_layers() {
        let (told, before) = (backend.refusals().len(), backend.next_word());
        let linear = Prepared::new(&name, &products, code, backend.gemv())?;
        let refusal = backend.refusals().get(told).cloned();
        let first_word = before.filter(|before| backend.next_word().is_some_and(|after| after > *before));
        layers.push((name, products, linear, refusal, first_word));
    }
    // The upload's bytes are no token's.
    backend::upload(&mut backend)?;
    let mut scratch = Scratch::default();
    let mut rows = Vec::new();
    for (name, products, linear, refusal, first_word) in layers {
        let (x, mut y) = (vec![0.0; linear.cols()], vec![0.0; linear.rows()]);
        let cost = linear.apply(backend.gemv(), &x, &mut scratch, &mut y)?;
        let words = products.integer_layers().iter().map(|layer| layer.words(&config.geometry)).sum();
        let cycles_of_a_byte = if port == SimPort::Uart { 10 * u64::from(config.uart_divisor()) } else { 1 };
        let link_cycles = (cost.bytes_out + cost.bytes_in) * cycles_of_a_byte;
        rows.push(Row { name, rows: linear.rows(), cols: linear.cols(), words, first_word, cost, link_cycles, refusal });
    }
    rows.extend(weights.float_layers().into_iter().map(|(name, shape)| Row::of_floats(name, shape)));
    Ok(rows)
}

/// Sums over what the device has.
struct Totals {
    words: usize,
    cost: Cost,
    link_cycles: u64,
    on_device: usize,
    on_cpu: usize,
}

impl Totals {
    fn of(rows: &[Row]) -> Totals {
        // What the CPU has costs the device nothing.
        let mut cost = Cost::default();
        rows.iter().for_each(|r| cost += r.cost);
        Totals {
            words: rows.iter().filter(|r| r.refusal.is_none()).map(|r| r.words).sum(),
            cost,
            link_cycles: rows.iter().map(|r| r.link_cycles).sum(),
            on_device: rows.iter().filter(|r| r.is_on_device()).count(),
            on_cpu: rows.iter().filter(|r| r.refusal.is_some()).count(),
        }
    }

    /// Tokens per second if nothing but link and array took time, one after the other; none if the device has no layer.
    fn tokens_per_second(&self, config: &Config) -> Option<f64> {
        let cycles = self.cost.run_cycles + self.link_cycles;
        (self.on_device > 0 && cycles > 0).then(|| f64::from(config.clk_hz) / cycles as f64)
    }

    fn utilisation(&self) -> f64 {
        self.cost.beats as f64 / self.cost.run_cycles.max(1) as f64
    }
}

fn plan_text(arguments: &Arguments, config: &Config, rows: &[Row]) -> Outcome {
    let g = &config.geometry;
    let port = if arguments.port == Port::Uart { format!("UART, {} baud", config.baud) } else { "parallel port".into() };
    output::line(format_args!(
        "{} on {}: {} rows x {} columns, {} planes per beat, {} words of {} weights, {} MHz, {port}\n",
        arguments.model.display(),
        config.name,
        g.array_rows,
        g.array_cols,
        g.planes,
        g.tile_words,
        g.lanes(),
        config.clk_hz / 1_000_000
    ))?;
    let cells = |r: &Row| {
        let number = |n: u64| if !r.is_on_device() { "-".into() } else { n.to_string() };
        vec![
            r.name.clone(),
            r.rows.to_string(),
            r.cols.to_string(),
            r.words.to_string(),
            if r.refusal.is_none() { "yes" } else { "no" }.into(),
            number(r.cost.jobs),
            number(r.cost.beats),
            number(r.cost.run_cycles),
            number(r.cost.bytes_out),
            number(r.cost.bytes_in),
            number(r.link_cycles),
            r.limit().into(),
        ]
    };
    let head =
        ["layer", "rows", "cols", "words", "resident", "jobs", "beats", "run cycles", "bytes out", "bytes in", "link cycles", "limit"];
    output::line(output::table(&head, &rows.iter().map(cells).collect::<Vec<_>>()))?;
    totals_text(config, rows)
}

/// A token's sums and its limit, after the layers.
fn totals_text(config: &Config, rows: &[Row]) -> Outcome {
    let t = Totals::of(rows);
    let Some(tokens_per_second) = t.tokens_per_second(config) else {
        return no_layer_text(rows);
    };
    output::line(format_args!(
        "\nper token: {} words resident of {}, {} jobs, {} beats in {} run cycles ({:.1} % busy), {} bytes out, {} bytes in, {} link cycles",
        t.words,
        config.geometry.tile_words,
        t.cost.jobs,
        t.cost.beats,
        t.cost.run_cycles,
        100.0 * t.utilisation(),
        t.cost.bytes_out,
        t.cost.bytes_in,
        t.link_cycles
    ))?;
    let limit = if t.link_cycles > t.cost.run_cycles { "the link" } else { "the array" };
    let what = if t.on_cpu == 0 { "" } else { " for the layers on the device, those on the CPU not counted" };
    output::line(format_args!(
        "limit: {limit}; at most {tokens_per_second:.1} tokens/s at {} MHz{what} (derived)",
        config.clk_hz / 1_000_000
    ))?;
    if t.on_cpu == 0 {
        return output::line("every layer stays on the device");
    }
    output::line(format_args!("{} of {} layers run on the CPU:", t.on_cpu, rows.len()))?;
    reasons_text(rows)
}

/// What there is to say of a device that has no layer: no cycles, and no speed.
fn no_layer_text(rows: &[Row]) -> Outcome {
    output::line(format_args!(
        "\nevery product runs on the CPU: the device has none of the {} layers, so there is no speed to plan",
        rows.len()
    ))?;
    reasons_text(rows)
}

fn reasons_text(rows: &[Row]) -> Outcome {
    for r in rows {
        if let Some(refusal) = &r.refusal {
            output::line(format_args!("  {}: {refusal}", r.name))?;
        }
    }
    Ok(())
}

fn plan_json(arguments: &Arguments, config: &Config, board: Option<&Board>, rows: &[Row]) -> Value {
    let layer = |r: &Row| {
        json!({
            "layer": r.name, "rows": r.rows, "cols": r.cols, "words": r.words, "first_word": r.first_word, "resident": r.refusal.is_none(), "reason": r.refusal, "jobs": r.cost.jobs, "beats": r.cost.beats,
            "run_cycles": r.cost.run_cycles, "bytes_out": r.cost.bytes_out, "bytes_in": r.cost.bytes_in, "link_cycles": r.link_cycles, "limit": r.limit(),
        })
    };
    let t = Totals::of(rows);
    let projected = |cost: Cost| {
        let time = time(config, cost);
        json!({
            "array_s": time.array_s, "link_s": time.link_s, "turnaround_s": time.turnaround_s,
            "limit": time.limit(), "tokens_per_second": time.tokens_per_second(), "cycles_per_token": cost.run_cycles,
            "clock_mhz": f64::from(config.clk_hz) / 1e6, "evidence": "projected",
        })
    };
    let on_board = board.map(|board| {
        let mut value = if t.on_device > 0 { projected(t.cost) } else { json!({ "tokens_per_second": null }) };
        value["name"] = json!(board.name);
        value["part"] = json!(board.part);
        value
    });
    json!({
        "board": on_board, "model": arguments.model, "config": config.name, "port": format!("{:?}", arguments.port).to_lowercase(), "layers": rows.iter().map(layer).collect::<Vec<_>>(),
        "token": {
            "words": t.words, "tile_words": config.geometry.tile_words, "jobs": t.cost.jobs, "beats": t.cost.beats, "run_cycles": t.cost.run_cycles, "bytes_out": t.cost.bytes_out,
            "bytes_in": t.cost.bytes_in, "link_cycles": t.link_cycles, "layers_on_device": t.on_device, "layers_on_cpu": t.on_cpu, "tokens_per_second_at_most": t.tokens_per_second(config),
        },
    })
}
