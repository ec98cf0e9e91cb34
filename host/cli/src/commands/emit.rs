//! `nda emit`: a configuration's Verilog.

use crate::backend;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, output};
use nda_cores::bus::BusKind;
use nda_spec::Config;
use nda_spec::config::DEFAULT_CONFIG;
use std::path::PathBuf;

/// Writes the Verilog of a configuration: the text that is simulated and synthesised.
///
/// One file per port, board_CONFIG_parallel.v and board_CONFIG_uart.v; the top module is `board`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration; 'nda devices' lists them.
    #[arg(long, default_value = DEFAULT_CONFIG)]
    config: String,
    /// The folder that the files go to, created if it does not exist; - is standard output, which takes the file of one --port.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only the board with this port.
    #[arg(long, value_enum)]
    port: Option<PortChoice>,
    /// The configuration's GEMV array alone, for a design of your own: gemv_axis.v or gemv_wb.v, with all planes of an activation in a
    /// beat.
    #[arg(long, value_enum, conflicts_with = "port")]
    bus: Option<BusChoice>,
    /// Rows of the array on the bus; without this, the configuration's.
    #[arg(long, requires = "bus", value_name = "N")]
    rows: Option<usize>,
    /// Columns of a beat on the bus; without this, the configuration's.
    #[arg(long, requires = "bus", value_name = "N")]
    cols: Option<usize>,
}

/// What files begin with: Verilator stops at warnings, and these are of literals, which rust-hdl writes with 32 bits. Widths are tested
/// against the golden models.
const HEAD: &str = "// Literals have 32 bits, whatever they are assigned to.\n/* verilator lint_off WIDTH */\n";

/// A bus of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BusChoice {
    /// Three AXI4-Streams: vectors and weights in, sums out.
    AxiStream,
    /// Registers on Wishbone B4, 32 bits.
    Wishbone,
}

/// A port of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PortChoice {
    /// The parallel port.
    Parallel,
    /// The UART.
    Uart,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let config = backend::config(&arguments.config)?;
    match arguments.bus {
        Some(bus) => emit_bus(&config, bus, arguments),
        None => emit(&config, arguments),
    }
}

/// The array alone.
fn emit_bus(config: &Config, bus: BusChoice, Arguments { out, rows, cols, .. }: &Arguments) -> Outcome {
    let kind = match bus {
        BusChoice::AxiStream => BusKind::AxiStream,
        BusChoice::Wishbone => BusKind::Wishbone,
    };
    let (rows, cols) = (rows.unwrap_or(config.geometry.array_rows), cols.unwrap_or(config.geometry.array_cols));
    let verilog = nda_cores::bus::emit_bus(kind, rows, cols)
        .map_err(|e| Failure::usage(e, format_args!("--bus, {rows} x {cols}"), "choose others with --rows and --cols"))?;
    let verilog = format!("{HEAD}{verilog}");
    if files::is_stream(out) {
        return output::bytes(verilog.as_bytes());
    }
    let name = format!("{}.v", kind.top());
    files::judge_folder(out, &[&name], &[])?;
    files::write_together(out, &[], &[(&name, verilog.as_bytes())])?;
    let (path, lines) = (out.join(&name), verilog.lines().count());
    output::line(format_args!("{}: top module {}, {rows} x {cols}, {lines} lines", path.display(), kind.top()))
}

fn emit(config: &Config, Arguments { out, port, .. }: &Arguments) -> Outcome {
    let is_chosen = |candidate: &nda_cores::Port| match port {
        None => true,
        Some(PortChoice::Parallel) => *candidate == nda_cores::Port::Parallel,
        Some(PortChoice::Uart) => *candidate == nda_cores::Port::Uart,
    };
    let ports: Vec<nda_cores::Port> = nda_cores::Port::ALL.into_iter().filter(is_chosen).collect();
    if files::is_stream(out) && ports.len() > 1 {
        let help = "choose one with '--port parallel' or '--port uart'";
        return Err(Failure::usage("two files do not fit into one stream: the top module of both is 'board'", "--out -", help).into());
    }
    let names: Vec<String> = ports.iter().map(|port| format!("board_{}_{}.v", config.name, port.name())).collect();
    if !files::is_stream(out) {
        files::judge_folder(out, &names.iter().map(String::as_str).collect::<Vec<_>>(), &[])?;
    }
    let mut all = Vec::new();
    for port in ports {
        let help = "the cores refuse this configuration; correct hdl/spec/configs.toml or the core";
        let mut emitted = nda_cores::emit(config, port)
            .map_err(|e| Failure::new(Exit::Failed, e, format_args!("configuration {}, {} port", config.name, port.name()), help))?;
        emitted.verilog.insert_str(0, HEAD);
        all.push(emitted);
    }
    if files::is_stream(out) {
        return all.iter().try_for_each(|emitted| output::bytes(emitted.verilog.as_bytes()));
    }
    let texts: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(all.iter().map(|emitted| emitted.verilog.as_bytes())).collect();
    files::write_together(out, &[], &texts)?;
    for (name, emitted) in names.iter().zip(&all) {
        let (path, lines) = (out.join(name), emitted.verilog.lines().count());
        output::line(format_args!("{}: top module {}, build {:016x}, {lines} lines", path.display(), emitted.top, emitted.ident.build))?;
    }
    Ok(())
}
