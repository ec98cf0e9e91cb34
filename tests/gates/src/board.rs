//! A board's netlist behind [`Transport`]. Time is the board's: cycles divided by the configuration's clock.

use crate::GateError;
use nda_device::{Transport, TransportError};
use nda_spec::Config;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Cycles of silence after a byte before `receive` returns what came: a response's bytes follow one another.
const GAP_CYCLES: u64 = 4;
/// What a host's own work between frames is taken as; there is no USB in a simulation.
const LATENCY: Duration = Duration::from_micros(20);
/// The requests of `shim/board.cpp`.
const SEND: u64 = 1;
const RECEIVE: u64 = 2;

/// The netlist of a board with a parallel port, as after power-up.
pub struct GateBoard {
    child: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
    name: String,
    clk_hz: u32,
    cycles: u64,
}

impl GateBoard {
    /// Starts the program that [`crate::build`] made of a board's netlist. `seed` chooses what no cell model defines: the
    /// first content of memories without one, and the words of a read that meets a write.
    ///
    /// # Errors
    /// [`GateError::Missing`] if it cannot be started.
    pub fn start(program: &Path, config: &Config, seed: u32) -> Result<GateBoard, GateError> {
        let failed = |reason: String| GateError::Missing { tool: program.display().to_string(), reason };
        let mut child = Command::new(program)
            .arg(seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        let (requests, answers) = (child.stdin.take(), child.stdout.take());
        let answers = answers.ok_or_else(|| failed("it has no output".into()))?;
        Ok(GateBoard { child, requests, answers, name: format!("netlist of {}", config.name), clk_hz: config.clk_hz, cycles: 0 })
    }

    /// One request; returns the bytes that were not taken, and those that came.
    fn ask(&mut self, head: &[u64], bytes: &[u8]) -> std::io::Result<(u64, Vec<u8>)> {
        let mut request: Vec<u8> = head.iter().flat_map(|n| n.to_le_bytes()).collect();
        request.extend(bytes);
        let pipe = self.requests.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        pipe.write_all(&request)?;
        pipe.flush()?;
        let mut answer = [0; 24];
        self.answers.read_exact(&mut answer)?;
        let number = |i: usize| answer[8 * i..8 * i + 8].iter().rev().fold(0, |all, &b| all << 8 | u64::from(b));
        self.cycles = number(0);
        let mut came = vec![0; number(2) as usize];
        self.answers.read_exact(&mut came)?;
        Ok((number(1), came))
    }

    fn lost(&self, error: &std::io::Error) -> TransportError {
        TransportError::Lost { device: self.name.clone(), reason: format!("the simulation ended: {error}") }
    }

    /// Cycles until this time of the board's clock, rounded up: after them `now` has reached it.
    fn cycles_at(&self, time: Duration) -> u64 {
        let cycles = time.as_nanos().saturating_mul(u128::from(self.clk_hz)).div_ceil(1_000_000_000);
        u64::try_from(cycles).unwrap_or(u64::MAX)
    }
}

impl Drop for GateBoard {
    fn drop(&mut self) {
        // The end of its input ends the program.
        self.requests = None;
        let _ = self.child.wait();
    }
}

impl Transport for GateBoard {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn now(&self) -> Duration {
        Duration::from_nanos((u128::from(self.cycles) * 1_000_000_000 / u128::from(self.clk_hz)) as u64)
    }

    fn send(&mut self, bytes: &[u8], deadline: Duration) -> Result<(), TransportError> {
        let start = self.now();
        let limit = self.cycles_at(deadline);
        let (left, _) = self.ask(&[SEND, limit, bytes.len() as u64], bytes).map_err(|e| self.lost(&e))?;
        if left > 0 {
            let waited_ms = (self.now() - start).as_millis() as u64;
            return Err(TransportError::SendTimeout { device: self.describe(), waited_ms });
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], deadline: Duration) -> Result<usize, TransportError> {
        let limit = self.cycles_at(deadline);
        let (_, came) = self.ask(&[RECEIVE, limit, buffer.len() as u64, GAP_CYCLES], &[]).map_err(|e| self.lost(&e))?;
        buffer[..came.len()].copy_from_slice(&came);
        Ok(came.len())
    }

    fn latency(&self) -> Duration {
        LATENCY
    }

    fn bytes_per_second(&self) -> u64 {
        u64::from(self.clk_hz)
    }

    fn cycles(&self) -> Option<u64> {
        Some(self.cycles)
    }
}
