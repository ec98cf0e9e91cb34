//! `nda checkpoint`: a folder's states, kept beside git's own and brought back byte for byte.

use crate::failure::Outcome;
use crate::output;
use crate::workspace;
use clap::Subcommand;
use nda_guard::{Checkpoint, Keep, Reason, Settings, Workspace};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// Keeps and restores the states of a folder, byte for byte, beside git's own history.
///
/// A checkpoint has every file that git knows or would take, untracked ones too; ignored files and nested repositories are left alone.
/// Index, HEAD, branches and stash stay as they are. A folder without git has a store of its own in the user's state folder.
/// Empty folders are not kept.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder.
    #[arg(long, value_name = "FOLDER", default_value = ".", global = true)]
    root: PathBuf,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a checkpoint.
    Create {
        /// What to call it.
        #[arg(default_value = "")]
        label: String,
    },
    /// Show the checkpoints, the oldest first.
    List,
    /// Bring a checkpoint's files back; a checkpoint made before takes it back.
    Restore {
        /// The checkpoint's name, or how it begins.
        id: String,
    },
    /// Forget old checkpoints. Their objects go with git's next garbage collection, in a store of its own at once.
    Prune {
        /// How many of the newest stay.
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        keep: usize,
        /// Those younger than these many days stay too.
        #[arg(long, value_name = "DAYS")]
        days: Option<u64>,
    },
}

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let folder = workspace::open(&arguments.root, Settings::default())?;
    match &arguments.action {
        Action::Create { label } => {
            let made = folder.checkpoint(label).map_err(|error| workspace::failure(&error))?;
            told(arguments, &[made], "made")
        }
        Action::List => {
            let all = folder.checkpoints().map_err(|error| workspace::failure(&error))?;
            told(arguments, &all, "")
        }
        Action::Restore { id } => restore(arguments, &folder, id),
        Action::Prune { keep, days } => {
            let younger_than = days.map(|days| Duration::from_secs(days.saturating_mul(DAY_S)));
            let gone = folder.prune(Keep { newest: *keep, younger_than }).map_err(|error| workspace::failure(&error))?;
            told(arguments, &gone, "forgotten")
        }
    }
}

fn restore(arguments: &Arguments, folder: &Workspace, id: &str) -> Outcome {
    let restored = folder.restore(id).map_err(|error| workspace::failure(&error))?;
    let files: Vec<String> = restored.files.iter().map(ToString::to_string).collect();
    if arguments.json {
        return output::json(&json!({ "undo": restored.undo.id, "files": files }));
    }
    for file in &files {
        output::line(file)?;
    }
    output::remark(format_args!("{} files; 'nda checkpoint restore {}' takes it back", files.len(), restored.undo.id));
    Ok(())
}

fn told(arguments: &Arguments, all: &[Checkpoint], what: &str) -> Outcome {
    if arguments.json {
        let row = |one: &Checkpoint| {
            json!({
                "id": one.id, "commit": one.commit, "seconds": one.seconds, "label": one.particulars.label,
                "skipped": one.particulars.skipped, "nested": one.particulars.nested,
            })
        };
        return output::json(&json!({ "checkpoints": all.iter().map(row).collect::<Vec<_>>() }));
    }
    for one in all {
        let reason = match one.particulars.reason {
            Reason::Asked => "",
            Reason::BeforeCommit | Reason::BeforeRestore => " (by itself)",
        };
        // Older ones may have labels that an agent made to look like more.
        let label = nda_agent::in_a_line(&one.particulars.label);
        output::line(format_args!("{}{}{label}{reason}", one.id, if label.is_empty() { "" } else { "  " }))?;
        for skipped in &one.particulars.skipped {
            output::remark(format_args!("  not kept, {} bytes: {}", skipped.bytes, nda_agent::in_a_line(&skipped.path)));
        }
        for nested in &one.particulars.nested {
            output::remark(format_args!("  a repository of its own: {}", nda_agent::in_a_line(&nested.path)));
        }
    }
    if !what.is_empty() {
        output::remark(format_args!(
            "{} {what}",
            if all.len() == 1 { "1 checkpoint".into() } else { format!("{} checkpoints", all.len()) }
        ));
    }
    Ok(())
}
