//! How fast a text came, and what it cost the fabric.

use nda_gemv::Cost;
use serde_json::{Value, json};
use std::time::Duration;

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
    /// Tokens a second of wall time; 0 if nothing was measured.
    pub fn tokens_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.tokens as f64 / seconds } else { 0.0 }
    }

    /// Whether the back end counts cycles.
    pub fn is_fabric(&self) -> bool {
        self.cost.jobs > 0
    }

    fn per_token(&self, count: u64) -> f64 {
        if self.tokens > 0 { count as f64 / self.tokens as f64 } else { 0.0 }
    }

    /// Device cycles a token, link time included.
    pub fn cycles_per_token(&self) -> f64 {
        self.per_token(self.cost.cycles)
    }

    /// Cycles a token in which jobs ran.
    pub fn run_cycles_per_token(&self) -> f64 {
        self.per_token(self.cost.run_cycles)
    }

    /// Bytes a token to and from the device.
    pub fn bytes_per_token(&self) -> (f64, f64) {
        (self.per_token(self.cost.bytes_out), self.per_token(self.cost.bytes_in))
    }

    /// Requests a token that ran something: round trips of the link.
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
        format!("{} tokens in {:.2} s, {:.1} tokens/s", self.tokens, self.elapsed.as_secs_f64(), self.tokens_per_second())
    }

    /// The lines that a text ends with.
    pub fn text(&self, backend: &str) -> String {
        let mut text = format!("{backend}: {}", self.rate());
        if self.is_fabric() {
            let (out, back) = self.bytes_per_token();
            text.push_str(&format!(
                "\n  {:.0} cycles/token ({:.0} in jobs), {out:.0} bytes/token to the device, {back:.0} back, {:.1} jobs/token\n  array utilisation {:.1} % of the jobs' cycles, {:.1} % of all",
                self.cycles_per_token(),
                self.run_cycles_per_token(),
                self.per_token(self.cost.jobs),
                100.0 * self.run_utilisation(),
                100.0 * self.total_utilisation(),
            ));
        }
        text
    }

    /// The same as JSON; null where the back end does not count.
    pub fn json(&self) -> Value {
        let (out, back) = self.bytes_per_token();
        let counted = |value: f64| if self.is_fabric() { json!(value) } else { Value::Null };
        json!({
            "measured_tokens": self.tokens,
            "seconds": self.elapsed.as_secs_f64(),
            "tokens_per_second": self.tokens_per_second(),
            "cycles_per_token": counted(self.cycles_per_token()),
            "run_cycles_per_token": counted(self.run_cycles_per_token()),
            "bytes_out_per_token": counted(out),
            "bytes_in_per_token": counted(back),
            "jobs_per_token": counted(self.per_token(self.cost.jobs)),
            "array_utilisation_of_jobs": counted(self.run_utilisation()),
            "array_utilisation": counted(self.total_utilisation()),
        })
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}
