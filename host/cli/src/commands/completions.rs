//! `nda completions`: what a shell offers behind `nda `.

use crate::failure::Outcome;
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the completions of a shell: commands, options and their values.
///
/// bash: nda completions bash > ~/.local/share/bash-completion/completions/nda
#[derive(clap::Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "nda", &mut text);
    output::bytes(&text)
}
