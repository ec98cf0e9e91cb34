//! Whether a program can run, found before its first token: every number within its memory, every vector as long as its
//! reader needs, nothing read that this token has not written. What passes runs without a fault, in a bounded time.

use super::coder::CODE_MAX;
use super::encode::encode;
use super::kv::MAX_RING;
use super::number::{MAX_SHIFT, NARROW_MAX};
use super::program::{Program, WORD};
use super::step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};

/// Most steps of a token.
pub const MAX_STEPS: usize = 1024;
/// Most words of `wide`.
pub const MAX_WIDE_WORDS: usize = 1024;
/// Bits of a floor.
pub const FLOOR_BITS: u32 = 48;

/// What a program can cost at most, whatever its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Steps of a token, the head's included.
    pub steps: usize,
    /// Multiplications by weights, the head's included.
    pub weights: u64,
    /// Multiplications by the cache when the ring is full.
    pub attention: u64,
}

/// Why a program cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// A step, counted from 0 through body and head.
    #[error("step {step} of the token program: {why}")]
    Step {
        /// Which.
        step: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else of it.
    #[error("the token program: {0}")]
    Data(String),
}

/// Returns the formatted reason as an error unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(format!($($why)+));
        }
    };
}

/// What the memories hold at a step.
#[derive(Default)]
struct Held {
    /// Values of `work`, and of a group of it.
    work: Option<(usize, usize)>,
    array: Option<usize>,
    /// Groups and their values.
    query: Option<(usize, usize)>,
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Heads and window.
    scores: Option<(u8, u16)>,
    mixed: Option<u8>,
    chosen: bool,
    weights: u64,
    attention: u64,
}

impl Program {
    /// Whether it can run, and what it costs at most.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<Bound, ProgramError> {
        self.check_data().map_err(ProgramError::Data)?;
        let mut held = Held::default();
        for (step, kind) in self.steps().enumerate() {
            let found = encode(kind).map(|_| ()).ok_or_else(|| "a field does not fit its 128 bits".to_owned());
            let found = match held.chosen {
                true => found.and_then(|()| Err("nothing may follow the choice".to_owned())),
                false => found.and_then(|()| self.check_step(kind, &mut held)),
            };
            found.map_err(|why| ProgramError::Step { step, why })?;
            if held.chosen && step < self.body.len() {
                return Err(ProgramError::Step { step, why: "the choice belongs to the head".to_owned() });
            }
        }
        if !held.chosen {
            return Err(ProgramError::Data("its head chooses no token".to_owned()));
        }
        Ok(Bound { steps: self.body.len() + self.head.len(), weights: held.weights, attention: held.attention })
    }

    fn check_data(&self) -> Result<(), String> {
        let narrow = |values: &[i32]| values.iter().all(|v| v.abs() <= NARROW_MAX);
        let (steps, e, kv) = (self.body.len() + self.head.len(), &self.embedding, &self.kv);
        ensure!(steps <= MAX_STEPS, "{steps} steps; at most {MAX_STEPS} are kept");
        ensure!(
            (1..=MAX_WIDE_WORDS).contains(&self.wide_words),
            "{} words of wide values; 1 to {MAX_WIDE_WORDS} are there",
            self.wide_words
        );
        ensure!(narrow(&self.constants) && self.constants.len().is_multiple_of(WORD), "constants are whole words of 18 bits");
        ensure!(self.floors.iter().all(|f| f >> FLOOR_BITS == 0), "floors have {FLOOR_BITS} bits");
        ensure!(self.gates.iter().all(|g| g.is_sound()), "a gate's table is not sound");
        ensure!(self.turns.iter().all(|t| t.len() * 2 == kv.head_dim), "a set of phases has one per pair of a head");
        for (i, m) in self.matrices.iter().enumerate() {
            let largest = m.cols.saturating_mul((CODE_MAX * m.code.max_abs()) as usize);
            let most = NARROW_MAX / (CODE_MAX * m.code.max_abs());
            ensure!(
                m.rows > 0 && m.cols > 0 && m.cols % WORD == 0 && largest <= NARROW_MAX as usize,
                "matrix {i} is {} x {}; sums of 18 bits hold 8 to {most} columns in eights",
                m.rows,
                m.cols
            );
        }
        let sound = e.width > 0 && e.width % WORD == 0 && e.group > 0 && e.width % e.group == 0 && i32::from(e.shift) <= MAX_SHIFT;
        let full = sound && !e.codes.is_empty() && e.codes.len() % e.width == 0 && e.scales.len() * e.group == e.codes.len();
        ensure!(full && narrow(&e.scales), "the embedding's codes and scales do not fit its width");
        ensure!((1..=MAX_RING).contains(&kv.ring), "a ring of {} positions; 1 to {MAX_RING} can be", kv.ring);
        let most = (NARROW_MAX / (CODE_MAX * i32::from(kv.form.largest()))) as usize;
        ensure!(
            kv.head_dim > 0 && kv.head_dim % WORD == 0 && kv.head_dim <= most && kv.heads > 0,
            "{} heads of {} channels; scores of 18 bits hold 8 to {most} channels in eights",
            kv.heads,
            kv.head_dim
        );
        Ok(())
    }

    fn check_step(&self, step: &Step, held: &mut Held) -> Result<(), String> {
        match *step {
            Step::Embed { at, reduce } => {
                let len = self.embedding.width;
                self.check_wide(at, len)?;
                self.check_reduce(Some(reduce), len, held)
            }
            Step::Pass(pass) => self.check_pass(&pass, held),
            Step::Codes { count, norm, to } => {
                let len = usize::from(count) * WORD;
                let (work, group) = held.work.ok_or("no vector to make codes of")?;
                ensure!(len > 0 && len == work, "codes of {len} values, but {work} are there");
                self.check_floor(norm)?;
                match to {
                    CodesTo::Array => {
                        ensure!(group == len, "the array's codes have one scale");
                        held.array = Some(len);
                    }
                    CodesTo::Query => held.query = Some((len / group, group)),
                }
                Ok(())
            }
            Step::Scores { layer, heads, window, constant, .. } => {
                let (n, dim) = (usize::from(heads), self.kv.head_dim);
                ensure!(held.keys.contains(&layer), "the keys of layer {layer} are not there yet");
                ensure!(n > 0 && n % self.kv.heads == 0, "{n} heads do not share {} of the cache", self.kv.heads);
                ensure!(held.query == Some((n, dim)), "the query's codes are not {n} heads of {dim}");
                ensure!(usize::from(window) <= self.kv.ring, "a window of {window} in a ring of {}", self.kv.ring);
                ensure!(usize::from(constant) < self.constants.len(), "no constant {constant}");
                held.scores = Some((heads, window));
                Ok(())
            }
            Step::Mix { layer, heads, window } => {
                ensure!(held.values.contains(&layer), "the values of layer {layer} are not there yet");
                ensure!(held.scores == Some((heads, window)), "the scores are of other heads or another window");
                held.mixed = Some(heads);
                held.attention += 2 * (usize::from(heads) * self.kv.head_dim * self.window(window)) as u64;
                Ok(())
            }
        }
    }

    fn check_pass(&self, pass: &Pass, held: &mut Held) -> Result<(), String> {
        let out = usize::from(pass.count) * WORD;
        let read = if pass.gate.is_some() { 2 * out } else { out };
        ensure!(out > 0, "no values");
        let from = usize::from(pass.constants) * WORD;
        ensure!(from + read <= self.constants.len(), "constants {from} to {} are not there", from + read);
        self.check_source(pass, read, held)?;
        self.check_factor(pass, read, held)?;
        if let Some(set) = pass.turn {
            let phases = self.turns.get(usize::from(set)).ok_or_else(|| format!("no set of phases {set}"))?;
            ensure!(out.is_multiple_of(2 * phases.len()), "{out} values are not whole heads of {}", 2 * phases.len());
        }
        if let Some(gate) = pass.gate {
            ensure!(usize::from(gate) < self.gates.len() && pass.turn.is_none(), "no gate {gate}, or turned besides");
        }
        match pass.into {
            Into::Work => ensure!(pass.reduce.is_some(), "its values go nowhere"),
            Into::Wide(at) => self.check_wide(at, out)?,
            Into::Add(at) => {
                ensure!(pass.gate.is_none(), "what is gated is not added");
                self.check_wide(at, out)?;
            }
            Into::Keys(layer) => {
                self.check_kept(layer, out)?;
                held.keys.push(layer);
            }
            Into::Values(layer) => {
                self.check_kept(layer, out)?;
                held.values.push(layer);
            }
            Into::Choice => {
                let plain = pass.gate.is_none() && pass.turn.is_none() && pass.reduce.is_none();
                ensure!(plain && matches!(pass.source, Source::Product { .. }), "a choice is of a product's values alone");
                held.chosen = true;
            }
        }
        self.check_reduce(pass.reduce, out, held)
    }

    fn check_kept(&self, layer: u8, out: usize) -> Result<(), String> {
        let (layers, width) = (self.kv.layers, self.kv.width());
        ensure!(usize::from(layer) < layers && out == width, "{out} values for layer {layer}; the cache has {layers} layers of {width}");
        Ok(())
    }

    fn check_source(&self, pass: &Pass, read: usize, held: &mut Held) -> Result<(), String> {
        match pass.source {
            Source::Product { matrix } => {
                let m = self.matrices.get(usize::from(matrix)).ok_or_else(|| format!("no matrix {matrix}"))?;
                let tokens = self.tokens();
                let (rows, wanted) = match pass.into {
                    Into::Choice => (m.rows.next_multiple_of(WORD), m.rows == tokens),
                    _ => (m.rows, true),
                };
                ensure!(rows == read && wanted, "matrix {matrix} has {} rows, not {read} (of {tokens} tokens)", m.rows);
                ensure!(held.array == Some(m.cols), "matrix {matrix} has {} columns, the codes {:?}", m.cols, held.array);
                held.weights += (m.rows * m.cols) as u64;
                Ok(())
            }
            Source::Wide { at, .. } => self.check_wide(at, read),
            Source::Mixed => {
                let mixed = held.mixed.map_or(0, usize::from) * self.kv.head_dim;
                ensure!(mixed == read, "{read} mixed values, but {mixed} are there");
                Ok(())
            }
        }
    }

    fn check_factor(&self, pass: &Pass, read: usize, held: &Held) -> Result<(), String> {
        match pass.factor {
            Factor::One => {}
            Factor::Codes => ensure!(matches!(pass.source, Source::Product { .. }), "the codes' scale is that of a product"),
            Factor::Root(floor) => {
                self.check_floor(Some(floor))?;
                let (work, _) = held.work.ok_or("no squares for a root")?;
                ensure!(work == read && pass.gate.is_none(), "the roots are of {work} values, not {read}");
            }
            Factor::Sums => ensure!(matches!(pass.source, Source::Mixed) && pass.gate.is_none(), "sums are of mixed values"),
        }
        Ok(())
    }

    fn check_floor(&self, floor: Option<u8>) -> Result<(), String> {
        ensure!(floor.is_none_or(|f| usize::from(f) < self.floors.len()), "no floor {floor:?}");
        Ok(())
    }

    fn check_wide(&self, at: u16, len: usize) -> Result<(), String> {
        let end = usize::from(at) + len / WORD;
        ensure!(end <= self.wide_words, "words {at} to {end} of {} wide ones", self.wide_words);
        Ok(())
    }

    fn check_reduce(&self, reduce: Option<Reduce>, len: usize, held: &mut Held) -> Result<(), String> {
        let Some(Reduce { weights, group, .. }) = reduce else { return Ok(()) };
        let group = if group == 0 { len } else { usize::from(group) * WORD };
        ensure!(len.is_multiple_of(group), "{len} values are not groups of {group}");
        if let Some(weights) = weights {
            let from = usize::from(weights) * WORD;
            ensure!(from + len <= self.constants.len(), "weights {from} to {} are not there", from + len);
        }
        held.work = Some((len, group));
        Ok(())
    }
}
