//! The boards: `boards.toml` with one row each, and one pin file for each board revision.
//!
//! A row says what a tool flow, a plan or a person has to know of a board; where a port's pin is stands in the pin
//! file alone. Everything is checked when it is read, so that nothing behind this crate meets a half row. No HDL and no
//! tool is known here.
//!
//! ```
//! use nda_boards::Board;
//!
//! let board = Board::named("ulx3s-85f").expect("a row");
//! let config = board.config()?;
//! assert_eq!(config.name, "token512");
//! // What the PLL makes of the oscillator is the clock that the configuration names.
//! let clock = board.pll.and_then(|pll| pll.output(board.oscillator.hz)).expect("a PLL");
//! assert!((clock.mhz() * 1e6 - f64::from(config.clk_hz)).abs() < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod family;
mod memories;
mod pins;
mod pll;
mod status;
mod time;

pub use error::BoardError;
pub use family::{ECP5_SYNTHESIS, Family};
pub use memories::MemoryFile;
pub use pins::{Pin, PinFile};
pub use pll::{Frequency, Pll, PllError};
pub use status::Status;
pub use time::{TURNAROUND_S, TokenTime, TokenWork};

use nda_spec::Config;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The rows' text (`boards.toml`).
pub const BOARDS_TOML: &str = include_str!("../boards.toml");

macro_rules! files {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../", $name)))),+] };
}

/// Every pin file: name and text.
pub const PIN_FILES: &[(&str, &str)] = files![
    "colorlight-i5.lpf",
    "gatemate-evb.ccf",
    "hx8k-breakout.pcf",
    "icebreaker.pcf",
    "icepi-zero.lpf",
    "orangecrab.lpf",
    "tang-nano-20k.cst",
    "tang-nano-9k.cst",
    "tang-primer-25k.cst",
    "ulx3s.lpf",
];

/// Every memory file: name and text.
pub const MEMORY_FILES: &[(&str, &str)] = files!["ulx3s-85f.ebr"];

/// The level at which an LED is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Active {
    /// Lit by a one.
    High,
    /// Lit by a zero.
    Low,
}

/// The clock that a board has from the start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oscillator {
    /// Its port.
    pub port: String,
    /// Its frequency.
    pub hz: u32,
}

/// Which LED shows what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leds {
    /// The level that lights them.
    pub active: Active,
    /// Lit by good frames.
    pub link: Option<String>,
    /// Lit by the array's work.
    pub busy: Option<String>,
    /// Lit by refused frames.
    pub fault: Option<String>,
    /// Never lit.
    #[serde(default)]
    pub dark: Vec<String>,
}

/// Most that an image may use of a part, in percent of what nextpnr counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// LUTs, flip-flops and carry cells: a fuller part routes badly.
    pub logic_percent: u32,
    /// Block RAM and SPRAM: full is as good as half full.
    pub memory_percent: u32,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { logic_percent: 90, memory_percent: 100 }
    }
}

/// One board revision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// What BOARD= takes: lower case, digits and hyphens.
    pub name: String,
    /// Its name among people.
    pub title: String,
    /// `IDENT.board`; not 0 and never used again for another board.
    pub id: u16,
    /// The tools' family.
    pub family: Family,
    /// The part as it is ordered.
    pub part: String,
    /// nextpnr's name of the device (`85k`, `up5k`, `GW1N-9C`).
    pub device: String,
    /// nextpnr's name of the package; empty where the part says it.
    #[serde(default)]
    pub package: String,
    /// Speed grade; empty where the part says it.
    #[serde(default)]
    pub speed: String,
    /// The pin file.
    pub pins: String,
    /// The file that says where the configuration's memories are; empty where the placer decides.
    #[serde(default)]
    pub memories: String,
    /// The clock source.
    pub oscillator: Oscillator,
    /// The port that the host drives.
    pub rx: String,
    /// The port that the device drives.
    pub tx: String,
    /// What makes USB of the UART.
    pub bridge: String,
    /// Fastest that the bridge is known to work at.
    pub max_baud: u32,
    /// Memory beside the FPGA.
    pub memory: String,
    /// The configuration in hdl/spec/configs.toml; gives clock, baud and geometry.
    pub configuration: String,
    /// From the oscillator to the system clock; none only where the board is not routed.
    pub pll: Option<Pll>,
    /// The LEDs.
    pub leds: Leds,
    /// Configuration pins that the image uses as ordinary ones, as Gowin's tools call them (`cpu`, `done`).
    #[serde(default)]
    pub gpio: Vec<String>,
    /// Ports that are driven high for good.
    #[serde(default)]
    pub high: Vec<String>,
    /// The command that loads `{bitstream}`.
    pub programmer: Vec<String>,
    /// What the image may use.
    #[serde(default)]
    pub budget: Budget,
    /// Routed or not.
    pub status: Status,
    /// What a person should know.
    #[serde(default)]
    pub note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    board: Vec<Board>,
}

/// Which way a port goes, seen from the FPGA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the FPGA.
    Input,
    /// Out of it.
    Output,
}

impl Board {
    /// All boards.
    ///
    /// # Errors
    /// A mistake in boards.toml or a pin file (a test keeps them free of any).
    pub fn all() -> Result<Vec<Board>, BoardError> {
        Board::parse(BOARDS_TOML)
    }

    /// The board of that name.
    ///
    /// # Errors
    /// [`BoardError::Unknown`] names those there are.
    pub fn named(name: &str) -> Result<Board, BoardError> {
        let all = Board::all()?;
        let known = all.iter().map(|b| b.name.as_str()).collect::<Vec<_>>().join(", ");
        all.into_iter().find(|b| b.name == name).ok_or_else(|| BoardError::Unknown { name: name.into(), known })
    }

    /// Boards from a text like boards.toml, each one checked, also against its pin file.
    ///
    /// # Errors
    /// The text's syntax or the first field that cannot be.
    pub fn parse(text: &str) -> Result<Vec<Board>, BoardError> {
        let rows: Rows = toml::from_str(text).map_err(|e| BoardError::Syntax(e.to_string()))?;
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for board in &rows.board {
            board.check()?;
            if !names.insert(&board.name) {
                return Err(board.error("name", "another row has this name".into()));
            }
            if !ids.insert(board.id) {
                return Err(board.error("id", format!("another row has the id {}; an id is never used again", board.id)));
            }
        }
        Ok(rows.board)
    }

    /// The configuration that the board's image is built from.
    ///
    /// # Errors
    /// No such configuration, or one that cannot be built.
    pub fn config(&self) -> Result<Config, BoardError> {
        Config::named(&self.configuration).map_err(|e| self.error("configuration", e.to_string()))
    }

    /// The pin file, parsed.
    ///
    /// # Errors
    /// The file is not there or a line of it is wrong.
    pub fn pin_file(&self) -> Result<PinFile, BoardError> {
        let (name, text) = PIN_FILES
            .iter()
            .find(|(name, _)| *name == self.pins)
            .ok_or_else(|| self.error("pins", format!("there is no pin file '{}'", self.pins)))?;
        PinFile::parse(self.family, name, text)
    }

    /// The memory file, parsed, if the row names one.
    ///
    /// # Errors
    /// The file is not there or a line of it is wrong.
    pub fn memory_file(&self) -> Result<Option<MemoryFile>, BoardError> {
        if self.memories.is_empty() {
            return Ok(None);
        }
        let file = MEMORY_FILES.iter().find(|(name, _)| *name == self.memories);
        let (name, text) = file.ok_or_else(|| self.error("memories", format!("there is no memory file '{}'", self.memories)))?;
        MemoryFile::parse(name, text).map(Some)
    }

    /// The top's ports: name and direction, each bit of a vector for itself.
    pub fn ports(&self) -> Vec<(&str, Direction)> {
        let inputs = [self.oscillator.port.as_str(), self.rx.as_str()];
        let lights = [&self.leds.link, &self.leds.busy, &self.leds.fault];
        let outputs = std::iter::once(&self.tx).chain(lights.into_iter().flatten()).chain(&self.leds.dark).chain(&self.high);
        inputs.into_iter().map(|p| (p, Direction::Input)).chain(outputs.map(|p| (p.as_str(), Direction::Output))).collect()
    }

    fn error(&self, field: &'static str, problem: String) -> BoardError {
        BoardError::Field { board: self.name.clone(), field, problem }
    }

    /// Whether the board can carry its configuration.
    ///
    /// # Errors
    /// No such configuration, or as [`Board::check_config`].
    pub fn check_image(&self) -> Result<(), BoardError> {
        self.check_config(&self.config()?)
    }

    /// Whether the board can carry this configuration: clock and baud rate.
    ///
    /// # Errors
    /// A bridge that is too slow for it, or a PLL that does not make its clock.
    pub fn check_config(&self, config: &Config) -> Result<(), BoardError> {
        if config.baud > self.max_baud {
            let problem = format!("the bridge does {}, but configuration '{}' wants {} baud", self.max_baud, config.name, config.baud);
            return Err(self.error("max_baud", problem));
        }
        let wanted_hz = u64::from(config.clk_hz) * u64::from(self.family.pll_cycles());
        match &self.pll {
            Some(pll) => pll.check(self.family, &self.part, self.oscillator.hz, wanted_hz).map_err(|e| self.error("pll", e.to_string())),
            None if self.status.is_routed() => Err(self.error("pll", "a routed board needs one".into())),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), BoardError> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let percent = |n: u32| (1..=100).contains(&n);
        let placeholders = self.programmer.iter().filter(|a| a.contains("{bitstream}")).count();
        let rules: [(&'static str, bool, String); 9] = [
            ("name", !self.name.is_empty() && self.name.chars().all(is_name), "must be lower case letters, digits and hyphens".into()),
            ("title", !self.title.is_empty(), "must not be empty".into()),
            ("id", self.id != 0, "must not be 0, which is the simulated board".into()),
            (
                "oscillator",
                (1_000_000..=400_000_000).contains(&self.oscillator.hz),
                format!("{} Hz is not 1 to 400 MHz", self.oscillator.hz),
            ),
            ("budget", percent(self.budget.logic_percent) && percent(self.budget.memory_percent), "must be 1 to 100 percent".into()),
            ("programmer", placeholders == 1, "must name {bitstream} once".into()),
            (
                "pins",
                self.pins.rsplit('.').next() == Some(self.family.pin_extension()),
                format!("must end in .{}", self.family.pin_extension()),
            ),
            (
                "memories",
                self.memories.is_empty() || self.family == Family::Ecp5,
                "only an ECP5's block RAMs can be placed by a file".into(),
            ),
            ("note", self.status.is_routed() || !self.note.is_empty(), "must say why the board is not routed".into()),
        ];
        for (field, good, problem) in rules {
            if !good {
                return Err(self.error(field, problem));
            }
        }
        self.memory_file()?;
        self.check_pins()
    }

    /// Every port has one pin, every pin one port.
    fn check_pins(&self) -> Result<(), BoardError> {
        let file = self.pin_file()?;
        let ports = self.ports();
        let names: BTreeSet<&str> = ports.iter().map(|p| p.0).collect();
        if names.len() != ports.len() {
            return Err(self.error("ports", "two of the ports have one name".into()));
        }
        self.check_vectors(&names)?;
        for (port, _) in &ports {
            if file.pin(port).is_none() {
                return Err(self.error("pins", format!("port '{port}' has no pin in {}", self.pins)));
            }
        }
        match file.pins.iter().find(|pin| !names.contains(pin.port.as_str())) {
            Some(pin) => Err(self.error("pins", format!("{} has a pin for '{}', which is not a port of the row", self.pins, pin.port))),
            None => Ok(()),
        }
    }

    /// A vector has all bits from 0 on, and more than one: a tool calls the one bit of a vector by another name.
    fn check_vectors(&self, names: &BTreeSet<&str>) -> Result<(), BoardError> {
        let bits = names.iter().filter_map(|name| name.split_once('['));
        for (base, _) in bits {
            let width = names.iter().filter(|name| name.split_once('[').is_some_and(|(other, _)| other == base)).count();
            if width < 2 || (0..width).any(|bit| !names.contains(format!("{base}[{bit}]").as_str())) {
                return Err(self
                    .error("ports", format!("the bits of '{base}' must be 0, 1 and so on, at least two; name one bit without an index")));
            }
        }
        Ok(())
    }
}
