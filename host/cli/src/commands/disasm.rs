//! `nda disasm`: a program's nodes, and where two programs differ.

use crate::failure::Outcome;
use crate::{language, output};
use nda_lang::{Tier, binary, line_and_column, parse};
use std::path::PathBuf;

/// Lists a program as triples: a node's hash, a predicate, a value or another hash.
///
/// With --against, lists the smallest parts in which two programs differ. Equal hashes are equal parts.
#[derive(clap::Args)]
pub struct Arguments {
    /// The program: an .nda source, its binary form, or an .ndf document; - is standard input.
    file: PathBuf,
    /// Another program, to be compared with.
    #[arg(long, value_name = "OTHER")]
    against: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let source = language::read(&arguments.file)?;
    language::compile(&source, Tier::default())?;
    let (ast, _) = parse(&source.text);
    let Some(other) = &arguments.against else { return output::write(binary::listing(&ast)) };
    let other = language::read(other)?;
    language::compile(&other, Tier::default())?;
    let (other_ast, _) = parse(&other.text);
    let changes = binary::changes(&ast, &other_ast);
    if changes.is_empty() {
        return output::line(format_args!("the same program, root {}", binary::root(&ast)));
    }
    for change in changes {
        output::line(change.path)?;
        for (sign, source, at) in [("-", &source, change.before), ("+", &other, change.after)] {
            if let Some((hash, span)) = at {
                let (line, column) = line_and_column(&source.text, span.start);
                let text = source.text[span.start as usize..span.end as usize].lines().next().unwrap_or("");
                output::line(format_args!("  {sign} {hash} {}:{line}:{column}: {text}", source.name))?;
            }
        }
    }
    Ok(())
}
