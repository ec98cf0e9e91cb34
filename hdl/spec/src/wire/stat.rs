//! The counters that `STAT` returns.

use super::STAT_BYTES;

/// The device's counters: what `STAT` returns. All wrap at 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// Frames acted on.
    pub frames_ok: u32,
    /// Frames whose CRC-32 was wrong, or shorter than a header.
    pub bad_crc: u32,
    /// Frames that were not COBS or had a framing error in a byte.
    pub bad_frame: u32,
    /// Frames longer than a slot, or that found no free slot.
    pub overrun: u32,
    /// Jobs run.
    pub jobs: u32,
    /// Cycles in run phases.
    pub run_cycles: u32,
    /// Beats of the array.
    pub beats: u32,
    /// Cycles in which a response byte waited for the link.
    pub tx_wait: u32,
    /// Cycles in which a received byte waited for a free slot (parallel port only).
    pub rx_wait: u32,
    /// Cycles since reset.
    pub uptime: u32,
}

impl Stat {
    /// The counters in page order.
    pub const fn to_words(self) -> [u32; STAT_BYTES / 4] {
        let Stat { frames_ok, bad_crc, bad_frame, overrun, jobs, run_cycles, beats, tx_wait, rx_wait, uptime } = self;
        [frames_ok, bad_crc, bad_frame, overrun, jobs, run_cycles, beats, tx_wait, rx_wait, uptime]
    }

    /// The counters of a page, or `None` if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Stat> {
        let bytes: &[u8; STAT_BYTES] = bytes.try_into().ok()?;
        let word = |i: usize| u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
        Some(Stat {
            frames_ok: word(0),
            bad_crc: word(1),
            bad_frame: word(2),
            overrun: word(3),
            jobs: word(4),
            run_cycles: word(5),
            beats: word(6),
            tx_wait: word(7),
            rx_wait: word(8),
            uptime: word(9),
        })
    }
}
