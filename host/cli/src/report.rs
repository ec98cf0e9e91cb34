//! How fast a text came, and what it cost the fabric.

use nda_gemv::{Cost, Work};
use nda_spec::Config;
use serde_json::{Value, json};
use std::time::Duration;

/// The shortest time that gives a speed: below it a scheduler's slice is most of what is measured.
const MEASURABLE: Duration = Duration::from_millis(1);

/// What was multiplied where, in words.
pub fn work_text(cost: &Cost) -> String {
    let part = |work: Work, place: &str| format!("{} products of {} weights on the {place}", work.products, work.weights);
    format!("executed: {}, {}", part(cost.device, "device"), part(cost.cpu, "CPU"))
}

/// What was counted until a token: one line, which the studio's boards show. A token machine has no runs of the array of its own.
pub fn counters_text(pieces: usize, cost: &Cost) -> String {
    let Cost { cycles, run_cycles, beats, bytes_out, bytes_in, jobs, device, cpu } = cost;
    let runs = if *run_cycles > 0 { format!(" ({run_cycles} run cycles, {beats} beats), {jobs} jobs") } else { String::new() };
    format!(
        "counters: {pieces} tokens, {cycles} cycles{runs}, {bytes_out} bytes out, {bytes_in} in; {} products on the device, {} on the CPU",
        device.products, cpu.products
    )
}

/// [`work_text`] as JSON.
pub fn work_json(cost: &Cost) -> Value {
    let part = |work: Work| json!({ "products": work.products, "weights": work.weights });
    json!({ "device": part(cost.device), "cpu": part(cost.cpu) })
}

/// The share of the multiplied weights that a device multiplied, from 0 to 1; none if nothing was multiplied.
pub fn device_share(cost: &Cost) -> Option<f64> {
    let all = cost.device.weights + cost.cpu.weights;
    (all > 0).then(|| cost.device.weights as f64 / all as f64)
}

/// Measured between two tokens of a generation, both included by half: `tokens` steps took `elapsed`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Speed {
    /// Steps measured.
    pub tokens: usize,
    /// Wall time of them.
    pub elapsed: Duration,
    /// What the back end's runs cost in them.
    pub cost: Cost,
}

impl Speed {
    /// Tokens per second of wall time; none over a time too short to tell.
    pub fn tokens_per_second(&self) -> Option<f64> {
        (self.tokens > 0 && self.elapsed >= MEASURABLE).then(|| self.tokens as f64 / self.elapsed.as_secs_f64())
    }

    /// Whether the back end counts cycles.
    pub fn is_fabric(&self) -> bool {
        self.cost.jobs > 0
    }

    /// Whether it counts runs of its array: a token machine tells of whole tokens, not of the jobs in them.
    pub fn counts_runs(&self) -> bool {
        self.cost.run_cycles > 0
    }

    fn per_token(&self, count: u64) -> f64 {
        if self.tokens > 0 { count as f64 / self.tokens as f64 } else { 0.0 }
    }

    /// Device cycles per token, link time included.
    pub fn cycles_per_token(&self) -> f64 {
        self.per_token(self.cost.cycles)
    }

    /// Cycles per token in which jobs ran.
    pub fn run_cycles_per_token(&self) -> f64 {
        self.per_token(self.cost.run_cycles)
    }

    /// Bytes per token to and from the device.
    pub fn bytes_per_token(&self) -> (f64, f64) {
        (self.per_token(self.cost.bytes_out), self.per_token(self.cost.bytes_in))
    }

    /// Requests per token that ran something: round trips of the link.
    pub fn jobs_per_token(&self) -> f64 {
        self.per_token(self.cost.jobs)
    }

    /// Share of the run phases in which the array worked.
    pub fn run_utilisation(&self) -> f64 {
        share(self.cost.beats, self.cost.run_cycles)
    }

    /// Share of all device cycles in which the array worked.
    pub fn total_utilisation(&self) -> f64 {
        share(self.cost.beats, self.cost.cycles)
    }

    /// How many tokens in what time.
    pub fn rate(&self) -> String {
        match self.tokens_per_second() {
            Some(speed) => format!("{} tokens in {:.2} s, {speed:.1} tokens/s", self.tokens, self.elapsed.as_secs_f64()),
            None if self.tokens == 0 => "no token after the first one, so no speed".into(),
            None => format!("{} tokens in less than {} ms, too short for a speed", self.tokens, MEASURABLE.as_millis()),
        }
    }

    /// The lines that a text ends with.
    pub fn text(&self, backend: &str) -> String {
        let mut text = format!("{backend}: {}", self.rate());
        if self.is_fabric() && self.tokens > 0 {
            let (out, back) = self.bytes_per_token();
            let (cycles, bytes) = (self.cycles_per_token(), format!("{} bytes/token to the device, {} back", few(out), few(back)));
            if self.counts_runs() {
                text.push_str(&format!(
                    "\n  {cycles:.0} cycles/token ({:.0} in jobs), {bytes}, {:.1} jobs/token\n  array utilisation {:.1} % of the jobs' cycles, {:.1} % of all",
                    self.run_cycles_per_token(),
                    self.jobs_per_token(),
                    100.0 * self.run_utilisation(),
                    100.0 * self.total_utilisation(),
                ));
            } else if self.cost.cycles > 0 {
                text.push_str(&format!("\n  {cycles:.0} cycles/token, {bytes}"));
            } else {
                // The software model of a board has no clock that a token would take time of.
                text.push_str(&format!("\n  {bytes}"));
            }
        }
        text
    }

    /// How fast the counted cycles are at the clock of a simulated board's configuration; none where nobody counted.
    pub fn at_clock(&self, config: &Config) -> Option<String> {
        let (clk_hz, cycles) = (f64::from(config.clk_hz), self.cycles_per_token());
        let speed = (cycles > 0.0).then(|| clk_hz / cycles)?;
        Some(format!("  at the {} MHz of {}: {speed:.0} tokens/s (derived)", clk_hz / 1e6, config.name))
    }

    /// The same as JSON; null where the back end does not count, or not runs of its array.
    pub fn json(&self) -> Value {
        let (out, back) = self.bytes_per_token();
        let given = |value: f64, counts: bool| if counts && self.tokens > 0 { json!(value) } else { Value::Null };
        let counted = |value: f64| given(value, self.is_fabric());
        let of_runs = |value: f64| given(value, self.counts_runs());
        json!({
            "measured_tokens": self.tokens,
            "seconds": self.elapsed.as_secs_f64(),
            "tokens_per_second": self.tokens_per_second(),
            "cycles_per_token": counted(self.cycles_per_token()),
            "run_cycles_per_token": of_runs(self.run_cycles_per_token()),
            "bytes_out_per_token": counted(out),
            "bytes_in_per_token": counted(back),
            "jobs_per_token": of_runs(self.jobs_per_token()),
            "array_utilisation_of_jobs": of_runs(self.run_utilisation()),
            "array_utilisation": of_runs(self.total_utilisation()),
        })
    }
}

/// A count per token; with its fraction where there are few.
pub fn few(count: f64) -> String {
    if count < 10.0 { format!("{count:.2}") } else { format!("{count:.0}") }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}
