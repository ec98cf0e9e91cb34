//! How long a token takes on a board: array, link and turnarounds, one after the other.
//!
//! A projection: cycles are exact (`nda_spec::cycles`), bytes are counted, the clock is the routed one, but what a
//! USB bridge and a host's scheduler add to every round trip is assumed, and nothing has run on a board.
//!
//! # Example
//!
//! ```
//! use nda_boards::Board;
//!
//! let board = Board::named("ulx3s-85f")?;
//! assert_eq!(board.config()?.geometry.lanes(), 512);
//! # Ok::<(), nda_boards::BoardError>(())
//! ```

use nda_spec::Config;

/// Seconds that a round trip takes besides its bytes: a USB frame of 1 ms each way is shared by request and response
/// when the bridge's latency timer is 1 ms (docs/links.md, section 2).
pub const TURNAROUND_S: f64 = 0.001;
/// Bits of a byte on a UART: start, eight, stop.
const BITS_PER_BYTE: f64 = 10.0;

/// What a token costs a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenWork {
    /// Cycles of the run phases.
    pub run_cycles: u64,
    /// Bytes on the wire, both ways, framing included.
    pub bytes: u64,
    /// Requests that are waited for.
    pub round_trips: u64,
}

/// Where a token's time goes, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenTime {
    /// The array's run phases.
    pub array_s: f64,
    /// Bytes on the UART.
    pub link_s: f64,
    /// Turnarounds of the USB bridge.
    pub turnaround_s: f64,
}

impl TokenTime {
    /// The time of so much work on the image of `config`.
    pub fn new(config: &Config, work: TokenWork) -> TokenTime {
        TokenTime {
            array_s: work.run_cycles as f64 / f64::from(config.clk_hz),
            link_s: work.bytes as f64 * BITS_PER_BYTE / f64::from(config.baud),
            turnaround_s: work.round_trips as f64 * TURNAROUND_S,
        }
    }

    /// All of it.
    pub fn total_s(&self) -> f64 {
        self.array_s + self.link_s + self.turnaround_s
    }

    /// Tokens a second; 0 if there is no work on the board.
    pub fn tokens_per_second(&self) -> f64 {
        if self.total_s() > 0.0 { 1.0 / self.total_s() } else { 0.0 }
    }

    /// The largest of the three, by name.
    pub fn limit(&self) -> &'static str {
        let terms = [(self.array_s, "array"), (self.link_s, "link"), (self.turnaround_s, "turnaround")];
        terms.into_iter().fold(terms[0], |most, term| if term.0 > most.0 { term } else { most }).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_and_the_largest_names_the_limit() {
        let mut config = Config::named("nano16").unwrap();
        (config.clk_hz, config.baud) = (10_000_000, 1_000_000);
        let time = TokenTime::new(&config, TokenWork { run_cycles: 50_000, bytes: 2_000, round_trips: 3 });
        assert!((time.array_s - 0.005).abs() < 1e-12 && (time.link_s - 0.02).abs() < 1e-12 && (time.turnaround_s - 0.003).abs() < 1e-12);
        assert!((time.tokens_per_second() - 1.0 / 0.028).abs() < 1e-9);
        assert_eq!(time.limit(), "link");
        let work = TokenWork { run_cycles: 50_000_000, bytes: 1, round_trips: 1 };
        assert_eq!(TokenTime::new(&config, work).limit(), "array");
        assert_eq!(TokenTime::new(&config, TokenWork::default()).tokens_per_second(), 0.0);
    }
}
