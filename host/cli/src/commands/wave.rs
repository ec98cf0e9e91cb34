//! `nda wave`: a short run of the simulated board as waves.

use crate::backend::{self, SimPort};
use crate::commands::wave_read;
use crate::failure::{Failure, Outcome};
use crate::{files, output};
use nda_backends::WaveFormat;
use nda_files::Draft;
use nda_gemv::Activations;
use nda_gemv::{Gemv, GemvError};
use nda_spec::config::{DEFAULT_CONFIG, DEFAULT_UART_CONFIG};
use nda_spec::seed::{Call, Comparison, DEVICE_EPS_SHIFT, Operand};
use nda_spec::{ActivationCode, Config, TileMatrix, WeightCode, tile};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Writes the waves of a job or of a text on the simulated board, for GTKWave or Surfer.
///
/// Without a model it is one small job: two row groups by two beats of quaternary weights and A8 activations, with all that leads to
/// it: SYNC, IDENT, the upload of its page, SEAL, RUN; a board with element cores then does each of their operations once.
/// Time is the board's, in picoseconds of the configuration's clock. An FST leaves out the inputs of registers, which are their
/// outputs one cycle ahead.
///
/// With a model it is a job of one of its tokens that is traced, and nothing else: --token 3 --job 7 is the eighth job of the
/// fourth token of prompt and text, which goes on with the likeliest tokens. With --max-tokens it is a text that the board's token
/// machine makes whole, from its request to its last token.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model whose job is traced, an .ndf document.
    #[arg(requires = "prompt")]
    model: Option<PathBuf>,
    /// The text that the model continues.
    #[arg(long, requires = "model")]
    prompt: Option<String>,
    /// The token's position, from 0: the prompt's first token is 0.
    #[arg(long, requires = "model", default_value_t = 0, value_name = "N")]
    token: usize,
    /// The job's number within the token, from 0.
    #[arg(long, requires = "model", default_value_t = 0, value_name = "N")]
    job: usize,
    /// Traces a text of at most this many tokens, each made whole by the board.
    #[arg(long, requires = "model", conflicts_with_all = ["token", "job"], value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_tokens: Option<u16>,
    /// The configuration; 'nda devices' lists them. Without this, wide256, or token1024 for a text.
    #[arg(long)]
    config: Option<String>,
    /// Through the UART's pins instead of the parallel port: ten times as many cycles.
    #[arg(long)]
    uart: bool,
    /// The file that the waves go to; without this, nda.vcd or nda.fst.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The file's format; without this, FST if its name ends in .fst, else VCD.
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    reads: wave_read::Arguments,
}

/// A format of wave files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Value change dump: text that every viewer reads.
    Vcd,
    /// Fast signal trace: a tenth of the size, for GTKWave and Surfer.
    Fst,
}

/// Which job of which token.
pub(super) struct Wanted<'w> {
    /// The model, an .ndf document.
    pub model: &'w Path,
    /// The text that comes first.
    pub prompt: &'w str,
    /// The token's position, from 0.
    pub token: usize,
    /// The job's number within the token, from 0.
    pub job: usize,
}

/// Which text.
pub(super) struct WantedText<'w> {
    /// The model, an .ndf document.
    pub model: &'w Path,
    /// The text that comes first.
    pub prompt: &'w str,
    /// Most tokens that are made.
    pub most_tokens: usize,
}

impl Arguments {
    /// The model's job, if a model is given.
    fn wanted(&self) -> Option<Wanted<'_>> {
        let (model, prompt) = (self.model.as_deref()?, self.prompt.as_deref()?);
        Some(Wanted { model, prompt, token: self.token, job: self.job })
    }

    /// The model's text, if tokens are asked for.
    fn wanted_text(&self) -> Option<WantedText<'_>> {
        let Wanted { model, prompt, .. } = self.wanted()?;
        Some(WantedText { model, prompt, most_tokens: self.max_tokens?.into() })
    }

    fn config(&self) -> &str {
        let absent = if self.max_tokens.is_some() { DEFAULT_CONFIG } else { DEFAULT_UART_CONFIG };
        self.config.as_deref().unwrap_or(absent)
    }

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
    if arguments.reads.is_asked() {
        return wave_read::run(&arguments.reads);
    }
    let config = backend::config(arguments.config())?;
    nda_backends::simulator_available()?;
    let (out, format) = arguments.target();
    let reads: Vec<&Path> = arguments.model.iter().map(PathBuf::as_path).collect();
    // What fails leaves no half of a file.
    let draft = Draft::create(&files::judge(&out, &reads)?).map_err(|e| files::failure(&e))?;
    let sink = draft.file().try_clone().map_err(|e| Failure::io("write", &out, &e))?;
    let port = if arguments.uart { SimPort::Uart } else { SimPort::Parallel };
    let said = match (arguments.wanted_text(), arguments.wanted()) {
        (Some(text), _) => model_text(&text, &config, port, sink, format)?,
        (None, Some(job)) => model_job(&job, &config, port, sink, format)?,
        (None, None) => small_job(&config, port, sink, format)?,
    };
    draft.publish().map_err(|e| files::failure(&e))?;
    output::line(format_args!("{}: {said}", out.display()))
}

#[cfg(feature = "verilator")]
use super::{wave_job::run as model_job, wave_text::run as model_text};

/// Nothing is simulated in this build, which was said before.
#[cfg(not(feature = "verilator"))]
fn model_job(_: &Wanted<'_>, _: &Config, _: SimPort, _: File, _: WaveFormat) -> Outcome<String> {
    unreachable!("simulator_available refused")
}

/// Nothing is simulated in this build, which was said before.
#[cfg(not(feature = "verilator"))]
fn model_text(_: &WantedText<'_>, _: &Config, _: SimPort, _: File, _: WaveFormat) -> Outcome<String> {
    unreachable!("simulator_available refused")
}

/// A product of two row groups by two beats, from the session's first byte on; behind it the element cores, where there are any.
fn small_job(config: &Config, port: SimPort, sink: File, format: WaveFormat) -> Outcome<String> {
    let (rows, cols) = (2 * config.geometry.array_rows, 2 * config.geometry.array_cols);
    let code = WeightCode::Quaternary;
    let values: Vec<i8> = (0..rows * cols).map(|i| code.values()[i * 7 % code.values().len()]).collect();
    let x: Vec<i8> = (0..cols).map(|i| (i * 37 % 255) as u8 as i8).collect();
    let words = tile::pack(rows, cols, code, &values).expect("values of the code");
    let matrix = TileMatrix::new(rows, cols, code, &words).expect("packed to this shape");
    let mut y = vec![0; rows];
    let (mut cycles, mut elements) = (0, 0);
    nda_backends::wave(config, port, sink, format, |fabric| -> Outcome {
        let at = format!("configuration {}", config.name);
        let mut run = || {
            let id = fabric.prepare(&[matrix])?;
            cycles = fabric.run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y)?.cycles;
            elements = element_operations(fabric)?;
            Ok(())
        };
        Ok(run().map_err(|e| files::gemv_failure(&e, at))?)
    })?;
    let also = if elements > 0 { format!(", then {elements} element operations") } else { String::new() };
    Ok(format!("{rows} x {cols} quaternary weights on {}, {cycles} cycles from upload to result{also}", config.name))
}

/// Every operation of the element cores once, on three beats of codes of which the last has a tail; how many there were.
fn element_operations(fabric: &mut dyn Gemv<'_>) -> Result<usize, GemvError> {
    let Some(seeds) = fabric.seeds() else { return Ok(0) };
    let codes = WeightCode::Quaternary.values();
    let [x, y]: [Vec<i8>; 2] = [5, 7].map(|step| (0..20).map(|i| codes[i * step / 3 % codes.len()]).collect());
    let floats: Vec<f32> = (-3_i8..3).map(|i| f32::from(i) / 2.0).collect();
    let [first, second] = [(&x, 1), (&y, 0)].map(|(codes, log2_scale)| Operand { codes, log2_scale });
    let calls = [
        Call::Add(first, second),
        Call::AlignedAdd(&x, &y),
        Call::Swiglu(first, second),
        Call::Silu(&x),
        Call::RmsNorm { x: &x, weight: &y, eps_shift: DEVICE_EPS_SHIFT },
        Call::Compare(Comparison::ALL[0], &x, &y),
        Call::Truthy(&x),
        Call::Quantize(&floats),
    ];
    for call in &calls {
        seeds.seed(call)?;
    }
    Ok(calls.len())
}
