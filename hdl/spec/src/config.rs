//! Named configurations: which image, how many lanes, how much memory, which link speed.

use crate::code::ARRAY_PLANES;
use crate::token::Sizes;
use crate::token::limits::Misbuilt;
use crate::width;
use crate::wire::{CRC_BYTES, HEADER_BYTES};
use serde::Deserialize;
use std::iter;

/// The shipped configurations' text (`configs.toml`).
pub const CONFIGS_TOML: &str = include_str!("../configs.toml");

/// The configuration that is used when none is named: it makes whole tokens.
pub const DEFAULT_CONFIG: &str = "token1024";
/// The configuration whose UART is simulated unless one is named: a bit of the default's UART takes 100 cycles, nearly all of them idle.
pub const DEFAULT_UART_CONFIG: &str = "wide256";

/// How an array sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArrayKind {
    /// AND-popcounts of weight planes and activation planes: every precision, every family.
    #[default]
    Planes,
    /// Tables of partial sums of four activations, addressed by weight bits: int8 activations in one beat, in LUT RAM.
    Tables,
}

impl ArrayKind {
    /// Every kind.
    pub const ALL: [ArrayKind; 2] = [ArrayKind::Planes, ArrayKind::Tables];

    /// The name in configurations and messages.
    pub const fn name(self) -> &'static str {
        match self {
            ArrayKind::Planes => "planes",
            ArrayKind::Tables => "tables",
        }
    }

    /// The kind's byte in `IDENT`'s page.
    pub const fn to_byte(self) -> u8 {
        self as u8
    }

    /// The kind of that byte, if there is one.
    pub fn from_byte(byte: u8) -> Option<ArrayKind> {
        ArrayKind::ALL.into_iter().find(|kind| kind.to_byte() == byte)
    }
}

/// A rule of a configuration: the field, its value, whether the cores can be built for that, and what it must be.
type Rule = (&'static str, usize, bool, &'static str);

/// The array's shape and its memories' depths: all that the driver needs to lay out a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub struct Geometry {
    /// How the array sums.
    #[serde(default)]
    pub array: ArrayKind,
    /// Rows of W that are summed at once; each has its own accumulator.
    pub array_rows: usize,
    /// Columns of W that are summed at once; a multiple of 8.
    pub array_cols: usize,
    /// Activation planes of one beat: 1, 2, 4 or 8; a table array takes 8.
    pub planes: usize,
    /// Words of the tile store; a word holds one 2-bit weight for every lane.
    pub tile_words: usize,
    /// Words that are written, sealed and checked together; a power of two that divides `tile_words`.
    pub page_words: usize,
    /// Words of the activation store; a word holds `planes` planes of `array_cols` columns.
    pub act_words: usize,
    /// Words of the result store; a word holds `array_rows` results.
    pub result_words: usize,
}

impl Geometry {
    /// Weights that meet activations in one beat.
    pub const fn lanes(&self) -> usize {
        self.array_rows * self.array_cols
    }

    /// Bytes of a tile word: the array's two planes of every lane.
    pub const fn tile_word_bytes(&self) -> usize {
        self.lanes() * ARRAY_PLANES / 8
    }

    /// Bytes of an activation word.
    pub const fn act_word_bytes(&self) -> usize {
        self.array_cols * self.planes / 8
    }

    /// Bytes of a result word on the wire.
    pub const fn result_word_bytes(&self) -> usize {
        self.array_rows * width::RESULT_BYTES
    }

    /// Pages of the tile store.
    pub const fn pages(&self) -> usize {
        self.tile_words / self.page_words
    }

    /// Weights that the tile store holds.
    pub const fn capacity(&self) -> usize {
        self.tile_words * self.lanes()
    }

    /// What the array and its memories can be built for.
    fn rules(&self) -> [Rule; 12] {
        let power = |n: usize, most: usize| n.is_power_of_two() && n <= most;
        [
            ("array_rows", self.array_rows, (1..=64).contains(&self.array_rows), "1 to 64"),
            (
                "array_cols",
                self.array_cols,
                self.array_cols.is_multiple_of(8) && (8..=512).contains(&self.array_cols),
                "a multiple of 8, 8 to 512",
            ),
            ("planes", self.planes, matches!(self.planes, 1 | 2 | 4 | 8), "1, 2, 4 or 8"),
            ("planes", self.planes, self.array == ArrayKind::Planes || self.planes == 8, "8 on an array of tables"),
            (
                "bytes of a tile word",
                self.tile_word_bytes(),
                power(self.tile_word_bytes() / 4, 64),
                "a power of two, 4 to 256 (rows x cols / 4)",
            ),
            (
                "bytes of an activation word",
                self.act_word_bytes(),
                power(self.act_word_bytes(), 256),
                "a power of two, at most 256 (cols x planes / 8)",
            ),
            ("bytes of a result word", self.result_word_bytes(), self.result_word_bytes() <= 255, "at most 255 (3 x array_rows)"),
            ("page_words", self.page_words, self.page_words.is_power_of_two() && self.page_words >= 2, "a power of two"),
            (
                "tile_words",
                self.tile_words,
                self.tile_words > 0 && self.page_words > 0 && self.tile_words.is_multiple_of(self.page_words) && self.tile_words <= 1 << 16,
                "a multiple of page_words, at most 65536",
            ),
            (
                "pages",
                self.tile_words / self.page_words.max(1),
                self.tile_words / self.page_words.max(1) <= 128,
                "at most 128 (tile_words / page_words)",
            ),
            (
                "act_words",
                self.act_words,
                self.act_words.is_power_of_two() && (8..=4096).contains(&self.act_words),
                "a power of two, 8 to 4096",
            ),
            (
                "result_words",
                self.result_words,
                self.result_words.is_power_of_two() && (2..=4096).contains(&self.result_words),
                "a power of two, 2 to 4096",
            ),
        ]
    }
}

/// What the tile store is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightMemory {
    /// Block RAM: a write port and a read port.
    #[default]
    Block,
    /// The single-port RAM of an iCE40 UltraPlus.
    Spram,
}

/// One configuration: an image's name, geometry and link.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// At most 16 ASCII bytes; `IDENT` returns it.
    pub name: String,
    /// The array and its memories.
    #[serde(flatten)]
    pub geometry: Geometry,
    /// Bytes of one received frame's buffer; a power of two.
    pub slot_bytes: usize,
    /// Received frames that the device can hold: the host's window.
    pub slots: usize,
    /// System clock in Hz.
    pub clk_hz: u32,
    /// What the tile store is made of.
    #[serde(default)]
    pub weight_memory: WeightMemory,
    /// UART speed in baud; `clk_hz / baud` must be a whole number of at least 8.
    pub baud: u32,
    /// The token machine's memories, if there is one.
    #[serde(default)]
    pub token: Option<Sizes>,
    /// Whether the element operations of the articles are there.
    #[serde(default)]
    pub seed: bool,
}

/// Why a configuration cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text is not what configs.toml should be.
    #[error("the configurations' text cannot be read: {0}")]
    Syntax(String),
    /// No such name.
    #[error("no configuration is called '{name}'; there are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A number is outside what the cores can be built for.
    #[error("configuration '{name}': {field} is {value}, but must be {rule}")]
    Field {
        /// The configuration.
        name: String,
        /// The field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
struct Configs {
    config: Vec<Config>,
}

impl Config {
    /// All shipped configurations.
    ///
    /// # Errors
    /// A mistake in configs.toml (a test keeps it free of any).
    pub fn all() -> Result<Vec<Config>, ConfigError> {
        Config::parse(CONFIGS_TOML)
    }

    /// The shipped configuration of that name.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] names those there are.
    pub fn named(name: &str) -> Result<Config, ConfigError> {
        let all = Config::all()?;
        let known = all.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
        all.into_iter().find(|c| c.name == name).ok_or_else(|| ConfigError::Unknown { name: name.into(), known })
    }

    /// Configurations from a text like configs.toml, each one checked.
    ///
    /// # Errors
    /// The text's syntax or the first field that cannot be built.
    pub fn parse(text: &str) -> Result<Vec<Config>, ConfigError> {
        let configs: Configs = toml::from_str(text).map_err(|e| ConfigError::Syntax(e.to_string()))?;
        for config in &configs.config {
            config.check()?;
        }
        Ok(configs.config)
    }

    /// Tile words beyond the tile store that hold the token machine's program.
    pub fn program_words(&self) -> usize {
        let g = &self.geometry;
        self.token.map_or(0, |sizes| sizes.program_words(g.tile_word_bytes(), g.page_words))
    }

    /// Payload bytes of the longest request frame.
    pub const fn mtu(&self) -> usize {
        self.slot_bytes - HEADER_BYTES - CRC_BYTES
    }

    /// Clock cycles of one bit on the UART.
    pub const fn uart_divisor(&self) -> u32 {
        match self.clk_hz.checked_div(self.baud) {
            Some(cycles) => cycles,
            None => 0,
        }
    }

    /// Whether the cores can be built so.
    pub fn check(&self) -> Result<(), ConfigError> {
        let g = &self.geometry;
        let name = self.name.len();
        let name: Rule = ("name's length", name, (1..=16).contains(&name) && self.name.is_ascii(), "1 to 16 ASCII characters");
        for (field, value, good, rule) in iter::once(name).chain(g.rules()).chain(self.link_rules()) {
            if !good {
                return Err(ConfigError::Field { name: self.name.clone(), field, value, rule });
            }
        }
        if self.mtu() < g.tile_word_bytes() {
            return Err(ConfigError::Field {
                name: self.name.clone(),
                field: "slot_bytes",
                value: self.slot_bytes,
                rule: "enough for one tile word",
            });
        }
        self.check_token()
    }

    /// What the frames' buffers and the UART can be built for.
    fn link_rules(&self) -> [Rule; 3] {
        let divisor = self.uart_divisor();
        [
            (
                "slot_bytes",
                self.slot_bytes,
                self.slot_bytes.is_power_of_two() && (128..=4096).contains(&self.slot_bytes),
                "a power of two, 128 to 4096",
            ),
            ("slots", self.slots, matches!(self.slots, 2 | 4 | 8), "2, 4 or 8"),
            (
                "uart divisor",
                divisor as usize,
                self.baud > 0 && self.clk_hz.is_multiple_of(self.baud) && (8..=65_535).contains(&divisor),
                "clk_hz / baud, a whole number of at least 8",
            ),
        ]
    }

    fn check_token(&self) -> Result<(), ConfigError> {
        if self.seed && self.token.is_some() {
            let (name, rule) = (self.name.clone(), "left out where there is a token machine: no engine has both");
            return Err(ConfigError::Field { name, field: "seed", value: 1, rule });
        }
        let wrong = |Misbuilt { what: field, value, rule }| ConfigError::Field { name: self.name.clone(), field, value, rule };
        self.token.map_or(Ok(()), |sizes| sizes.check(&self.geometry).map_err(wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_configurations_can_be_built_and_span_16_to_1024_lanes() {
        let all = Config::all().unwrap();
        let lanes: Vec<usize> = all.iter().map(|c| c.geometry.lanes()).collect();
        assert_eq!(lanes, [16, 64, 256, 1024, 256, 256, 64, 64, 32, 256, 1024, 512, 64]);
        let tables: Vec<&str> = all.iter().filter(|c| c.geometry.array == ArrayKind::Tables).map(|c| c.name.as_str()).collect();
        assert_eq!(tables, ["table1024", "table256", "token1024", "token512"]);
        let single_port: Vec<&str> = all.iter().filter(|c| c.weight_memory == WeightMemory::Spram).map(|c| c.name.as_str()).collect();
        assert_eq!(single_port, ["up32"]);
        let seeds: Vec<&str> = all.iter().filter(|c| c.seed).map(|c| c.name.as_str()).collect();
        assert_eq!(seeds, ["seed64"]);
        assert_eq!(Config::named(DEFAULT_CONFIG).unwrap().geometry.tile_word_bytes(), 256);
    }

    #[test]
    fn a_bad_field_is_named_with_its_rule() {
        let text = CONFIGS_TOML.replacen("planes = 1", "planes = 3", 1);
        let message = Config::parse(&text).unwrap_err().to_string();
        assert_eq!(message, "configuration 'nano16': planes is 3, but must be 1, 2, 4 or 8");
        let text = CONFIGS_TOML.replacen("planes = 8", "planes = 4", 1);
        let message = Config::parse(&text).unwrap_err().to_string();
        assert_eq!(message, "configuration 'table1024': planes is 4, but must be 8 on an array of tables");
        let text = CONFIGS_TOML.replacen("wide_words = 32", "wide_words = 65", 1);
        let message = Config::parse(&text).unwrap_err().to_string();
        assert_eq!(message, "configuration 'token1024': words of wide values is 65, but must be 2 to 64");
        let text = CONFIGS_TOML.replacen("baud = 1_000_000\n\n[config.token]", "baud = 1_000_000\nseed = true\n\n[config.token]", 1);
        assert!(matches!(Config::parse(&text), Err(ConfigError::Field { field: "seed", .. })));
        let text = CONFIGS_TOML.replacen("baud = 3_000_000", "baud = 0", 1);
        assert!(matches!(Config::parse(&text), Err(ConfigError::Field { field: "uart divisor", .. })));
        assert!(matches!(Config::named("x"), Err(ConfigError::Unknown { .. })));
    }
}
