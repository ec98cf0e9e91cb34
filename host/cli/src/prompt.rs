//! What a model is given to read: the prompt, and how much of it counts.

use crate::failure::{Exit, Failure, Outcome};
use nda_engine::Typed;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Longest prompt; no model's context holds a hundredth of it.
const MAX_PROMPT_BYTES: u64 = 64 << 20;
/// Standard input, where a text or a file is asked for.
const STDIN: &str = "-";

/// A prompt from the command line, from a file or from standard input.
#[derive(clap::Args)]
pub struct PromptArguments {
    /// The text to continue; '-' reads it from standard input, and so does leaving it out where that is no terminal.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// A file with the text to continue. The line break that ends a file, or standard input, is no part of the prompt.
    #[arg(long, value_name = "FILE", conflicts_with = "prompt")]
    prompt_file: Option<PathBuf>,
    /// Take the texts of control tokens in the prompt for these tokens: for a prompt that a template has made.
    #[arg(long, visible_alias = "raw")]
    control_tokens: bool,
}

impl PromptArguments {
    /// What the texts of control tokens in the prompt are.
    pub fn typed(&self) -> Typed {
        if self.control_tokens { Typed::Recognised } else { Typed::AsText }
    }

    /// The prompt; bytes, because a file need not be UTF-8.
    pub fn bytes(&self) -> Outcome<Vec<u8>> {
        let (bytes, at) = match (self.prompt.as_deref(), self.prompt_file.as_deref()) {
            (Some(STDIN), _) => (of_stdin()?, "standard input".into()),
            (Some(prompt), _) => (prompt.as_bytes().to_vec(), "--prompt".into()),
            (None, Some(path)) if path == Path::new(STDIN) => (of_stdin()?, "standard input".into()),
            (None, Some(path)) => (of_file(path)?, path.display().to_string()),
            (None, None) if io::stdin().is_terminal() => {
                let help = "give --prompt TEXT, --prompt-file FILE, or a text on standard input";
                return Err(Failure::usage("no prompt given", "the command line", help).into());
            }
            (None, None) => (of_stdin()?, "standard input".into()),
        };
        if bytes.is_empty() {
            return Err(Failure::usage("the prompt is empty", at, "give at least one character").into());
        }
        Ok(bytes)
    }
}

fn of_stdin() -> Outcome<Vec<u8>> {
    read(io::stdin().lock(), Path::new("standard input"))
}

fn of_file(path: &Path) -> Outcome<Vec<u8>> {
    read(File::open(path).map_err(|e| Failure::io("open", path, &e))?, path)
}

fn read(source: impl Read, path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_PROMPT_BYTES + 1).read_to_end(&mut bytes).map_err(|e| Failure::io("read", path, &e))?;
    if bytes.len() as u64 > MAX_PROMPT_BYTES {
        let error = format_args!("the prompt has more than {MAX_PROMPT_BYTES} bytes");
        return Err(Failure::new(Exit::BadFile, error, path.display(), "give a shorter text").into());
    }
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Ok(bytes)
}

/// How many positions of a model are used.
#[derive(clap::Args)]
pub struct ContextArgument {
    /// Positions of the model that are used; all unless given.
    #[arg(long, value_name = "N")]
    context: Option<usize>,
}

impl ContextArgument {
    /// The positions, checked against the model's context.
    pub fn of(&self, model: usize) -> Outcome<usize> {
        positions(self.context, model, "--context")
    }
}

/// The requested positions, checked against the model's context.
pub fn positions(asked: Option<usize>, model: usize, option: &str) -> Outcome<usize> {
    match asked {
        None => Ok(model),
        Some(count) if (1..=model).contains(&count) => Ok(count),
        Some(count) => {
            let error = format_args!("the context must be 1 to {model} tokens, got {count}");
            Err(Failure::usage(error, option, format_args!("use {model}, the model's own, or fewer")).into())
        }
    }
}
