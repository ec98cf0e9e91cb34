//! `nda fmt`: the one way in which a program is written.

use crate::failure::{Exit, Failure, Outcome};
use crate::{files, language, output};
use nda_lang::{Tier, binary, format, parse};
use std::path::PathBuf;

/// Writes a program in the one way there is, in place.
///
/// A program in binary form, in a document or from standard input (-) is printed instead. Only a right program is formatted.
#[derive(clap::Args)]
pub struct Arguments {
    /// The program: an .nda source, its binary form, or an .ndf document; - is standard input.
    file: PathBuf,
    /// Change nothing; fail if the file is not formatted.
    #[arg(long)]
    check: bool,
    /// Write the program's canonical binary form here (- is standard output), and leave the source as it is.
    #[arg(long, value_name = "OUT", conflicts_with = "check")]
    binary: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let source = language::read(&arguments.file)?;
    language::compile(&source, Tier::default())?;
    let (ast, _) = parse(&source.text);
    if let Some(out) = &arguments.binary {
        let bytes = binary::encode(&ast);
        files::write(out, &[&arguments.file], &bytes)?;
        let (place, root) = (out.display(), binary::root(&ast));
        return files::report(out, format_args!("{} -> {place}, {} bytes, root {root}", source.name, bytes.len()));
    }
    let formatted = format(&ast);
    if !source.is_text && !arguments.check {
        return output::write(formatted);
    }
    if formatted == source.text {
        return output::line(format_args!("{}: formatted", source.name));
    }
    if arguments.check {
        let line = formatted.lines().zip(source.text.lines()).take_while(|(a, b)| a == b).count() + 1;
        let help = format!("run 'nda fmt {}'", arguments.file.display());
        return Err(Failure::new(Exit::Failed, "the program is not formatted", format_args!("{}:{line}", source.name), help).into());
    }
    files::write(&arguments.file, &[], formatted.as_bytes())?;
    output::line(format_args!("{}: formatted", source.name))
}
