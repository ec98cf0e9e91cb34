//! A small token program with every kind of step: one block, norms of heads, a gate, past the ring's end.

use super::{failed, wrong};
use crate::error::GpuError;
use crate::gemv::GpuGemv;
use nda_gemv::{Followed, Following, Gemv, MatrixId, Start, TextStep, Tokens, TokensId};
use nda_spec::random::Random;
use nda_spec::token::{
    Activation, Assembler, AttentionShape, Choice, CodesTo, Factor, Folded, Gate, Golden, Into, KvForm, KvShape, LOGIT_POINT, Machine,
    Matrix, Norm, Program, ProgramError, ROW_POINT, Range, Request, Source, Unit, VALUE_POINT, WIDE_POINT, WORD, generate,
};
use nda_spec::{TileMatrix, WeightCode, tile};
use std::ops::ControlFlow;

const WIDTH: usize = 64;
const HEADS: usize = 4;
const FF: usize = 40;
const TOKENS: usize = 45;
const TEXTS: usize = 2;
const KV: (usize, usize, usize) = (2, 16, 12);
const EPS: f64 = 1e-5;
/// Bits by which a residual is shortened before its norm.
const TAKE: u8 = 2;

/// Makes tokens one by one, some of them side by side, and some of two texts in one step, as the golden machine does.
///
/// # Errors
/// [`GpuError::Wrong`]; a device that fails.
pub(super) fn run(gemv: &mut GpuGemv, random: &mut Random) -> Result<(), GpuError> {
    let (program, mut golden) = program(random).map_err(|error| wrong(gemv, error))?;
    let id = prepare(gemv, &program, &golden)?;
    let mut machine = Machine::new(program).map_err(|error| wrong(gemv, error))?;
    let mut row = Vec::new();
    for position in 0..KV.2 + 2 {
        let token = random.below(TOKENS) as u32;
        let start = if position == 0 { Start::Anew } else { Start::Continues };
        gemv.step(id, start, token, &mut row).map_err(|error| failed(gemv, error))?;
        let Ok(wanted) = machine.logits(&mut golden, token);
        if row != wanted {
            return Err(wrong(gemv, format!("logits of a whole token, position {position}")));
        }
    }
    for choice in [Choice::GREEDY, Choice { inverse_temperature: 1 << 8, seed: 5 << 32 | 3 }] {
        machine.clear();
        let prompt = (0..9).map(|_| random.below(TOKENS) as u32).collect();
        let request = Request { prompt, most_tokens: 6, stops: Vec::new(), choice };
        let Ok(wanted) = generate(&mut machine, &mut golden, &request, |_| ControlFlow::Continue(()));
        let found = gemv.generate(id, Start::Anew, &request, &mut |_, _| ControlFlow::Continue(())).map_err(|error| failed(gemv, error))?.0;
        if found != wanted {
            return Err(wrong(gemv, "whole tokens behind a prompt"));
        }
    }
    let prompts = [5, 3].map(|count| (0..count).map(|_| random.below(TOKENS) as u32).collect::<Vec<_>>());
    let step = |(text, tokens)| TextStep { text, start: Start::Anew, tokens, following: Following::Logits };
    let steps: Vec<TextStep<'_>> = prompts.iter().map(Vec::as_slice).enumerate().map(step).collect();
    let (found, _) = gemv.step_together(id, &steps).map_err(|error| failed(gemv, error))?;
    for (prompt, found) in prompts.iter().zip(found) {
        machine.clear();
        let mut wanted = Vec::new();
        for token in prompt {
            let Ok(row) = machine.logits(&mut golden, *token);
            wanted = row.to_vec();
        }
        if found != Followed::Logits(wanted) {
            return Err(wrong(gemv, "logits of two texts in one step"));
        }
    }
    Ok(())
}

fn prepare(gemv: &mut GpuGemv, program: &Program, golden: &Golden) -> Result<TokensId, GpuError> {
    let mut ids: Vec<MatrixId> = Vec::new();
    for (m, values) in golden.shapes.iter().zip(&golden.weights) {
        let words = tile::pack(m.rows, m.cols, m.code, values).map_err(|error| wrong(gemv, error))?;
        let tiles = TileMatrix::new(m.rows, m.cols, m.code, &words).map_err(|error| wrong(gemv, error))?;
        ids.push(gemv.prepare(&[tiles]).map_err(|error| failed(gemv, error))?);
    }
    let (id, texts) = gemv.prepare_texts(program, &|number| ids.get(number).copied(), TEXTS).map_err(|error| wrong(gemv, error))?;
    if texts == TEXTS { Ok(id) } else { Err(wrong(gemv, "room for texts")) }
}

/// The program in the making, and its matrices.
struct Making<'s> {
    asm: Assembler,
    golden: Golden,
    random: &'s mut Random,
}

fn program(random: &mut Random) -> Result<(Program, Golden), ProgramError> {
    let (heads, head_dim, ring) = KV;
    let rows: Vec<f32> = (0..TOKENS * WIDTH).map(|_| random.below(2001) as f32 / 1000.0 - 1.0).collect();
    let kv = KvShape { layers: 1, heads, head_dim, ring, form: KvForm::four_bits() };
    let mut making = Making { asm: Assembler::new(&rows, WIDTH, kv), golden: Golden::default(), random };
    making.block();
    making.asm.begin_head();
    making.norm();
    making.product((TOKENS, WIDTH), 0.1, Unit::point(LOGIT_POINT), None, Into::Choice);
    Ok((making.asm.finish()?, making.golden))
}

impl Making<'_> {
    fn matrix(&mut self, (rows, cols): (usize, usize)) -> Source {
        let matrix = Matrix { rows, cols, code: WeightCode::Quaternary };
        let values = matrix.code.values();
        self.golden.shapes.push(matrix);
        self.golden.weights.push((0..rows * cols).map(|_| self.random.one_of(values)).collect());
        Source::Product { matrix: self.asm.matrix(matrix) }
    }

    fn norm(&mut self) {
        self.asm.norm(Norm { weights: &[1.0; WIDTH], eps: EPS }, TAKE);
    }

    fn product(&mut self, shape: (usize, usize), scale: f64, into_unit: Unit, turn: Option<u8>, into: Into) {
        let source = self.matrix(shape);
        let unit = self.asm.codes_unit();
        self.asm.pass(&Folded { source, unit, factor: Factor::Codes, by: vec![scale; shape.0], into_unit }, turn, None, into);
    }

    fn block(&mut self) {
        let (kv_heads, dim, _) = KV;
        let (queries, keys) = (HEADS * dim, kv_heads * dim);
        let scratch = (WIDTH / WORD) as u16;
        self.norm();
        let turn = self.asm.turn(10_000.0);
        // Queries whose heads are normalised before they are turned.
        self.product((queries, WIDTH), 0.1, Unit::point(WIDE_POINT), None, Into::Wide(scratch));
        self.asm.reduce(None, TAKE, dim);
        let (factor, unit) = self.asm.root(EPS);
        let source = Source::Wide { at: scratch, take: TAKE };
        let into_unit = Unit::holding(16.0);
        self.asm.pass(&Folded { source, unit, factor, by: vec![1.0; queries], into_unit }, Some(turn), None, Into::Work);
        self.asm.reduce(None, 0, dim);
        self.asm.codes(None, CodesTo::Query);
        self.product((keys, WIDTH), 0.3, Unit::point(ROW_POINT), Some(turn), Into::Keys(0));
        self.product((keys, WIDTH), 0.3, Unit::point(ROW_POINT), None, Into::Values(0));
        self.asm.attend(AttentionShape { layer: 0, heads: HEADS as u8, window: 0, scale: 0.25 });
        self.asm.mixed(HEADS, &vec![1.0; keys]);
        self.asm.codes(None, CodesTo::Array);
        self.product((WIDTH, queries), 0.1, Unit::point(WIDE_POINT), None, Into::Add(0));
        self.norm();
        let (gate, gated) = Gate::of(Activation::Silu, Range { active: 16.0, gated: 64.0 });
        let gate = self.asm.gate(gate);
        let source = self.matrix((2 * FF, WIDTH));
        let unit = self.asm.codes_unit();
        let into_unit = Unit::point(VALUE_POINT);
        let folded = Folded { source, unit, factor: Factor::Codes, by: vec![0.1; 2 * FF], into_unit };
        self.asm.pass(&folded, None, Some(gate), Into::Work);
        self.asm.gated_unit(gated);
        self.asm.reduce(None, 0, 0);
        self.asm.codes(None, CodesTo::Array);
        self.product((WIDTH, FF), 0.1, Unit::point(WIDE_POINT), None, Into::Add(0));
    }
}
