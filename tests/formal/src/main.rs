//! `make formal`: every proof, as a table.

use nda_formal::{Part, ProofError, Report, check, parts};
use nda_gates::Tools;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

/// Proofs side by side.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).collect();
    match run(&only) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Proves the parts whose names begin with one of `only`, all without any; whether all came out as they should.
fn run(only: &[String]) -> Result<bool, String> {
    let tools = Tools::find().map_err(|e| e.to_string())?;
    let all = parts::all(&tools).map_err(|e| e.to_string())?;
    let chosen: Vec<Part> = all.into_iter().filter(|p| only.is_empty() || only.iter().any(|o| p.name.starts_with(o.as_str()))).collect();
    let folder = folder();
    println!("{}\n", tools.version());
    println!("| part | method | bound | seconds | mutants refuted | verdict |\n|---|---|---|---|---|---|");
    let (next, good) = (Mutex::new(chosen.iter()), Mutex::new(!chosen.is_empty()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let part = next.lock().ok().and_then(|mut parts| parts.next());
                    let Some(part) = part else { return };
                    let (line, is_good) = line(part, &check(&tools, part, &folder));
                    println!("{line}");
                    if let Ok(mut good) = good.lock() {
                        *good &= is_good;
                    }
                }
            });
        }
    });
    good.into_inner().map_err(|e| e.to_string())
}

fn line(part: &Part, report: &Result<Report, ProofError>) -> (String, bool) {
    let (seconds, mutants, verdict, good) = match report {
        Ok(report) => {
            let verdict = match (report.good(), report.survivors.as_slice()) {
                (true, _) => "proved".into(),
                (false, []) => "REFUTED".into(),
                (false, survivors) => format!("NOT SHARP: {}", survivors.join(", ")),
            };
            let refuted = report.mutants - report.survivors.len();
            (format!("{:.1}", report.proof.time.as_secs_f64()), format!("{refuted} of {}", report.mutants), verdict, report.good())
        }
        Err(error) => ("-".into(), "-".into(), format!("NOT DECIDED: {error}"), false),
    };
    (format!("| {} | {} | {} | {seconds} | {mutants} | {verdict} |", part.name, part.method.name(), part.bound), good)
}

/// Where the texts, scripts and logs go.
fn folder() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    target.join("formal")
}
