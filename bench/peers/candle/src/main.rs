//! candle's quantized product of a 4096 x 4096 matrix by one vector, as a record that `nda bench --peers` takes.
//!
//! Every form is checked first: the product of its quantized weights must be near that of the floats they come from. candle
//! reads its number of threads once, so there is a process for each.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{Device, Module, Tensor};
use serde_json::{Value, json};
use std::error::Error;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const SIZE: usize = 4096;
/// Each form's name, and the largest error against floats that its own precision explains.
const FORMS: [(&str, GgmlDType, f32); 3] = [("Q2_K", GgmlDType::Q2K, 0.6), ("Q4_0", GgmlDType::Q4_0, 0.2), ("Q8_0", GgmlDType::Q8_0, 0.05)];
/// Matrices in turn: one lies in L3, 64 do not.
const LEVELS: [(&str, usize); 2] = [("L3", 1), ("DRAM", 64)];
const THREADS: [usize; 2] = [1, 2];
const THREADS_OF: &str = "RAYON_NUM_THREADS";
const AT_LEAST: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let done = match std::env::var(THREADS_OF) {
        Ok(threads) => threads.parse().map_err(Into::into).and_then(measure_all),
        Err(_) => THREADS.into_iter().map(in_a_process).collect::<Result<Vec<_>, _>>().map(|all| all.concat()),
    };
    match done {
        Ok(peers) => {
            println!("{:#}", json!({ "peers": peers }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// This program again, with this many threads.
fn in_a_process(threads: usize) -> Result<Vec<Value>, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).env(THREADS_OF, threads.to_string()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("the measurement of {threads} thread(s) failed").into());
    }
    let record: Value = serde_json::from_slice(&output.stdout)?;
    Ok(record["peers"].as_array().cloned().unwrap_or_default())
}

fn measure_all(threads: usize) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut peers = Vec::new();
    for (name, form, tolerance) in FORMS {
        for (level, count) in LEVELS {
            let (gmac_per_s, error) = measure(form, tolerance, count).map_err(|e| format!("{name}: {e}"))?;
            let peer = json!({
                "name": format!("candle {name}"), "level": level, "threads": threads, "gmac_per_s": gmac_per_s, "error": error,
            });
            eprintln!("{peer}");
            peers.push(peer);
        }
    }
    Ok(peers)
}

/// Products a second in 10^9, and the relative error of one product against floats.
fn measure(form: GgmlDType, tolerance: f32, count: usize) -> Result<(f64, f32), Box<dyn Error>> {
    let device = Device::Cpu;
    let weights = Tensor::randn(0_f32, 0.02, (SIZE, SIZE), &device)?;
    let x = Tensor::randn(0_f32, 1.0, (1, SIZE), &device)?;
    let matrices = (0..count).map(|_| QMatMul::from_qtensor(QTensor::quantize(&weights, form)?)).collect::<Result<Vec<_>, _>>()?;
    let (found, expected) = (matrices[0].forward(&x)?, x.matmul(&weights.t()?)?);
    let norm = |t: &Tensor| -> Result<f32, candle_core::Error> { Ok(t.sqr()?.sum_all()?.to_scalar::<f32>()?.sqrt()) };
    let error = norm(&(found - &expected)?)? / norm(&expected)?;
    if error.is_nan() || error >= tolerance {
        return Err(format!("relative error {error:.3} is more than {tolerance}; nothing was timed").into());
    }
    // The first turn counts nothing, as in nda's own bench.
    for matrix in &matrices {
        std::hint::black_box(matrix.forward(&x)?);
    }
    let (mut samples, begin) = (Vec::new(), Instant::now());
    for matrix in matrices.iter().cycle() {
        let start = Instant::now();
        std::hint::black_box(matrix.forward(&x)?);
        samples.push(start.elapsed());
        if begin.elapsed() > AT_LEAST && samples.len() >= 7.max(count) {
            break;
        }
    }
    samples.sort();
    Ok(((SIZE * SIZE) as f64 / samples[samples.len() / 2].as_secs_f64() / 1e9, error))
}
