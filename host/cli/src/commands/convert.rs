//! `nda convert`: other files to documents, and matrices back.

use crate::convert::model::{self, CalibrationChoice, ReportWishes, WeightsChoice, Wishes};
use crate::convert::{article, llama, program};
use crate::failure::{Failure, Outcome};
use crate::files::{self, Kind};
use crate::output;
use nda_engine::CacheForm;
use std::path::{Path, PathBuf};

/// Converts a model or a matrix.
///
/// A GGUF file or a Hugging Face folder (Llama, Mistral, Qwen 2 and 3, Gemma 3, BitNet b1.58) becomes a document with tokenizer, chat template
/// and program. So does what host/train has written, IN.safetensors; a matrix file of the articles becomes a document with one matrix;
/// a document's matrix becomes a matrix file of the articles, byte for byte the one it came from.
/// With --program a document becomes the same document with another program, with --kv one that recommends another form of the cache.
/// IN is recognised by its first bytes, not by its name.
#[derive(clap::Args)]
pub struct Arguments {
    /// What is converted.
    input: PathBuf,
    /// Where the result goes.
    output: PathBuf,
    /// Name of the matrix in the document: which to take, or what to call it.
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// The program that the document carries: a file, or llama, gemma3 or bitnet; a Llama's unless given. With it a document
    /// becomes one with this program.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// How keys and values are to be kept unless a command is told otherwise: a form of 'nda run --kv'. The document's metadata say it.
    #[arg(long = "kv", value_name = "FORM")]
    kv_form: Option<CacheForm>,
    /// What becomes of the weights of a GGUF file or a folder; ternary and binary ones stay exactly what they are but for f32. Unless
    /// given, k2: 2-bit planes, which every back end multiplies.
    #[arg(long, value_enum, value_name = "CHOICE")]
    weights: Option<WeightsChoice>,
    /// The rule by which the byte-pair vocabulary of a GGUF file splits text, whatever the file says: gpt-2, llama-bpe, qwen2, smollm, default, ...
    #[arg(long, value_name = "NAME")]
    pre: Option<String>,
    /// A text that fitted weights are fitted to, by what the layers see of it; 'none' for no text. Unless given, the
    /// program's own: some pages of public-domain English.
    #[arg(long, value_name = "FILE")]
    calibration: Option<String>,
    /// Tokens of that text that are looked at.
    #[arg(long, value_name = "N")]
    calibration_tokens: Option<usize>,
    /// A folder for a report: bits per weight, errors and perplexity of what is written beside the source's own floats, as a
    /// table (report.md), as JSON and as a plot. Every form takes as long as a conversion and an evaluation.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// Other forms of the weights that the report compares, with commas between: k2,k3,k2-row.
    #[arg(long, value_enum, value_name = "CHOICES", value_delimiter = ',', requires = "report")]
    compare: Vec<WeightsChoice>,
    /// The text that the report's perplexity is measured on. Unless given, the program's own: the beginning of Alice in Wonderland.
    #[arg(long, value_name = "FILE", requires = "report")]
    report_text: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let Arguments { input, output, tensor, program, kv_form, weights, pre, calibration, calibration_tokens, report, compare, report_text } =
        arguments;
    let calibration = match calibration.as_deref() {
        None => CalibrationChoice::BuiltIn,
        Some("none") => CalibrationChoice::None,
        Some(path) => CalibrationChoice::File(path.into()),
    };
    let wishes = Wishes {
        weights: weights.unwrap_or_default(),
        calibration,
        calibration_tokens: *calibration_tokens,
        program: program.as_deref(),
        kv_form: *kv_form,
        pre: pre.as_deref(),
        report: report.as_deref().map(|folder| ReportWishes { folder, compare, text: report_text.as_deref() }),
    };
    judge(arguments)?;
    let kind = files::kind(input)?;
    let is_foreign = matches!(kind, Kind::Gguf | Kind::Folder);
    let is_unknown = kind == Kind::Unknown;
    if weights.is_some() && !is_foreign && !is_unknown {
        let help = "leave --weights out: the weights of IN are codes already";
        return Err(Failure::usage("only models of others have weights to choose a form for", "--weights", help).into());
    }
    if pre.is_some() && kind != Kind::Gguf && !is_unknown {
        let help = "leave --pre out: the tokenizer of IN says how it splits text";
        return Err(Failure::usage("only a GGUF file can leave open how its vocabulary splits text", "--pre", help).into());
    }
    if report.is_some() && !is_foreign && !is_unknown {
        let help = "leave --report out: the weights of IN are codes already, and 'nda eval' measures a document";
        return Err(Failure::usage("only models of others have weights to choose a form for", "--report", help).into());
    }
    if tensor.is_some() && (is_foreign || kind == Kind::Safetensors) {
        return Err(Failure::usage("a model keeps its tensors' names", "--tensor", "leave --tensor out").into());
    }
    match kind {
        Kind::Gguf => model::of_gguf(input, output, &wishes)?,
        Kind::Folder => model::of_folder(input, output, &wishes)?,
        Kind::Safetensors => llama::to_document(input, output, program.as_deref(), *kv_form)?,
        Kind::Document if program.is_some() || kv_form.is_some() => program::into_document(input, output, program.as_deref(), *kv_form)?,
        Kind::Unknown => {
            let help = "give a GGUF file, a model's folder, safetensors, a matrix file of the articles, or an .ndf document";
            return Err(files::unknown(input, "this kind of file cannot be converted", help));
        }
        _ if program.is_some() => {
            return Err(
                Failure::usage("a matrix alone runs no program", "--program", "give a model: safetensors or an .ndf document").into()
            );
        }
        _ if kv_form.is_some() => {
            return Err(Failure::usage("a matrix alone has no cache", "--kv", "give a model: safetensors or an .ndf document").into());
        }
        Kind::Legacy => article::to_document(input, output, tensor.as_deref())?,
        Kind::Document => article::from_document(input, output, tensor.as_deref())?,
    }
    let bytes = std::fs::metadata(output).map_err(|e| Failure::io("look at", output, &e))?.len();
    output::line(format_args!("{} -> {}, {bytes} bytes", input.display(), output.display()))
}

/// Judges everything that will be written before hours are spent on it: nothing that is read may be replaced.
fn judge(arguments: &Arguments) -> Outcome {
    let read = reads(arguments);
    let target = files::judge(&arguments.output, &read)?;
    let Some(folder) = &arguments.report else { return Ok(()) };
    for file in files::judge_folder(folder, &nda_convert::report::FILES, &read)? {
        file.refuse_if_taken(&[&target]).map_err(|e| files::failure(&e))?;
    }
    Ok(())
}

/// Files and folders that a conversion reads.
fn reads(arguments: &Arguments) -> Vec<&Path> {
    let Arguments { input, program, calibration, report_text, .. } = arguments;
    let calibration = calibration.as_deref().filter(|path| *path != "none").map(Path::new);
    [Some(input.as_path()), program.as_deref(), calibration, report_text.as_deref()].into_iter().flatten().collect()
}
