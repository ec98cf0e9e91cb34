//! `docs/boards.md`: what the boards' records come to.
//!
//! Made from the rows, the committed records and the cycle model, never by hand; a test makes it again and compares.
//!
//! # Example
//!
//! ```no_run
//! let page = nda_table::table(&nda_firmware::root())?;
//! assert!(page.contains("ULX3S 85F"));
//! # Ok::<(), nda_table::TableError>(())
//! ```

#![forbid(unsafe_code)]

mod model;

use nda_boards::{Board, BoardError, Family, TURNAROUND_S, TokenTime, TokenWork};
use nda_firmware::rows::{is_stale, record_path};
use nda_firmware::{FlowError, Record, Run, size};
use nda_spec::plan::{Layer, TokenCost, macs_per_cycle, token_cost};
use nda_spec::token::text::{FRAME_TOKENS, Link, response_bytes};
use nda_spec::wire::PROTOCOL_VERSION;
use nda_spec::{ActivationCode, Config};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A record or an image.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// A row or a pin file.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// A file that is not written.
    #[error("{place}: {0}; {help}", place = .0.path().display(), help = .0.help())]
    File(#[from] nda_files::FilesError),
    /// The committed table cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The committed table is not what comes out now.
    #[error("{} is out of date: line {line} differs; run make boards-table", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// The first line that differs, from 1.
        line: usize,
    },
    /// A model's document.
    #[error("{}: {problem}", path.display())]
    Model {
        /// The document.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// The table, from the project's root.
pub const TABLE: &str = "docs/boards.md";
/// A routed board with all that a line of the tables says.
struct Line {
    board: Board,
    config: Config,
    record: Record,
    /// The cores have changed since the record.
    stale: bool,
    cost: TokenCost,
    /// Cycles of a whole token, where the board makes it.
    token_cycles: Option<u64>,
}

/// The whole document.
///
/// # Errors
/// A record that cannot be read, a configuration that cannot be emitted, a model that cannot be read.
pub fn table(root: &Path) -> Result<String, TableError> {
    let (layers, code) = model::layers(&root.join(model::MODEL))?;
    let boards = Board::all()?;
    let routed = boards.iter().filter(|b| b.status.is_routed() && record_path(root, b).is_file());
    let lines = routed.map(|board| line(root, board, &layers, code)).collect::<Result<Vec<_>, _>>()?;
    let missing: Vec<&str> =
        boards.iter().filter(|b| b.status.is_routed() && !record_path(root, b).is_file()).map(|b| b.title.as_str()).collect();
    let mut text = String::from(HEAD);
    if !missing.is_empty() {
        let _ = write!(text, "No record is kept yet of: {}. `make boards` routes them.\n\n", missing.join(", "));
    }
    size_and_speed(&mut text, &lines);
    before_placement(root, &mut text)?;
    whole_tokens(&mut text, &lines, &layers);
    meaning(&mut text, &lines, &layers);
    pins(&mut text, &boards)?;
    notes(&mut text, &boards, &lines);
    Ok(text)
}

/// Whether the committed table is what comes out now.
///
/// # Errors
/// [`TableError::Stale`] names the first line that differs.
pub fn check(root: &Path) -> Result<(), TableError> {
    let path = root.join(TABLE);
    let committed = std::fs::read_to_string(&path).map_err(|source| TableError::Read { path: path.clone(), source })?;
    let now = table(root)?;
    let differs = now.lines().zip(committed.lines()).position(|(a, b)| a != b).or((now != committed).then_some(now.lines().count()));
    match differs {
        Some(line) => Err(TableError::Stale { path, line: line + 1 }),
        None => Ok(()),
    }
}

fn line(root: &Path, board: &Board, layers: &[Layer], code: ActivationCode) -> Result<Line, TableError> {
    let config = board.config()?;
    let record = Record::read(&record_path(root, board))?;
    let stale = is_stale(board, &record)?;
    let cost = token_cost(&config, layers, code);
    let token_cycles = model::token_cycles(&root.join(model::MODEL), &config)?;
    Ok(Line { board: board.clone(), config, record, stale, cost, token_cycles })
}

const HEAD: &str = "\
# Boards

Made by `make boards-table` from `constraints/boards.toml` and the build records in `firmware/records/`; not edited by hand.

**Nothing here has run on a real board.** Each number says where it comes from:
*nextpnr* is the place-and-route tool's own report, *derived* is arithmetic from the geometry, *projected* is the cycle model at a
clock that nextpnr says is met. `make bitstream BOARD=...` makes the bitstream of a record that is current again, byte for byte.

";

/// A cell count: the first names of synthesis that are there.
fn cells(record: &Record, prefixes: &[&str]) -> u64 {
    record.cells.iter().filter(|(kind, _)| prefixes.iter().any(|p| kind.starts_with(p))).map(|(_, n)| n).sum()
}

/// To the nearest, halves up.
fn percent(used: u64, available: u64) -> u64 {
    let available = available.max(1);
    (used * 200 + available) / (2 * available)
}

/// `used of available` of nextpnr's resources.
fn used(record: &Record, resource: &str) -> String {
    match record.utilization.get(resource) {
        Some(u) => format!("{} of {} ({} %)", u.used, u.available, percent(u.used, u.available)),
        None => "0".into(),
    }
}

struct Columns {
    logic: &'static str,
    flip_flops: &'static [&'static str],
    memory: &'static [&'static str],
}

const fn columns(family: Family) -> Columns {
    match family {
        Family::Ice40 => Columns { logic: "ICESTORM_LC", flip_flops: &["SB_DFF"], memory: &["ICESTORM_RAM", "ICESTORM_SPRAM"] },
        Family::Ecp5 => Columns { logic: "TRELLIS_COMB", flip_flops: &["TRELLIS_FF"], memory: &["DP16KD"] },
        Family::Gowin | Family::Gatemate => Columns { logic: "LUT4", flip_flops: &["DFF"], memory: &["BSRAM"] },
    }
}

fn size_and_speed(text: &mut String, lines: &[Line]) {
    *text += "## Size and speed (nextpnr)\n\n";
    *text += &staleness(lines);
    *text += "Logic is LUTs with the carry cells and LUT RAM that take their places, as nextpnr counts them.\n\n\
        | board | part | configuration | logic | flip-flops | block RAM | clock, MHz | Fmax by seed, MHz | min / median / max | record |\n\
        |---|---|---|---|---|---|---|---|---|---|\n";
    for l in lines {
        let c = columns(l.board.family);
        let memory: Vec<String> =
            c.memory.iter().filter(|m| l.record.utilization.contains_key(**m)).map(|m| format!("{} {m}", used(&l.record, m))).collect();
        let seeds: Vec<String> = l.record.runs.iter().map(Run::outcome).collect();
        let spread = l.record.spread().map_or_else(|| "-".into(), |s| format!("{:.1} / {:.1} / {:.1}", s.min, s.median, s.max));
        // A period is whole picoseconds: asked for 85 MHz, nextpnr says 85.01.
        let clock = l.record.shipped().map_or(0.0, |r| (10.0 * r.clock.constraint).round() / 10.0);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {clock} | {} | {spread} | {} |",
            l.board.title,
            l.board.part,
            l.config.name,
            used(&l.record, c.logic),
            cells(&l.record, c.flip_flops),
            memory.join(", "),
            seeds.join(", "),
            if l.stale { STALE } else { "current" },
        );
    }
    *text += "\n";
}

/// What a row of a record of other Verilog says.
const STALE: &str = "stale: the cores have changed since";

/// What records of other Verilog than today's mean, if there are any.
fn staleness(lines: &[Line]) -> String {
    let stale = lines.iter().filter(|l| l.stale).count();
    if stale == 0 {
        return String::new();
    }
    format!(
        "**Of {} records {stale} are stale**: they are of images of earlier cores. Their figures say what those images took and what clock they met; an image of\n\
         today's cores (protocol {PROTOCOL_VERSION}) may take more and meet less: `make boards` routes it. The host refuses an image of another protocol by name.\n\n",
        lines.len()
    )
}

/// What is synthesised but not (yet) routed.
fn before_placement(root: &Path, text: &mut String) -> Result<(), TableError> {
    let sizes = size::records(root)?;
    if sizes.is_empty() {
        return Ok(());
    }
    *text += "## Before placement (yosys)\n\n\
        What a configuration takes after synthesis, whether or not its image is routed, and what clock the token machine's own netlist reaches\n\
        placed and routed alone (nextpnr, `--out-of-context`), so without the wires of array, weights and attention. LUT sites are LUT4, two for a carry\n\
        cell and six for a LUT RAM of 16 words by 4 bits. Made by `make sizes`.\n\n\
        | configuration | part | LUT sites | flip-flops | DP16KD | MULT18X18D | token machine alone: LUT sites, Fmax by seed, MHz | record |\n\
        |---|---|---|---|---|---|---|---|\n";
    for size in sizes {
        let board = Board::named(&size.board)?;
        let count = |kind: &str| size.cells.get(kind).copied().unwrap_or_default();
        let alone = size.alone.as_ref().map_or_else(
            || "-".into(),
            |alone| {
                let seeds: Vec<String> = alone.mhz.iter().map(|(seed, mhz)| format!("{seed}: {mhz:.1}")).collect();
                format!("{}, {}", size::luts(&alone.cells), seeds.join(", "))
            },
        );
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {alone} | {} |",
            size.configuration,
            board.part,
            size::luts(&size.cells),
            count("TRELLIS_FF"),
            count("DP16KD"),
            count("MULT18X18D"),
            if size::is_current(&board, &size)? { "current" } else { STALE },
        );
    }
    *text += "\n";
    Ok(())
}

fn whole_tokens(text: &mut String, lines: &[Line], layers: &[Layer]) {
    let weights: u64 = layers.iter().map(Layer::weights).sum();
    let _ = write!(
        text,
        "## Whole tokens\n\n\
         These images make text by themselves: the host sends a prompt and fetches tokens. `{}` has {weights} 2-bit weights, a cache of 4-bit keys and\n\
         values and a byte per token. Cycles are those of a full ring, predicted and in simulation the same; the link carries a frame of\n\
         {FRAME_TOKENS} tokens meanwhile.\n\n\
         | board | configuration | cycles per token (simulated) | clock, MHz (nextpnr) | board, link: ms per token (projected) | tokens/s (projected) |\n\
         |---|---|---|---|---|---|\n",
        model::MODEL,
    );
    for (l, cycles) in lines.iter().filter_map(|l| Some((l, l.token_cycles?))) {
        let clk_hz = f64::from(l.config.clk_hz);
        let bytes = response_bytes(FRAME_TOKENS, l.config.token.map_or(1, |sizes| sizes.token_bytes));
        let link_s = Link::Uart(l.config.uart_divisor()).cycles(bytes) as f64 / clk_hz / f64::from(FRAME_TOKENS);
        let board_s = cycles as f64 / clk_hz;
        let _ = writeln!(
            text,
            "| {} | {} | {cycles} | {} | {:.3}, {:.3} | {:.0} |",
            l.board.title,
            l.config.name,
            clk_hz / 1e6,
            1e3 * board_s,
            1e3 * link_s,
            1.0 / board_s.max(link_s),
        );
    }
    *text += "\n";
}

fn meaning(text: &mut String, lines: &[Line], layers: &[Layer]) {
    let weights: u64 = layers.iter().map(Layer::weights).sum();
    let _ = write!(
        text,
        "## Products alone\n\n\
         With `--offload gemv` a board multiplies, and the host does the rest. `{}` has {} layers with {weights} weights. A layer that does not fit beside those before it stays on the host's CPU.\n\
         A token's time is the board's, the wire's and {} ms for each round trip over USB, which is assumed; the CPU's own work is not in it.\n\
         A board that holds a part of the weights is asked for a part of the products, and how fast that part is\n\
         says nothing of a token. So tokens/s stands only where all of the weights are on the board.\n\n\
         | board | MACs per cycle, A8 (derived) | GMAC/s (projected) | weights on the board (derived) | layers (derived) | round trips per token (derived) | board, link, turnarounds: ms per token (projected) | tokens/s (projected) |\n\
         |---|---|---|---|---|---|---|---|\n",
        model::MODEL,
        layers.len(),
        1e3 * TURNAROUND_S,
    );
    for l in lines {
        let work = TokenWork { run_cycles: l.cost.run_cycles, bytes: l.cost.wire_bytes, round_trips: l.cost.jobs };
        let macs = macs_per_cycle(&l.config.geometry, ActivationCode::A8);
        let time = TokenTime::new(&l.config, work);
        let tokens = if l.cost.weights == weights { format!("{:.1}", time.tokens_per_second()) } else { "-".into() };
        let _ = writeln!(
            text,
            "| {} | {macs} | {:.2} | {} of {weights} | {} of {} | {} | {:.2}, {:.1}, {:.1} at {} baud | {tokens} |",
            l.board.title,
            macs * f64::from(l.config.clk_hz) / 1e9,
            l.cost.weights,
            l.cost.layers,
            layers.len(),
            work.round_trips,
            1e3 * time.array_s,
            1e3 * time.link_s,
            1e3 * time.turnaround_s,
            l.config.baud,
        );
    }
    *text += "\n";
}

fn pins(text: &mut String, boards: &[Board]) -> Result<(), TableError> {
    *text += "## Pins\n\n\
        | board | id | clock | host to board | board to host | LEDs: link, busy, fault | bridge | memory | programmer |\n\
        |---|---|---|---|---|---|---|---|---|\n";
    for board in boards {
        let file = board.pin_file()?;
        let pin = |port: &str| file.pin(port).map_or("-", |p| p.site.as_str()).to_string();
        let led = |port: &Option<String>| port.as_deref().map_or_else(|| "-".into(), pin);
        let _ = writeln!(
            text,
            "| {} | {} | {}, {} MHz | {} | {} | {}, {}, {} | {} | {} | `{}` |",
            board.title,
            board.id,
            pin(&board.oscillator.port),
            f64::from(board.oscillator.hz) / 1e6,
            pin(&board.rx),
            pin(&board.tx),
            led(&board.leds.link),
            led(&board.leds.busy),
            led(&board.leds.fault),
            board.bridge,
            board.memory,
            board.programmer.join(" ").replace("{bitstream}", &format!("{}.{}", board.name, board.family.bitstream_extension())),
        );
    }
    *text += "\n";
    Ok(())
}

fn notes(text: &mut String, boards: &[Board], lines: &[Line]) {
    *text += "## Notes\n\n";
    for board in boards.iter().filter(|b| !b.note.is_empty()) {
        let state = if board.status.is_routed() { "" } else { " (constraints only, not routed)" };
        let _ = writeln!(text, "- **{}**{state}: {}", board.title, board.note);
    }
    *text += "\n## Bitstreams\n\n| board | id (IDENT build) | seed | bytes | BLAKE3, first half | tools |\n|---|---|---|---|---|---|\n";
    for l in lines {
        let tools: Vec<String> = l.record.inputs.tools.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let b = &l.record.bitstream;
        let (seed, short) = (l.record.inputs.seed, b.blake3.get(..32).unwrap_or(&b.blake3));
        let _ = writeln!(text, "| {} | {} | {seed} | {} | {short} | {} |", l.board.title, l.record.id, b.bytes, tools.join(", "));
    }
}
