//! A table of plans for one matrix: bits a weight, errors and seconds.
//!
//! `cargo run --release -p nda-fit --example study -- WEIGHTS COLS [INPUTS]`; both files are raw little-endian f32, row by
//! row: the matrix, and samples of what its layer sees. Without inputs it makes some up: powers that fall off, neighbours
//! that go together, a few massive channels. `RAYON_NUM_THREADS=1` gives the seconds of one core.

use std::process::ExitCode;
use std::time::Instant;

use nda_fit::{Feedback, Group, Hessian, Order, Plan, fit};
use nda_spec::random::Random;

/// Samples of made-up inputs.
const SAMPLES: usize = 2048;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("study: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, cols, inputs @ ..] = arguments.as_slice() else {
        return Err("needs WEIGHTS COLS [INPUTS]: a file of f32, its columns, and a file of the layer's inputs".into());
    };
    let (weights, cols) = (floats(weights)?, cols.parse::<usize>()?);
    let rows = weights.len() / cols.max(1);
    let mut hessian = Hessian::new(cols);
    let started = Instant::now();
    match inputs.first() {
        Some(path) => hessian.add(&floats(path)?)?,
        None => hessian.add(&made_up_inputs(cols))?,
    }
    println!("{rows} x {cols}; {} inputs added in {:.2} s", hessian.samples(), started.elapsed().as_secs_f64());
    println!("{:<34} {:>5} {:>8} {:>8} {:>7}  coefficients", "plan", "bits", "error", "outputs", "s");
    for (name, plan) in plans() {
        let started = Instant::now();
        let fitted = fit(&weights, rows, cols, &plan, Some(&hessian))?;
        let seconds = started.elapsed().as_secs_f64();
        let (error, outputs) = (fitted.relative_error(&weights), fitted.relative_output_error(&weights, &hessian));
        println!("{name:<34} {:>5.2} {error:>8.5} {outputs:>8.5} {seconds:>7.2}  {:?}", fitted.bits_per_weight(), fitted.coefficients);
    }
    Ok(())
}

fn floats(path: &str) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// The plans, each with its name.
fn plans() -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    for (stacks, group, label) in [(2, Group::Columns(32), "k=2 /32"), (2, Group::Columns(64), "k=2 /64"), (2, Group::Row, "k=2 row")] {
        let plan = Plan::new(stacks, group);
        plans.push((format!("{label} nearest"), plan.without_feedback()));
        for (order, name) in [(Order::Stored, "stored"), (Order::Groups, "groups"), (Order::Columns, "columns")] {
            let feedback = Feedback { order, polish_passes: 0, ..Feedback::default() };
            plans.push((format!("{label} feedback, {name}"), Plan { feedback: Some(feedback), ..plan }));
        }
        plans.push((format!("{label} feedback, groups, polish"), plan));
        plans.push((format!("{label} the same, 0.1 % outliers"), plan.with_outliers(0.001)));
        plans.push((format!("{label} own scales, nearest"), Plan { shared: false, ..plan.without_feedback() }));
        plans.push((format!("{label} own scales, polish"), Plan { shared: false, ..plan }));
    }
    for (group, label) in [(Group::Columns(32), "k=3 /32"), (Group::Columns(64), "k=3 /64"), (Group::Row, "k=3 row")] {
        let plan = Plan::new(3, group);
        plans.push((format!("{label} nearest"), plan.without_feedback()));
        plans.push((format!("{label} feedback, groups, polish"), plan));
        plans.push((format!("{label} the same, 0.1 % outliers"), plan.with_outliers(0.001)));
    }
    plans
}

fn made_up_inputs(cols: usize) -> Vec<f32> {
    let mut random = Random::new(1);
    let mut uniform = move || (2.0 * random.unit() - 1.0) as f32;
    let power: Vec<f32> =
        (0..cols).map(|col| ((1 + col * 7919 % cols) as f32).powf(-0.4) * if col % 191 == 7 { 20.0 } else { 1.0 }).collect();
    let mut inputs = Vec::with_capacity(SAMPLES * cols);
    for _ in 0..SAMPLES {
        let mut last = 0.0;
        for power in &power {
            last = 0.6 * last + uniform() + uniform() + uniform();
            inputs.push(last * power);
        }
    }
    inputs
}
