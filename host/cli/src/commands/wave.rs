//! `nda wave`: a short run of the simulated board as waves.

use crate::backend::{self, SimPort};
use crate::failure::{Failure, Outcome};
use crate::{files, output};
use nda_backends::WaveFormat;
use nda_files::Draft;
use nda_gemv::Activations;
use nda_spec::config::DEFAULT_CONFIG;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, tile};
use std::path::PathBuf;

/// Writes the waves of one small job on the simulated board, to be looked at in GTKWave or Surfer.
///
/// The job is two row groups by two beats of quaternary weights and A8 activations, with all that leads to
/// it: SYNC, IDENT, the upload of its page, SEAL, RUN. Time is the board's, in picoseconds of the configuration's clock.
/// An FST leaves out the inputs of registers, which are their outputs one cycle ahead.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration; 'nda devices' lists them.
    #[arg(long, default_value = DEFAULT_CONFIG)]
    config: String,
    /// Through the UART's pins instead of the parallel port: ten times as many cycles.
    #[arg(long)]
    uart: bool,
    /// The file that the waves go to; without this, nda.vcd or nda.fst.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The file's format; without this, FST if its name ends in .fst, else VCD.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// A format of wave files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Value change dump: text that every viewer reads.
    Vcd,
    /// Fast signal trace: a tenth of the size, for GTKWave and Surfer.
    Fst,
}

impl Arguments {
    /// The file and its format.
    fn target(&self) -> (PathBuf, WaveFormat) {
        let format = match self.format {
            Some(Format::Vcd) => WaveFormat::Vcd,
            Some(Format::Fst) => WaveFormat::Fst,
            None => self.out.as_deref().map_or(WaveFormat::Vcd, WaveFormat::of),
        };
        let name = if format == WaveFormat::Fst { "nda.fst" } else { "nda.vcd" };
        (self.out.clone().unwrap_or_else(|| name.into()), format)
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let config = backend::config(&arguments.config)?;
    nda_backends::simulator_available()?;
    let (rows, cols) = (2 * config.geometry.array_rows, 2 * config.geometry.array_cols);
    let code = WeightCode::Quaternary;
    let values: Vec<i8> = (0..rows * cols).map(|i| code.values()[i * 7 % code.values().len()]).collect();
    let x: Vec<i8> = (0..cols).map(|i| (i * 37 % 255) as u8 as i8).collect();
    let words = tile::pack(rows, cols, code, &values).expect("values of the code");
    let matrix = TileMatrix::new(rows, cols, code, &words).expect("packed to this shape");
    let port = if arguments.uart { SimPort::Uart } else { SimPort::Parallel };
    let mut y = vec![0; rows];
    let (out, format) = arguments.target();
    let draft = Draft::create(&files::judge(&out, &[])?).map_err(|e| files::failure(&e))?;
    let file = draft.file().try_clone().map_err(|e| Failure::io("write", &out, &e))?;
    let mut cycles = 0;
    nda_backends::wave(&config, port, file, format, |fabric| -> Outcome {
        let at = format!("configuration {}", config.name);
        let mut run = || {
            let id = fabric.prepare(&[matrix])?;
            fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y)
        };
        cycles = run().map_err(|e| files::gemv_failure(&e, at))?.cycles;
        Ok(())
    })?;
    draft.publish().map_err(|e| files::failure(&e))?;
    output::line(format_args!(
        "{}: {rows} x {cols} quaternary weights on {}, {cycles} cycles from upload to result",
        out.display(),
        config.name
    ))
}
