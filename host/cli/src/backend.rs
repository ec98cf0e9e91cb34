//! Back ends by name, and the one place where the boards and the simulator are plugged in.

use crate::failure::{Exit, Failure, Outcome, Stop};
use crate::output::{self, Progress};
use crate::simulator;
use nda_device::{
    BoardError, DeviceError, Driver, DriverOptions, FabricGemv, FabricPool, Loopback, ModelDevice, ModelPort, SerialDevice, Transport,
};
use nda_engine::Weights;
use nda_kernels::{Activations, Cost, CpuGemv, Gemv, GemvError, MatrixId, ProgramId, Shape, Variant};
use nda_spec::config::{DEFAULT_CONFIG, Geometry};
use nda_spec::vector::Program;
use nda_spec::{Config, TileMatrix};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// How a simulated board is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimPort {
    /// Bytes with ready and valid: one a cycle at best.
    Parallel,
    /// Bits on a line, at the configuration's baud rate.
    Uart,
}

/// The configuration of the boards that models too large for [`DEFAULT_CONFIG`] are simulated on, as many as they take.
const DEEP_CONFIG: &str = "deep256";

/// Most boards that one name stands for: a slip of the finger should not fill the memory.
const MAX_BOARDS: usize = 256;

/// A back end as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendName {
    /// This machine, with the best or a chosen set of kernels.
    Cpu(Option<Variant>),
    /// The simulated board of a configuration.
    Sim(Config, SimPort),
    /// The software model of a board behind the same driver and link: no Verilog.
    Loopback(Config, SimPort),
    /// A board on a serial port.
    Serial {
        /// The port.
        port: String,
        /// Its speed; found by trying if it is not named.
        baud: Option<u32>,
    },
    /// A board of the default configuration, or as many deep ones as a model takes that is too large for it.
    Fitting(Box<BackendName>),
    /// Several boards, each with the weights of some rows.
    Boards(Vec<BackendName>),
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackendName::Fitting(board) => board.fmt(f),
            BackendName::Boards(boards) => {
                for (i, run) in boards.chunk_by(|a, b| a == b).enumerate() {
                    write!(f, "{}{}", if i > 0 { "+" } else { "" }, run[0])?;
                    if run.len() > 1 {
                        write!(f, "*{}", run.len())?;
                    }
                }
                Ok(())
            }
            BackendName::Cpu(None) => write!(f, "cpu"),
            BackendName::Cpu(Some(variant)) => write!(f, "cpu:{}", option_name(*variant)),
            BackendName::Sim(config, SimPort::Parallel) => write!(f, "sim:{}", config.name),
            BackendName::Sim(config, SimPort::Uart) => write!(f, "sim-uart:{}", config.name),
            BackendName::Loopback(config, SimPort::Parallel) => write!(f, "loopback:{}", config.name),
            BackendName::Loopback(config, SimPort::Uart) => write!(f, "loopback-uart:{}", config.name),
            BackendName::Serial { port, baud: Some(baud) } => write!(f, "serial:{port}@{baud}"),
            BackendName::Serial { port, baud: None } => write!(f, "serial:{port}"),
        }
    }
}

/// A variant as options spell it: `avx512`.
pub fn option_name(variant: Variant) -> String {
    variant.name().to_ascii_lowercase().replace('-', "")
}

/// The back end of a name: one of its own, or boards joined by `+`, each with `*N` if there are several like it.
pub fn parse(text: &str) -> Outcome<BackendName> {
    let refuse =
        |error: String| Err(Failure::usage(error, format_args!("--backend {text}"), "join boards as in sim:wide256*3+sim:nano16").into());
    let mut boards = Vec::new();
    for part in text.split('+') {
        let (one, count) = match part.rsplit_once('*') {
            None => (part, 1),
            Some((one, count)) => match count.parse() {
                Ok(count) if (1..=MAX_BOARDS).contains(&count) => (one, count),
                _ => return refuse(format!("'{count}' is no number of boards from 1 to {MAX_BOARDS}")),
            },
        };
        let board = parse_one(one)?;
        if one == text {
            return Ok(board);
        }
        let board = match board {
            BackendName::Cpu(_) => return refuse("the CPU is no board".into()),
            BackendName::Serial { .. } if count > 1 => return refuse("a port leads to one board".into()),
            BackendName::Fitting(board) => *board,
            board => board,
        };
        boards.extend(std::iter::repeat_n(board, count));
    }
    Ok(BackendName::Boards(boards))
}

fn parse_one(text: &str) -> Outcome<BackendName> {
    let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
    let refuse = |error: String, help: String| Err(Failure::usage(error, format_args!("--backend {text}"), help).into());
    match (kind, rest) {
        ("cpu", None) => Ok(BackendName::Cpu(None)),
        ("cpu", Some(rest)) => match Variant::ALL.into_iter().find(|v| option_name(*v) == rest) {
            Some(variant) => Ok(BackendName::Cpu(Some(variant))),
            None => refuse(
                format!("there are no '{rest}' kernels"),
                format!("use {}", Variant::ALL.map(|v| format!("cpu:{}", option_name(v))).join(", ")),
            ),
        },
        ("sim", None) => Ok(BackendName::Fitting(Box::new(BackendName::Sim(config(DEFAULT_CONFIG)?, SimPort::Parallel)))),
        ("sim", Some(rest)) => Ok(BackendName::Sim(config(rest)?, SimPort::Parallel)),
        ("sim-uart", rest) => Ok(BackendName::Sim(config(rest.unwrap_or(DEFAULT_CONFIG))?, SimPort::Uart)),
        ("loopback", None) => Ok(BackendName::Fitting(Box::new(BackendName::Loopback(config(DEFAULT_CONFIG)?, SimPort::Parallel)))),
        ("loopback", Some(rest)) => Ok(BackendName::Loopback(config(rest)?, SimPort::Parallel)),
        ("loopback-uart", rest) => Ok(BackendName::Loopback(config(rest.unwrap_or(DEFAULT_CONFIG))?, SimPort::Uart)),
        ("serial", Some(rest)) if !rest.is_empty() => {
            let (port, baud) = rest.rsplit_once('@').map_or((rest, None), |(port, baud)| (port, Some(baud)));
            match baud.map(str::parse).transpose() {
                Ok(number) if number != Some(0) => Ok(BackendName::Serial { port: port.into(), baud: number }),
                _ => refuse(
                    format!("'{}' is no baud rate", baud.unwrap_or_default()),
                    "use serial:PORT@1000000, or serial:PORT to have it found".into(),
                ),
            }
        }
        ("serial", _) => refuse(
            "a serial back end needs a port".into(),
            "use serial:PORT, such as serial:/dev/ttyUSB0; 'nda devices' lists ports".into(),
        ),
        _ => refuse(format!("there is no back end '{kind}'"), "use cpu, sim, sim-uart or serial:PORT; see 'nda --help'".into()),
    }
}

/// The configuration of a name.
pub fn config(name: &str) -> Outcome<Config> {
    Config::named(name).map_err(|e| Failure::usage(e, "hdl/spec/configs.toml", "'nda devices' lists the configurations").into())
}

/// Why products run elsewhere, shared with the back end that decides it.
type Refusals = Rc<RefCell<Vec<String>>>;

/// An open back end.
pub struct Backend<'m> {
    kind: Kind<'m>,
    refusals: Refusals,
    /// How a model is run on it, if not product by product.
    form: Option<&'static str>,
}

enum Kind<'m> {
    Cpu(CpuGemv<'m>),
    Fabric(Box<Boards<'m>>),
    /// Boards with the CPU beside them.
    Fallback(Box<Fallback<'m>>),
}

impl<'m> Backend<'m> {
    /// Who multiplies.
    pub fn gemv(&mut self) -> &mut dyn Gemv<'m> {
        match &mut self.kind {
            Kind::Cpu(gemv) => gemv,
            Kind::Fabric(gemv) => &mut **gemv,
            Kind::Fallback(gemv) => &mut **gemv,
        }
    }

    /// What a person calls it.
    pub fn name(&mut self) -> String {
        let name = self.gemv().name();
        self.form.map_or(name.clone(), |form| format!("{name}, {form}"))
    }

    /// Says how a model is run, for [`Self::name`].
    pub fn set_form(&mut self, form: &'static str) {
        self.form = Some(form);
    }

    /// Why each product that a board has no room for runs on the CPU.
    pub fn refusals(&self) -> Vec<String> {
        self.refusals.borrow().clone()
    }

    /// One line on the products that run on the CPU, if any do.
    pub fn remark(&self) -> Option<String> {
        let refusals = self.refusals.borrow();
        let first = refusals.first()?;
        Some(format!("{} products run on the CPU, the first because {first}; 'nda plan' lists all", refusals.len()))
    }

    /// Sends all weights to the board now, with a bar; a CPU has them already.
    pub fn upload(&mut self) -> Outcome {
        let fabric = match &mut self.kind {
            Kind::Cpu(_) => return Ok(()),
            Kind::Fabric(fabric) => fabric,
            Kind::Fallback(fallback) => &mut fallback.boards,
        };
        let mut bar = Progress::new("uploading");
        fabric.set_progress(move |done, total| bar.set(done as usize, total as usize));
        fabric.upload().map_err(|e| device_failure(&e, fabric.name()).into())
    }
}

/// Opens a back end that does everything itself or refuses: for `gemv` and `verify`.
pub fn open<'m>(name: &BackendName) -> Outcome<Backend<'m>> {
    let kind = match name {
        BackendName::Cpu(variant) => Kind::Cpu(cpu(*variant)?),
        _ => Kind::Fabric(Box::new(boards(name)?)),
    };
    Ok(Backend { kind, refusals: Refusals::default(), form: None })
}

/// Opens a back end for a model: products that boards have no room for run on the CPU, because their weights
/// would travel with every token.
pub fn open_for_model<'m>(name: &BackendName, weights: &Weights<'_>) -> Outcome<Backend<'m>> {
    let boards = match name {
        BackendName::Cpu(_) => return open(name),
        BackendName::Fitting(board) if !fits(weights, board) => growing(&deep(board)?)?,
        _ => boards(name)?,
    };
    let refusals = Refusals::default();
    let fallback = Fallback { boards, cpu: CpuGemv::new(), places: Vec::new(), refusals: Rc::clone(&refusals) };
    Ok(Backend { kind: Kind::Fallback(Box::new(fallback)), refusals, form: None })
}

/// Whether one such board holds all of a model's weights.
fn fits(weights: &Weights<'_>, board: &BackendName) -> bool {
    let (BackendName::Sim(config, _) | BackendName::Loopback(config, _)) = board else { return true };
    let g = &config.geometry;
    let words = |shape: nda_engine::RunShape| words(g, &shape.parts, shape.cols).next_multiple_of(g.page_words);
    let all = weights.fused_layers().into_iter().flat_map(|(_, products)| products.run_shapes());
    // The last product needs no whole page.
    all.map(words).fold(0, usize::saturating_add) < g.tile_words + g.page_words
}

/// The same kind of board with more memory.
fn deep(board: &BackendName) -> Outcome<BackendName> {
    let deep = config(DEEP_CONFIG)?;
    Ok(match board {
        BackendName::Loopback(_, port) => BackendName::Loopback(deep, *port),
        _ => BackendName::Sim(deep, SimPort::Parallel),
    })
}

/// As many boards as the weights take.
fn growing<'m>(board: &BackendName) -> Outcome<Boards<'m>> {
    let first = fabric(board)?;
    let board = board.clone();
    Ok(FabricPool::growing(first, move || {
        fabric(&board).map_err(|stop| match stop {
            Stop::Failure(failure) => BoardError::from(failure.error),
            _ => BoardError::from("the command ends"),
        })
    }))
}

fn cpu<'m>(variant: Option<Variant>) -> Outcome<CpuGemv<'m>> {
    let Some(variant) = variant else {
        return Ok(CpuGemv::new());
    };
    let gemv = CpuGemv::with_variant(variant).map_err(|e| {
        let names = Variant::available().into_iter().map(|v| format!("cpu:{}", option_name(v))).collect::<Vec<_>>().join(", ");
        Failure::new(
            Exit::Unavailable,
            e,
            format_args!("--backend cpu:{}", option_name(variant)),
            format_args!("this machine runs {names}"),
        )
    })?;
    Ok(gemv)
}

/// Boards of a name, with their sessions open.
fn boards<'m>(name: &BackendName) -> Outcome<Boards<'m>> {
    match name {
        BackendName::Boards(names) => Ok(FabricPool::new(names.iter().map(fabric).collect::<Outcome<Vec<_>>>()?)),
        _ => Ok(FabricPool::new(vec![fabric(name)?])),
    }
}

/// A board of any kind, with its session open.
fn fabric<'m>(name: &BackendName) -> Outcome<Fabric<'m>> {
    let (transport, options) = match name {
        BackendName::Serial { port, baud } => return serial(port, *baud, name),
        BackendName::Sim(config, port) => (simulator::open(config, *port)?, REPEATABLE),
        BackendName::Loopback(config, port) => (loopback(config, *port), REPEATABLE),
        BackendName::Fitting(board) => return fabric(board),
        BackendName::Cpu(_) | BackendName::Boards(_) => unreachable!("no single board"),
    };
    let driver = Driver::open(transport, options).map_err(|e| device_failure(&e, name))?;
    Ok(FabricGemv::new(driver))
}

/// Fixed nonces for boards that belong to this process: the same command takes the same cycles.
pub const REPEATABLE: DriverOptions = DriverOptions { seed: 1, max_tries: 8, max_syncs: 3 };

/// A board through whatever leads to it.
pub type Fabric<'m> = FabricGemv<'m, Box<dyn Transport>>;

/// One board or several.
pub type Boards<'m> = FabricPool<'m, Box<dyn Transport>>;

/// What a board or its link said.
pub fn device_failure(error: &DeviceError, name: impl fmt::Display) -> Failure {
    let help = "check power, cable and image; list what is there with 'nda devices'; '--backend cpu' needs no board";
    Failure::new(Exit::Device, error, name, help)
}

fn loopback(config: &Config, port: SimPort) -> Box<dyn Transport> {
    let (port, bytes_per_second) = match port {
        SimPort::Parallel => (ModelPort::Parallel, config.clk_hz),
        SimPort::Uart => (ModelPort::Uart, config.baud / 10),
    };
    Box::new(Loopback::with_line(ModelDevice::new(config, port), bytes_per_second.into(), Duration::ZERO))
}

fn serial<'m>(port: &str, baud: Option<u32>, name: &BackendName) -> Outcome<Fabric<'m>> {
    let (driver, notes) = nda_device::open_serial(port, baud, DriverOptions::default()).map_err(|e| device_failure(&e, name))?;
    notes.iter().for_each(output::note);
    Ok(FabricGemv::new(driver))
}

/// The serial ports that are there.
pub fn serial_ports() -> Vec<SerialDevice> {
    nda_device::devices()
}

/// Words of the tile store that stacked parts of so many rows take: each starts with a row group of its own.
pub fn words(geometry: &Geometry, rows_of_parts: &[usize], cols: usize) -> usize {
    let groups: usize = rows_of_parts.iter().map(|rows| rows.div_ceil(geometry.array_rows)).sum();
    groups.saturating_mul(cols.div_ceil(geometry.array_cols))
}

/// Who has a matrix.
enum Place {
    Fabric(MatrixId),
    Cpu(MatrixId),
}

/// Boards as far as they have room, the CPU for the rest.
struct Fallback<'m> {
    boards: Boards<'m>,
    cpu: CpuGemv<'m>,
    places: Vec<Place>,
    refusals: Refusals,
}

impl<'m> Fallback<'m> {
    /// Why boards should not have these parts, if they should not.
    fn refusal(&self, parts: &[TileMatrix<'m>]) -> Option<String> {
        let rows: Vec<usize> = parts.iter().map(TileMatrix::rows).collect();
        let cols = parts.first().map_or(0, TileMatrix::cols);
        (!self.boards.has_room(&rows, cols)).then(|| {
            let words = words(self.boards.boards()[0].driver().geometry(), &rows, cols);
            let (left, all) = self.boards.words();
            format!("it needs {words} tile words, but {left} of {all} are left; its weights would travel with every token")
        })
    }
}

impl<'m> Gemv<'m> for Fallback<'m> {
    fn name(&self) -> String {
        let on_cpu = self.places.iter().filter(|p| matches!(p, Place::Cpu(_))).count();
        match on_cpu {
            0 => self.boards.name(),
            n => format!("{}, {n} of {} products on {}", self.boards.name(), self.places.len(), self.cpu.name()),
        }
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.cpu.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        let place = match self.refusal(parts) {
            None => Place::Fabric(self.boards.prepare(parts)?),
            Some(refusal) => {
                self.refusals.borrow_mut().push(refusal);
                Place::Cpu(self.cpu.prepare(parts)?)
            }
        };
        self.places.push(place);
        Ok(MatrixId(self.places.len() - 1))
    }

    fn prepare_program(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<Option<ProgramId>, GemvError> {
        let places = &self.places;
        let on_board = |number: usize| match places.get(matrix(number)?.0)? {
            Place::Fabric(id) => Some(*id),
            Place::Cpu(_) => None,
        };
        self.boards.prepare_program(program, &on_board)
    }

    fn run_program(&mut self, id: ProgramId, continues: bool, input: &[u8], output: &mut Vec<u8>) -> Result<Cost, GemvError> {
        self.boards.run_program(id, continues, input, output)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        match self.places.get(id.0) {
            Some(Place::Fabric(id)) => self.boards.run(*id, x, y),
            Some(Place::Cpu(id)) => self.cpu.run(*id, x, y),
            None => Err(GemvError::UnknownMatrix { id }),
        }
    }

    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        match self.places.get(id.0) {
            Some(Place::Fabric(id)) => self.boards.run_vectors(*id, vectors, x, y),
            Some(Place::Cpu(id)) => self.cpu.run_vectors(*id, vectors, x, y),
            None => Err(GemvError::UnknownMatrix { id }),
        }
    }

    fn share(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        self.cpu.share(tasks, work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_parsed_and_printed_in_full() {
        for (text, printed) in [
            ("cpu", "cpu"),
            ("cpu:avx512", "cpu:avx512"),
            ("cpu:portable", "cpu:portable"),
            ("sim", "sim:wide256"),
            ("sim:nano16", "sim:nano16"),
            ("sim:wide256*3+sim-uart:nano16", "sim:wide256*3+sim-uart:nano16"),
            ("sim:nano16+sim:nano16*2", "sim:nano16*3"),
            ("sim*2", "sim:wide256*2"),
            ("serial:/dev/ttyUSB0+serial:/dev/ttyUSB1@115200", "serial:/dev/ttyUSB0+serial:/dev/ttyUSB1@115200"),
            ("sim-uart", "sim-uart:wide256"),
            ("loopback", "loopback:wide256"),
            ("loopback-uart:small64", "loopback-uart:small64"),
            ("serial:/dev/ttyUSB0", "serial:/dev/ttyUSB0"),
            ("serial:COM3@115200", "serial:COM3@115200"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), printed);
        }
        for bad in [
            "",
            "gpu",
            "cpu:mmx",
            "sim:",
            "sim:huge",
            "serial",
            "serial:",
            "serial:p@x",
            "serial:p@0",
            "cpu+sim",
            "sim*0",
            "sim*9999",
            "sim*x",
            "serial:p*2",
            "sim+",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
