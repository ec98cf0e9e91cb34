//! A whole token in integers: the model's token program, its machine, and its products on a back end.
//!
//! This is a form of the model beside [`crate::Session`]: other numbers (a cache of four bits per value, fixed point), the same
//! program. Every back end gives the same bits, because products are integers and all else is [`nda_spec::token`].

use crate::bounds::Bounds;
use crate::error::EngineError;
use crate::evaluate::Evaluation;
use crate::ops::surprise_bits;
use crate::tensors::{Tensor, Tensors};
use crate::token_sampler::real;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
use nda_compile::token::{Calibration, LayerCalibration, Scaled, TokenProgram, lower_token};
use nda_gemv::{Activations, Cost, Gemv, MatrixId, NoTokens, Start, TokensId};
use nda_ndf::{Granularity, Kv};
use nda_spec::token::{self, Choice, Finish, KvForm, Machine, Program, Range, Reply, Request};
use nda_spec::{ActivationCode, TileMatrix};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Largest value of a gate's function that is held with all bits behind the point.
const ACTIVE: f64 = 127.9;

pub(crate) fn refused(reason: impl ToString) -> EngineError {
    EngineError::NoTokenProgram { reason: reason.to_string() }
}

/// A model's token program, whose matrices a back end has prepared.
#[derive(Debug)]
pub struct TokenModel<'m> {
    weights: &'m Weights<'m>,
    program: Program,
    pub(crate) matrices: Vec<(MatrixId, String)>,
    /// The program on the device that has its matrices and how many texts it holds, or why it is not there.
    device: Result<(TokensId, usize), NoTokens>,
}

impl<'m> TokenModel<'m> {
    /// Compiles the model's program and hands its matrices to the back end.
    ///
    /// # Errors
    /// Why it is not a token program, or what the back end says against a matrix.
    pub fn prepare(weights: &'m Weights<'m>, gemv: &mut dyn Gemv<'m>) -> Result<TokenModel<'m>, EngineError> {
        TokenModel::prepare_texts(weights, gemv, 1)
    }

    /// The same with room for as many texts at once as are `wanted`, or for fewer: a board has room for one.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_texts(weights: &'m Weights<'m>, gemv: &mut dyn Gemv<'m>, wanted: usize) -> Result<TokenModel<'m>, EngineError> {
        let TokenProgram { program, matrices } = token_program(weights)?;
        let prepare = |names: Vec<String>| {
            let stacked: Option<Vec<TileMatrix<'m>>> = names.iter().map(|name| weights.tensors().codes(name)).collect();
            let name = nda_ir::fused_name(names.iter().map(String::as_str));
            let stacked = stacked.ok_or_else(|| refused(format_args!("'{name}' is not codes")))?;
            let id = gemv.prepare(&stacked).map_err(|source| EngineError::Gemv { layer: name.clone(), source })?;
            Ok((id, name))
        };
        let matrices = matrices.into_iter().map(prepare).collect::<Result<Vec<_>, EngineError>>()?;
        let place = |number: usize| matrices.get(number).map(|(id, _)| *id);
        let device = gemv.tokens().map_or(Err(NoTokens::Absent), |tokens| tokens.prepare_texts(&program, &place, wanted));
        Ok(TokenModel { weights, program, matrices, device })
    }

    /// Whether a device makes the tokens, all of them on itself.
    ///
    /// # Errors
    /// Why none does: the tokens are made here, around the back end's products.
    pub fn on_device(&self) -> Result<(), &NoTokens> {
        self.device.as_ref().map(|_| ())
    }

    /// How many texts there is room for at once.
    pub fn texts(&self) -> usize {
        self.device.as_ref().map_or(1, |(_, texts)| *texts)
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }
}

/// A document's token program.
///
/// # Errors
/// Why there is none: no form of the cache in the document, a program that has no graph, or a graph that has no steps.
pub fn token_program(weights: &Weights<'_>) -> Result<TokenProgram, EngineError> {
    let kv = weights.kv().ok_or_else(|| refused("the document says nothing of a cache in levels (frame 'kv')"))?;
    token_program_with(weights, kv)
}

/// A document's token program with another form of the cache than its own.
///
/// # Errors
/// As [`token_program`].
pub fn token_program_with(weights: &Weights<'_>, kv: &Kv) -> Result<TokenProgram, EngineError> {
    let graph = weights.graph().map_err(refused)?;
    lower_token(&graph, &Named(weights.tensors(), weights.links()), &calibration(kv)?).map_err(refused)
}

fn calibration(kv: &Kv) -> Result<Calibration, EngineError> {
    let doubles = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect();
    let layers = kv.layers.iter().map(|layer| LayerCalibration {
        keys: doubles(&layer.keys),
        values: doubles(&layer.values),
        query: layer.query.into(),
        // Texts differ; a bit more than was seen is held.
        gate: Range { active: ACTIVE.max(f64::from(layer.gated) * 2.0), gated: f64::from(layer.gated) * 2.0 },
    });
    Ok(Calibration { form: KvForm::new(&kv.coefficients).map_err(refused)?, ring: kv.ring as usize, layers: layers.collect() })
}

/// Tensors by their names, as a lowering asks for them.
struct Named<'w, 'd>(&'w Tensors<'d>, &'w nda_lang::Links);

impl nda_compile::token::Tensors for Named<'_, '_> {
    fn table(&self, name: &str) -> Option<Vec<f32>> {
        let at = self.1.rows.iter().position(|known| known == name)?;
        let tensor = self.0.rows[at];
        let (rows, cols) = self.0.shape(tensor);
        let mut all = vec![0.0; rows * cols];
        for (row, out) in all.chunks_exact_mut(cols).enumerate() {
            self.0.row(tensor, row as i64, out).ok()?;
        }
        Some(all)
    }

    fn vector(&self, name: &str) -> Option<Vec<f32>> {
        let at = self.1.tensors.iter().position(|known| known == name)?;
        Some(self.0.vectors[at].to_vec())
    }

    fn matrix(&self, name: &str) -> Result<Scaled, String> {
        let Some(Tensor::Matrix(at)) = self.0.part(name) else {
            return Err("its weights are not codes with a scale per row (a grid, or floats)".into());
        };
        let projection = &self.0.projections[at];
        let frame = projection.frame();
        if frame.stacks() != 1 || !frame.outliers().is_empty() || !matches!(frame.granularity(), Granularity::Matrix | Granularity::Row) {
            return Err("a token machine takes one stack of codes with a scale per row and no outliers".into());
        }
        let mut scales: Vec<f64> = projection.row_scales(0, 0).into_iter().map(f64::from).collect();
        if scales.len() == 1 {
            scales.resize(frame.rows(), scales[0]);
        }
        Ok(Scaled { code: frame.code(), scales })
    }
}

/// Products of a token's codes on a back end.
pub(crate) struct Matrices<'a, 'm> {
    pub gemv: &'a mut dyn Gemv<'m>,
    pub matrices: &'a [(MatrixId, String)],
    /// Read while a text is made.
    pub cost: &'a Cell<Cost>,
}

impl token::Products for Matrices<'_, '_> {
    type Error = EngineError;

    fn product(&mut self, matrix: usize, codes: &[i8], sums: &mut [i32]) -> Result<(), EngineError> {
        let (id, name) = &self.matrices[matrix];
        let x = Activations { code: ActivationCode::A8, values: codes };
        let cost = self.gemv.run(*id, x, sums).map_err(|source| EngineError::Gemv { layer: name.clone(), source })?;
        add(self.cost, cost);
        Ok(())
    }
}

pub(crate) fn add(sum: &Cell<Cost>, more: Cost) {
    let mut cost = sum.get();
    cost += more;
    sum.set(cost);
}

/// Who makes the tokens.
pub(crate) enum Maker {
    /// A machine here, around products on the back end.
    Here(Box<Machine>),
    /// The back end; what the next call does with its sequence.
    Device(TokensId, Start),
}

/// One text in progress on a token machine: a device's, or one here around the back end's products. The tokens are the same.
pub struct TokenSession<'a, 'm> {
    pub(crate) model: &'a TokenModel<'m>,
    pub(crate) gemv: &'a mut dyn Gemv<'m>,
    pub(crate) maker: Maker,
    pub(crate) cost: Cell<Cost>,
    logits: Vec<i32>,
    /// Tokens that have gone in.
    position: usize,
}

impl<'a, 'm> TokenSession<'a, 'm> {
    /// An empty session. `gemv` must be the back end that prepared the model.
    ///
    /// # Errors
    /// A program that its check refuses.
    pub fn new(model: &'a TokenModel<'m>, gemv: &'a mut dyn Gemv<'m>) -> Result<TokenSession<'a, 'm>, EngineError> {
        let maker = match model.device {
            Ok((id, _)) => Maker::Device(id, Start::Anew),
            Err(_) => Maker::Here(Box::new(Machine::new(model.program.clone()).map_err(refused)?)),
        };
        Ok(TokenSession { model, gemv, maker, cost: Cell::default(), logits: Vec::new(), position: 0 })
    }

    /// What the back end's runs have cost so far.
    pub fn cost(&self) -> Cost {
        self.cost.get()
    }

    /// Tokens that have gone in since the text began.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Tokens that the program knows.
    pub fn vocab_size(&self) -> usize {
        self.model.program.tokens()
    }

    /// How text becomes the model's tokens.
    pub fn tokenizer(&self) -> &'m Tokenizer {
        self.model.weights.tokenizer()
    }

    /// The same, for a thread that outlives this.
    pub fn shared_tokenizer(&self) -> Arc<Tokenizer> {
        self.model.weights.shared_tokenizer()
    }

    /// Which tokens begin and end a text.
    pub fn bounds(&self) -> &'m Bounds {
        self.model.weights.bounds()
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        self.position = 0;
        match &mut self.maker {
            Maker::Here(machine) => machine.clear(),
            Maker::Device(_, start) => *start = Start::Anew,
        }
    }

    /// Takes the prompt and makes tokens, each told to `made` with what the session has cost by then; `made` may end the text.
    /// Text has no end: the ring forgets the oldest position. Goes on from where the session is; the last token that was made
    /// has not gone in. After a failure the session is empty.
    ///
    /// # Errors
    /// A request that cannot be met, a failure of the back end or of `made`.
    pub fn generate<E: From<EngineError>>(
        &mut self,
        request: &Request,
        made: impl FnMut(u32, Cost) -> Result<ControlFlow<()>, E>,
    ) -> Result<Reply, E> {
        request.check(self.model.program.tokens()).map_err(|e| E::from(refused(e)))?;
        let done = self.make(request, made);
        match &done {
            Ok(Reply { tokens, finish }) => self.position += request.prompt.len() + tokens.len() - usize::from(*finish != Finish::Stop),
            Err(_) => self.clear(),
        }
        done
    }

    /// Takes tokens whose successors nobody asks for. `next` is the one that follows them; it does not go in.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub fn feed(&mut self, tokens: &[u32], next: u32) -> Result<(), EngineError> {
        let prompt = tokens.iter().copied().chain([next]).collect();
        let request = Request { prompt, most_tokens: 0, stops: Vec::new(), choice: Choice::GREEDY };
        self.generate(&request, |_, _| Ok::<_, EngineError>(ControlFlow::Continue(()))).map(|_| ())
    }

    fn make<E: From<EngineError>>(
        &mut self,
        request: &Request,
        mut made: impl FnMut(u32, Cost) -> Result<ControlFlow<()>, E>,
    ) -> Result<Reply, E> {
        let mut failed = None;
        let mut tell = |token, cost| {
            made(token, cost).unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        };
        let TokenSession { model, gemv, maker, cost, .. } = self;
        let reply = match maker {
            Maker::Here(machine) => {
                let mut products = Matrices { gemv: &mut **gemv, matrices: &model.matrices, cost };
                token::generate(machine, &mut products, request, |token| tell(token, cost.get()))?
            }
            Maker::Device(id, start) => {
                let before = cost.get();
                let tokens = gemv.tokens().ok_or_else(|| refused("the back end has no token machine any more"))?;
                let mut tell = |token, so_far: Cost| {
                    let mut cost = before;
                    cost += so_far;
                    tell(token, cost)
                };
                let done = tokens.generate(*id, *start, request, &mut tell);
                // After a failure nobody knows where the sequence stands.
                *start = if done.is_ok() { Start::Continues } else { Start::Anew };
                let (reply, more) = done.map_err(|source| EngineError::Gemv { layer: "the token program".into(), source })?;
                add(cost, more);
                reply
            }
        };
        failed.map_or(Ok(reply), Err)
    }

    /// Takes a token; the logits of what follows, 12 bits behind the point. After a failure the session is empty.
    ///
    /// # Errors
    /// A token that the program does not know, a failure of the back end.
    pub fn logits(&mut self, token: u32) -> Result<&[i32], EngineError> {
        let vocab_size = self.vocab_size();
        if token as usize >= vocab_size {
            return Err(EngineError::Token { token, vocab_size });
        }
        match self.take(token) {
            Ok(()) => self.position += 1,
            Err(error) => {
                self.clear();
                return Err(error);
            }
        }
        Ok(&self.logits)
    }

    fn take(&mut self, token: u32) -> Result<(), EngineError> {
        let TokenSession { model, gemv, maker, cost, logits, .. } = self;
        match maker {
            Maker::Here(machine) => {
                let mut products = Matrices { gemv: &mut **gemv, matrices: &model.matrices, cost };
                logits.clear();
                logits.extend_from_slice(machine.logits(&mut products, token)?);
            }
            Maker::Device(id, start) => {
                let tokens = gemv.tokens().ok_or_else(|| refused("the back end has no token machine any more"))?;
                let done = tokens.step(*id, *start, token, logits);
                *start = if done.is_ok() { Start::Continues } else { Start::Anew };
                add(cost, done.map_err(|source| EngineError::Gemv { layer: "the token program".into(), source })?);
            }
        }
        Ok(())
    }

    /// Bits of every token after the first, in windows of `context` tokens that start empty, as [`crate::evaluate()`] takes them.
    ///
    /// # Errors
    /// A text of fewer than two tokens, a token outside the vocabulary, or a failure of the back end.
    pub fn evaluate(&mut self, tokens: &[u32], context: usize, mut progress: impl FnMut(usize, usize)) -> Result<Evaluation, EngineError> {
        if tokens.len() < 2 {
            return Err(EngineError::Empty { what: "the text", needed: 2 });
        }
        let vocab_size = self.vocab_size();
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocab_size) {
            return Err(EngineError::Token { token, vocab_size });
        }
        let total = tokens.len() - 1;
        let mut result = Evaluation { predicted: 0, bytes: 0, bits: 0.0 };
        let (mut row, mut spelled) = (vec![0.0; vocab_size], Vec::new());
        for pair in tokens.windows(2) {
            if result.predicted.is_multiple_of(context.max(1)) {
                self.clear();
            }
            let logits = self.logits(pair[0])?;
            row.iter_mut().zip(logits).for_each(|(out, &logit)| *out = real(logit));
            result.bits += surprise_bits(&row, pair[1] as usize);
            spelled.clear();
            self.model.weights.tokenizer().decode_into(pair[1], &mut spelled);
            result.bytes += spelled.len();
            result.predicted += 1;
            progress(result.predicted, total);
        }
        Ok(result)
    }
}
