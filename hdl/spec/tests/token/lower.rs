//! Those models as token programs, by hand: what a compiler does from a graph.

use crate::model::{Constants, EPS, Largest, Layer, Model, Reference, Style, Weights};
use nda_spec::WeightCode;
use nda_spec::random::Random;
use nda_spec::token::*;

/// Levels from the largest values of 200 tokens, a little less than those; keys' are the same for the two channels of a pair.
pub fn calibrate(model: &Model) -> Vec<Constants> {
    let mut reference = Reference::new(model);
    let mut random = Random::new(99);
    (0..200).for_each(|_| drop(reference.logits(random.below(model.size.tokens) as u32)));
    let dim = model.size.head_dim;
    let constants = |l: &Largest| {
        let pair = |i: usize| l.keys[i].max(l.keys[i / dim * dim + (i + dim / 2) % dim]);
        let keys: Vec<f64> = (0..l.keys.len()).map(|i| pair(i) * 0.85 / 6.0).collect();
        let largest = keys.iter().fold(0.0_f64, |m, v| m.max(*v));
        let gate = Range { active: l.active * 2.0, gated: l.gated * 2.0 };
        Constants { query: l.query * largest, keys, values: l.values.iter().map(|v| v * 0.85 / 6.0).collect(), gate }
    };
    reference.largest.iter().map(constants).collect()
}

pub fn lower(model: &Model) -> (Program, Golden) {
    let mut lowering = Lowering {
        asm: Assembler::new(&model.embed, model.size.width, kv(model)),
        golden: Golden::default(),
        model,
        scratch: (model.size.width / WORD) as u16,
    };
    for (i, (layer, constants)) in model.layers.iter().zip(calibrate(model)).enumerate() {
        lowering.attention(i as u8, layer, &constants);
        lowering.feed_forward(layer, constants.gate);
    }
    lowering.asm.begin_head();
    lowering.asm.norm(Norm { weights: &model.norm, eps: EPS }, TAKE);
    lowering.product(&model.head, |_| 1.0, Unit::point(LOGIT_POINT), None, Into::Choice);
    (lowering.asm.finish().expect("a program"), lowering.golden)
}

pub fn kv(model: &Model) -> KvShape {
    let s = model.size;
    KvShape { layers: s.layers, heads: s.kv_heads, head_dim: s.head_dim, ring: s.ring, form: KvForm::four_bits() }
}

/// Residuals up to 128.
const TAKE: u8 = 2;

struct Lowering<'a> {
    asm: Assembler,
    golden: Golden,
    model: &'a Model,
    scratch: u16,
}

impl Lowering<'_> {
    fn matrix(&mut self, rows: usize, cols: usize, codes: Vec<i8>, code: WeightCode) -> Source {
        let matrix = Matrix { rows, cols, code };
        self.golden.shapes.push(matrix);
        self.golden.weights.push(codes);
        Source::Product { matrix: self.asm.matrix(matrix) }
    }

    fn product(&mut self, w: &Weights, fold: impl Fn(usize) -> f64, into_unit: Unit, turn: Option<u8>, into: Into) {
        let source = self.matrix(w.rows, w.cols, w.codes.clone(), w.code);
        let by = w.scales.iter().enumerate().map(|(r, s)| s * fold(r)).collect();
        let unit = self.asm.codes_unit();
        self.asm.pass(&Folded { source, unit, factor: Factor::Codes, by, into_unit }, turn, None, into);
    }

    /// A product whose heads are normalised before they are turned.
    fn normed_heads(&mut self, w: &Weights, weights: &[f64], fold: impl Fn(usize) -> f64, into_unit: Unit, turn: u8, into: Into) {
        let dim = self.model.size.head_dim;
        self.product(w, |_| 1.0, Unit::point(WIDE_POINT), None, Into::Wide(self.scratch));
        self.asm.reduce(None, TAKE, dim);
        let (factor, unit) = self.asm.root(EPS);
        let by = (0..w.rows).map(|r| weights[r % dim] * fold(r)).collect();
        let source = Source::Wide { at: self.scratch, take: TAKE };
        self.asm.pass(&Folded { source, unit, factor, by, into_unit }, Some(turn), None, into);
    }

    fn attention(&mut self, index: u8, layer: &Layer, constants: &Constants) {
        let s = self.model.size;
        let (dim, shared) = (s.head_dim, s.heads / s.kv_heads);
        self.asm.norm(Norm { weights: &layer.attn_norm, eps: EPS }, TAKE);
        let turn = self.asm.turn(layer.theta);
        let level_of = |r: usize| constants.keys[r / dim / shared * dim + r % dim];
        let (query_unit, row_unit) = (Unit::holding(constants.query * 8.0), Unit::point(ROW_POINT));
        let (keys, values) = (|r: usize| 1.0 / constants.keys[r], |r: usize| 1.0 / constants.values[r]);
        if self.model.style == Style::Gemma {
            self.normed_heads(&layer.q, &layer.q_norm, level_of, query_unit, turn, Into::Work);
            self.asm.reduce(None, 0, dim);
            self.asm.codes(None, CodesTo::Query);
            self.normed_heads(&layer.k, &layer.k_norm, keys, row_unit, turn, Into::Keys(index));
            self.product(&layer.v, values, row_unit, None, Into::Values(index));
        } else {
            self.product(&layer.q, level_of, query_unit, Some(turn), Into::Work);
            self.asm.reduce(None, 0, dim);
            self.product(&layer.k, keys, row_unit, Some(turn), Into::Keys(index));
            self.product(&layer.v, values, row_unit, None, Into::Values(index));
            self.asm.codes(None, CodesTo::Query);
        }
        let window = if layer.window == s.ring { 0 } else { layer.window as u16 };
        self.asm.attend(AttentionShape { layer: index, heads: s.heads as u8, window, scale: 1.0 / (dim as f64).sqrt() });
        self.asm.mixed(s.heads, &constants.values);
        if self.model.style == Style::BitNet {
            self.asm.reduce(Some(&layer.sub_attn), 0, 0);
            self.asm.codes(Some(EPS), CodesTo::Array);
        } else {
            self.asm.codes(None, CodesTo::Array);
        }
        self.add(&layer.o, &layer.post_attn);
    }

    /// Added to the residual, normalised before if the architecture does that.
    fn add(&mut self, w: &Weights, post: &[f64]) {
        if self.model.style != Style::Gemma {
            return self.product(w, |_| 1.0, Unit::point(WIDE_POINT), None, Into::Add(0));
        }
        self.product(w, |_| 1.0, Unit::point(WIDE_POINT), None, Into::Wide(self.scratch));
        self.asm.reduce(None, TAKE, 0);
        let (factor, unit) = self.asm.root(EPS);
        let source = Source::Wide { at: self.scratch, take: TAKE };
        let folded = Folded { source, unit, factor, by: post.to_vec(), into_unit: Unit::point(WIDE_POINT) };
        self.asm.pass(&folded, None, None, Into::Add(0));
    }

    fn feed_forward(&mut self, layer: &Layer, range: Range) {
        self.asm.norm(Norm { weights: &layer.ffn_norm, eps: EPS }, TAKE);
        let (gate, gated) = Gate::of(self.model.activation(), range);
        let gate = self.asm.gate(gate);
        let codes = [&layer.gate.codes[..], &layer.up.codes].concat();
        let source = self.matrix(2 * layer.gate.rows, layer.gate.cols, codes, layer.gate.code);
        let by = [&layer.gate.scales[..], &layer.up.scales].concat();
        let unit = self.asm.codes_unit();
        let into_unit = Unit::point(VALUE_POINT);
        self.asm.pass(&Folded { source, unit, factor: Factor::Codes, by, into_unit }, None, Some(gate), Into::Work);
        self.asm.gated_unit(gated);
        if self.model.style == Style::BitNet {
            self.asm.reduce(Some(&layer.sub_ffn), 0, 0);
            self.asm.codes(Some(EPS), CodesTo::Array);
        } else {
            self.asm.reduce(None, 0, 0);
            self.asm.codes(None, CodesTo::Array);
        }
        self.add(&layer.down, &layer.post_ffn);
    }
}
