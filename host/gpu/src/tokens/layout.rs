//! Where a token program's data and its machine's state lie: words of two buffers, as constants that all its shaders begin with.

use super::batches::stands_alone;
use crate::input::HALF;
use crate::kernel::Kernel;
use nda_spec::WeightCode;
use nda_spec::token::{self, Choice, KvShape, Pass, Program, Step, WORD};
use std::fmt::Write;

/// Bitmaps of codes of 8 bits.
const CODE_PLANES: usize = 8;
/// Tokens of a batch at most: as many as a product takes vectors side by side.
pub(super) const MOST_LANES: usize = crate::kernel::MANY as usize;
/// Texts at most: a batch takes a token of each.
pub(super) const MOST_TEXTS: usize = MOST_LANES;
/// Where the feed holds how many rows are taken, how each lane's token is chosen, and the rows: a text and a token each.
const FEED_NEXT: usize = 0;
const FEED_CHOICES: usize = 1;
pub(super) const FEED_ROWS: usize = FEED_CHOICES + MOST_LANES * CHOICE_WORDS;
/// How a token is chosen: 1 / temperature, the seed's halves.
const CHOICE_WORDS: usize = 3;
const CHOICE_INVERSE: usize = 0;
const CHOICE_SEED: usize = 1;
/// Words of a text's header: position and slot of its newest token, positions filled, and one that is free.
pub(super) const TEXT_HEADER: usize = 4;
/// Words of a token's own header: those of its text, the token, where the text's cache begins.
const OWN_HEADER: usize = 5;
/// Where the results hold rows of logits: behind a chosen token for each lane.
pub(super) const LOGITS: usize = MOST_LANES;

/// Offsets by name, in words.
#[derive(Debug, Default)]
struct Regions {
    names: Vec<(&'static str, usize)>,
    words: usize,
}

impl Regions {
    fn take(&mut self, name: &'static str, words: usize) -> usize {
        let at = self.words;
        self.names.push((name, at));
        self.words += words;
        at
    }
}

/// What there is room for, and what is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes that a shader sees at once.
    pub binding_bytes: u64,
    /// Texts that somebody wants.
    pub texts: usize,
}

/// How a lane's token is chosen, as the feed holds it.
pub(super) fn choice_words(choice: Choice) -> [u32; CHOICE_WORDS] {
    [choice.inverse_temperature, choice.seed as u32, (choice.seed >> 32) as u32]
}

/// A program's data on the device and its shaders' constants.
#[derive(Debug)]
pub(super) struct Layout {
    /// All that does not change while tokens are made.
    pub data: Vec<u32>,
    /// Words of the machine's state.
    pub state_words: usize,
    /// Tokens of a batch at most: each has a part of the state for itself.
    pub lanes: usize,
    /// Texts, each with a cache of its own: no more than tokens of a batch.
    pub texts: usize,
    /// Constants of the shaders.
    pub constants: String,
    /// First words of the program's own numbers in the data.
    pub program: Places,
}

/// Where a program's numbers lie in the data.
#[derive(Debug)]
pub(super) struct Places {
    pub constants: usize,
    pub floors: usize,
    gates: usize,
    turns: usize,
}

impl Places {
    /// The entries of a gate.
    pub fn gate(&self, gate: u8) -> usize {
        self.gates + usize::from(gate) * (token::GATE_ENTRIES + 1)
    }

    /// The phases of a set.
    pub fn turn(&self, set: u8, kv: &KvShape) -> usize {
        self.turns + usize::from(set) * (kv.head_dim / 2)
    }
}

/// Words of 32 channels of a head.
pub(super) fn head_words(kv: &KvShape) -> usize {
    kv.head_dim.div_ceil(HALF)
}

impl Layout {
    /// The layout of a checked program whose codes that kernel multiplies by: bytes for dot products of four, planes for popcounts.
    /// As many tokens as `room` has bytes for are made side by side, and as many of the texts that it asks for have caches.
    pub fn new(program: &Program, kernel: Kernel, room: Room) -> Layout {
        let mut text = String::new();
        let (data, program_places) = data(program, &mut text);
        let mut own = Regions::default();
        own_regions(program, &mut own);
        let cache = cache_words(program);
        let headers = MOST_TEXTS * TEXT_HEADER;
        let fits = |lanes: usize, texts: usize| 4 * (headers + lanes * own.words + texts * cache) as u64 <= room.binding_bytes;
        let some = [MOST_LANES, MOST_LANES / 2, MOST_LANES / 4].into_iter().find(|lanes| fits(*lanes, 1));
        let lanes = some.filter(|_| stands_alone(program)).unwrap_or(1);
        let texts = (1..=lanes.min(room.texts)).rev().find(|texts| fits(lanes, *texts)).unwrap_or(1);
        let cache_at = headers + lanes * own.words;
        for (name, at) in &own.names {
            constant(&mut text, name, *at as i64);
        }
        let places = [
            ("TEXT_HEADER", TEXT_HEADER),
            ("LANES_AT", headers),
            ("LANE_WORDS", own.words),
            ("KV", cache_at),
            ("CACHE_WORDS", cache),
            ("LOGITS", LOGITS),
        ];
        places.into_iter().for_each(|(name, words)| constant(&mut text, name, words as i64));
        shape_constants(program, &mut text);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "const BYTES: bool = {};", kernel == Kernel::Dot4);
        let feed = [
            ("FEED_NEXT", FEED_NEXT),
            ("FEED_CHOICES", FEED_CHOICES),
            ("FEED_ROWS", FEED_ROWS),
            ("CHOICE_WORDS", CHOICE_WORDS),
            ("CHOICE_INVERSE", CHOICE_INVERSE),
            ("CHOICE_SEED", CHOICE_SEED),
        ];
        for (name, at) in feed {
            let _ = writeln!(text, "const {name}: u32 = {at}u;");
        }
        Layout { data, state_words: cache_at + texts * cache, lanes, texts, constants: text, program: program_places }
    }
}

fn constant(text: &mut String, name: &str, value: i64) {
    let _ = writeln!(text, "const {name}: i32 = {value};");
}

fn shape_constants(program: &Program, text: &mut String) {
    let kv = &program.kv;
    let coefficients = kv.form.coefficients();
    let sum: i64 = coefficients.iter().map(|c| i64::from(*c)).sum();
    let shape = [
        ("RING", kv.ring),
        ("KV_HEADS", kv.heads),
        ("HEAD_DIM", kv.head_dim),
        ("HEAD_WORDS", head_words(kv)),
        ("KV_PLANES", kv.form.bits()),
        ("LEVELS", kv.form.levels().len()),
    ];
    shape.into_iter().for_each(|(name, value)| constant(text, name, value as i64));
    constant(text, "COEFFICIENTS_SUM", sum);
    let list = coefficients.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "const COEFFICIENTS = array<i32, {}>({list});", coefficients.len());
}

/// Values of the longest vector that a step reads or writes.
fn longest(program: &Program) -> usize {
    let of = |step: &Step| match *step {
        Step::Pass(Pass { count, .. }) | Step::Codes { count, .. } => usize::from(count) * WORD,
        _ => 0,
    };
    program.steps().map(of).max().unwrap_or(0).max(program.embedding.width)
}

/// What every token of a batch has for itself.
fn own_regions(program: &Program, state: &mut Regions) {
    let (kv, heads, longest) = (&program.kv, program.heads(), longest(program));
    let groups = longest.div_ceil(WORD);
    state.take("OWN_HEADER", OWN_HEADER);
    state.take("WIDE", program.wide_words * WORD);
    state.take("READ", longest);
    state.take("WORK", longest);
    state.take("SQUARES", 2 * groups);
    state.take("LARGEST", groups);
    state.take("ARRAY_SCALE", 2);
    state.take("QUERY", heads * head_words(kv) * CODE_PLANES);
    state.take("QUERY_SCALES", 2 * heads);
    state.take("SCORES", heads * kv.ring);
    state.take("WEIGHTS", heads * kv.ring);
    state.take("MIXED", heads * kv.head_dim);
    state.take("SUMS", 2 * heads);
}

/// Words of the keys' and values' bitmaps.
fn cache_words(program: &Program) -> usize {
    let kv = &program.kv;
    2 * kv.layers * kv.ring * kv.heads * head_words(kv) * kv.form.bits()
}

/// The words that do not change, and their places in `text`.
fn data(program: &Program, text: &mut String) -> (Vec<u32>, Places) {
    let mut data = Vec::new();
    let mut add = |name: &str, words: &mut dyn Iterator<Item = u32>| {
        let at = data.len();
        data.extend(words);
        if !name.is_empty() {
            constant(text, name, at as i64);
        }
        at
    };
    let table = |entries: usize, entry: fn(usize) -> i32| (0..entries).map(move |i| entry(i).cast_unsigned());
    add("RECIPROCALS", &mut table(256, |i| token::reciprocal(256 + i as u32)));
    add("ROOTS", &mut table(1024, token::root_entry));
    add("EXP2", &mut table(256, token::exp2_entry));
    add("COSINES", &mut table(1024, token::cosine));
    add("NOISE", &mut table(1024, token::noise_entry));
    let form = &program.kv.form;
    // Twice the middle of two levels, as the form compares.
    add("THRESHOLDS", &mut form.levels().windows(2).map(|w| (i32::from(w[0]) + i32::from(w[1])).cast_unsigned()));
    add("SPELLINGS", &mut form.levels().iter().map(|level| spelling(form.spell(*level).unwrap_or_default())));
    let embedding = &program.embedding;
    add("EMBEDDING", &mut embedding.codes.chunks(4).map(packed));
    add("EMBEDDING_SCALES", &mut embedding.scales.iter().map(|v| v.cast_unsigned()));
    let places = Places {
        constants: add("", &mut program.constants.iter().map(|v| v.cast_unsigned())),
        floors: add("", &mut program.floors.iter().flat_map(|floor| [*floor as u32, (floor >> 32) as u32])),
        gates: add("", &mut program.gates.iter().flat_map(|gate| gate.entries.iter().map(|v| v.cast_unsigned()))),
        turns: add("", &mut program.turns.iter().flatten().copied()),
    };
    (data, places)
}

/// Sign and extra bit of each stack's code, the first stack lowest.
fn spelling(codes: Vec<i8>) -> u32 {
    codes.iter().enumerate().fold(0, |bits, (stack, code)| {
        let (sign, extra) = WeightCode::Quaternary.encode(*code).unwrap_or_default();
        bits | (u32::from(sign) | u32::from(extra) << 1) << (2 * stack)
    })
}

fn packed(codes: &[i8]) -> u32 {
    codes.iter().enumerate().fold(0, |word, (at, code)| word | u32::from(code.cast_unsigned()) << (8 * at))
}
