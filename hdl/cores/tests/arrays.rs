//! Both arrays' netlists, evaluated in Rust, against golden: every shipped geometry, every code, both places of the sums between beats.

use nda_cores::array::gemv_array::{netlist, token_netlist};
use nda_cores::netlist::{Evaluation, Netlist};
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::job::{Job, array_golden, plane_groups};
use nda_spec::random::Random;
use nda_spec::wire::JobFlags;
use nda_spec::{ActivationCode, Config, WeightCode, cycles};
use std::collections::{BTreeMap, VecDeque};

/// Bytes at random.
fn noise(count: usize, random: &mut Random) -> Vec<u8> {
    (0..count).map(|_| random.next_u64() as u8).collect()
}

/// Bytes of words.
#[derive(Clone, Copy)]
enum Fill {
    Zeros,
    Ones,
    Noise,
}

impl Fill {
    fn bytes(self, count: usize, random: &mut Random) -> Vec<u8> {
        match self {
            Fill::Zeros => vec![0; count],
            Fill::Ones => vec![u8::MAX; count],
            Fill::Noise => noise(count, random),
        }
    }
}

/// An issue of the sequencer, with the words that are read for it.
#[derive(Clone, Copy, Default)]
struct Issue {
    is_load: bool,
    group: usize,
    beat: usize,
    act: Option<usize>,
    tile: Option<usize>,
}

/// What the sequencer issues for a job, in its order.
fn issues(g: &Geometry, job: &Job) -> VecDeque<Issue> {
    let (row_groups, col_beats) = (usize::from(job.row_groups), usize::from(job.col_beats));
    let tile = |row: usize, beat: usize| Some(row * col_beats + beat);
    let of_planes = |row: usize| {
        let pairs = (0..usize::from(job.plane_groups)).flat_map(move |group| (0..col_beats).map(move |beat| (group, beat)));
        pairs.map(move |(group, beat)| Issue { group, beat, act: Some(group * col_beats + beat), tile: tile(row, beat), is_load: false })
    };
    let of_tables = |beat: usize| {
        let load = move |step| Issue { is_load: true, beat, act: (step == 0).then_some(beat), ..Issue::default() };
        let meet = move |row| Issue { beat, tile: tile(row, beat), ..Issue::default() };
        (0..cycles::TABLE_WORDS).map(load).chain((0..row_groups).map(meet))
    };
    match g.array {
        ArrayKind::Planes => (0..row_groups).flat_map(of_planes).collect(),
        ArrayKind::Tables => (0..col_beats).flat_map(of_tables).collect(),
    }
}

/// One job's words.
struct Case {
    job: Job,
    tile: Vec<u8>,
    act: Vec<u8>,
}

/// Jobs of every code, random and at the extremes, of one beat and of several.
fn cases(g: &Geometry, random: &mut Random) -> Vec<Case> {
    use Fill::{Noise, Ones, Zeros};
    let shapes = [(1, 1, Noise, Noise), (2, 3, Ones, Ones), (3, 2, Noise, Noise), (1, 2, Noise, Ones), (2, 1, Zeros, Noise)];
    let mut all = Vec::new();
    for (code, x_code) in WeightCode::ALL.into_iter().flat_map(|code| ActivationCode::ALL.map(|x_code| (code, x_code))) {
        for (k, (row_groups, col_beats, weights, activations)) in shapes.into_iter().enumerate() {
            let groups = plane_groups(x_code, g.planes);
            let job = Job {
                id: 0,
                flags: JobFlags::new(code, x_code),
                plane_groups: groups as u8,
                base: 0,
                row_groups: row_groups as u16,
                col_beats: col_beats as u16,
                init: [0, (1 << 23) - 1, -(1 << 23), -1][k % 4],
                digest: 0,
            };
            let tile = weights.bytes(row_groups * col_beats * g.tile_word_bytes(), random);
            all.push(Case { job, tile, act: activations.bytes(groups * col_beats * g.act_word_bytes(), random) });
        }
    }
    all
}

/// Bytes as words of 64 bits, lowest first.
fn words(bytes: &[u8]) -> Vec<u64> {
    let word = |part: &[u8]| part.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    bytes.chunks(8).map(word).collect()
}

/// An array, and the memory beside it.
struct Array {
    evaluation: Evaluation,
    g: Geometry,
    /// The array's inputs.
    inputs: Vec<String>,
    /// Sums by row group, if they lie beside the array.
    beside: Option<BTreeMap<u64, Vec<u64>>>,
}

impl Array {
    fn new(g: &Geometry, netlist: &Netlist) -> Array {
        let inputs: Vec<String> = netlist.ports().0.into_iter().map(|(name, _)| name).collect();
        let beside = inputs.iter().any(|name| name == "fetched").then(BTreeMap::new);
        Array { evaluation: Evaluation::new(netlist), g: *g, inputs, beside }
    }

    /// Sets those inputs that the array has.
    fn set(&mut self, values: &[(&str, u64)]) {
        for (name, value) in values.iter().filter(|(name, _)| self.inputs.iter().any(|input| input == name)) {
            self.evaluation.set(name, &[*value]);
        }
    }

    /// A clock edge, and what the memory beside does at it.
    fn clock(&mut self) {
        let Some(memory) = &mut self.beside else { return self.evaluation.clock() };
        let e = &mut self.evaluation;
        let fetched = (e.get("sums_read") == 1).then(|| memory.get(&e.get("sums_read_address")).expect("sums that were kept").clone());
        if e.get("sums_write") == 1 {
            memory.insert(e.get("sums_write_address"), e.output_of("sums_data").to_vec());
        }
        e.clock();
        if let Some(word) = fetched {
            e.set("fetched", &word);
        }
    }

    /// The sums that stand, if they do.
    fn result(&mut self) -> Option<Vec<i32>> {
        let (rows, e) = (self.g.array_rows, &mut self.evaluation);
        if e.get("result_valid") == 0 {
            return None;
        }
        let bytes: Vec<u8> = e.output_of("result").iter().flat_map(|word| word.to_le_bytes()).collect();
        Some(bytes.chunks_exact(3).take(rows).map(|sum| i32::from_le_bytes([0, sum[0], sum[1], sum[2]]) >> 8).collect())
    }

    /// Drives one job as sequencer and stores would: idle cycles in between if `gap` is not 0 (one cycle in `gap`), and behind it
    /// until nothing can come any more. Words that nobody reads are noise.
    fn run(&mut self, case: &Case, gap: usize, random: &mut Random, place: &str) {
        let (g, job) = (self.g, &case.job);
        self.set(&[("a2", u64::from(job.flags.a2)), ("ternary", u64::from(job.flags.ternary))]);
        self.set(&[("init", u64::from(job.init as u32 & 0x00ff_ffff))]);
        let mut waiting = issues(&g, job);
        let mut tiles = VecDeque::from(vec![None; cycles::MEMORY_STAGES + cycles::tile_delay(&g)]);
        let mut acts = VecDeque::from(vec![None; cycles::MEMORY_STAGES]);
        let (mut sums, mut due, mut idle, mut cycle) = (Vec::new(), VecDeque::new(), 0, 0);
        while idle <= 2 * cycles::drain_cycles(&g) {
            let issue = if gap > 0 && random.below(gap) == 0 { None } else { waiting.pop_front() };
            idle = if waiting.is_empty() { idle + 1 } else { 0 };
            let Issue { is_load, group, beat, act, tile } = issue.unwrap_or(Issue { is_load: random.below(2) == 0, ..Issue::default() });
            let is_last = group + 1 == usize::from(job.plane_groups) && beat + 1 == usize::from(job.col_beats);
            let flags = [
                ("issue", issue.is_some()),
                ("is_load", is_load),
                ("is_first", group == 0 && beat == 0),
                ("is_shift", group > 0 && beat == 0),
                ("is_heavy", group == 0),
                ("is_last", is_last),
            ];
            self.set(&flags.map(|(flag, stands)| (flag, u64::from(stands))));
            tiles.push_back(tile);
            acts.push_back(act);
            let word = |all: &[u8], at: usize, bytes: usize| words(&all[at * bytes..][..bytes]);
            match tiles.pop_front().flatten() {
                Some(at) => self.evaluation.set("w", &word(&case.tile, at, g.tile_word_bytes())),
                None => self.evaluation.set("w", &words(&noise(g.tile_word_bytes(), random))),
            }
            match acts.pop_front().flatten() {
                Some(at) => self.evaluation.set("x", &word(&case.act, at, g.act_word_bytes())),
                // The activation store keeps its last word for the tables.
                None if g.array == ArrayKind::Tables => {}
                None => self.evaluation.set("x", &words(&noise(g.act_word_bytes(), random))),
            }
            if issue.is_some() && !is_load && is_last {
                due.push_back(cycle + cycles::drain_cycles(&g));
            }
            self.clock();
            cycle += 1;
            let result = self.result();
            let is_due = due.front() == Some(&cycle);
            assert_eq!(result.is_some(), is_due, "{place}: cycle {cycle}");
            if is_due {
                due.pop_front();
            }
            sums.extend(result.into_iter().flatten());
        }
        assert_eq!(sums, array_golden(&g, job, &case.tile, &case.act), "{place}: {job:?}");
    }
}

/// All jobs on one array, one behind the other.
fn sweep(name: &str, g: &Geometry, netlist: &Netlist) {
    let (mut array, mut random) = (Array::new(g, netlist), Random::new(17));
    for (index, case) in cases(g, &mut random).iter().enumerate() {
        let gap = [0, 3][index % 2];
        array.run(case, gap, &mut random, &format!("{name}, case {index}, seed 17"));
    }
}

#[test]
fn the_netlist_of_every_shipped_array_equals_golden_for_every_code_and_extreme_under_gaps() {
    for config in Config::all().unwrap() {
        sweep(&config.name, &config.geometry, &netlist(&config.geometry));
    }
}

#[test]
fn sums_beside_the_array_of_tables_are_those_within_it() {
    for config in Config::all().unwrap().iter().filter(|config| config.geometry.array == ArrayKind::Tables) {
        sweep(&config.name, &config.geometry, &token_netlist(&config.geometry));
    }
}
