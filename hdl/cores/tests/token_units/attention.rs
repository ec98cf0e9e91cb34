//! Drives an attention unit as a sequencer does, and compares every mixed value with the golden model's.

use crate::circuit::{Circuit, pack, unpack};
use nda_cores::token::attention::{Sizes, unit};
use nda_spec::random::Random;
use nda_spec::token::{Attention, KvForm, KvShape, KvStore, Scale, Span, WIDE_MAX, WORD};
use std::collections::VecDeque;

/// What the numbers of a step are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Random,
    /// Every value, code and scale as large as it can be, or as small.
    Most,
    Least,
}

/// How long the sequencer waits between beats: up to this many cycles.
#[derive(Clone, Copy)]
pub struct Gaps(pub usize);

/// A unit and what its memory should hold.
pub struct Driver<C> {
    pub circuit: C,
    sizes: Sizes,
    shape: KvShape,
    store: KvStore,
    position: u64,
    random: Random,
    gaps: Gaps,
}

/// What a score step is told besides its query.
struct Step {
    layer: usize,
    window: usize,
    constant: i32,
    shift: i32,
}

impl<C: Circuit> Driver<C> {
    pub fn new(circuit: C, sizes: Sizes, (ring, layers): (usize, usize), seed: u64, gaps: Gaps) -> Driver<C> {
        let shape = KvShape { layers, heads: sizes.kv_heads, head_dim: sizes.head_dim, ring, form: KvForm::four_bits() };
        let store = KvStore::new(&shape);
        let mut driver = Driver { circuit, sizes, shape, store, position: 0, random: Random::new(seed), gaps };
        driver.circuit.set("ring", &[ring as u64]);
        driver.clear();
        driver
    }

    /// Forgets the sequence.
    pub fn clear(&mut self) {
        self.position = 0;
        self.pulse("clear");
        (0..unit::MOVE_CYCLES).for_each(|_| self.circuit.clock());
    }

    /// A token: every layer attends, each to one of these windows.
    pub fn token(&mut self, windows: &[usize], style: Style) {
        for layer in 0..self.shape.layers {
            let window = windows[self.random.below(windows.len())];
            self.attend(layer, window, style);
        }
        self.position += 1;
        self.pulse("advance");
        (0..unit::MOVE_CYCLES).for_each(|_| self.circuit.clock());
    }

    fn pulse(&mut self, name: &str) {
        self.circuit.set(name, &[1]);
        self.circuit.clock();
        self.circuit.set(name, &[0]);
    }

    fn gap(&mut self) {
        let cycles = if self.gaps.0 == 0 { 0 } else { self.random.below(self.gaps.0 + 1) };
        (0..cycles).for_each(|_| self.circuit.clock());
    }

    fn value(&mut self, style: Style) -> i32 {
        let value = match (style, self.random.below(4)) {
            (Style::Most, _) => WIDE_MAX,
            (Style::Least, _) => -WIDE_MAX,
            (_, 0) => (self.random.next_u64() as i32) >> 8,
            // Either side of every threshold.
            (_, 1) => (self.random.below(29) as i32 - 14) * 128 + self.random.below(3) as i32 - 1,
            _ => self.random.below(4096) as i32 - 2048,
        };
        value.clamp(-WIDE_MAX, WIDE_MAX)
    }

    fn append(&mut self, layer: usize, kind: &str, style: Style) {
        let values: Vec<i32> = (0..self.shape.width()).map(|_| self.value(style)).collect();
        let row = match kind {
            "keys" => self.store.keys_mut(layer, self.position),
            _ => self.store.values_mut(layer, self.position),
        };
        row.iter_mut().zip(&values).for_each(|(level, v)| *level = self.shape.form.level(*v));
        for beat in values.chunks(WORD) {
            self.gap();
            self.circuit.set("append_values", &pack(beat.iter().map(|v| i64::from(*v)), 24));
            self.circuit.set("append_is_value", &[u64::from(kind == "values")]);
            self.circuit.set("append_layer", &[layer as u64]);
            self.pulse("append_valid");
        }
    }

    fn query(&mut self, style: Style) -> (Vec<i8>, Vec<Scale>) {
        let code = |driver: &mut Self| match style {
            Style::Most => 127,
            Style::Least => -127,
            Style::Random => (driver.random.below(255) as i32 - 127) as i8,
        };
        let codes: Vec<i8> = (0..self.sizes.cols()).map(|_| code(self)).collect();
        let mut scale = || Scale {
            mantissa: if style == Style::Most { 131_071 } else { 65_536 + self.random.below(65_536) as i32 },
            exponent: self.random.below(18) as i32 - 1,
        };
        (codes, (0..self.sizes.heads).map(|_| scale()).collect())
    }

    fn send_query(&mut self, codes: &[i8], scales: &[Scale]) {
        for beat in codes.chunks(self.sizes.makers) {
            self.gap();
            self.circuit.set("codes", &pack(beat.iter().map(|v| i64::from(*v)), 8));
            self.pulse("codes_valid");
        }
        for scale in scales {
            self.gap();
            self.circuit.set("scale_mantissa", &[scale.mantissa as u64]);
            self.circuit.set("scale_exponent", &[scale.exponent as u64 & 0xff]);
            self.pulse("scale_valid");
        }
    }

    /// Scores in the middle of their range, and beyond it at either end.
    fn step(&mut self, layer: usize, window: usize, exponent: i32) -> Step {
        let any = self.random.below(131_072) as i32;
        let constant = [131_071, -131_071, 0, 1, -any, any, any, any][self.random.below(8)];
        let shift = match self.random.below(6) {
            0 => -9 - self.random.below(60) as i32,
            1 => 60 + self.random.below(40) as i32,
            _ => 8 + self.random.below(10) as i32 - exponent,
        };
        Step { layer, window, constant, shift }
    }

    fn attend(&mut self, layer: usize, window: usize, style: Style) {
        let (codes, scales) = self.query(style);
        self.append(layer, "keys", style);
        self.send_query(&codes, &scales);
        self.append(layer, "values", style);
        self.wait("ready", 40);
        self.gap();
        let step = self.step(layer, window, scales[0].exponent);
        let span = Span { position: self.position, window: if window == 0 { self.shape.ring } else { window } };
        let mut golden = Attention::new(&self.shape);
        golden.score((&self.shape, &self.store), layer, span, (&codes, &scales), (step.constant, step.shift));
        golden.mix((&self.shape, &self.store), layer, span, self.sizes.heads);

        self.circuit.set("layer", &[step.layer as u64]);
        self.circuit.set("window", &[step.window as u64]);
        self.circuit.set("constant", &[step.constant as u64 & 0x3_ffff]);
        self.circuit.set("shift", &[step.shift as u64 & 0xff]);
        self.pulse("score_start");
        assert_eq!(self.wait("score_done", 5000) + 1, unit::score_cycles(&self.sizes, span.count()), "scores of {span:?}");
        self.gap();
        self.pulse("mix_start");
        assert_eq!(self.wait("mix_done", 5000) + 1, unit::mix_cycles(span.count()), "mix of {span:?}");
        self.read(&golden, &format!("{span:?} of layer {layer}"));
    }

    /// Cycles until an output stands.
    fn wait(&mut self, name: &str, most: usize) -> usize {
        let mut cycles = 0;
        while self.circuit.get(name)[0] == 0 {
            self.circuit.clock();
            cycles += 1;
            assert!(cycles < most, "'{name}' does not come");
        }
        cycles
    }

    /// All words of the read port, with and without cycles between them.
    fn read(&mut self, golden: &Attention, what: &str) {
        let words = self.sizes.cols() / WORD;
        let mut expected = VecDeque::from([None; unit::READ_CYCLES]);
        let mut sent = 0;
        (0..unit::READ_AFTER).for_each(|_| self.circuit.clock());
        while sent < words || expected.iter().any(Option::is_some) {
            let now = sent < words && (self.gaps.0 == 0 || self.random.below(3) > 0);
            self.circuit.set("mixed_read", &[u64::from(now)]);
            self.circuit.set("mixed_address", &[sent.min(words - 1) as u64]);
            expected.push_back(now.then_some(sent));
            sent += usize::from(now);
            self.circuit.clock();
            expected.pop_front();
            if let Some(Some(word)) = expected.get(unit::READ_CYCLES - unit::FACTOR_CYCLES).copied() {
                let scale = golden.sums[word * WORD / self.sizes.head_dim];
                let [mantissa, exponent] = ["mixed_mantissa", "mixed_exponent"].map(|name| self.circuit.get(name)[0]);
                assert_eq!((mantissa as i32, i32::from(exponent as i8)), (scale.mantissa, scale.exponent), "word {word}, {what}");
            }
            let Some(Some(word)) = expected.front().copied() else { continue };
            let found = unpack(&self.circuit.get("mixed"), 18, WORD);
            let exact: Vec<i64> = golden.mixed[word * WORD..][..WORD].iter().map(|v| i64::from(*v)).collect();
            assert_eq!(found, exact, "word {word}, {what}");
        }
        self.circuit.set("mixed_read", &[0]);
    }
}

/// Every tail: the ring as it fills, full and wrapped, windows of 1 to all of it, forgotten and begun anew.
pub fn every_tail<C: Circuit>(make: impl Fn() -> C, sizes: Sizes, layers: usize) {
    let most = sizes.ring;
    for (seed, (ring, gaps)) in [(most, 0), (most - 1, 3), (3, 0), (1, 4), (2, 0)].into_iter().enumerate() {
        let mut driver = Driver::new(make(), sizes, (ring, layers), 77 + seed as u64, Gaps(gaps));
        let windows: Vec<usize> = [0, 1, 2, ring / 2, ring - 1, ring].into_iter().filter(|w| *w <= ring).collect();
        for token in 0..2 * ring + 3 {
            driver.token(&windows, [Style::Random, Style::Random, Style::Most, Style::Least][token % 4]);
        }
        driver.clear();
        (0..3).for_each(|_| driver.token(&windows, Style::Random));
    }
}

/// A whole ring of the largest values, then of the smallest, then of any.
pub fn both_extremes<C: Circuit>(circuit: C, sizes: Sizes) {
    let mut driver = Driver::new(circuit, sizes, (sizes.ring, 1), 5, Gaps(0));
    for style in [Style::Most, Style::Least, Style::Random] {
        (0..sizes.ring).for_each(|_| driver.token(&[0], style));
    }
}
