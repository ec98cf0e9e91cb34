//! Runs a whole product on the simulated board, checks the answer, and says how fast it went.
use nda_device::testing::{RandomMatrix, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv};
use nda_gemv::{Activations, Gemv};
use nda_sim::{Port, SimBoard};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, WeightCode, golden};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args().nth(1).unwrap_or_else(|| "wide256".into());
    let port = if std::env::args().nth(2).as_deref() == Some("uart") { Port::Uart } else { Port::Parallel };
    let mut random = Random::new(7);
    let matrix = RandomMatrix::new(384, 256, WeightCode::Quaternary, &mut random);
    let board = SimBoard::new(&config, port)?;
    let mut fabric = FabricGemv::new(Driver::open(board, DriverOptions::default())?);
    let start = Instant::now();
    let id = fabric.prepare(&[matrix.view()])?;
    fabric.upload()?;
    println!("upload: {:?}", start.elapsed());
    let mut y = vec![0; 384];
    let mut cost = nda_gemv::Cost::default();
    let start = Instant::now();
    const RUNS: u32 = 40;
    for _ in 0..RUNS {
        let x = random_vector(256, ActivationCode::A8, &mut random);
        cost += fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y)?;
        assert_eq!(y, golden::gemv(384, 256, &matrix.view().to_values(), &x));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{cost:?}");
    println!(
        "{:.2} M cycles/s, {:.1} % busy in the run phase, {:.2} GMAC/s simulated",
        cost.cycles as f64 / seconds / 1e6,
        100.0 * cost.beats as f64 / cost.run_cycles as f64,
        f64::from(RUNS) * 384.0 * 256.0 / seconds / 1e9
    );
    Ok(())
}
