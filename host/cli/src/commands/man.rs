//! `nda man`: manual pages.

use crate::failure::{Failure, Outcome};
use crate::{files, output};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::PathBuf;

/// Writes manual pages into a folder such as ~/.local/share/man/man1.
///
/// They are nda.1 and one for each command.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder, created if it does not exist.
    dir: PathBuf,
}

/// Runs the command.
pub fn run(Arguments { dir }: &Arguments) -> Outcome {
    let mut command = crate::Arguments::command();
    command.build();
    let mut pages = vec![page("nda", &command).map_err(|e| Failure::io("write", dir, &e))?];
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        pages.push(page(&format!("nda-{}", sub.get_name()), sub).map_err(|e| Failure::io("write", dir, &e))?);
    }
    let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    files::judge_folder(dir, &names, &[])?;
    let texts: Vec<(&str, &[u8])> = pages.iter().map(|(name, text)| (name.as_str(), text.as_slice())).collect();
    files::write_together(dir, &[], &texts)?;
    output::line(format_args!("{}: {} pages", dir.display(), pages.len()))
}

/// A command's page under its whole name.
fn page(name: &str, command: &Command) -> std::io::Result<(String, Vec<u8>)> {
    let mut text = Vec::new();
    Man::new(command.clone()).title(name).render(&mut text)?;
    Ok((format!("{name}.1"), text))
}
