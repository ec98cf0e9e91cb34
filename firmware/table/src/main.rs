//! `nda-table`: docs/boards.md out of the records, and in constraints/boards.toml which of them are stale.

use clap::Parser;
use nda_firmware::{root, rows};
use nda_table::{TABLE, TableError, check, table};
use std::process::ExitCode;

/// Writes docs/boards.md from the records, and into constraints/boards.toml which of them are stale.
#[derive(Parser)]
#[command(name = "nda-table", version)]
struct Arguments {
    /// Only compare it.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), TableError> {
    let root = root();
    if arguments.check {
        return check(&root);
    }
    nda_files::write(&root.join(TABLE), &[], table(&root)?.as_bytes())?;
    Ok(nda_files::write(&root.join(rows::ROWS), &[], rows::rows(&root)?.as_bytes())?)
}
