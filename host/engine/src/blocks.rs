//! The stream's block form: fixed point between products, as `nda_spec::vector` says it, so that a board with a vector
//! unit and a CPU give the same bits.
//!
//! Between two places where a program is given numbers, the stream's operations are one [`Program`]. The trial of a
//! model finds them all; they are made ready with its matrices.

use crate::layer::Prepared;
use crate::linear::Single;
use crate::tensors::Tensors;
use nda_gemv::{Activations, Cost, Gemv, GemvError, ProgramId, Start};
use nda_lang::StreamOp;
use nda_spec::ActivationCode;
use nda_spec::vector::{
    CODE_MAX, Fault, Machine, Op, PART_BITS, Program, SCALE_BYTES, SILU_BITS, Scale, Step, StepWord, WIDE_BYTES, codes_of, constants_of,
    floats_of, part, wide_of,
};
use std::collections::HashMap;

/// Bits behind the point of the stream: a range of 2,048 in steps of 0.00025.
pub const STREAM_BITS: u32 = 12;
/// Bits behind the point of what is made codes or scores of: a range of 512.
pub const VALUE_BITS: u32 = 14;
/// Shift behind a norm's weights, which fill 23 bits: values of half the stream's range are exact.
const NORM_SHIFT: u8 = 22;

/// A [`StreamOp`] without its numbers: what a program is made of, and found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum BlockOp {
    Begin { width: usize },
    Norm { tensor: usize, eps: u32 },
    Gemv { layer: usize },
    Head { layer: usize },
    Swiglu { layer: usize },
    Add { layer: usize, taken: bool },
    End,
}

impl BlockOp {
    pub fn of(op: &StreamOp<'_>) -> BlockOp {
        match *op {
            StreamOp::Begin { width, .. } => BlockOp::Begin { width },
            StreamOp::Norm { tensor, eps } => BlockOp::Norm { tensor, eps: eps.to_bits() },
            StreamOp::Gemv { layer } => BlockOp::Gemv { layer },
            StreamOp::Head { layer } => BlockOp::Head { layer },
            StreamOp::Swiglu { layer } => BlockOp::Swiglu { layer },
            StreamOp::Add { layer, x } => BlockOp::Add { layer, taken: x.is_some() },
            StreamOp::End => BlockOp::End,
        }
    }

    /// Whether the program is given numbers here.
    pub const fn gives(&self) -> bool {
        matches!(self, BlockOp::Gemv { .. } | BlockOp::Head { .. } | BlockOp::End)
    }
}

/// What an answer's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// A scale and codes, for each of these counts.
    Codes(Vec<usize>),
    /// Wide values with so many bits behind the point.
    Wide { count: usize, bits: u32 },
    /// The largest of so many values.
    Largest { count: usize },
}

/// A program with what it answers.
#[derive(Debug, Clone)]
struct Chain {
    program: Program,
    answer: Answer,
    id: Option<ProgramId>,
}

/// Every program of a model.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    chains: HashMap<Vec<BlockOp>, Chain>,
    /// Wide values that the programs need.
    words: usize,
    /// Whether the back end runs them; if not, they are run here.
    on_board: bool,
}

impl Blocks {
    /// Makes the programs of a model from what its trial found, and has the back end prepare them if it can. Scores are
    /// the `largest` only, if it says so.
    ///
    /// # Errors
    /// Why a layer cannot be part of a program.
    pub fn prepare<'m>(
        chains: &[Vec<BlockOp>],
        tensors: &Tensors<'_>,
        layers: &[Option<Prepared>],
        largest: Option<usize>,
        gemv: &mut dyn Gemv<'m>,
    ) -> Result<Blocks, String> {
        if chains.is_empty() {
            return Err("the model's program keeps no stream".into());
        }
        let builder = Builder { tensors, layers, largest };
        let mut made = HashMap::new();
        let (mut words, mut width) = (1, 0);
        for ops in chains {
            if let Some(BlockOp::Begin { width: begun }) = ops.first() {
                width = *begun;
            }
            let (program, answer) = builder.chain(ops, width)?;
            words = words.max(program.wide_words());
            made.insert(ops.clone(), Chain { program, answer, id: None });
        }
        // In the order of use, so that a board's memory is laid out the same every time. All of them or none: what one
        // leaves behind the next one finds.
        let matrix = |layer: usize| layers.get(layer).and_then(Option::as_ref).and_then(single).map(|single| single.id);
        let mut on_board = true;
        for ops in chains {
            let chain = made.get_mut(ops).expect("made above");
            chain.id = match gemv.programs() {
                Some(programs) => programs.prepare_program(&chain.program, &matrix).map_err(|e| e.to_string())?,
                None => None,
            };
            if chain.id.is_none() {
                on_board = false;
                break;
            }
        }
        Ok(Blocks { chains: made, words: words.next_power_of_two(), on_board })
    }

    /// Whether the back end runs the programs.
    pub fn on_board(&self) -> bool {
        self.on_board
    }

    /// The memory that the programs need where they are run here.
    pub fn machine(&self) -> Machine {
        Machine::new(self.words)
    }

    /// Runs the program of some operations on its request; gives the answer as floats.
    pub fn run<'m>(
        &self,
        ops: &[BlockOp],
        input: &[u8],
        layers: &[Option<Prepared>],
        machine: &mut Machine,
        gemv: &mut dyn Gemv<'m>,
        out: &mut Vec<f32>,
    ) -> Result<Cost, BlockError> {
        let chain = self.chains.get(ops).ok_or(BlockError::Unknown)?;
        let mut cost = Cost::default();
        let bytes = match chain.id.filter(|_| self.on_board) {
            Some(id) => {
                let programs = gemv.programs().ok_or(GemvError::UnknownProgram { id })?;
                let start = if matches!(ops.first(), Some(BlockOp::Begin { .. })) { Start::Anew } else { Start::Continues };
                let mut bytes = Vec::new();
                cost = programs.run_program(id, start, input, &mut bytes)?;
                bytes
            }
            None => machine.run::<BlockError>(&chain.program, input, |layer, codes, sums| {
                let layer = layers.get(layer).and_then(Option::as_ref).and_then(single).ok_or(BlockError::Unknown)?;
                let x = Activations { code: ActivationCode::A8, values: &codes[..layer.cols] };
                cost += gemv.run(layer.id, x, sums)?;
                Ok(())
            })?,
        };
        if bytes.len() != chain.program.output_bytes() {
            return Err(BlockError::Answer { found: bytes.len(), wanted: chain.program.output_bytes() });
        }
        chain.answer.floats(&bytes, out);
        Ok(cost)
    }
}

/// Why a program failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("the stream is used in an order that the model's trial did not show")]
    Unknown,
    #[error("a program of the stream takes more than its request has")]
    Input,
    #[error("a program of the stream answered {found} bytes instead of {wanted}")]
    Answer { found: usize, wanted: usize },
    #[error(transparent)]
    Gemv(#[from] GemvError),
}

impl From<Fault> for BlockError {
    fn from(fault: Fault) -> BlockError {
        match fault {
            Fault::Input => BlockError::Input,
        }
    }
}

/// The bytes that an operation puts into a request.
pub(crate) fn request_bytes(op: &StreamOp<'_>, input: &mut Vec<u8>) {
    match op {
        StreamOp::Begin { x, .. } => {
            input.extend(wide_of(x, STREAM_BITS).iter().flat_map(|v| v.to_le_bytes().into_iter().take(WIDE_BYTES)))
        }
        StreamOp::Add { x: Some(x), .. } => {
            let (scale, codes) = codes_of(x);
            input.extend_from_slice(&scale.to_bytes());
            input.extend(codes.iter().map(|code| *code as u8));
        }
        _ => {}
    }
}

fn wide(bytes: &[u8]) -> i32 {
    i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8
}

impl Answer {
    /// Its bytes as floats; there are as many as the program answers.
    fn floats(&self, mut bytes: &[u8], out: &mut Vec<f32>) {
        out.clear();
        match self {
            Answer::Codes(counts) => {
                for count in counts {
                    let (part, rest) = bytes.split_at(SCALE_BYTES + count);
                    bytes = rest;
                    let scale = Scale::from_bytes([part[0], part[1], part[2], part[3]]);
                    let step = scale.step() as f32;
                    out.extend(part[SCALE_BYTES..].iter().map(|code| f32::from(*code as i8) * step));
                }
            }
            Answer::Wide { bits, .. } => {
                let values: Vec<i32> = bytes.chunks_exact(WIDE_BYTES).map(wide).collect();
                out.extend(floats_of(&values, *bits));
            }
            Answer::Largest { count } => {
                out.resize(*count, f32::NEG_INFINITY);
                for entry in bytes.chunks_exact(2 + WIDE_BYTES) {
                    let at = usize::from(u16::from_le_bytes([entry[0], entry[1]]));
                    if let Some(value) = out.get_mut(at) {
                        *value = floats_of(&[wide(&entry[2..])], VALUE_BITS)[0];
                    }
                }
            }
        }
    }
}

fn single(prepared: &Prepared) -> Option<Single<'_>> {
    match prepared {
        Prepared::Matrices(linear) => linear.single().ok(),
        Prepared::Grids(_) => None,
    }
}

/// Makes programs of operations. The stream lies at 0, everything else behind it.
struct Builder<'b, 'd> {
    tensors: &'b Tensors<'d>,
    layers: &'b [Option<Prepared>],
    largest: Option<usize>,
}

/// The steps so far, and where in the wide memory they work.
struct Draft {
    steps: Vec<Step>,
    width: usize,
    /// What the codes are the upper parts of, if they are: it lies behind the stream.
    halved: Option<usize>,
}

fn short(value: usize) -> Result<u16, String> {
    u16::try_from(value).map_err(|_| format!("{value} values are more than a vector unit counts"))
}

fn small(value: i32) -> Result<i8, String> {
    i8::try_from(value).map_err(|_| format!("a scale of 2^{value} is beyond what a vector unit shifts by"))
}

impl Builder<'_, '_> {
    fn chain(&self, ops: &[BlockOp], width: usize) -> Result<(Program, Answer), String> {
        let mut draft = Draft { steps: Vec::new(), width, halved: None };
        let mut answer = None;
        for op in ops {
            answer = self.op(op, &mut draft)?.or(answer);
        }
        let answer = answer.ok_or("a chain of operations gives nothing")?;
        Ok((Program { steps: draft.steps }, answer))
    }

    fn layer(&self, layer: usize) -> Result<Single<'_>, String> {
        match &self.layers[layer] {
            Some(Prepared::Matrices(linear)) => linear.single(),
            Some(Prepared::Grids(_)) => Err(format!("layer {}: its weights are a grid", self.tensors.layers[layer].name)),
            None => Err(format!("layer {}: its weights are floats", self.tensors.layers[layer].name)),
        }
    }

    fn op(&self, op: &BlockOp, draft: &mut Draft) -> Result<Option<Answer>, String> {
        let width = draft.width;
        match *op {
            BlockOp::Begin { .. } => {
                draft.steps.push(Step::new(StepWord { count: short(width)?, ..StepWord::new(Op::TakeWide) }));
                Ok(None)
            }
            BlockOp::Norm { tensor, eps } => self.norm(tensor, f32::from_bits(eps), draft).map(|()| None),
            BlockOp::Gemv { layer } => {
                let (single, bias) = self.product(layer, draft)?;
                let mut at = width;
                for (rows, _) in &single.parts {
                    let count = short(*rows)?;
                    draft.scale(short(at)?, short(at)?, count, bias - VALUE_BITS as i32, false)?;
                    draft.steps.push(Step::new(StepWord {
                        src: short(at)?,
                        count,
                        bias: VALUE_BITS as i8,
                        ..StepWord::new(Op::SendCodes)
                    }));
                    at += rows;
                }
                Ok(Some(Answer::Codes(single.parts.iter().map(|(rows, _)| *rows).collect())))
            }
            BlockOp::Head { layer } => {
                let (single, bias) = self.product(layer, draft)?;
                let rows: usize = single.parts.iter().map(|(rows, _)| rows).sum();
                let (at, count) = (short(width)?, short(rows)?);
                draft.scale(at, at, count, bias - VALUE_BITS as i32, false)?;
                let best = self.largest.filter(|best| (1..rows).contains(best));
                let (op, with, answer) = match best {
                    Some(best) => (Op::SendLargest, short(best)?, Answer::Largest { count: rows }),
                    None => (Op::SendWide, 0, Answer::Wide { count: rows, bits: VALUE_BITS }),
                };
                draft.steps.push(Step::new(StepWord { src: at, count, with, ..StepWord::new(op) }));
                Ok(Some(answer))
            }
            BlockOp::Swiglu { layer } => {
                let (single, bias) = self.product(layer, draft)?;
                let rows = single.parts[0].0;
                let (gate, up, count) = (short(width)?, short(width + rows)?, short(rows)?);
                draft.scale(gate, gate, count, bias - SILU_BITS as i32, false)?;
                draft.scale(up, up, count, bias - VALUE_BITS as i32, false)?;
                draft.steps.push(Step::new(StepWord { src: gate, dst: gate, count, ..StepWord::new(Op::Silu) }));
                let shift = SILU_BITS as u8;
                draft.steps.push(Step::new(StepWord { src: gate, with: up, dst: gate, count, shift, ..StepWord::new(Op::Multiply) }));
                // Few values are large and many small: 255 even steps are 2.5 % off, two products with 16 bits are not.
                draft.codes(part::UPPER, gate, count);
                draft.halved = Some(rows);
                Ok(None)
            }
            BlockOp::Add { layer, taken } => {
                if taken {
                    let count = short(self.layer(layer)?.cols)?;
                    draft.steps.push(Step::new(StepWord { count, ..StepWord::new(Op::TakeCodes) }));
                }
                let halved = draft.halved.take().filter(|_| !taken);
                let at = width + halved.unwrap_or(0);
                let (_, bias) = self.product_at(at, layer, draft)?;
                draft.scale(short(at)?, 0, short(width)?, bias - STREAM_BITS as i32, true)?;
                if let Some(count) = halved {
                    draft.codes(part::LOWER, short(width)?, short(count)?);
                    self.product_at(at, layer, draft)?;
                    draft.scale(short(at)?, 0, short(width)?, bias + PART_BITS - STREAM_BITS as i32, true)?;
                }
                Ok(None)
            }
            BlockOp::End => {
                draft.steps.push(Step::new(StepWord { count: short(width)?, ..StepWord::new(Op::SendWide) }));
                Ok(Some(Answer::Wide { count: width, bits: STREAM_BITS }))
            }
        }
    }

    /// `codes = x w / sqrt(mean(x^2) + eps)`. The root of the count is in the weights; the bits behind the stream's point
    /// cancel between x and the root.
    fn norm(&self, tensor: usize, eps: f32, draft: &mut Draft) -> Result<(), String> {
        draft.halved = None;
        let weights = self.tensors.vectors[tensor];
        let count = short(draft.width)?;
        let root = (weights.len() as f64).sqrt();
        let factors: Vec<f64> = weights.iter().map(|w| f64::from(*w) * root).collect();
        let (constants, bits) = constants_of(&factors);
        let floor = (weights.len() as f64 * f64::from(eps) * 4_f64.powi(STREAM_BITS as i32)).round() as u64;
        draft.steps.push(Step { floor, ..Step::new(StepWord { count, ..StepWord::new(Op::Squares) }) });
        let dst = count;
        draft.steps.push(Step::with(StepWord { dst, count, shift: NORM_SHIFT, ..StepWord::new(Op::Weight) }, constants));
        // 54 of the root's bits less 23 of the scale's product with it.
        let bias = small(54 - 23 + bits - i32::from(NORM_SHIFT))?;
        draft.steps.push(Step::new(StepWord { src: dst, count, bias, flag: true, ..StepWord::new(Op::Codes) }));
        Ok(())
    }

    /// [`Self::product_at`] behind the stream.
    fn product(&self, layer: usize, draft: &mut Draft) -> Result<(Single<'_>, i32), String> {
        // It takes the upper parts as codes.
        draft.halved = None;
        self.product_at(draft.width, layer, draft)
    }

    /// A product times the rows' scales; gives what the scale's shift is with no bits behind the point.
    fn product_at(&self, at: usize, layer: usize, draft: &mut Draft) -> Result<(Single<'_>, i32), String> {
        let single = self.layer(layer)?;
        let factor = |scale: &f32| f64::from(*scale) / f64::from(CODE_MAX);
        let factors: Vec<f64> = single
            .parts
            .iter()
            .flat_map(|(rows, scales)| (0..*rows).map(|r| factor(if scales.len() == 1 { &scales[0] } else { &scales[r] })))
            .collect();
        let (constants, bits) = constants_of(&factors);
        // A sum is at most 2 * 127 a column; so shifted, its product with a constant of 23 bits has at most 23 again.
        let most = (2 * CODE_MAX as usize * single.cols).max(1);
        let shift = most.ilog2() as i32 + 1;
        draft.steps.push(Step::with(
            StepWord {
                dst: short(at)?,
                count: short(factors.len())?,
                shift: shift as u8,
                with: short(layer)?,
                ..StepWord::new(Op::Product)
            },
            constants,
        ));
        Ok((single, bits - shift))
    }
}

impl Draft {
    /// Codes of `count` values, or parts of such.
    fn codes(&mut self, with: u16, src: u16, count: u16) {
        self.steps.push(Step::new(StepWord { src, count, with, bias: VALUE_BITS as i8, ..StepWord::new(Op::Codes) }));
    }

    fn scale(&mut self, src: u16, dst: u16, count: u16, bias: i32, add: bool) -> Result<(), String> {
        self.steps.push(Step::new(StepWord { src, dst, count, bias: small(bias)?, flag: add, ..StepWord::new(Op::Scale) }));
        Ok(())
    }
}
