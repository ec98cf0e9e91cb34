//! How a session is run, and what went over its link.

use std::time::{SystemTime, UNIX_EPOCH};

/// How a session is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriverOptions {
    /// Seed of nonces, sequence numbers and the first job id.
    pub seed: u64,
    /// How often a frame is sent before the session is started anew.
    pub max_tries: u32,
    /// How often a session is started anew before the device counts as gone.
    pub max_syncs: u32,
}

impl Default for DriverOptions {
    /// A seed of time and process: two sessions share no nonce but by chance.
    fn default() -> DriverOptions {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as u64);
        DriverOptions { seed: time ^ (u64::from(std::process::id()) << 40), max_tries: 8, max_syncs: 3 }
    }
}

/// What went over the link in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DriverStats {
    /// Frames sent, retransmissions included.
    pub frames_sent: u64,
    /// Good frames received.
    pub frames_received: u64,
    /// Frames sent again.
    pub retransmits: u64,
    /// Received frames that were none: COBS, CRC or length.
    pub bad_frames: u64,
    /// Good frames that nobody waited for: late, doubled, of an earlier session.
    pub stray_frames: u64,
    /// Sessions started, the first included.
    pub syncs: u64,
    /// Jobs that were given a new id because their answer was lost or could not be trusted.
    pub reissued_jobs: u64,
    /// Bytes sent, framing included.
    pub bytes_out: u64,
    /// Bytes received, framing and noise included.
    pub bytes_in: u64,
}
