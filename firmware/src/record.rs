//! The build record: what a bitstream was made of, and what came out.

use crate::error::{FlowError, read, write};
use crate::report::{Clock, Use};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Version of the record's meaning; part of every id.
pub const SCHEMA: u32 = 1;

/// BLAKE3 as hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Everything that decides what a bitstream is. Its digest is the bitstream's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The row's name.
    pub board: String,
    /// `IDENT.board`.
    pub board_id: u16,
    /// The part.
    pub part: String,
    /// The configuration.
    pub configuration: String,
    /// BLAKE3 of the emitted Verilog with the board's id, and 0 as the build.
    pub verilog: String,
    /// BLAKE3 of the top.
    pub top: String,
    /// BLAKE3 of the constraints as the tools get them.
    pub constraints: String,
    /// Versions of the packages.
    pub tools: BTreeMap<String, String>,
    /// The script of the synthesis.
    pub synthesis: String,
    /// Arguments of nextpnr but for files and seed.
    pub route: Vec<String>,
    /// Arguments of the packer but for files.
    pub pack: Vec<String>,
    /// nextpnr's seed.
    pub seed: u64,
}

impl Inputs {
    /// The bitstream's id: the first eight bytes of the digest, which `IDENT` returns as the build.
    pub fn id(&self) -> u64 {
        // Field order is the struct's and maps are sorted, so equal inputs have equal text.
        let text = serde_json::to_vec(self).unwrap_or_default();
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::hash(&text).as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    /// The same with another seed.
    pub fn with_seed(&self, seed: u64) -> Inputs {
        Inputs { seed, ..self.clone() }
    }
}

/// One seed's place and route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// The id of a bitstream with this seed, as hexadecimal digits.
    pub id: String,
    /// The system clock; 0 MHz where nextpnr found no legal placement.
    pub clock: Clock,
    /// Whether every clock is fast enough.
    pub met: bool,
    /// nextpnr's wall-clock time.
    pub seconds: f64,
}

impl Run {
    /// Whether nextpnr found a legal placement.
    pub fn is_placed(&self) -> bool {
        self.clock.achieved > 0.0
    }

    /// The seed and what came of it, as a table has it: `2: 84.9 (missed)`.
    pub fn outcome(&self) -> String {
        let Run { seed, clock, .. } = self;
        match (self.is_placed(), self.met) {
            (false, _) => format!("{seed}: no placement"),
            (true, true) => format!("{seed}: {:.1}", clock.achieved),
            (true, false) => format!("{seed}: {:.1} (missed)", clock.achieved),
        }
    }
}

/// A file by its contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bitstream {
    /// BLAKE3.
    pub blake3: String,
    /// Size.
    pub bytes: u64,
}

/// What was built and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Of the shipped bitstream.
    pub inputs: Inputs,
    /// Its id, as hexadecimal digits.
    pub id: String,
    /// Every seed that was tried.
    pub runs: Vec<Run>,
    /// Cells after synthesis, by type, over the whole hierarchy.
    pub cells: BTreeMap<String, u64>,
    /// What nextpnr counts, where anything is used.
    pub utilization: BTreeMap<String, Use>,
    /// The bitstream.
    pub bitstream: Bitstream,
    /// Wall-clock times by step.
    pub seconds: BTreeMap<String, f64>,
}

/// Least, middle and most of some speeds in MHz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Least.
    pub min: f64,
    /// Middle; of an even number the lower one.
    pub median: f64,
    /// Most.
    pub max: f64,
}

impl Record {
    /// The system clock over the seeds that were placed; `None` without any.
    pub fn spread(&self) -> Option<Spread> {
        let mut all: Vec<f64> = self.runs.iter().filter(|r| r.is_placed()).map(|r| r.clock.achieved).collect();
        all.sort_by(f64::total_cmp);
        Some(Spread { min: *all.first()?, median: *all.get((all.len() - 1) / 2)?, max: *all.last()? })
    }

    /// The run that was shipped.
    pub fn shipped(&self) -> Option<&Run> {
        self.runs.iter().find(|r| r.seed == self.inputs.seed)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// It is not there, is not a record, or its id is not that of its inputs.
    pub fn read(path: &Path) -> Result<Record, FlowError> {
        let record: Record = serde_json::from_str(&read(path)?).map_err(|e| FlowError::malformed(path, e))?;
        let id = id_text(record.inputs.id());
        if id != record.id {
            return Err(FlowError::malformed(path, format!("the id is {}, but the inputs' digest starts with {id}", record.id)));
        }
        Ok(record)
    }

    /// Writes it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FlowError> {
        let text = serde_json::to_string_pretty(self).map_err(|e| FlowError::malformed(path, e))?;
        write(path, format!("{text}\n").as_bytes())
    }
}

/// An id as people read it.
pub fn id_text(id: u64) -> String {
    format!("{id:016x}")
}

/// Two digits behind the point: more would be noise.
pub(crate) fn rounded(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}
