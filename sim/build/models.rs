//! Which models are built, and their Verilog.

use nda_boards::Board;
use nda_cores::{Port, emit, emit::units::units};
use nda_spec::Config;
use nda_spec::config::DEFAULT_CONFIG;

/// Cycles per bit above which a board's UART is not for everyday use: almost all of them would be waiting, and the engine behind
/// the pins is that of the parallel port. Tests have the UART of every routed board.
const MOST_BIT_CYCLES: u32 = 20;

/// One model: a top module and the Verilog that it is in.
pub struct Model {
    pub name: String,
    pub top: String,
    pub verilog: String,
    /// The C++ compiler's level: boards run millions of cycles, units thousands.
    pub optimise: u32,
    pub kind: Kind,
}

/// What a model is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To run.
    Fast,
    /// To show every signal.
    Waves,
}

/// The build hash of a board.
pub struct Build {
    pub config: String,
    pub port: &'static str,
    pub hash: u64,
}

/// All models of this build.
pub struct Models {
    /// The widest first, because they take longest.
    pub all: Vec<Model>,
    pub builds: Vec<Build>,
}

impl Models {
    /// Emits what the features ask for.
    pub fn emit() -> Result<Models, String> {
        let (mut all, mut builds) = (Vec::new(), Vec::new());
        let images = images()?;
        for config in Config::all().map_err(|e| e.to_string())?.iter().filter(|config| is_asked_for(config)) {
            for port in Port::ALL.into_iter().filter(|&port| is_simulated(config, port) || images.contains(&config.name)) {
                let emitted = emit(config, port).map_err(|e| format!("{} ({}): {e}", config.name, port.name()))?;
                let name = format!("board_{}_{}", config.name, port.name());
                builds.push(Build { config: config.name.clone(), port: port.name(), hash: emitted.ident.build });
                let (top, verilog) = (emitted.top.to_string(), emitted.verilog);
                if cfg!(feature = "waves") && is_simulated(config, port) {
                    let (name, top, verilog) = (format!("{name}_waves"), top.clone(), verilog.clone());
                    all.push(Model { name, top, verilog, optimise: 1, kind: Kind::Waves });
                }
                let optimise = if is_simulated(config, port) { 3 } else { 1 };
                all.push(Model { name, top, verilog, optimise, kind: Kind::Fast });
            }
        }
        all.sort_by_key(|model| std::cmp::Reverse(model.verilog.len()));
        if cfg!(feature = "units") {
            // A unit without registers has no cycles to simulate: it is proved for every input, and simulated in its board.
            let clocked = units().map_err(|e| e.to_string())?.into_iter().filter(|(_, verilog)| verilog.contains("clock"));
            all.extend(clocked.map(|(name, verilog)| Model {
                name: name.into(),
                top: name.into(),
                verilog,
                optimise: 1,
                kind: Kind::Fast,
            }));
        }
        Ok(Models { all, builds })
    }
}

fn is_asked_for(config: &Config) -> bool {
    cfg!(feature = "configurations") || config.name == DEFAULT_CONFIG
}

/// The configurations of routed boards, for tests.
fn images() -> Result<Vec<String>, String> {
    let boards = if cfg!(feature = "units") { Board::all().map_err(|e| e.to_string())? } else { Vec::new() };
    Ok(boards.into_iter().filter(|board| board.status.is_routed()).map(|board| board.configuration).collect())
}

/// Whether the command can have a board through this port.
fn is_simulated(config: &Config, port: Port) -> bool {
    port == Port::Parallel || config.uart_divisor() <= MOST_BIT_CYCLES
}
