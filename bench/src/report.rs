//! All measurements of a run, as a record and as text.

use std::time::Duration;

use nda_kernels::Variant;
use nda_spec::{ActivationCode, WeightCode};
use serde_json::{Value, json};

use crate::BenchError;
use crate::cases::{Case, Measured, PREFILL, Work, measure_case, measure_ratio};
use crate::loading::{LARGE_COUNT, Loading, measure_loading};
use crate::machine::Machine;
use crate::roof::{Level, Roof, measure_roof};
use crate::timing::Timing;

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// About how long each measurement takes.
    pub time: Duration,
    /// Thread counts: 1 and those of the machine, usually.
    pub threads: Vec<usize>,
    /// Where weights lie.
    pub levels: Vec<Level>,
    /// Kernels beside the articles' loop.
    pub variants: Vec<Variant>,
    /// Only cases whose name contains this; empty for all.
    pub filter: String,
    /// Whether loading is measured as well.
    pub loading: bool,
    /// The seed of weights and activations.
    pub seed: u64,
    /// Records of peers, measured by their own programs just before: objects with `name`, `level`, `threads`, `gmac_per_s`.
    pub peers: Vec<Peer>,
}

/// Another project's product of a 4096 x 4096 matrix, measured by a program of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// Whose, and which form of weights.
    pub name: String,
    /// Where the weights lay: a name of [`Level`].
    pub level: String,
    /// Threads.
    pub threads: usize,
    /// Multiplications with additions a second, in 10^9.
    pub gmac_per_s: f64,
}

impl Peer {
    /// The peers of a record: `{"peers": [{"name", "level", "threads", "gmac_per_s"}, ...]}`.
    ///
    /// # Errors
    /// [`BenchError::Peers`] with what is missing; `path` is what the message calls the record.
    pub fn from_json(path: &str, text: &str) -> Result<Vec<Peer>, BenchError> {
        let refuse = |reason: String| BenchError::Peers { path: path.into(), reason };
        let value: Value = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
        let list = value["peers"].as_array().ok_or_else(|| refuse("it has no list 'peers'".into()))?;
        let peer = |(index, peer): (usize, &Value)| {
            let missing = |field: &str| refuse(format!("peer {index} has no '{field}'"));
            Ok(Peer {
                name: peer["name"].as_str().ok_or_else(|| missing("name"))?.into(),
                level: peer["level"].as_str().ok_or_else(|| missing("level"))?.into(),
                threads: peer["threads"].as_u64().ok_or_else(|| missing("threads"))? as usize,
                gmac_per_s: peer["gmac_per_s"].as_f64().ok_or_else(|| missing("gmac_per_s"))?,
            })
        };
        list.iter().enumerate().map(peer).collect()
    }
}

/// A goal and what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What is compared.
    pub what: String,
    /// The goal, a ratio or a count of `unit`.
    pub wanted: f64,
    /// What this run found.
    pub found: f64,
    /// What both are counted in; empty for ratios.
    pub unit: &'static str,
    /// Whether the goal is a most instead of a least.
    pub at_most: bool,
}

impl Target {
    /// Whether the goal is met.
    pub fn is_met(&self) -> bool {
        if self.at_most { self.found <= self.wanted } else { self.found >= self.wanted }
    }
}

/// Everything that one run measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// Where and when.
    pub machine: Machine,
    /// Of weights and activations.
    pub seed: u64,
    /// Read roofs.
    pub roofs: Vec<Roof>,
    /// Kernels.
    pub kernels: Vec<Measured>,
    /// Goals that are a ratio of two runs, measured in turn.
    pub ratios: Vec<Target>,
    /// Loading, if it was asked for.
    pub loading: Option<Loading>,
    /// Other projects.
    pub peers: Vec<Peer>,
}

/// Measures what the options ask for; `progress` is told of each step.
///
/// # Errors
/// A wrong answer of a kernel, kernels that the machine has not, files that cannot be written.
pub fn run(options: &Options, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let mut report = Report {
        machine: Machine::of_here(),
        seed: options.seed,
        roofs: Vec::new(),
        kernels: Vec::new(),
        ratios: Vec::new(),
        loading: None,
        peers: options.peers.clone(),
    };
    for &threads in &options.threads {
        for &level in &options.levels {
            progress(&format!("read roof of {}, {threads} threads", level.name()));
            report.roofs.push(measure_roof(level, threads, options.time));
        }
    }
    for case in Case::all(&options.variants).into_iter().filter(|case| case.name().contains(&options.filter)) {
        for &threads in &options.threads {
            for &level in &options.levels {
                // The loop of the articles has no threads, and the slow ones do not depend on where the weights lie.
                let is_slow = case.variant.is_none_or(|variant| variant == Variant::Portable);
                if is_slow && (level != Level::L3 || (threads > 1 && case.variant.is_none())) {
                    continue;
                }
                progress(&format!("{} in {}, {threads} threads", case.name(), level.name()));
                report.kernels.push(measure_case(case, level, threads, options.time, options.seed)?);
            }
        }
    }
    if let Some(&best) = options.variants.iter().max() {
        for goal in RatioGoal::all(&options.threads, &options.levels) {
            let [first, second] = goal.runs;
            if ![first.0, second.0].iter().any(|&work| Case { variant: Some(best), work }.name().contains(&options.filter)) {
                continue;
            }
            progress(&goal.what());
            let found = measure_ratio(best, goal.runs, goal.level, options.time, options.seed)?;
            report.ratios.push(Target { what: goal.what(), wanted: goal.wanted, found, unit: "", at_most: false });
        }
    }
    if options.loading {
        progress("loading");
        report.loading = Some(measure_loading(options.time, LARGE_COUNT)?);
    }
    Ok(report)
}

/// A goal that is a ratio of two runs on the same weights: how much more the second does a second.
struct RatioGoal {
    runs: [(Work, usize); 2],
    level: Level,
    wanted: f64,
}

impl RatioGoal {
    /// All of them that the threads and levels allow.
    fn all(threads: &[usize], levels: &[Level]) -> Vec<RatioGoal> {
        let (quaternary, ternary) = (WeightCode::Quaternary, WeightCode::Ternary);
        let matrix = |code, x, vectors| Work::Matrix { code, x, vectors };
        let mut all = Vec::new();
        if threads.contains(&2) && levels.contains(&Level::L3) {
            for (code, x) in [(quaternary, ActivationCode::A2), (quaternary, ActivationCode::A8), (ternary, ActivationCode::A8)] {
                all.push(RatioGoal { runs: [1, 2].map(|threads| (matrix(code, x, 1), threads)), level: Level::L3, wanted: 1.85 });
            }
        }
        let grid = |vectors| Work::Grid { coefficients: &[4, 7], vectors };
        let a8 = ActivationCode::A8;
        for level in [Level::L3, Level::Dram].into_iter().filter(|level| levels.contains(level)) {
            all.push(RatioGoal { runs: [1, PREFILL].map(|n| (matrix(quaternary, a8, n), 1)), level, wanted: 2.5 });
            all.push(RatioGoal { runs: [1, PREFILL].map(|n| (matrix(ternary, a8, n), 1)), level, wanted: 2.5 });
            all.push(RatioGoal { runs: [1, PREFILL].map(|n| (grid(n), 1)), level, wanted: 2.5 });
        }
        all
    }

    fn what(&self) -> String {
        let [(first, one), (second, two)] = self.runs;
        let level = self.level.name();
        if one == two {
            format!("{}, a vector of a prefill of {} to one of decode in {level}", first.name(), second.vectors())
        } else {
            format!("{}, two threads to one in {level}", first.name())
        }
    }
}

impl Report {
    /// The read roof of a level, if it was measured.
    pub fn roof(&self, level: Level, threads: usize) -> Option<f64> {
        self.roofs.iter().find(|r| r.level == level && r.threads == threads).map(|r| r.gb_per_s)
    }

    /// A kernel's bytes as a share of its roof: the one measured in turn with it, or else that of the level.
    pub fn share(&self, measured: &Measured) -> Option<f64> {
        let in_turn = measured.roof.map(|roof| measured.level.matrix_bytes() as f64 / roof.median_s / 1e9);
        Some(measured.gb_per_s / in_turn.or_else(|| self.roof(measured.level, measured.threads))?)
    }

    /// One measurement of the best kernels of the machine.
    pub fn best(&self, work: Work, level: Level, threads: usize) -> Option<&Measured> {
        let best = self.kernels.iter().filter_map(|m| m.case.variant).max()?;
        self.of(Some(best), work, level, threads)
    }

    fn of(&self, variant: Option<Variant>, work: Work, level: Level, threads: usize) -> Option<&Measured> {
        self.kernels.iter().find(|m| m.case == Case { variant, work } && m.level == level && m.threads == threads)
    }

    /// Every goal that this run has the numbers for.
    pub fn targets(&self) -> Vec<Target> {
        let mut all = Vec::new();
        let mut least = |what: &str, wanted: f64, found: Option<f64>| {
            all.extend(found.map(|found| Target { what: what.into(), wanted, found, unit: "", at_most: false }));
        };
        let matrix = |code, x| Work::Matrix { code, x, vectors: 1 };
        let (quaternary, ternary, a8) = (WeightCode::Quaternary, WeightCode::Ternary, ActivationCode::A8);
        let (q2, q8, t8) = (matrix(quaternary, ActivationCode::A2), matrix(quaternary, a8), matrix(ternary, a8));
        let share = |work, level| self.best(work, level, 1).and_then(|m| self.share(m));
        least("quaternary A2, share of the L3 read roof", 0.75, share(q2, Level::L3));
        least("quaternary A2, share of the DRAM read roof", 0.90, share(q2, Level::Dram));
        least("quaternary A8, share of the L3 read roof", 0.34, share(q8, Level::L3));
        least("ternary A8, share of the L3 read roof", 0.46, share(t8, Level::L3));
        least("quaternary A8, share of the DRAM read roof", 0.90, share(q8, Level::Dram));
        least("ternary A8, share of the DRAM read roof", 0.90, share(t8, Level::Dram));
        let rate = |work, threads| self.best(work, Level::L3, threads).map(|m| m.gmac_per_s);
        let loop_rate = self.of(None, Work::Baseline, Level::L3, 1).map(|m| m.gmac_per_s);
        let portable = self.of(Some(Variant::Portable), q2, Level::L3, 1).map(|m| m.gmac_per_s);
        let over_loop = |rate: Option<f64>| Some(rate? / loop_rate?);
        least("best kernel to the articles' byte loop", 80.0, over_loop(rate(q2, 1)));
        least("portable A2 to the articles' byte loop", 10.0, over_loop(portable));
        all.extend(self.ratios.iter().cloned());
        all.extend(self.loading.iter().flat_map(loading_targets));
        all
    }

    /// For a person.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} ({} cores, {}; {})\ncommit {}, seed {}, every answer checked before it was timed\n\nread roofs\n",
            self.machine.cpu,
            self.machine.cores,
            self.machine.features.join(" "),
            self.machine.caches.join(", "),
            self.machine.commit,
            self.seed
        );
        for roof in &self.roofs {
            text.push_str(&format!("  {:<5} {} thread(s) {:>8.1} GB/s\n", roof.level.name(), roof.threads, roof.gb_per_s));
        }
        text.push_str(&format!("\n{:<44} {:>5} {:>2} {:>8} {:>7} {:>6}\n", "kernel", "in", "t", "GMAC/s", "GB/s", "roof"));
        for m in &self.kernels {
            let share = self.share(m).map_or(String::new(), |share| format!("{:.0} %", 100.0 * share));
            let (name, level) = (m.case.name(), m.level.name());
            text.push_str(&format!("{name:<44} {level:>5} {:>2} {:>8.1} {:>7.1} {share:>6}\n", m.threads, m.gmac_per_s, m.gb_per_s));
        }
        for peer in &self.peers {
            text.push_str(&format!("{:<44} {:>5} {:>2} {:>8.1}\n", peer.name, peer.level, peer.threads, peer.gmac_per_s));
        }
        if let Some(loading) = &self.loading {
            text.push_str(&loading_text(loading));
        }
        text.push_str("\ntargets\n");
        for target in self.targets() {
            let bound = if target.at_most { "at most" } else { "at least" };
            let (what, found, wanted, unit) = (&target.what, target.found, target.wanted, target.unit);
            let verdict = if target.is_met() { "met" } else { "MISSED" };
            text.push_str(&format!("  {what:<62} {found:>8.2} {unit:<4} {bound:>8} {wanted:>7.2}  {verdict}\n"));
        }
        text
    }

    /// The record.
    pub fn json(&self) -> Value {
        let kernel = |m: &Measured| {
            json!({
                "name": m.case.name(), "kernels": m.case.variant.map(Variant::name), "work": m.case.work.name(),
                "level": m.level.name(), "threads": m.threads, "rows": m.shape.0, "cols": m.shape.1,
                "stacks": if let Work::Grid { coefficients, .. } = m.case.work { coefficients.len() } else { 1 }, "vectors": m.case.work.vectors(), "gmac_per_s": m.gmac_per_s,
                "gb_per_s": m.gb_per_s, "share_of_roof": self.share(m), "timing": timing_json(&m.timing), "roof_in_turn": m.roof.as_ref().map(timing_json),
            })
        };
        let roof =
            |r: &Roof| json!({ "level": r.level.name(), "threads": r.threads, "gb_per_s": r.gb_per_s, "timing": timing_json(&r.timing) });
        let peer = |p: &Peer| json!({ "name": p.name, "level": p.level, "threads": p.threads, "gmac_per_s": p.gmac_per_s });
        let target = |t: &Target| json!({ "what": t.what, "wanted": t.wanted, "found": t.found, "unit": t.unit, "met": t.is_met() });
        json!({
            "evidence": "measured", "machine": self.machine.json(), "seed": self.seed,
            "roofs": self.roofs.iter().map(roof).collect::<Vec<_>>(),
            "kernels": self.kernels.iter().map(kernel).collect::<Vec<_>>(),
            "peers": self.peers.iter().map(peer).collect::<Vec<_>>(),
            "loading": self.loading.as_ref().map(loading_json),
            "targets": self.targets().iter().map(target).collect::<Vec<_>>(),
        })
    }
}

fn timing_json(timing: &Timing) -> Value {
    json!({ "median_s": timing.median_s, "p10_s": timing.p10_s, "p90_s": timing.p90_s, "samples": timing.samples, "undisturbed": timing.undisturbed, "rounds": timing.rounds })
}

fn loading_targets(loading: &Loading) -> Vec<Target> {
    let target = |what: &str, wanted, found, unit, at_most| Target { what: what.into(), wanted, found, unit, at_most };
    let view = loading.view.median_s;
    vec![
        target("view of a 64 x 64 matrix of a mapped document", 10.0, view * 1e9, "ns", true),
        target("safetensors to that view", 250.0, loading.safetensors.median_s / view, "", false),
        target("serde_json to that view", 1000.0, loading.serde_json.median_s / view, "", false),
        target("opening a document of 100 MB", 2.0, loading.open.median_s * 1e3, "ms", true),
        target("checking every byte of it", 2.0, loading.check_gb_per_s(), "GB/s", false),
    ]
}

fn loading_text(loading: &Loading) -> String {
    let ns = |timing: &Timing| format!("{:>12.1} ns", timing.median_s * 1e9);
    let bytes = loading.document_bytes as f64;
    let gb = |timing: &Timing| bytes / timing.median_s / 1e9;
    format!(
        "\nloading\n  view of a 64 x 64 matrix {}\n  the same, cut anew       {}\n  the same by its name     {}\n  safetensors              {}\n  serde_json               {}\n  \
         open {:.1} MB            {:>12.3} ms\n  check every byte         {:>12.2} GB/s\n  BLAKE3 alone             {:>12.2} GB/s\n",
        ns(&loading.view),
        ns(&loading.cut),
        ns(&loading.by_name),
        ns(&loading.safetensors),
        ns(&loading.serde_json),
        bytes / 1e6,
        loading.open.median_s * 1e3,
        gb(&loading.check),
        gb(&loading.hash),
    )
}

fn loading_json(loading: &Loading) -> Value {
    json!({
        "view": timing_json(&loading.view), "view_cut_anew": timing_json(&loading.cut), "view_by_name": timing_json(&loading.by_name), "safetensors": timing_json(&loading.safetensors), "serde_json": timing_json(&loading.serde_json),
        "document_bytes": loading.document_bytes, "open": timing_json(&loading.open), "check": timing_json(&loading.check),
        "hash": timing_json(&loading.hash),
    })
}
