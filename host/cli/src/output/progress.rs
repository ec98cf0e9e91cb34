//! How far long work has come: a bar on a terminal, a line now and then elsewhere.

use super::remark;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long work may take before a bar is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// The time between two lines, where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(10);

/// Lines of all work together: a conversion of many short steps is long work too.
static LINES: LazyLock<Mutex<Pace>> = LazyLock::new(|| Mutex::new(Pace { due: Instant::now() + LINES_EVERY }));

/// When the next line is due.
struct Pace {
    due: Instant,
}

impl Pace {
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.due;
        if is_due {
            self.due = now + LINES_EVERY;
        }
        is_due
    }
}

/// How work is counted.
#[derive(Clone, Copy)]
enum Unit {
    Steps,
    #[cfg(feature = "convert")]
    Bytes,
}

impl Unit {
    fn bar(self) -> &'static str {
        match self {
            Unit::Steps => "{msg:>12} [{bar:40}] {pos}/{len} {elapsed} (eta {eta})",
            #[cfg(feature = "convert")]
            Unit::Bytes => "{msg:>18} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} (eta {eta})",
        }
    }

    fn line(self, what: &str, done: u64, total: u64, elapsed: Duration) -> String {
        let of = match self {
            Unit::Steps => format!("{done} of {total}"),
            #[cfg(feature = "convert")]
            Unit::Bytes => format!("{} of {}", indicatif::HumanBytes(done), indicatif::HumanBytes(total)),
        };
        let percent = 100.0 * done as f64 / total.max(1) as f64;
        format!("{what}: {of} ({percent:.0} %) after {:.0} s", elapsed.as_secs_f64())
    }
}

/// Work that is shown once it takes longer than a second: as a bar on a terminal, else as a line every ten seconds.
struct Shown {
    unit: Unit,
    is_terminal: bool,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Shown {
    fn new(unit: Unit) -> Shown {
        // From the first work on, lines are due.
        LazyLock::force(&LINES);
        Shown { unit, is_terminal: stderr().is_terminal(), started: Instant::now(), bar: None }
    }

    fn set(&mut self, what: &str, done: u64, total: u64) {
        if self.bar.is_none() && self.started.elapsed() < PATIENCE {
            return;
        }
        if self.is_terminal {
            self.show_bar(what, done, total);
        } else if LINES.lock().unwrap_or_else(PoisonError::into_inner).is_due(Instant::now()) {
            remark(self.unit.line(what, done, total, self.started.elapsed()));
        }
    }

    fn show_bar(&mut self, what: &str, done: u64, total: u64) {
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(total).with_elapsed(self.started.elapsed());
            // The template is a constant; the default style is as good if indicatif ever refuses it.
            if let Ok(style) = ProgressStyle::with_template(self.unit.bar()) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        bar.set_message(what.to_owned());
        bar.set_length(total);
        bar.set_position(done);
        if done == total {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Steps of work.
pub struct Progress {
    what: &'static str,
    shown: Shown,
}

impl Progress {
    /// Progress of work that is called `what`.
    pub fn new(what: &'static str) -> Progress {
        Progress { what, shown: Shown::new(Unit::Steps) }
    }

    /// Shows how many of how many steps are done.
    pub fn set(&mut self, done: usize, total: usize) {
        self.shown.set(self.what, done as u64, total as u64);
    }
}

/// Bytes of work.
#[cfg(feature = "convert")]
pub struct ByteProgress {
    shown: Shown,
}

#[cfg(feature = "convert")]
impl ByteProgress {
    /// Progress that has not begun.
    pub fn new() -> ByteProgress {
        ByteProgress { shown: Shown::new(Unit::Bytes) }
    }

    /// Shows how many of how many bytes are done, and what is worked on.
    pub fn set(&mut self, what: &str, done: u64, total: u64) {
        self.shown.set(what, done, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_a_terminal_a_line_is_due_every_ten_seconds() {
        let started = Instant::now();
        let mut pace = Pace { due: started + LINES_EVERY };
        let due: Vec<u64> = (0..45).filter(|&s| pace.is_due(started + Duration::from_secs(s))).collect();
        assert_eq!(due, [10, 20, 30, 40]);
        // Work whose steps take longer than that says so at each.
        let slow: Vec<u64> = (0..3).map(|step| 50 + 25 * step).filter(|&s| pace.is_due(started + Duration::from_secs(s))).collect();
        assert_eq!(slow, [50, 75, 100]);
    }

    #[test]
    fn a_line_says_what_and_how_much_of_it_and_since_when() {
        let line = |unit: Unit, done, total| unit.line("evaluating", done, total, Duration::from_millis(20_400));
        assert_eq!(line(Unit::Steps, 500, 2000), "evaluating: 500 of 2000 (25 %) after 20 s");
        #[cfg(feature = "convert")]
        assert_eq!(line(Unit::Bytes, 3 << 20, 4 << 20), "evaluating: 3.00 MiB of 4.00 MiB (75 %) after 20 s");
        assert_eq!(line(Unit::Steps, 0, 0), "evaluating: 0 of 0 (0 %) after 20 s");
    }
}
