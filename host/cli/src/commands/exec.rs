//! `nda exec`: runs a program.

use crate::failure::{Exit, Failure, Outcome};
use crate::{backend, files, language, output};
use nda_engine::{Model, Session, Weights};
use nda_lang::{
    Argument, Attention, Builtins, Document, Entry, HostError, Input, Instance, Limits, Links, NoDocument, Program, Tier, Type, Value,
};
use nda_spec::seed;
use std::path::{Path, PathBuf};

/// Runs the function 'main' of a program and prints what it returns.
///
/// FILE is an .nda source, its binary form, or a document, whose program is taken. A program that names tensors
/// needs a document: --model. host/lang/LANGUAGE.md describes the language.
#[derive(clap::Args)]
pub struct Arguments {
    /// The program; - is standard input.
    file: PathBuf,
    /// Arguments of 'main'.
    #[arg(allow_negative_numbers = true)]
    args: Vec<String>,
    /// How it runs: interpreter, closure or native. The results are the same.
    #[arg(long, default_value = "closure")]
    tier: String,
    /// The document whose tensors the program names.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Who multiplies and does the seed operations; see 'nda --help'.
    #[arg(long, default_value = "cpu")]
    backend: String,
    /// Steps that the program may take: calls and turns of loops.
    #[arg(long, value_name = "N", default_value_t = Limits::default().steps)]
    max_steps: u64,
    /// Calls that may be open at once.
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth, value_parser = clap::value_parser!(u32).range(1..=i64::from(Limits::MAX_DEPTH)))]
    max_depth: u32,
    /// Bytes that its texts and vectors may take at once; at most what the machine has.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().memory_bytes)]
    max_memory: usize,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let Some(tier) = Tier::ALL.into_iter().find(|tier| tier.name() == arguments.tier) else {
        let names = Tier::ALL.map(Tier::name).join(", ");
        return Err(Failure::usage(format_args!("unknown tier '{}'", arguments.tier), "--tier", format_args!("use {names}")).into());
    };
    if !tier.is_built() {
        return Err(Failure::not_built("native tier", "--tier native", "native").into());
    }
    refuse_more_than_the_machine(arguments.max_memory)?;
    let backend = backend::parse(&arguments.backend)?;
    let source = language::read(&arguments.file)?;
    let program = language::compile(&source, tier)?;
    let (entry, args) = main_of(&program, &arguments.args)?;
    let limits = Limits { steps: arguments.max_steps, depth: arguments.max_depth, memory_bytes: arguments.max_memory };
    let value = match &arguments.model {
        Some(model) => with_model(model, &backend, program, entry, args, limits)?,
        None => without_model(&program, &backend, entry, args, limits)?,
    };
    if value.of() == Type::Unit { Ok(()) } else { output::line(value) }
}

/// A limit that the machine does not have is none: the system would end this process instead of the program.
fn refuse_more_than_the_machine(bytes: usize) -> Outcome {
    let Some(machine) = machine_memory() else { return Ok(()) };
    if bytes as u64 <= machine.max(Limits::default().memory_bytes as u64) {
        return Ok(());
    }
    let error = format!("a program cannot use {bytes} bytes: this machine has {machine}");
    Err(Failure::usage(error, "--max-memory", "use less than the machine has").into())
}

/// Bytes of memory and swap space, where the system tells.
fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Some((kibibytes("MemTotal:")? + kibibytes("SwapTotal:").unwrap_or(0)) << 10)
}

/// The function 'main' and its arguments from words.
fn main_of(program: &Program, words: &[String]) -> Outcome<(Entry, Vec<Argument>)> {
    let Some(entry) = program.entry("main") else {
        return Err(Failure::new(Exit::BadFile, "the program has no function 'main'", program.file(), "add 'fn main() { ... }'").into());
    };
    let (params, _) = program.signature(entry);
    let types = params.iter().map(|of| of.name()).collect::<Vec<_>>().join(", ");
    if params.len() != words.len() {
        let error = format!("'main' takes {} arguments, not {}", params.len(), words.len());
        return Err(Failure::usage(error, program.file(), format_args!("it is main({types})")).into());
    }
    let args = params.iter().zip(words).map(|(of, word)| {
        let article = if *of == Type::Int { "an" } else { "a" };
        let error = || format!("'{word}' is not {article} {}", of.name());
        let refuse = || Failure::usage(error(), "the arguments", format_args!("'main' is main({types})"));
        match of {
            Type::Int => word.parse().map(Argument::Int).map_err(|_| refuse().into()),
            Type::Float => word.parse().map(Argument::Float).map_err(|_| refuse().into()),
            Type::Bool => word.parse().map(Argument::Bool).map_err(|_| refuse().into()),
            Type::Str => Ok(Argument::Text(word.clone())),
            _ => Err(Failure::usage(
                format_args!("a {} cannot be given here", of.name()),
                program.file(),
                "let 'main' take scalars and texts",
            )
            .into()),
        }
    });
    Ok((entry, args.collect::<Outcome<_>>()?))
}

fn without_model(program: &Program, name: &backend::BackendName, entry: Entry, args: Vec<Argument>, limits: Limits) -> Outcome<Value> {
    if program.names_tensors() {
        let help = "give the document whose tensors they are: --model FILE.ndf";
        return Err(Failure::usage("the program names tensors", program.file(), help).into());
    }
    let (links, mut host) = (Links::default(), WithoutModel::new(name)?);
    let run = Instance::new(program, &links, limits, &mut host).and_then(|mut instance| instance.call_with(&mut host, entry, args));
    if let Some(note) = host.note() {
        output::note(note);
    }
    run.map_err(|error| language::failed(program, &error).into())
}

fn with_model(
    model: &Path,
    name: &backend::BackendName,
    program: Program,
    entry: Entry,
    args: Vec<Argument>,
    limits: Limits,
) -> Outcome<Value> {
    let mapped = files::open_document(model)?;
    let document = mapped.document();
    let weights = Weights::with_main(&document, program).map_err(|e| files::in_file(model, e.into()))?;
    let mut backend = backend::open_for_model(name, &weights)?;
    let model = Model::prepare(&weights, backend.gemv()).map_err(|e| files::in_file(model, e.into()))?;
    backend.idle().iter().for_each(|reason| output::note(format_args!("the board does no work: {reason}")));
    backend::upload(&mut backend)?;
    let threads = backend.threads();
    let mut session = Session::new(&model, backend.gemv());
    session.use_threads(threads);
    session.on_print(print);
    session.call_main(entry, args, limits).map_err(|error| language::failed(weights.program(), &error).into())
}

/// A line of the program's output. A reader that has gone is found out by what comes last.
fn print(line: &str) {
    let _ = output::line(line);
}

/// What a program without a document runs against: a back end for the element operations of the articles, if one is named.
struct WithoutModel {
    backend: Option<backend::Backend<'static>>,
    /// Element operations that were called, and those of them that the back end did.
    seeds: (u64, u64),
}

impl WithoutModel {
    fn new(name: &backend::BackendName) -> Outcome<WithoutModel> {
        let backend = match name {
            backend::BackendName::Cpu(_) => None,
            name => Some(backend::open(name)?),
        };
        Ok(WithoutModel { backend, seeds: (0, 0) })
    }

    /// Where element operations were done, if there was a choice.
    fn note(&self) -> Option<String> {
        let backend = self.backend.as_ref().filter(|_| self.seeds.0 > 0)?;
        let (called, done) = self.seeds;
        Some(format!("{done} of {called} seed operations on {}, {} on the CPU", backend.name(), called - done))
    }
}

fn no_model<T>() -> Result<T, HostError> {
    Err("no document given; name one with --model".into())
}

impl Builtins for WithoutModel {
    fn document(&self) -> &dyn Document {
        &NoDocument
    }

    fn print(&mut self, line: &str) {
        print(line);
    }

    fn gemv(&mut self, _: usize, _: Input<'_>, _: &mut [f32]) -> Result<(), HostError> {
        no_model()
    }

    fn attend(&mut self, _: i64, _: [&[f32]; 3], _: Attention, _: &mut [f32]) -> Result<(), HostError> {
        no_model()
    }

    fn seed(&mut self, call: &seed::Call<'_>) -> Result<seed::Answer, HostError> {
        self.seeds.0 += 1;
        let seeds = self.backend.as_mut().and_then(|backend| backend.gemv().seeds());
        let done = seeds.map(|seeds| seeds.seed(call)).transpose()?.flatten();
        let Some((answer, _)) = done else { return Ok(call.golden()) };
        self.seeds.1 += 1;
        Ok(answer)
    }
}
