//! A machine, what stands beside it, and the golden model.

mod beside;

use crate::lower::lower;
use crate::model::Model;
use beside::{Array, Play};
use nda_cores::netlist::{Evaluation, Netlist};
use nda_cores::token::{attention, machine, token_machine};
use nda_spec::config::Geometry;
use nda_spec::token::cycles::{self, Fabric, LOOP_CYCLES};
use nda_spec::token::wired::row_order;
use nda_spec::token::{Choice, CodesTo, Golden, Image, Into, Machine, Map, Pass, Place, Scale, Sizes, Step, WORD, word_beats};
use std::collections::VecDeque;
use std::sync::Arc;

/// Cycles that a token may take.
const MOST_CYCLES: u64 = 20_000;
/// Cycles of an attention that is played.
const PLAYED_CYCLES: u64 = 20;

pub struct Bench {
    machine: Evaluation,
    golden: Machine,
    products: Golden,
    /// Tile words: weights of the array's rows of 128 columns.
    tiles: Vec<Vec<i8>>,
    array_rows: usize,
    units: Vec<u64>,
    cycle: u64,
}

/// In which order words of a vector come.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Plain,
    Turned,
}

/// What a token is expected to write, in order.
#[derive(Default)]
struct Expected {
    work: VecDeque<Vec<i32>>,
    wide: VecDeque<Vec<i32>>,
    /// Where each of them begins.
    bases: VecDeque<u16>,
    rows: VecDeque<Vec<i32>>,
    array_codes: VecDeque<Vec<i8>>,
    array_scales: VecDeque<Scale>,
    query_codes: VecDeque<Vec<i8>>,
    scales: VecDeque<Scale>,
    mixed: VecDeque<(Vec<i32>, Vec<Scale>)>,
    logits: Vec<i32>,
}

/// A vector that comes word by word.
#[derive(Default)]
struct Coming {
    words: Vec<Option<Vec<i64>>>,
}

impl Coming {
    fn put(&mut self, word: usize, values: Vec<i64>, expected: &mut VecDeque<Vec<i32>>, what: &str) {
        let all = expected.front().unwrap_or_else(|| panic!("{what}: more is written than expected"));
        self.words.resize(all.len() / WORD, None);
        let here: Vec<i64> = all[word * WORD..][..WORD].iter().map(|v| i64::from(*v)).collect();
        assert_eq!(values, here, "{what}, word {word}, {} of them left", expected.len());
        self.words[word] = Some(values);
        if self.words.iter().all(Option::is_some) {
            self.words.clear();
            expected.pop_front();
        }
    }
}

/// Signed lanes of `bits` bits.
fn lanes(words: &[u64], bits: usize, count: usize) -> Vec<i64> {
    let bit = |k: usize| words[k / 64] >> (k % 64) & 1;
    let value = |lane: usize| {
        let raw = (0..bits).rev().fold(0_u64, |v, k| v << 1 | bit(lane * bits + k));
        (raw << (64 - bits)) as i64 >> (64 - bits)
    };
    (0..count).map(value).collect()
}

fn packed(values: &[i64], bits: usize) -> Vec<u64> {
    let mut words = vec![0; (values.len() * bits).div_ceil(64)];
    for (lane, value) in values.iter().enumerate() {
        (0..bits).filter(|k| value >> k & 1 == 1).for_each(|k| words[(lane * bits + k) / 64] |= 1 << ((lane * bits + k) % 64));
    }
    words
}

impl Bench {
    /// The steps' machine alone, beside an array of the given number of rows.
    pub fn new(model: &Model, array_rows: usize) -> Bench {
        Bench::of(model, array_rows, |sizes, map| machine(sizes, map, array_rows))
    }

    /// The machine with its attention and its choice.
    pub fn whole(model: &Model, array_rows: usize) -> Bench {
        Bench::of(model, array_rows, |sizes, map| token_machine(sizes, map, &attention::Sizes::of(sizes, array_rows), array_rows))
    }

    fn of(model: &Model, array_rows: usize, describe: impl Fn(&Sizes, &Map) -> Arc<Netlist>) -> Bench {
        let table = nda_spec::Config::named("table1024").unwrap().geometry;
        let geometry = Geometry { array_rows, tile_words: table.tile_words * word_beats(array_rows), ..table };
        let (program, products) = lower(model);
        let of = Sizes::of(&program, 1024, 512);
        let sizes = Sizes { wide_words: of.wide_words.max(16), ..of };
        let mut tiles = Vec::new();
        let order: Vec<Vec<usize>> = (0..program.matrices.len()).map(|i| row_order(&program, i)).collect();
        let places: Vec<Place> = (0..program.matrices.len()).map(|i| place(&mut tiles, &products, i, (array_rows, &order[i]))).collect();
        let image = Image { program: program.clone(), places };
        let units = image.encode(&sizes, &geometry).unwrap();
        let map = sizes.map(geometry.tile_word_bytes());
        let mut bench = Bench {
            machine: Evaluation::new(&describe(&sizes, &map)),
            golden: Machine::new(program).unwrap(),
            products,
            tiles,
            units,
            array_rows,
            cycle: 0,
        };
        bench.load();
        bench
    }

    fn load(&mut self) {
        self.machine.set("load_valid", &[1]);
        for (at, unit) in self.units.clone().iter().enumerate() {
            self.machine.set("load_address", &[at as u64]);
            self.machine.set("load_data", &[*unit]);
            self.machine.clock();
        }
        self.machine.set("load_valid", &[0]);
        self.machine.clock();
    }

    /// Reads every unit back, the number standing for six cycles.
    pub fn peek_at_everything(&mut self) {
        self.machine.set("peek_valid", &[1]);
        for (at, unit) in self.units.clone().into_iter().enumerate() {
            self.machine.set("peek_address", &[at as u64]);
            (0..5).for_each(|_| self.machine.clock());
            assert_eq!(self.machine.get("peek_data"), unit, "unit {at}");
            self.machine.clock();
        }
    }

    /// A token, compared word by word; its cycles.
    pub fn token(&mut self, token: u32) -> u64 {
        let mut expected = self.expect(token);
        let m = &mut self.machine;
        m.set("token_valid", &[1]);
        m.set("token", &[token.into()]);
        m.set("token_want", &[2]);
        assert_eq!(m.get("token_ready"), 1);
        m.clock();
        m.set("token_valid", &[0]);
        let begin = self.cycle;
        let mut play = Play::default();
        while self.machine.get("token_ready") == 0 {
            play.see(&mut self.machine, &mut expected);
            play.answer(&mut self.machine, &self.tiles, &mut expected, self.cycle);
            self.machine.clock();
            self.cycle += 1;
            assert!(self.cycle - begin < MOST_CYCLES, "the token does not end: step {}", self.machine.peek("pc")[0]);
        }
        let left = [expected.work.len(), expected.wide.len(), expected.rows.len(), expected.array_codes.len(), expected.query_codes.len()];
        assert_eq!((left, expected.scales.len(), expected.logits.len()), ([0; 5], 0, 0), "what was not written");
        self.cycle - begin
    }

    /// A token whose successor is chosen, as golden chooses it; the successor and the cycles.
    pub fn next(&mut self, token: u32, choice: Choice) -> (u32, u64) {
        let m = &mut self.machine;
        m.set("token_valid", &[1]);
        m.set("token", &[token.into()]);
        m.set("token_want", &[1]);
        m.set("is_greedy", &[u64::from(choice.inverse_temperature == 0)]);
        m.set("inverse_temperature", &[choice.inverse_temperature.into()]);
        m.set("seed", &[choice.seed]);
        assert_eq!(m.get("token_ready"), 1);
        m.clock();
        m.set("token_valid", &[0]);
        let begin = self.cycle;
        let mut array = Array::default();
        let (mut found, mut made) = (Vec::new(), None);
        while self.machine.get("token_ready") == 0 {
            let m = &mut self.machine;
            array.answer(m, &self.tiles, self.cycle);
            if m.get("logit_valid") == 1 {
                let keep = m.get("logit_keep") as usize;
                let values = lanes(&all(m, "values"), 24, WORD);
                found.extend(values.iter().enumerate().filter(|(k, _)| keep >> k & 1 == 1).map(|(_, v)| *v as i32));
            }
            if m.get("made_valid") == 1 {
                made = Some(m.get("made_token") as u32);
            }
            m.clock();
            self.cycle += 1;
            assert!(self.cycle - begin < MOST_CYCLES, "the token does not end");
        }
        let fabric = Fabric { rows: self.array_rows, ..Fabric::TOKEN_1024 };
        let predicted = cycles::token(self.golden.program(), &fabric, self.golden.position()).1 - LOOP_CYCLES;
        assert_eq!(self.cycle - begin, predicted, "cycles at position {}", self.golden.position());
        let Ok(expected) = self.golden.next(&mut self.products, token, choice);
        assert_eq!(found, self.golden.last_logits(), "logits of position {}", self.golden.position() - 1);
        assert_eq!(made, Some(expected), "the choice at position {}", self.golden.position() - 1);
        (expected, self.cycle - begin)
    }

    fn expect(&mut self, token: u32) -> Expected {
        let mut e = Expected::default();
        let mut turned = Order::Plain;
        let watch = |m: &Machine, step: &Step| match *step {
            Step::Embed { at, .. } => {
                let width = m.program().embedding.width;
                e.wide.push_back(m.wide()[usize::from(at) * WORD..][..width].to_vec());
                e.bases.push_back(at);
                e.work.push_back(m.work().to_vec());
            }
            Step::Pass(Pass { into, count, reduce, turn, .. }) => {
                let len = usize::from(count) * WORD;
                match into {
                    Into::Wide(at) | Into::Add(at) => {
                        e.wide.push_back(m.wide()[usize::from(at) * WORD..][..len].to_vec());
                        e.bases.push_back(at);
                    }
                    Into::Keys(_) | Into::Values(_) => e.rows.push_back(m.written().to_vec()),
                    Into::Choice => e.logits = m.last_logits().to_vec(),
                    Into::Work => {}
                }
                if reduce.is_some() {
                    turned = if turn.is_some() { Order::Turned } else { Order::Plain };
                    e.work.push_back(in_order(m, m.work(), turned));
                }
            }
            Step::Codes { to: CodesTo::Array, .. } => {
                e.array_codes.push_back(m.array_codes().0.to_vec());
                e.array_scales.push_back(m.array_codes().1);
            }
            Step::Codes { .. } => {
                e.query_codes.push_back(in_order(m, m.query_codes().0, turned));
                e.scales.extend(m.query_codes().1);
            }
            Step::Mix { .. } => e.mixed.push_back((m.mixed().0.to_vec(), m.mixed().1.to_vec())),
            Step::Scores { .. } => {}
        };
        let Ok(()) = self.golden.watched(&mut self.products, token, watch);
        e
    }
}

/// A vector in the order in which its words come: pairs half a head apart, if it is turned.
fn in_order<T: Copy>(m: &Machine, values: &[T], order: Order) -> Vec<T> {
    let dim = m.program().kv.head_dim;
    let half = dim / 2;
    let at = |i: usize| {
        let (head, word, lane) = (i / dim, i % dim / WORD, i % WORD);
        head * dim + word / 2 * WORD + word % 2 * half + lane
    };
    (0..values.len()).map(|i| values[if order == Order::Turned { at(i) } else { i }]).collect()
}

/// The place of a matrix: its words behind those that are there.
fn place(tiles: &mut Vec<Vec<i8>>, products: &Golden, matrix: usize, (array_rows, order): (usize, &[usize])) -> Place {
    let base = tiles.len() as u32;
    let (rows, cols) = (products.shapes[matrix].rows, products.shapes[matrix].cols);
    for group in 0..rows.div_ceil(WORD) * word_beats(array_rows) {
        for beat in 0..cols.div_ceil(128) {
            let weight = |k: usize| {
                let (row, col) = (group * array_rows + k / 128, beat * 128 + k % 128);
                match order.get(row) {
                    Some(row) if col < cols => products.weights[matrix][row * cols + col],
                    // Padding is not zero: what it meets has to be one.
                    _ => -2,
                }
            };
            tiles.push((0..array_rows * 128).map(weight).collect());
        }
    }
    Place { base }
}

fn all(m: &mut Evaluation, output: &str) -> Vec<u64> {
    m.output_of(output).to_vec()
}
