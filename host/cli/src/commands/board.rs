//! `nda board`: a board that other programs attach to, without a board.

use crate::failure::{Exit, Failure, Outcome};
use crate::{backend, output};
use nda_device::{ByteDevice, ByteFaults, ModelDevice, ModelPort, NoisyDevice, PtyBridge};
use nda_spec::config::DEFAULT_CONFIG;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the command sleeps before it looks whether it should end.
const POLL: Duration = Duration::from_millis(50);
/// Most faults per byte: hardly any frame survives them.
const MOST_FAULTS: f64 = 0.1;

/// Runs a board without hardware that other programs attach to as to a serial port.
///
/// Its path stands on the first line of standard output. Attach with '--backend serial:PATH' or any serial tool; the baud
/// rate does not matter. The board lives, with the weights that it was sent, until Ctrl-C or SIGTERM.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(clap::Subcommand)]
enum Kind {
    /// The simulated board: the emitted Verilog.
    Sim(Options),
    /// The software model of a board: no Verilog, and faster.
    Loopback(Options),
}

#[derive(clap::Args)]
struct Options {
    /// Attach through a pseudo-terminal.
    #[arg(long)]
    pty: bool,
    /// The configuration; 'nda devices' lists them.
    #[arg(long, default_value = DEFAULT_CONFIG)]
    config: String,
    /// Faults per byte of the link, both ways: flipped, lost and doubled bytes.
    #[arg(long, value_name = "RATE", default_value_t = 0.0, allow_negative_numbers = true)]
    faults: f64,
    /// Seed of the faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let (Kind::Sim(options) | Kind::Loopback(options)) = &arguments.kind;
    if !options.pty {
        return Err(Failure::usage("no way to attach was given", "nda board", "add --pty for a pseudo-terminal").into());
    }
    let config = backend::config(&options.config)?;
    let faults = ByteFaults::new(per_million(options.faults)?, options.seed);
    let device: Box<dyn ByteDevice> = match arguments.kind {
        Kind::Sim(_) => nda_backends::simulated_device(&config)?,
        // A terminal hands over at once what a line would spread over time, so nothing may be dropped.
        Kind::Loopback(_) => Box::new(ModelDevice::new(&config, ModelPort::Parallel)),
    };
    // Before the path is printed: whoever reads it may end this process at once.
    let end = ends_on_signals()?;
    let what = device.describe();
    let bridge = PtyBridge::start(NoisyDevice::new(device, faults))
        .map_err(|e| Failure::new(Exit::Unavailable, e, "nda board", "check that /dev/pts is mounted and has room"))?;
    output::line(bridge.path())?;
    output::note(format_args!("{what}; attach with '--backend serial:{}', end with Ctrl-C", bridge.path()));
    while !end.load(Ordering::Relaxed) {
        if !bridge.is_alive() {
            return Err(Failure::new(Exit::Failed, "the pseudo-terminal was closed by the system", bridge.path(), "start again").into());
        }
        std::thread::sleep(POLL);
    }
    if let Some(device) = bridge.stop() {
        output::remark(format_args!("{what} worked for {} cycles; {} bytes of its link were corrupted", device.cycles(), device.faults()));
    }
    Ok(())
}

fn per_million(rate: f64) -> Outcome<u32> {
    if !(0.0..=MOST_FAULTS).contains(&rate) {
        let error = format!("faults per byte must be 0 to {MOST_FAULTS}, got {rate}");
        return Err(Failure::usage(error, "--faults", "use 0.001 for one fault in 1,000 bytes").into());
    }
    Ok((rate * 1e6).round() as u32)
}

fn ends_on_signals() -> Outcome<Arc<AtomicBool>> {
    let end = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&end)).map_err(|e| {
            Failure::new(Exit::Failed, format_args!("cannot listen to signals: {e}"), "nda board", "check the system's limits")
        })?;
    }
    Ok(end)
}
