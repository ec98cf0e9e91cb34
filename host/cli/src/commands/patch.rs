//! `nda patch`: a patch that fits exactly, shown, decided, gated, and written whole or not at all.

use crate::failure::{Exit, Failure, Outcome};
use crate::{asking, files, output, workspace};
use nda_guard::{Answer, Approver, Decide, Decision, Hash, Origin, Patched, RelPath, Review, Settings, Workspace};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Applies a unified diff or an apply_patch envelope where every edit fits exactly once.
///
/// The change is shown and asked for in the terminal. A checkpoint is made first; files are written whole; gates look at them
/// (security, .nda, .ndf, Verilog lint, cargo check, .nda/gates.toml); if one fails, everything is put back.
#[derive(clap::Args)]
pub struct Arguments {
    /// The patch; - is standard input.
    patch: PathBuf,
    /// The folder that the patch's paths begin in.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    root: PathBuf,
    /// A file and its BLAKE3 hash as the patch's author read it: line numbers hold then.
    #[arg(long, value_name = "FILE=HASH")]
    base: Vec<String>,
    /// Say yes to what would be asked.
    #[arg(long)]
    yes: bool,
    /// Show what would change, and write nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Whoever sits at the terminal, or has said yes beforehand.
enum Person {
    Yes,
    Asked,
}

impl Decide for Person {
    fn decide(&self, review: &Review<'_>) -> Decision {
        for file in &review.files {
            output::remark(nda_agent::diff(&file.path.to_string(), file.before.as_ref(), file.after.as_ref()).trim_end());
        }
        review.remarks.iter().for_each(|remark| output::note(nda_agent::in_a_line(remark)));
        match self {
            Person::Yes => Decision::Green(Approver::Person("--yes".into())),
            Person::Asked if !std::io::stdin().is_terminal() => Decision::Red("there is no terminal to ask in; say --yes".into()),
            Person::Asked => {
                let mut answer = String::new();
                let is_asked = output::error_bytes(b"write this? [y/N] ").is_ok();
                let is_yes = is_asked && std::io::stdin().read_line(&mut answer).is_ok() && asking::is_yes(&answer);
                if is_yes { Decision::Green(Approver::Person("terminal".into())) } else { Decision::Red("the answer was no".into()) }
            }
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let text = files::read(&arguments.patch)?;
    let name = arguments.patch.display();
    let text = String::from_utf8(text).map_err(|error| Failure::new(Exit::BadFile, error, name, "give a patch in UTF-8"))?;
    let failed = |error: &nda_guard::GuardError| workspace::failure(error);
    let patch = Workspace::read_patch(&text).map_err(|error| failed(&error))?;
    let bases = bases(&arguments.base)?;
    let person = if arguments.yes { Person::Yes } else { Person::Asked };
    let gates = nda_checks::gates(&arguments.root, workspace::helper()).map_err(|error| failed(&error))?;
    let folder = workspace::open(&arguments.root, Settings::default().decider(person).gates(gates))?;
    let origin = Origin { who: "nda".into(), tool: "patch".into(), call: arguments.patch.display().to_string() };
    if arguments.dry_run {
        let planned = folder.plan_patch(origin, &patch, &bases).map_err(|error| failed(&error))?;
        return match planned {
            nda_guard::Planned::New(proposal, answers) => {
                let remarks = folder.check(&proposal).map_err(|error| failed(&error))?;
                remarks.iter().for_each(|remark| output::note(nda_agent::in_a_line(remark)));
                told(arguments, "would be written", &answers, None)
            }
            nda_guard::Planned::Already(answers) => told(arguments, "is there already", &answers, None),
        };
    }
    match folder.patch(origin, &patch, &bases).map_err(|error| failed(&error))? {
        Patched::New(change, answers) => told(arguments, "written", &answers, Some(&change.checkpoint)),
        Patched::Already(answers) => told(arguments, "is there already", &answers, None),
    }
}

fn bases(given: &[String]) -> Outcome<BTreeMap<RelPath, Hash>> {
    let parse = |text: &String| {
        let (path, hash) = text.rsplit_once('=')?;
        Some((RelPath::new(path).ok()?, Hash::parse(hash)?))
    };
    let pair = |text: &String| {
        let help = "give the path from the root and 64 digits of BLAKE3 ('b3sum FILE')";
        parse(text).ok_or_else(|| Failure::usage("this is not FILE=HASH", format_args!("--base {text}"), help).into())
    };
    given.iter().map(pair).collect()
}

fn told(arguments: &Arguments, what: &str, answers: &[Answer], checkpoint: Option<&str>) -> Outcome {
    let hash = |answer: &Answer| answer.hash.map(|hash| hash.to_string());
    if arguments.json {
        let row = |answer: &Answer| {
            let ranges: Vec<_> = answer.ranges.iter().map(|range| json!([range.first, range.last])).collect();
            json!({ "path": answer.path.to_string(), "hash": hash(answer), "ranges": ranges })
        };
        let rows: Vec<_> = answers.iter().map(row).collect();
        return output::json(&json!({ "outcome": what, "checkpoint": checkpoint, "files": rows }));
    }
    for answer in answers {
        let lines: Vec<String> = answer.ranges.iter().map(|range| format!("{}-{}", range.first, range.last)).collect();
        let lines = if lines.is_empty() { String::new() } else { format!(", lines {}", lines.join(", ")) };
        output::line(format_args!("{}: {what}{lines}", answer.path))?;
    }
    if let Some(id) = checkpoint {
        output::remark(format_args!("'nda checkpoint restore {id}' takes it back"));
    }
    Ok(())
}
