//! The `nda` command.

#![forbid(unsafe_code)]

mod arguments;
#[cfg(all(feature = "workspace", target_os = "linux"))]
mod asking;
mod backend;
mod commands;
#[cfg(feature = "convert")]
mod convert;
#[cfg(feature = "chat")]
mod editor;
mod failure;
mod files;
#[cfg(all(unix, any(feature = "chat", all(feature = "workspace", target_os = "linux"))))]
mod hangup;
mod kv;
mod language;
#[cfg(feature = "chat")]
mod lines;
mod npy;
mod output;
#[cfg(any(feature = "lsp", all(feature = "workspace", target_os = "linux")))]
mod own;
mod prompt;
mod report;
#[cfg(feature = "chat")]
mod signals;
mod speak;
mod threads;
mod token;
#[cfg(all(feature = "workspace", target_os = "linux"))]
mod workspace;

use clap::{Parser, Subcommand};
use failure::{Outcome, Stop};
use std::process::ExitCode;

/// What `nda --help` ends with.
const AFTER_HELP: &str = "\
Back ends (--backend):
  cpu[:KERNELS]             this machine; KERNELS portable, neon, avx2, avx512, else the best
  gpu[:NUMBER|NAME]         a GPU, in builds with the feature gpu; 'nda devices' lists adapters
  sim[:CONFIG]              the simulated board: the emitted Verilog behind its parallel port
  sim-uart[:CONFIG]         the same through its UART, bit by bit
  serial:PORT[@BAUD]        a board on a serial port; its baud rate is found if it is not given
  loopback[-uart][:CONFIG]  the software model of a board behind the same driver: no Verilog
  BOARD*N, BOARD+BOARD      boards that share a model's rows: sim:wide256*3, serial:A+serial:B

A + joins boards only in front of a back end's name, and a port that exists under all of what
follows serial: is that port, so both + and @ may stand in a port's name.

sim and loopback without CONFIG are one board of token1024, which makes whole tokens; a model
that it cannot hold takes as many boards of deep256 (4 MiB of weights each, a memory that only a
simulation has) as its weights need. sim-uart without CONFIG is wide256.

Exit codes:
  0  done
  1  the work failed, or a verification found a difference
  2  the command line asks for something that does not exist
  3  a file cannot be read or written, or is not what it should be
  4  the device or its link failed
  5  the back end is not available on this machine or in this build
  128 and a signal's number: the signal ended it (130 Ctrl-C, 143 SIGTERM, 129 SIGHUP)
  'nda serve' and 'nda board' that a signal ended in order: 0";

/// Runs language models whose weights are bitmaps: on the CPU, on a simulated board, on an FPGA.
#[derive(Parser)]
#[command(name = "nda", version, after_help = AFTER_HELP, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(commands::run::Arguments),
    Chat(commands::chat::Arguments),
    Serve(commands::serve::Arguments),
    Eval(commands::eval::Arguments),
    Demo(commands::demo::Arguments),
    Gemv(commands::gemv::Arguments),
    Verify(commands::verify::Arguments),
    Info(commands::info::Arguments),
    Check(commands::check::Arguments),
    Kv(commands::kv::Arguments),
    Convert(commands::convert::Arguments),
    Exec(commands::exec::Arguments),
    Fmt(commands::fmt::Arguments),
    Disasm(commands::disasm::Arguments),
    Lsp(commands::lsp::Arguments),
    Plan(commands::plan::Arguments),
    Devices(commands::devices::Arguments),
    Emit(commands::emit::Arguments),
    Wave(commands::wave::Arguments),
    #[cfg(unix)]
    Board(commands::board::Arguments),
    Bench(commands::bench::Arguments),
    Studio(commands::studio::Arguments),
    Agent(commands::agent::Arguments),
    Mcp(commands::mcp::Arguments),
    Approve(commands::approve::Arguments),
    Sandbox(commands::sandbox::Arguments),
    Checkpoint(commands::checkpoint::Arguments),
    Patch(commands::patch::Arguments),
    Completions(commands::completions::Arguments),
    Man(commands::man::Arguments),
}

fn main() -> ExitCode {
    // This process may be the helper that makes a sandbox around itself: before any thread and any other argument.
    #[cfg(all(feature = "workspace", target_os = "linux"))]
    if let Some(code) = workspace::entered() {
        return code;
    }
    match arguments::parse::<Arguments>() {
        Ok(arguments) => ended(run(&arguments.command)),
        Err(outcome) => ended(outcome),
    }
}

fn run(command: &Command) -> Outcome {
    match command {
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Chat(arguments) => commands::chat::run(arguments),
        Command::Serve(arguments) => commands::serve::run(arguments),
        Command::Eval(arguments) => commands::eval::run(arguments),
        Command::Demo(arguments) => commands::demo::run(arguments),
        Command::Gemv(arguments) => commands::gemv::run(arguments),
        Command::Verify(arguments) => commands::verify::run(arguments),
        Command::Info(arguments) => commands::info::run(arguments),
        Command::Check(arguments) => commands::check::run(arguments),
        Command::Kv(arguments) => commands::kv::run(arguments),
        Command::Convert(arguments) => commands::convert::run(arguments),
        Command::Exec(arguments) => commands::exec::run(arguments),
        Command::Fmt(arguments) => commands::fmt::run(arguments),
        Command::Disasm(arguments) => commands::disasm::run(arguments),
        Command::Lsp(arguments) => commands::lsp::run(arguments),
        Command::Plan(arguments) => commands::plan::run(arguments),
        Command::Devices(arguments) => commands::devices::run(arguments),
        Command::Emit(arguments) => commands::emit::run(arguments),
        Command::Wave(arguments) => commands::wave::run(arguments),
        #[cfg(unix)]
        Command::Board(arguments) => commands::board::run(arguments),
        Command::Bench(arguments) => commands::bench::run(arguments),
        Command::Studio(arguments) => commands::studio::run(arguments),
        Command::Agent(arguments) => commands::agent::run(arguments),
        Command::Mcp(arguments) => commands::mcp::run(arguments),
        Command::Approve(arguments) => commands::approve::run(arguments),
        Command::Sandbox(arguments) => commands::sandbox::run(arguments),
        Command::Checkpoint(arguments) => commands::checkpoint::run(arguments),
        Command::Patch(arguments) => commands::patch::run(arguments),
        Command::Completions(arguments) => commands::completions::run(arguments),
        Command::Man(arguments) => commands::man::run(arguments),
    }
}

fn ended(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) | Err(Stop::BrokenPipe) => ExitCode::SUCCESS,
        Err(Stop::Failure(failure)) => {
            output::error(&failure);
            ExitCode::from(failure.exit as u8)
        }
        #[cfg(all(feature = "workspace", target_os = "linux"))]
        Err(Stop::Code(code)) => ExitCode::from(code),
        #[cfg(feature = "chat")]
        Err(Stop::Signal(signal)) => ExitCode::from(signal.exit_code()),
    }
}
