//! The command line: what clap understands, and what is said where it does not.

use crate::failure::{Failure, Outcome};
use crate::output;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Parser};
use std::any::TypeId;
use std::error::Error;

/// The arguments of this process, or how it ends without any: help and the version are no failures.
pub fn parse<P: Parser>() -> Result<P, Outcome> {
    let mut command = taking_any_value(P::command());
    // Before it is built, an argument does not know how it is shown.
    command.build();
    let parsed = command.clone().try_get_matches().and_then(|matches| P::from_arg_matches(&matches));
    parsed.map_err(|error| said(&command, &error))
}

/// An option that takes a value takes the next word, whatever it begins with: `--temperature -1` is a wrong temperature and
/// not an unknown option, and a prompt may begin with a hyphen.
fn taking_any_value(command: Command) -> Command {
    let takes_a_word = |arg: &Arg| !arg.is_positional() && arg.get_action().takes_values() && arg.get_num_args().is_none();
    let command = command.mut_args(|arg| if takes_a_word(&arg) { arg.allow_hyphen_values(true) } else { arg });
    command.mut_subcommands(taking_any_value)
}

/// What clap found on the command line: help and version are no failures, all else is said in our three lines.
fn said(command: &Command, error: &clap::Error) -> Outcome {
    let text = error.to_string();
    if !error.use_stderr() {
        return output::write(text);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Err(Failure::usage("no command was given", "nda", "'nda --help' lists the commands").into());
    }
    if let Some(failure) = wrong_value(command, error) {
        return Err(failure.into());
    }
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default();
    let error = first.trim_start_matches("error:").split_whitespace().collect::<Vec<_>>().join(" ");
    let usage = paragraphs.find_map(|p| p.trim().strip_prefix("Usage:")).map_or("the command line", str::trim);
    Err(Failure::usage(error, usage, "see 'nda --help' and 'nda COMMAND --help'").into())
}

/// A value that is not a number where one is wanted, with what is wanted.
fn wrong_value(command: &Command, error: &clap::Error) -> Option<Failure> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (option, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let named = |arg: &&Arg| arg.to_string() == option;
    let arg = command.get_subcommands().flat_map(Command::get_arguments).find(named)?;
    let wanted = number_of(arg).map(str::to_owned).or_else(|| bounds(error))?;
    let at = arg.get_long().map_or_else(|| option.to_owned(), |long| format!("--{long}"));
    Some(Failure::usage(format_args!("{at} must be {wanted}, got '{value}'"), &at, "see 'nda COMMAND --help'"))
}

/// The bounds that clap's own parser of numbers names.
fn bounds(error: &clap::Error) -> Option<String> {
    let reason = error.source()?.to_string();
    Some(match reason.split_once(" is not in ") {
        Some((_, range)) => format!("a whole number in {range}"),
        None => "a whole number".into(),
    })
}

/// What numbers an argument takes, in words; none of one with bounds of its own.
fn number_of(arg: &Arg) -> Option<&'static str> {
    let of = arg.get_value_parser().type_id();
    if of == TypeId::of::<f32>() || of == TypeId::of::<f64>() {
        Some("a number")
    } else if of == TypeId::of::<u64>() || of == TypeId::of::<usize>() {
        Some("a whole number from 0 to 18446744073709551615")
    } else if of == TypeId::of::<u16>() {
        Some("a whole number from 0 to 65535")
    } else {
        None
    }
}
