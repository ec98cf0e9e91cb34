//! The simulated board: the emitted Verilog behind [`Transport`], through its pins or its parallel port.
//!
//! Time is the board's: cycles divided by the configuration's clock. The model runs only while the host sends
//! or waits, so a run is the same on every machine.

use crate::wave::WaveSink;
use crate::{Model, PortId, SimError, Stalls, WaveFormat, builds};
use nda_device::ByteDevice;
use nda_device::{Transport, TransportError};
use nda_spec::Config;
use nda_spec::config::DEFAULT_CONFIG;
use nda_spec::wire::WAIT_CYCLES;
use std::collections::VecDeque;
use std::time::Duration;

/// Which of a board's ports the host talks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// Eight bits a cycle with ready/valid.
    Parallel,
    /// The UART's two pins, every bit of them.
    Uart,
}

impl Port {
    /// The name in model names and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Port::Parallel => "parallel",
            Port::Uart => "uart",
        }
    }
}

/// Cycles of silence after a byte before `receive` returns what came: a response's bytes follow one another.
const GAP_CYCLES: u64 = 4;
/// Cycles that one `drain` of a [`ByteDevice`] runs at most.
const DRAIN_CYCLES: u64 = 20_000;
/// Cycles that a board may take for a word of its tile store, many times over: a job of 8 plane groups reads each 8 times.
const CYCLES_PER_WORD: u64 = 32;
/// Cycles behind a byte after which a board has certainly no answer left to give: a job's, or the longest wait of a `TOKENS`.
fn patience(config: &Config) -> u64 {
    let tokens = if config.token.is_some() { WAIT_CYCLES * u64::from(u8::MAX) } else { 0 };
    DRAIN_CYCLES + CYCLES_PER_WORD * config.geometry.tile_words as u64 + tokens
}

/// What a host's own work between frames is taken as; there is no USB in a simulation.
const LATENCY: Duration = Duration::from_micros(20);

enum Pins {
    Parallel { rx_valid: PortId, rx_data: PortId, rx_ready: PortId, tx_valid: PortId, tx_data: PortId, tx_ready: PortId },
    Uart { rx: PortId, tx: PortId, line: UartLine },
}

/// The host's side of the UART, bit by bit. Times are thousandths of the board's cycles: the host has a clock of its own.
struct UartLine {
    /// How long the host takes a bit to be.
    bit: i64,
    /// Bits to send, start bit lightest; 0 if idle.
    sending: u16,
    send_bits: u32,
    send_left: i64,
    receiving: u16,
    receive_bits: u32,
    receive_left: i64,
}

/// A cycle, in the units of [`UartLine`].
const CYCLE: i64 = 1_000;

/// A simulated board.
pub struct SimBoard {
    model: Model,
    pins: Pins,
    name: String,
    clk_hz: u32,
    bytes_per_second: u64,
    outbox: VecDeque<u8>,
    inbox: VecDeque<u8>,
    stalls: Option<Stalls>,
    /// A byte was offered to the parallel port and not taken yet.
    offering: bool,
    framing_errors: u64,
    /// The cycle in which a byte last came or went, and how long the board may work on it.
    last_byte: u64,
    patience: u64,
}

impl SimBoard {
    /// Whether this build has the board of a configuration with this port.
    pub fn is_built(config_name: &str, port: Port) -> bool {
        builds::BUILDS.iter().any(|built| (built.0, built.1) == (config_name, port.name()))
    }

    /// The board of a shipped configuration, as after power-up.
    ///
    /// # Errors
    /// [`SimError::Config`] for an unknown name, [`SimError::Configuration`] and [`SimError::SlowUart`] for a board that this
    /// build does not have, [`SimError::Make`].
    pub fn new(config_name: &str, port: Port) -> Result<SimBoard, SimError> {
        SimBoard::of_model(config_name, port, "")
    }

    /// The same board from a model that can write waves.
    ///
    /// # Errors
    /// Those of [`SimBoard::new`]; [`SimError::NoWaves`] if it was built to run alone.
    pub fn with_waves(config_name: &str, port: Port) -> Result<SimBoard, SimError> {
        if cfg!(feature = "waves") { SimBoard::of_model(config_name, port, "_waves") } else { Err(SimError::NoWaves) }
    }

    fn of_model(config_name: &str, port: Port, kind: &str) -> Result<SimBoard, SimError> {
        let config = Config::named(config_name)?;
        if !SimBoard::is_built(&config.name, Port::Parallel) {
            return Err(SimError::Configuration { config: config.name, built: DEFAULT_CONFIG });
        }
        if !SimBoard::is_built(&config.name, port) {
            return Err(SimError::SlowUart { bit_cycles: config.uart_divisor(), config: config.name });
        }
        let mut model = Model::new(&format!("board_{}_{}{kind}", config.name, port.name()))?;
        let pins = match port {
            Port::Parallel => Pins::Parallel {
                rx_valid: model.port("rx_valid"),
                rx_data: model.port("rx_data"),
                rx_ready: model.port("rx_ready"),
                tx_valid: model.port("tx_valid"),
                tx_data: model.port("tx_data"),
                tx_ready: model.port("tx_ready"),
            },
            Port::Uart => {
                let rx = model.port("rx");
                model.set(rx, 1);
                Pins::Uart { rx, tx: model.port("tx"), line: UartLine::new(config.uart_divisor()) }
            }
        };
        // The registers' power-up values reach the outputs.
        model.eval();
        let bytes_per_second = match port {
            Port::Parallel => u64::from(config.clk_hz),
            Port::Uart => u64::from(config.baud) / 10,
        };
        let mut board = SimBoard {
            model,
            pins,
            name: format!("simulated {} ({})", config.name, if port == Port::Uart { "UART pins" } else { "parallel port" }),
            clk_hz: config.clk_hz,
            bytes_per_second,
            outbox: VecDeque::new(),
            inbox: VecDeque::new(),
            stalls: None,
            offering: false,
            framing_errors: 0,
            last_byte: 0,
            patience: patience(&config),
        };
        if port == Port::Uart {
            // The line's two synchroniser registers power up as idle; let a byte's time pass anyway, as a person would.
            for _ in 0..10 * config.uart_divisor() {
                board.cycle();
            }
        }
        Ok(board)
    }

    /// The same board with random waits on both sides of its parallel port.
    #[must_use]
    pub fn with_stalls(mut self, stalls: Stalls) -> SimBoard {
        self.stalls = Some(stalls);
        self
    }

    /// The same board beside a host whose bits are this many thousandths longer than the board's, or shorter where it is negative;
    /// a parallel port has no bits.
    #[must_use]
    pub fn with_host_clock(mut self, permille: i16) -> SimBoard {
        if let Pins::Uart { line, .. } = &mut self.pins {
            line.bit += line.bit * i64::from(permille) / 1_000;
        }
        self
    }

    /// Writes all signals to a sink from now on, in the board's time; GTKWave and Surfer read both formats.
    ///
    /// # Errors
    /// [`SimError::Wave`]; [`SimError::NoWaves`] unless it is a board of [`SimBoard::with_waves`].
    pub fn trace_to(&mut self, sink: impl WaveSink + 'static, format: WaveFormat) -> Result<(), SimError> {
        self.model.trace_to(Box::new(sink), format, self.clk_hz)
    }

    /// Ends the waves and waits until they are written.
    ///
    /// # Errors
    /// [`SimError::Wave`] if they could not be.
    pub fn trace_end(&mut self) -> Result<(), SimError> {
        self.model.trace_end()
    }

    /// Bytes whose stop bit was low, as the host's side of the UART saw them; 0 unless the board is broken.
    pub fn framing_errors(&self) -> u64 {
        self.framing_errors
    }

    /// One clock cycle with what the host has to send and whatever the board sends.
    #[inline]
    fn cycle(&mut self) {
        match &mut self.pins {
            Pins::Parallel { rx_valid, rx_data, rx_ready, tx_valid, tx_data, tx_ready } => {
                let (hold_out, hold_in) = self.stalls.as_mut().map_or((false, false), Stalls::next);
                // A byte once offered stays until it is taken: the rule holds for the host's side too.
                let offered = if hold_out && !self.offering { None } else { self.outbox.front().copied() };
                self.model.set(*rx_valid, u64::from(offered.is_some()));
                self.model.set(*rx_data, u64::from(offered.unwrap_or(0)));
                self.model.set(*tx_ready, u64::from(!hold_in));
                if hold_out || hold_in {
                    // Ready may follow valid within the cycle; look at it with the inputs of this one.
                    self.model.eval();
                }
                let taken = offered.is_some() && self.model.get(*rx_ready) == 1;
                self.offering = offered.is_some() && !taken;
                if taken {
                    self.outbox.pop_front();
                }
                if !hold_in && self.model.get(*tx_valid) == 1 {
                    self.inbox.push_back(self.model.get(*tx_data) as u8);
                }
                self.model.tick();
            }
            Pins::Uart { rx, tx, line } => {
                let level = line.drive(&mut self.outbox);
                self.model.set(*rx, u64::from(level));
                self.model.tick();
                match line.sample(self.model.get(*tx) == 1) {
                    Some(Ok(byte)) => self.inbox.push_back(byte),
                    Some(Err(FramingError)) => self.framing_errors += 1,
                    None => {}
                }
            }
        }
    }

    /// Cycles until this time of the board's clock, rounded up: after them [`Transport::now`] has reached it, so that
    /// a caller who waits until then does not wait for ever.
    fn cycles_at(&self, time: Duration) -> u64 {
        let cycles = time.as_nanos().saturating_mul(u128::from(self.clk_hz)).div_ceil(1_000_000_000);
        u64::try_from(cycles).unwrap_or(u64::MAX)
    }

    /// Whether bits of the host's are still on their way.
    fn sending(&self) -> bool {
        !self.outbox.is_empty() || matches!(&self.pins, Pins::Uart { line, .. } if line.send_bits > 0)
    }
}

struct FramingError;

impl UartLine {
    fn new(divisor: u32) -> UartLine {
        let bit = i64::from(divisor) * CYCLE;
        UartLine { bit, sending: 0, send_bits: 0, send_left: 0, receiving: 0, receive_bits: 0, receive_left: 0 }
    }

    /// The level of the board's receive pin in this cycle.
    #[inline]
    fn drive(&mut self, outbox: &mut VecDeque<u8>) -> bool {
        if self.send_bits == 0 {
            let Some(byte) = outbox.pop_front() else { return true };
            // Start bit 0, eight data bits lightest first, stop bit 1.
            self.sending = u16::from(byte) << 1 | 1 << 9;
            self.send_bits = 10;
            self.send_left = self.bit;
        }
        let level = self.sending & 1 == 1;
        self.send_left -= CYCLE;
        if self.send_left <= 0 {
            self.sending >>= 1;
            self.send_bits -= 1;
            self.send_left += self.bit;
        }
        level
    }

    /// Looks at the board's transmit pin after a cycle.
    #[inline]
    fn sample(&mut self, level: bool) -> Option<Result<u8, FramingError>> {
        if self.receive_bits == 0 {
            if !level {
                // The first cycle of a start bit: its middle is half a bit away.
                self.receive_bits = 10;
                self.receive_left = self.bit / 2;
                self.receiving = 0;
            }
            return None;
        }
        self.receive_left -= CYCLE;
        if self.receive_left > 0 {
            return None;
        }
        self.receive_left += self.bit;
        self.receiving = self.receiving >> 1 | u16::from(level) << 9;
        self.receive_bits -= 1;
        if self.receive_bits > 0 {
            return None;
        }
        let byte = (self.receiving >> 1) as u8;
        Some(if self.receiving & 1 == 0 && self.receiving >> 9 == 1 { Ok(byte) } else { Err(FramingError) })
    }
}

impl Transport for SimBoard {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn now(&self) -> Duration {
        Duration::from_nanos((u128::from(self.model.cycles()) * 1_000_000_000 / u128::from(self.clk_hz)) as u64)
    }

    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        let start = self.now();
        self.outbox.extend(bytes);
        let limit = self.cycles_at(deadline);
        while self.sending() {
            if self.model.cycles() >= limit {
                self.outbox.clear();
                let waited_ms = (self.now() - start).as_millis() as u64;
                return Err(TransportError::SendTimeout { device: self.describe(), waited_ms });
            }
            self.cycle();
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        let limit = self.cycles_at(deadline);
        let mut quiet = 0;
        let mut seen = self.inbox.len();
        while self.model.cycles() < limit && self.inbox.len() < buffer.len() && !(seen > 0 && quiet >= GAP_CYCLES) {
            self.cycle();
            quiet = if self.inbox.len() == seen { quiet + 1 } else { 0 };
            seen = self.inbox.len();
        }
        let n = buffer.len().min(self.inbox.len());
        for (slot, byte) in buffer.iter_mut().zip(self.inbox.drain(..n)) {
            *slot = byte;
        }
        Ok(n)
    }

    fn latency(&self) -> Duration {
        LATENCY
    }

    fn bytes_per_second(&self) -> u64 {
        self.bytes_per_second
    }

    fn cycles(&self) -> Option<u64> {
        Some(self.model.cycles())
    }
}

impl ByteDevice for SimBoard {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.outbox.extend(bytes);
        self.last_byte = self.model.cycles();
    }

    fn drain(&mut self, out: &mut Vec<u8>) -> bool {
        let start = self.model.cycles();
        let (mut quiet, mut seen) = (0, self.inbox.len());
        // A response is handed over as soon as it is whole: somebody waits for it.
        while self.model.cycles() - start < DRAIN_CYCLES && !(seen > 0 && quiet >= GAP_CYCLES) {
            self.cycle();
            quiet = if self.inbox.len() == seen { quiet + 1 } else { 0 };
            seen = self.inbox.len();
        }
        if seen > 0 || self.sending() {
            self.last_byte = self.model.cycles();
        }
        out.extend(self.inbox.drain(..));
        self.model.cycles() - self.last_byte < self.patience
    }

    fn cycles(&self) -> u64 {
        self.model.cycles()
    }

    fn clk_hz(&self) -> u32 {
        self.clk_hz
    }
}
