//! From the unit's actions to steps in fixed point. The residual lies at 0, everything else behind it.

use super::codec::{Answer, STREAM_BITS, Take, VALUE_BITS};
use super::place::Action;
use super::{Chain, Scores};
use nda_ir::{ConstantId, Graph, NodeId, Product, ProductId, Source};
use nda_spec::vector::{CODE_MAX, Op, PART_BITS, Program, SILU_BITS, Step, StepWord, constants_of, part};

/// Shift behind a norm's weights, which fill 23 bits: values of half the residual's range are exact.
const NORM_SHIFT: u8 = 22;

/// What lowering asks of a document's numbers.
pub trait Numbers {
    /// The values of a vector.
    fn tensor(&self, name: &str) -> Option<&[f32]>;

    /// A product as one job of A8 codes with a scale per row and nothing besides.
    ///
    /// # Errors
    /// What it is instead.
    fn row_scales(&self, product: &Product) -> Result<RowScales<'_>, String>;
}

/// Rows and scales of each part of a product: one scale per row, or one for all.
#[derive(Debug, Clone)]
pub struct RowScales<'l>(pub Vec<(usize, &'l [f32])>);

/// The values of a graph's constant.
///
/// # Errors
/// A tensor that the document does not have.
pub fn constant<'n>(graph: &'n Graph, numbers: &'n dyn Numbers, id: ConstantId) -> Result<&'n [f32], String> {
    match &graph.constant(id).source {
        Source::Values(values) => Ok(values),
        Source::Tensor(name) => numbers.tensor(name).ok_or_else(|| format!("the document has no vector '{name}'")),
    }
}

/// The program of some actions, of which the last gives something.
///
/// # Errors
/// Why an action cannot be part of a program.
pub(super) fn lower(graph: &Graph, numbers: &dyn Numbers, scores: Scores, actions: &[Action]) -> Result<Chain, String> {
    let width = graph.node(graph.residual()).shape.len();
    let mut lowering = Lowering { graph, numbers, scores, width, draft: Draft { steps: Vec::new(), halved: None }, takes: Vec::new() };
    let mut given = None;
    for action in actions {
        given = lowering.action(action)?.zip(action.gives()).or(given);
    }
    let (answer, gives) = given.ok_or("a program of the vector unit gives nothing")?;
    Ok(Chain { program: Program { steps: lowering.draft.steps }, takes: lowering.takes, answer, gives })
}

struct Lowering<'g> {
    graph: &'g Graph,
    numbers: &'g dyn Numbers,
    scores: Scores,
    /// Values of the residual.
    width: usize,
    draft: Draft,
    takes: Vec<Take>,
}

/// The steps so far.
struct Draft {
    steps: Vec<Step>,
    /// What the codes are the upper parts of, if they are: so many values behind the residual.
    halved: Option<usize>,
}

/// What a scaling does with its result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Into {
    Store,
    Add,
}

/// A product's step: its parts' rows, and the scale's shift with no bits behind the point.
struct Sums {
    parts: Vec<usize>,
    bias: i32,
}

fn short(value: usize) -> Result<u16, String> {
    u16::try_from(value).map_err(|_| format!("{value} values are more than a vector unit counts"))
}

fn small(value: i32) -> Result<i8, String> {
    i8::try_from(value).map_err(|_| format!("a scale of 2^{value} is beyond what a vector unit shifts by"))
}

impl Lowering<'_> {
    fn action(&mut self, action: &Action) -> Result<Option<Answer>, String> {
        match *action {
            Action::Begin { x } => self.begin(x).map(|()| None),
            Action::Norm { weight, eps } => self.norm(weight, eps).map(|()| None),
            Action::Product { product, .. } => self.product(product).map(Some),
            Action::Scores { product, .. } => self.score(product).map(Some),
            Action::Gated { product } => self.gated(product).map(|()| None),
            Action::Add { product } => self.add(product).map(|()| None),
            Action::AddTaken { product, x } => self.add_taken(product, x).map(|()| None),
            Action::End { .. } => {
                self.draft.push(StepWord { count: short(self.width)?, ..StepWord::new(Op::SendWide) });
                Ok(Some(Answer::Wide { count: self.width, bits: STREAM_BITS }))
            }
        }
    }

    fn begin(&mut self, x: NodeId) -> Result<(), String> {
        self.takes.push(Take::Wide(x));
        self.draft.push(StepWord { count: short(self.width)?, ..StepWord::new(Op::TakeWide) });
        Ok(())
    }

    /// `codes = x w / sqrt(mean(x^2) + eps)`. The root of the count is in the weights; the bits behind the residual's point
    /// cancel between x and the root.
    fn norm(&mut self, weight: ConstantId, eps: f32) -> Result<(), String> {
        self.draft.halved = None;
        let weights = constant(self.graph, self.numbers, weight)?;
        let count = short(self.width)?;
        let root = (weights.len() as f64).sqrt();
        let factors: Vec<f64> = weights.iter().map(|w| f64::from(*w) * root).collect();
        let (constants, bits) = constants_of(&factors);
        let floor = (weights.len() as f64 * f64::from(eps) * 4_f64.powi(STREAM_BITS as i32)).round() as u64;
        self.draft.steps.push(Step { floor, ..Step::new(StepWord { count, ..StepWord::new(Op::Squares) }) });
        let dst = count;
        self.draft.steps.push(Step::with(StepWord { dst, count, shift: NORM_SHIFT, ..StepWord::new(Op::Weight) }, constants));
        // 54 of the root's bits less 23 of the scale's product with it.
        let bias = small(54 - 23 + bits - i32::from(NORM_SHIFT))?;
        self.draft.push(StepWord { src: dst, count, bias, flag: true, ..StepWord::new(Op::Codes) });
        Ok(())
    }

    fn product(&mut self, product: ProductId) -> Result<Answer, String> {
        let sums = self.sums(product)?;
        let mut at = self.width;
        for rows in &sums.parts {
            let (src, count) = (short(at)?, short(*rows)?);
            self.draft.scale(src, src, count, sums.bias - VALUE_BITS as i32, Into::Store)?;
            self.draft.push(StepWord { src, count, bias: VALUE_BITS as i8, ..StepWord::new(Op::SendCodes) });
            at += rows;
        }
        Ok(Answer::Codes(sums.parts))
    }

    fn score(&mut self, product: ProductId) -> Result<Answer, String> {
        let sums = self.sums(product)?;
        let rows: usize = sums.parts.iter().sum();
        let (src, count) = (short(self.width)?, short(rows)?);
        self.draft.scale(src, src, count, sums.bias - VALUE_BITS as i32, Into::Store)?;
        let (op, with, answer) = match self.scores {
            Scores::Largest(best) if (1..rows).contains(&best) => (Op::SendLargest, short(best)?, Answer::Largest { count: rows }),
            _ => (Op::SendWide, 0, Answer::Wide { count: rows, bits: VALUE_BITS }),
        };
        self.draft.push(StepWord { src, count, with, ..StepWord::new(op) });
        Ok(answer)
    }

    fn gated(&mut self, product: ProductId) -> Result<(), String> {
        let sums = self.sums(product)?;
        let rows = sums.parts[0];
        let (gate, up, count) = (short(self.width)?, short(self.width + rows)?, short(rows)?);
        self.draft.scale(gate, gate, count, sums.bias - SILU_BITS as i32, Into::Store)?;
        self.draft.scale(up, up, count, sums.bias - VALUE_BITS as i32, Into::Store)?;
        self.draft.push(StepWord { src: gate, dst: gate, count, ..StepWord::new(Op::Silu) });
        let shift = SILU_BITS as u8;
        self.draft.push(StepWord { src: gate, with: up, dst: gate, count, shift, ..StepWord::new(Op::Multiply) });
        // Few values are large and many small: 255 even steps are 2.5 % off, two products with 16 bits are not.
        self.draft.codes(part::UPPER, gate, count);
        self.draft.halved = Some(rows);
        Ok(())
    }

    /// Adds a product with the codes: with both parts of them, if they are in two.
    fn add(&mut self, product: ProductId) -> Result<(), String> {
        let halved = self.draft.halved.take();
        let at = self.width + halved.unwrap_or(0);
        self.add_sums(at, product, 0)?;
        if let Some(count) = halved {
            self.draft.codes(part::LOWER, short(self.width)?, short(count)?);
            self.add_sums(at, product, PART_BITS)?;
        }
        Ok(())
    }

    fn add_taken(&mut self, product: ProductId, x: NodeId) -> Result<(), String> {
        self.draft.halved = None;
        self.takes.push(Take::Codes(x));
        let count = short(self.graph.product(product).cols)?;
        self.draft.push(StepWord { count, ..StepWord::new(Op::TakeCodes) });
        self.add_sums(self.width, product, 0)
    }

    fn add_sums(&mut self, at: usize, product: ProductId, part_bits: i32) -> Result<(), String> {
        let sums = self.sums_at(at, product)?;
        self.draft.scale(short(at)?, 0, short(self.width)?, sums.bias + part_bits - STREAM_BITS as i32, Into::Add)
    }

    /// [`Self::sums_at`] behind the residual.
    fn sums(&mut self, product: ProductId) -> Result<Sums, String> {
        // It takes the upper parts as codes.
        self.draft.halved = None;
        self.sums_at(self.width, product)
    }

    /// A product times the rows' scales.
    fn sums_at(&mut self, at: usize, product: ProductId) -> Result<Sums, String> {
        let layer = self.graph.product(product);
        let RowScales(parts) = self.numbers.row_scales(layer)?;
        let factor = |scale: &f32| f64::from(*scale) / f64::from(CODE_MAX);
        let factors: Vec<f64> = parts
            .iter()
            .flat_map(|(rows, scales)| (0..*rows).map(|r| factor(if scales.len() == 1 { &scales[0] } else { &scales[r] })))
            .collect();
        let (constants, bits) = constants_of(&factors);
        // A sum is at most 2 * 127 per column; so shifted, its product with a constant of 23 bits has at most 23 again.
        let most = (2 * CODE_MAX as usize * layer.cols).max(1);
        let shift = most.ilog2() as i32 + 1;
        let word = StepWord {
            dst: short(at)?,
            count: short(factors.len())?,
            shift: shift as u8,
            with: short(product.0)?,
            ..StepWord::new(Op::Product)
        };
        self.draft.steps.push(Step::with(word, constants));
        Ok(Sums { parts: parts.iter().map(|(rows, _)| *rows).collect(), bias: bits - shift })
    }
}

impl Draft {
    /// A step without constants.
    fn push(&mut self, word: StepWord) {
        self.steps.push(Step::new(word));
    }

    /// Codes of `count` values, or parts of such.
    fn codes(&mut self, with: u16, src: u16, count: u16) {
        self.push(StepWord { src, count, with, bias: VALUE_BITS as i8, ..StepWord::new(Op::Codes) });
    }

    fn scale(&mut self, src: u16, dst: u16, count: u16, bias: i32, into: Into) -> Result<(), String> {
        self.push(StepWord { src, dst, count, bias: small(bias)?, flag: into == Into::Add, ..StepWord::new(Op::Scale) });
        Ok(())
    }
}
