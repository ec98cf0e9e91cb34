//! What a server counts, and how Prometheus reads it.

use super::worker::Usage;
use nda_engine::Cost;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the times to the first token that are told apart, in seconds.
const BOUNDS_S: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The counters of a server. Whole numbers that only grow, each on its own: nobody needs two of them at one moment.
#[derive(Debug, Default)]
pub(super) struct Meters {
    /// Answers by place and status.
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Requests that came and are not answered yet, waiting ones included.
    open: AtomicUsize,
    first_tokens: [AtomicU64; BOUNDS_S.len() + 1],
    first_token_us: AtomicU64,
    prompt_tokens: AtomicU64,
    kept_tokens: AtomicU64,
    drawn_tokens: AtomicU64,
    positions: AtomicUsize,
    board: Board,
}

/// What the back end counts since the start.
#[derive(Debug, Default)]
struct Board {
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    cycles: AtomicU64,
    jobs: AtomicU64,
    device_products: AtomicU64,
    cpu_products: AtomicU64,
}

/// A request that is not answered yet.
pub(super) struct Open(Arc<Meters>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Meters {
    pub fn open(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Requests that came and are not answered yet.
    pub fn opened(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub fn answered(&self, place: &'static str, status: u16) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry((place, status)).or_default() += 1;
    }

    pub fn first_token(&self, after: Duration) {
        let bucket = BOUNDS_S.iter().position(|bound| after.as_secs_f64() <= *bound).unwrap_or(BOUNDS_S.len());
        self.first_tokens[bucket].fetch_add(1, Ordering::Relaxed);
        self.first_token_us.fetch_add(u64::try_from(after.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn tokens(&self, usage: Usage) {
        let add = |counter: &AtomicU64, count: usize| counter.fetch_add(count as u64, Ordering::Relaxed);
        add(&self.prompt_tokens, usage.prompt);
        add(&self.kept_tokens, usage.kept);
        add(&self.drawn_tokens, usage.drawn);
    }

    /// Takes over what the model's session has counted.
    pub fn board(&self, cost: Cost) {
        let board = &self.board;
        for (counter, count) in [
            (&board.bytes_out, cost.bytes_out),
            (&board.bytes_in, cost.bytes_in),
            (&board.cycles, cost.cycles),
            (&board.jobs, cost.jobs),
            (&board.device_products, cost.device.products),
            (&board.cpu_products, cost.cpu.products),
        ] {
            counter.store(count, Ordering::Relaxed);
        }
    }

    /// Takes over how many positions hold a token.
    pub fn cache(&self, positions: usize) {
        self.positions.store(positions, Ordering::Relaxed);
    }

    /// Positions of the KV cache that hold a token, as of the last answer's end, without those of answers that go on.
    pub fn positions(&self) -> usize {
        self.positions.load(Ordering::Relaxed)
    }

    /// Jobs that boards ran, as of the last answer's end.
    pub fn jobs(&self) -> u64 {
        self.board.jobs.load(Ordering::Relaxed)
    }

    /// Everything in Prometheus' text form, version 0.0.4.
    pub fn page(&self, waiting: usize, places: usize, context: usize) -> String {
        let mut page = Page::default();
        page.head("nda_requests_total", "counter", "Requests answered, by endpoint and status.");
        for ((place, status), count) in self.answers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            page.line(&format!("nda_requests_total{{endpoint=\"{place}\",status=\"{status}\"}}"), *count as f64);
        }
        page.one("nda_requests_open", "gauge", "Requests that are being answered or wait.", self.opened() as f64);
        page.one("nda_requests_waiting", "gauge", "Requests that wait for the model.", waiting as f64);
        page.one("nda_queue_places", "gauge", "Requests that may wait.", places as f64);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        page.one("nda_prompt_tokens_total", "counter", "Tokens of prompts.", read(&self.prompt_tokens));
        page.one("nda_cached_tokens_total", "counter", "Tokens of prompts that the KV cache held already.", read(&self.kept_tokens));
        page.one("nda_generated_tokens_total", "counter", "Tokens drawn.", read(&self.drawn_tokens));
        page.one("nda_kv_cache_positions", "gauge", "Positions of the KV cache that hold a token.", self.positions() as f64);
        page.one("nda_context_positions", "gauge", "Positions that there are.", context as f64);
        self.first_tokens(&mut page);
        let board = &self.board;
        page.one("nda_link_sent_bytes_total", "counter", "Bytes sent to boards.", read(&board.bytes_out));
        page.one("nda_link_received_bytes_total", "counter", "Bytes received from boards.", read(&board.bytes_in));
        page.one("nda_board_cycles_total", "counter", "Cycles of boards.", read(&board.cycles));
        page.one("nda_board_jobs_total", "counter", "Jobs that boards ran.", read(&board.jobs));
        page.head("nda_products_total", "counter", "Matrix products, by where they were executed.");
        page.line("nda_products_total{place=\"board\"}", read(&board.device_products));
        page.line("nda_products_total{place=\"cpu\"}", read(&board.cpu_products));
        page.text
    }

    fn first_tokens(&self, page: &mut Page) {
        let name = "nda_time_to_first_token_seconds";
        page.head(name, "histogram", "From a request's arrival to its first token.");
        let mut count = 0;
        for (at, bucket) in self.first_tokens.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            let bound = BOUNDS_S.get(at).map_or("+Inf".to_owned(), f64::to_string);
            page.line(&format!("{name}_bucket{{le=\"{bound}\"}}"), count as f64);
        }
        page.line(&format!("{name}_sum"), self.first_token_us.load(Ordering::Relaxed) as f64 / 1e6);
        page.line(&format!("{name}_count"), count as f64);
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, value: f64) {
        let _ = writeln!(self.text, "{name} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_buckets_that_add_up() {
        let meters = Meters::default();
        for ms in [5, 10, 11, 700, 100_000] {
            meters.first_token(Duration::from_millis(ms));
        }
        meters.answered("chat", 200);
        meters.answered("chat", 200);
        meters.answered("completion", 400);
        let page = meters.page(1, 8, 256);
        for line in [
            "nda_time_to_first_token_seconds_bucket{le=\"0.01\"} 2",
            "nda_time_to_first_token_seconds_bucket{le=\"0.025\"} 3",
            "nda_time_to_first_token_seconds_bucket{le=\"1\"} 4",
            "nda_time_to_first_token_seconds_bucket{le=\"+Inf\"} 5",
            "nda_time_to_first_token_seconds_sum 100.726",
            "nda_requests_total{endpoint=\"chat\",status=\"200\"} 2",
            "nda_requests_total{endpoint=\"completion\",status=\"400\"} 1",
            "nda_requests_waiting 1",
            "nda_context_positions 256",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} is not in\n{page}");
        }
    }
}
