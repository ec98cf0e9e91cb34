//! `nda bench`: this machine's roofs, every kernel's share of them, and what loading costs; or the products of one back end.

use crate::backend;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, output};
use nda_bench::backend::{Matrices, Product};
use nda_bench::cases::Case;
use nda_bench::report::Peer;
use nda_bench::roof::Level;
use nda_bench::{BenchError, Options, plot, run as measure};
use nda_kernels::Variant;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measures what this machine reads per second and every kernel as a share of it.
///
/// Each answer is compared with the golden model before it is timed. Quote ratios: absolute figures are this machine's, and
/// whatever else runs on it is in them.
#[derive(clap::Args)]
pub struct Arguments {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 0.2, value_name = "S")]
    seconds: f64,
    /// Threads of the second column of measurements; all cores if it is not given, 1 for none.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Only kernels whose name contains this, such as 'A8' or 'AVX2 ternary'.
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,
    /// Only weights in L3, and no loading.
    #[arg(long)]
    quick: bool,
    /// The seed of weights and activations.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// A record of peers measured just before (see bench/README.md), to stand beside the kernels.
    #[arg(long, value_name = "FILE")]
    peers: Vec<PathBuf>,
    /// A folder to write kernels.json, rates.svg and shares.svg into.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    /// The products of this back end instead, such as 'gpu' or 'cpu': matrices of every code by one vector and by sixteen, what is sent
    /// and what comes back included.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["threads", "only", "quick", "peers", "record"])]
    backend: Option<String>,
    /// Rows and columns of those matrices.
    #[arg(long, requires = "backend", default_value = "4096x4096", value_name = "ROWSxCOLS")]
    shape: String,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// The files of a record.
const RECORD: [&str; 3] = ["kernels.json", "rates.svg", "shares.svg"];
/// Longest measurement that is no slip of the pen.
const MAX_SECONDS: f64 = 60.0;

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let seconds = arguments.seconds;
    if !(seconds > 0.0 && seconds <= MAX_SECONDS) {
        return Err(Failure::usage("a measurement takes more than 0 and at most 60 seconds", "--seconds", "use 0.2").into());
    }
    if let Some(name) = &arguments.backend {
        return of_backend(arguments, name);
    }
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let more = arguments.threads.unwrap_or(all.min(2)).max(1);
    let mut peers = Vec::new();
    for path in &arguments.peers {
        let text = String::from_utf8_lossy(&files::read(path)?).into_owned();
        peers.extend(Peer::from_json(&path.display().to_string(), &text).map_err(|e| failed(&e))?);
    }
    let reads: Vec<&Path> = arguments.peers.iter().map(PathBuf::as_path).collect();
    if let Some(folder) = &arguments.record {
        files::judge_folder(folder, &RECORD, &reads)?;
    }
    let variants = Variant::available();
    if !Case::all(&variants).into_iter().any(|case| case.name().contains(&arguments.only)) {
        let (error, at) = ("no kernel of this machine has such a name", format!("--only '{}'", arguments.only));
        return Err(Failure::usage(error, at, "leave it out to see all names").into());
    }
    let options = Options {
        time: Duration::from_secs_f64(seconds),
        threads: if more > 1 { vec![1, more] } else { vec![1] },
        levels: if arguments.quick { vec![Level::L3] } else { Level::ALL.to_vec() },
        variants,
        filter: arguments.only.clone(),
        loading: !arguments.quick && arguments.only.is_empty(),
        seed: arguments.seed,
        peers,
    };
    let report = measure(&options, |step| output::remark(format_args!("measuring {step}"))).map_err(|e| failed(&e))?;
    if let Some(folder) = &arguments.record {
        let json = serde_json::to_string_pretty(&report.json()).map_err(|e| {
            Failure::new(Exit::Failed, format_args!("the record cannot be written: {e}"), folder.display(), "report this as a fault of nda")
        })?;
        let texts = [json + "\n", plot::rates(&report), plot::shares(&report)];
        let record: Vec<(&str, &[u8])> = RECORD.into_iter().zip(texts.iter().map(String::as_bytes)).collect();
        files::write_together(folder, &reads, &record)?;
    }
    if arguments.json { output::json(&report.json()) } else { output::write(report.text()) }
}

/// Most rows and columns of a product's matrix.
const MAX_EXTENT: usize = 1 << 16;

/// The products of one back end.
fn of_backend(arguments: &Arguments, name: &str) -> Outcome {
    let extent = |text: &str| text.parse().ok().filter(|extent| (1..=MAX_EXTENT).contains(extent));
    let shape = arguments.shape.split_once('x').and_then(|(rows, cols)| Some((extent(rows)?, extent(cols)?)));
    let Some(shape) = shape else {
        let error = format!("'{}' is not a shape: rows and columns are 1 to {MAX_EXTENT}", arguments.shape);
        return Err(Failure::usage(error, "--shape", "use 4096x4096").into());
    };
    let matrices = Matrices::new(shape, arguments.seed).map_err(|e| failed(&e))?;
    let mut backend = backend::open(&backend::parse(name)?)?;
    let time = Duration::from_secs_f64(arguments.seconds);
    let progress = |product: &str| output::remark(format_args!("measuring {product}"));
    let products = matrices.measure(backend.gemv(), time, progress).map_err(|e| failed(&e))?;
    if arguments.json {
        let all: Vec<_> = products.iter().map(Product::json).collect();
        return output::json(&serde_json::json!({ "backend": backend.name(), "rows": shape.0, "cols": shape.1, "products": all }));
    }
    output::line(format_args!("{}, {} x {}: medians, measured", backend.name(), shape.0, shape.1))?;
    products.iter().try_for_each(|product| output::line(product.line()))
}

fn failed(error: &BenchError) -> Failure {
    let (exit, help) = match error {
        BenchError::Wrong { .. } => (Exit::Failed, "a kernel is wrong on this machine: report it with 'nda info --cpu'"),
        BenchError::Peers { .. } => (Exit::BadFile, "give a file that a script of bench/peers wrote"),
        BenchError::Gemv(_) => (Exit::Failed, "choose a smaller --shape, or another --backend"),
        BenchError::Cpu(_) => (Exit::Unavailable, "'nda info --cpu' says what this machine has"),
        _ => (Exit::Failed, "check that a folder for temporary files is there and has 200 MB left"),
    };
    Failure::new(exit, error, "nda bench", help)
}
