//! What a program means: the golden token machine.

mod watch;

use super::attention::{Attention, Span};
use super::check::{Bound, ProgramError};
use super::coder::{Coder, inverse_root};
use super::kv::KvStore;
use super::noise::{Choice, Chooser};
use super::number::{FACTOR_BITS, Scale, narrow, round_shift, widen};
use super::program::{Matrix, Program, WORD};
use super::step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};
use super::table::{PHASE_BITS, TURN_BITS, cosine, sine};

/// Who multiplies by a program's matrices.
pub trait Products {
    /// What can go wrong.
    type Error;

    /// `sums[r] = sum over c of weights[r][c] * codes[c]` of the matrix of that number.
    ///
    /// # Errors
    /// Whatever keeps a back end from it.
    fn product(&mut self, matrix: usize, codes: &[i8], sums: &mut [i32]) -> Result<(), Self::Error>;
}

/// The sums of [`crate::golden::gemv`]: weights row by row, one list per matrix.
#[derive(Debug, Clone, Default)]
pub struct Golden {
    /// What the program says they are.
    pub shapes: Vec<Matrix>,
    /// Their values.
    pub weights: Vec<Vec<i8>>,
}

impl Products for Golden {
    type Error = std::convert::Infallible;

    fn product(&mut self, matrix: usize, codes: &[i8], sums: &mut [i32]) -> Result<(), Self::Error> {
        let Matrix { rows, cols, .. } = self.shapes[matrix];
        sums.copy_from_slice(&crate::golden::gemv(rows, cols, &self.weights[matrix], codes));
        Ok(())
    }
}

/// A sequence of tokens in the hands of a program.
#[derive(Debug, Clone)]
pub struct Machine {
    program: Program,
    bound: Bound,
    position: u64,
    phases: Vec<Vec<u32>>,
    wide: Vec<i32>,
    work: Vec<i32>,
    group: usize,
    largest: Vec<u32>,
    squares: Vec<u64>,
    array: (Vec<i8>, Scale),
    query: (Vec<i8>, Vec<Scale>),
    kv: KvStore,
    attention: Attention,
    read: Vec<i32>,
    logits: Vec<i32>,
}

impl Machine {
    /// A machine before its first token.
    ///
    /// # Errors
    /// A program that [`Program::check`] refuses.
    pub fn new(program: Program) -> Result<Machine, ProgramError> {
        let bound = program.check()?;
        Ok(Machine {
            bound,
            position: 0,
            phases: program.turns.iter().map(|set| vec![0; set.len()]).collect(),
            wide: vec![0; program.wide_words * WORD],
            work: Vec::new(),
            group: WORD,
            largest: Vec::new(),
            squares: Vec::new(),
            array: (Vec::new(), Scale::ONE),
            query: (Vec::new(), Vec::new()),
            kv: KvStore::new(&program.kv),
            attention: Attention::new(&program.kv),
            read: Vec::new(),
            logits: Vec::new(),
            program,
        })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What a token costs at most.
    pub fn bound(&self) -> Bound {
        self.bound
    }

    /// Tokens taken so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The cache.
    pub fn kv(&self) -> &KvStore {
        &self.kv
    }

    /// Forgets every token.
    pub fn clear(&mut self) {
        self.position = 0;
        self.phases.iter_mut().for_each(|set| set.fill(0));
    }

    /// Takes a token whose successor is not asked for.
    ///
    /// # Errors
    /// The products'.
    ///
    /// # Panics
    /// If the program has no such token.
    pub fn take<P: Products>(&mut self, products: &mut P, token: u32) -> Result<(), P::Error> {
        for at in 0..self.program.body.len() {
            let step = self.program.body[at];
            self.step(&step, products, token)?;
        }
        self.advance();
        Ok(())
    }

    /// The token is finished.
    fn advance(&mut self) {
        self.position += 1;
        for (phases, steps) in self.phases.iter_mut().zip(&self.program.turns) {
            phases.iter_mut().zip(steps).for_each(|(phase, step)| *phase = phase.wrapping_add(*step));
        }
    }

    /// Takes a token; the logits of what follows, 12 bits behind the point.
    ///
    /// # Errors
    /// The products'.
    ///
    /// # Panics
    /// If the program has no such token.
    pub fn logits<P: Products>(&mut self, products: &mut P, token: u32) -> Result<&[i32], P::Error> {
        self.take(products, token)?;
        for at in 0..self.program.head.len() {
            let step = self.program.head[at];
            self.step(&step, products, token)?;
        }
        Ok(&self.logits)
    }

    /// Takes a token; the token to follow.
    ///
    /// # Errors
    /// The products'.
    ///
    /// # Panics
    /// If the program has no such token.
    pub fn next<P: Products>(&mut self, products: &mut P, token: u32, choice: Choice) -> Result<u32, P::Error> {
        // The noise counts positions in 32 bits and begins anew after them.
        let mut chooser = Chooser::new(choice, self.position as u32);
        self.logits(products, token)?.iter().for_each(|&logit| chooser.offer(logit));
        Ok(chooser.token())
    }

    fn step<P: Products>(&mut self, step: &Step, products: &mut P, token: u32) -> Result<(), P::Error> {
        match *step {
            Step::Embed { at, reduce } => self.embed(usize::from(at) * WORD, reduce, token as usize),
            Step::Pass(pass) => self.pass(&pass, products)?,
            Step::Codes { norm, to, .. } => self.codes(norm, to),
            Step::Scores { layer, window, constant, shift, .. } => {
                let (span, constant) = (self.span(window), self.program.constants[usize::from(constant)]);
                let (kv, query) = ((&self.program.kv, &self.kv), (&self.query.0[..], &self.query.1[..]));
                self.attention.score(kv, layer.into(), span, query, (constant, shift.into()));
            }
            Step::Mix { layer, heads, window } => {
                let span = self.span(window);
                self.attention.mix((&self.program.kv, &self.kv), layer.into(), span, heads.into());
            }
        }
        Ok(())
    }

    fn span(&self, window: u16) -> Span {
        Span { position: self.position, window: self.program.window(window) }
    }

    fn embed(&mut self, at: usize, reduce: Reduce, token: usize) {
        let e = &self.program.embedding;
        self.read.clear();
        let (codes, scales) = (&e.codes[token * e.width..][..e.width], &e.scales[token * e.width / e.group..]);
        for (codes, &scale) in codes.chunks(e.group).zip(scales) {
            let value = |&code: &i8| widen(round_shift(i64::from(code) * i64::from(scale), e.shift.into()));
            self.read.extend(codes.iter().map(value));
        }
        self.wide[at..at + self.read.len()].copy_from_slice(&self.read);
        self.reduce(reduce);
    }

    fn pass<P: Products>(&mut self, pass: &Pass, products: &mut P) -> Result<(), P::Error> {
        self.read_source(pass, products)?;
        self.multiply(pass);
        if let Some(gate) = pass.gate {
            let gate = &self.program.gates[usize::from(gate)];
            let (gates, ups) = self.read.split_at_mut(usize::from(pass.count) * WORD);
            gates.iter_mut().zip(ups).for_each(|(g, u)| *g = gate.apply(narrow((*g).into()), narrow((*u).into())));
            self.read.truncate(usize::from(pass.count) * WORD);
        }
        if let Some(set) = pass.turn {
            turn(&mut self.read, &self.phases[usize::from(set)]);
        }
        self.write(pass.into);
        if let Some(reduce) = pass.reduce {
            self.reduce(reduce);
        }
        Ok(())
    }

    fn read_source<P: Products>(&mut self, pass: &Pass, products: &mut P) -> Result<(), P::Error> {
        self.read.clear();
        match pass.source {
            Source::Product { matrix } => {
                let matrix = usize::from(matrix);
                self.read.resize(self.program.matrices[matrix].rows, 0);
                products.product(matrix, &self.array.0, &mut self.read)?;
            }
            Source::Wide { at, take } => {
                let wide = &self.wide[usize::from(at) * WORD..][..usize::from(pass.count) * WORD * (1 + usize::from(pass.gate.is_some()))];
                self.read.extend(wide.iter().map(|&v| narrow(round_shift(v.into(), take.into()))));
            }
            Source::Mixed => self.read.extend_from_slice(&self.attention.mixed),
        }
        Ok(())
    }

    /// Every value read, times its constant times its group's factor.
    fn multiply(&mut self, pass: &Pass) {
        let one = |scale: Scale, len: usize| (vec![scale], len.max(1));
        let (scales, group) = match pass.factor {
            Factor::One => one(Scale::ONE, self.read.len()),
            Factor::Codes => one(self.array.1, self.read.len()),
            Factor::Root(floor) => {
                let floor = self.program.floors[usize::from(floor)];
                (self.squares.iter().map(|&s| inverse_root(s + floor)).collect(), self.group)
            }
            Factor::Sums => (self.attention.sums.clone(), self.program.kv.head_dim),
        };
        let constants = &self.program.constants[usize::from(pass.constants) * WORD..];
        for ((values, constants), scale) in self.read.chunks_mut(group).zip(constants.chunks(group)).zip(scales) {
            let shift = i32::from(pass.shift) + scale.exponent;
            for (value, &constant) in values.iter_mut().zip(constants) {
                *value = widen(round_shift(i64::from(*value) * i64::from(scale.times(constant)), shift));
            }
        }
    }

    fn write(&mut self, into: Into) {
        match into {
            Into::Work => {}
            Into::Wide(at) => self.wide[usize::from(at) * WORD..][..self.read.len()].copy_from_slice(&self.read),
            Into::Add(at) => {
                let wide = &mut self.wide[usize::from(at) * WORD..][..self.read.len()];
                for (sum, value) in wide.iter_mut().zip(&mut self.read) {
                    *sum = widen(i64::from(*sum) + i64::from(*value));
                    *value = *sum;
                }
            }
            Into::Keys(layer) => {
                let row = self.kv.keys_mut(layer.into(), self.position);
                row.iter_mut().zip(&self.read).for_each(|(level, &v)| *level = self.program.kv.form.level(v));
            }
            Into::Values(layer) => {
                let row = self.kv.values_mut(layer.into(), self.position);
                row.iter_mut().zip(&self.read).for_each(|(level, &v)| *level = self.program.kv.form.level(v));
            }
            Into::Choice => std::mem::swap(&mut self.logits, &mut self.read),
        }
    }

    /// What was read becomes `work`.
    fn reduce(&mut self, reduce: Reduce) {
        self.group = if reduce.group == 0 { self.read.len() } else { usize::from(reduce.group) * WORD };
        self.work.clear();
        self.squares.clear();
        self.largest.clear();
        let weights = reduce.weights.map(|at| &self.program.constants[usize::from(at) * WORD..]);
        for (g, values) in self.read.chunks(self.group).enumerate() {
            let (mut squares, mut largest) = (0_u64, 0_u32);
            for (i, &value) in values.iter().enumerate() {
                let short = narrow(round_shift(value.into(), reduce.take.into()));
                squares += u64::from(short.unsigned_abs()).pow(2);
                let weighted = match weights {
                    Some(w) => narrow(round_shift(i64::from(short) * i64::from(w[g * self.group + i]), FACTOR_BITS)),
                    None => short,
                };
                largest = largest.max(weighted.unsigned_abs());
                self.work.push(weighted);
            }
            self.squares.push(squares);
            self.largest.push(largest);
        }
    }

    fn codes(&mut self, norm: Option<u8>, to: CodesTo) {
        let floor = norm.map(|f| self.program.floors[usize::from(f)]);
        let (codes, scales) = match to {
            CodesTo::Array => (&mut self.array.0, None),
            CodesTo::Query => (&mut self.query.0, Some(&mut self.query.1)),
        };
        codes.clear();
        codes.resize(self.work.len(), 0);
        let mut found = Vec::with_capacity(self.largest.len());
        let groups = self.work.chunks(self.group).zip(codes.chunks_mut(self.group));
        for ((values, codes), (&largest, &squares)) in groups.zip(self.largest.iter().zip(&self.squares)) {
            let coder = Coder::new(largest);
            coder.codes(values, codes);
            found.push(floor.map_or(coder.scale(), |floor| coder.scale_by(inverse_root(squares + floor))));
        }
        match scales {
            Some(scales) => *scales = found,
            // The check saw to it that there is one.
            None => self.array.1 = found.first().copied().unwrap_or(Scale::ONE),
        }
    }
}

/// Turns every pair of channels half a head apart by its phase; narrow values in and out.
fn turn(values: &mut [i32], phases: &[u32]) {
    let half = phases.len();
    for head in values.chunks_mut(2 * half) {
        let (low, high) = head.split_at_mut(half);
        for ((a, b), phase) in low.iter_mut().zip(high).zip(phases) {
            // The nearest of the table's phases; the counter wraps with the turn.
            let at = (phase.wrapping_add(1 << (31 - PHASE_BITS)) >> (32 - PHASE_BITS)) as usize;
            let (cos, sin) = (i64::from(cosine(at)), i64::from(sine(at)));
            let (x, y) = (i64::from(narrow((*a).into())), i64::from(narrow((*b).into())));
            *a = narrow(round_shift(x * cos - y * sin, TURN_BITS));
            *b = narrow(round_shift(y * cos + x * sin, TURN_BITS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn turning_is_the_rotation_within_a_table_step_at_every_phase() {
        for i in 0..4096_u32 {
            let phase = i.wrapping_mul(1 << 20).wrapping_add(12_345);
            let mut values = [60_000, -30_000];
            turn(&mut values, &[phase]);
            let angle = TAU * f64::from(phase) / 2_f64.powi(32);
            let exact = [60_000.0 * angle.cos() + 30_000.0 * angle.sin(), -30_000.0 * angle.cos() + 60_000.0 * angle.sin()];
            for (found, exact) in values.iter().zip(exact) {
                // Half a phase of the table: 2 pi / 2048 of the length.
                assert!((f64::from(*found) - exact).abs() < 208.0, "phase {phase}: {found} for {exact}");
            }
        }
        let mut values = [131_071, 131_071];
        turn(&mut values, &[1 << 29]);
        assert_eq!(values, [0, 131_071], "a turn saturates");
    }

    #[test]
    fn a_turn_goes_on_where_the_counter_wraps() {
        let (mut before, mut after) = ([1000, 500], [1000, 500]);
        turn(&mut before, &[u32::MAX]);
        turn(&mut after, &[0]);
        assert_eq!(before, after);
    }
}
