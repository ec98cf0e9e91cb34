//! What a run may take.

use serde::{Deserialize, Serialize};

/// Upper bounds of a run. Processes and memory are those of all of the box together; a process alone is bounded as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Milliseconds from the start of the command.
    pub wall_ms: u64,
    /// Seconds of a processor, per process.
    pub cpu_s: u64,
    /// Bytes of memory of all processes together, as they are resident; address space of each.
    pub memory_bytes: u64,
    /// Processes and threads at a time.
    pub processes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files in the scratch.
    pub scratch_bytes: u64,
    /// Bytes of output that are kept; what is more is counted alone.
    pub output_bytes: u64,
}

impl Default for Limits {
    /// Ten minutes, 4 GiB of memory, 256 processes, files of 512 MiB in a scratch of 2 GiB, 4 MiB of output.
    fn default() -> Limits {
        let mib = 1 << 20;
        Limits {
            wall_ms: 600_000,
            cpu_s: 600,
            memory_bytes: 4096 * mib,
            processes: 256,
            file_bytes: 512 * mib,
            scratch_bytes: 2048 * mib,
            output_bytes: 4 * mib,
        }
    }
}

/// A limit of the whole box that a run went over; it was killed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exceeded {
    /// Time on the wall.
    Time,
    /// Memory of all processes.
    Memory,
    /// Processes at a time.
    Processes,
    /// Bytes in the scratch.
    Scratch,
}

impl Exceeded {
    /// Which limit, with its value.
    pub fn describe(self, limits: &Limits) -> String {
        match self {
            Exceeded::Time => format!("it ran longer than {} ms", limits.wall_ms),
            Exceeded::Memory => format!("its processes took more than {} bytes of memory", limits.memory_bytes),
            Exceeded::Processes => format!("it had more than {} processes", limits.processes),
            Exceeded::Scratch => format!("it wrote more than {} bytes", limits.scratch_bytes),
        }
    }
}
