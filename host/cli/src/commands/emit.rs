//! `nda emit`: a configuration's Verilog.

use crate::backend;
use crate::failure::{Failure, Outcome};
use nda_spec::Config;
use nda_spec::config::DEFAULT_CONFIG;
use std::path::{Path, PathBuf};

/// Writes the Verilog of a configuration: the text that is simulated and synthesised.
///
/// One file for each port, board_CONFIG_parallel.v and board_CONFIG_uart.v; the top module is `board`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration; 'nda devices' lists them.
    #[arg(long, default_value = DEFAULT_CONFIG)]
    config: String,
    /// The folder that the files go to; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let config = backend::config(&arguments.config)?;
    emit(&config, &arguments.out)
}

#[cfg(feature = "emit")]
fn emit(config: &Config, folder: &Path) -> Outcome {
    use crate::failure::Exit;
    use crate::{files, output};
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("make the folder for", folder, &e))?;
    for port in nda_cores::Port::ALL {
        let help = "the cores refuse this configuration; correct hdl/spec/configs.toml or the core";
        let emitted = nda_cores::emit(config, port)
            .map_err(|e| Failure::new(Exit::Failed, e, format_args!("configuration {}, {} port", config.name, port.name()), help))?;
        let path = folder.join(format!("board_{}_{}.v", config.name, port.name()));
        files::write(&path, emitted.verilog.as_bytes())?;
        output::line(format_args!(
            "{}: top module {}, build {:016x}, {} lines",
            path.display(),
            emitted.top,
            emitted.ident.build,
            emitted.verilog.lines().count()
        ))?;
    }
    Ok(())
}

#[cfg(not(feature = "emit"))]
fn emit(config: &Config, folder: &Path) -> Outcome {
    let at = format!("configuration {}, {}", config.name, folder.display());
    Err(Failure::not_built("cores to emit", at, "emit").into())
}
