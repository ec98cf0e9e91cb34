//! The command line: what clap understands, and what is said where it does not.

use crate::failure::{Failure, Outcome};
use crate::output;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Parser};
use std::any::TypeId;
use std::error::Error;

/// The arguments of this process, or how it ends without any: help and the version are no failures.
pub fn parse<P: Parser>() -> Result<P, Outcome> {
    let mut command = taking_any_value(in_groups(P::command()));
    // Before it is built, an argument does not know how it is shown.
    command.build();
    let parsed = command.clone().try_get_matches().and_then(|matches| {
        matches.subcommand_name().into_iter().for_each(output::name_command);
        P::from_arg_matches(&matches)
    });
    parsed.map_err(|error| said(&command, &error))
}

/// What the list of commands is read for. A build's commands that stand nowhere here come last.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Text", &["run", "chat", "serve", "eval", "demo"]),
    ("Models", &["convert", "info", "check", "kv", "plan"]),
    ("Programs", &["exec", "fmt", "disasm", "lsp"]),
    ("Boards and cores", &["devices", "verify", "gemv", "board", "emit", "wave", "bench"]),
    ("The agent workspace", &["agent", "mcp", "approve", "sandbox", "checkpoint", "patch", "studio"]),
    ("This command", &["completions", "man", "help"]),
];

/// The list of commands by what they are for, instead of one after another.
fn in_groups(command: Command) -> Command {
    let about = |name: &str| {
        let found = command.get_subcommands().find(|sub| sub.get_name() == name);
        let help = (name == "help").then(|| "Help for the commands or for one of them".to_owned());
        found.map(|sub| sub.get_about().map(ToString::to_string).unwrap_or_default()).or(help)
    };
    let known: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
    let others: Vec<&str> = command.get_subcommands().map(Command::get_name).filter(|name| !known.contains(name)).collect();
    let mut text = String::new();
    for (title, names) in GROUPS.into_iter().chain([("Others", &others[..])]) {
        let rows = names.iter().filter_map(|name| Some(format!("  {name:<12}{}\n", short(&about(name)?))));
        let rows: String = rows.collect();
        if !rows.is_empty() {
            text += &format!("{title}:\n{rows}\n");
        }
    }
    let template = format!("{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{text}Options:\n{{options}}{{after-help}}");
    command.help_template(template)
}

/// The first sentence of a description, on one line: a test holds the list to a hundred columns.
fn short(about: &str) -> String {
    about.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
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
    let wanted = range(arg).or_else(|| number_of(arg).map(str::to_owned)).or_else(|| bounds(error))?;
    let at = arg.get_long().map_or_else(|| option.to_owned(), |long| format!("--{long}"));
    Some(Failure::usage(format_args!("{at} must be {wanted}, got '{value}'"), &at, "see 'nda COMMAND --help'"))
}

/// The bounds of an argument's own, which clap names to whoever goes over one of them.
fn range(arg: &Arg) -> Option<String> {
    let alone = Arg::new("it").long("it").value_parser(arg.get_value_parser().clone());
    let command = Command::new("nda").arg(alone);
    // The lowest and the highest number that any parser of ours takes.
    let extremes = ["-9223372036854775808", "-1", "0", "18446744073709551615"];
    let refused = |text: &&str| command.clone().try_get_matches_from(["nda", &format!("--it={text}")]).err();
    let named = |error: clap::Error| bounds(&error).filter(|bounds| bounds != NUMBER);
    extremes.iter().filter_map(refused).find_map(named)
}

/// A number without bounds.
const NUMBER: &str = "a whole number";

/// The bounds that clap's own parser of numbers names; none of what is no number.
fn bounds(error: &clap::Error) -> Option<String> {
    let source = error.source()?;
    match source.to_string().split_once(" is not in ") {
        Some((_, range)) => {
            let (first, last) = range.split_once("..")?;
            let last = last.strip_prefix('=').map_or_else(|| format!("below {last}"), |last| format!("to {last}"));
            Some(format!("{NUMBER} from {first} {last}"))
        }
        None => source.is::<std::num::ParseIntError>().then(|| NUMBER.into()),
    }
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
