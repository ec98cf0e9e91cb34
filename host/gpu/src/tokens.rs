//! Whole tokens on the device: a token program's steps in one submission, with nothing read back but the token.
//!
//! The integers are those of `nda_spec::token::Machine`, bit for bit. The cache lies on the device as bitmaps, sign and extra
//! plane of each stack; scores are AND and popcount of the query's planes and the keys'. Products are those of [`crate::GpuGemv`].
//!
//! Tokens are made side by side, up to sixteen, so that a weight is read once for all of them: every token has a part of the state for
//! itself, and a step is dispatched for all tokens before the next step. They are a prompt's tokens, each of which sees the keys and
//! values of those before it, which are in the cache by then; or tokens of different texts, each of which has a cache of its own.

mod batches;
mod jobs;
mod layout;
mod machine;

use crate::error::GpuError;
use crate::gemv::{GpuGemv, WIDTHS};
use crate::kernel::{Form, Kernel};
use jobs::Jobs;
use layout::{Layout, Room};
use machine::Multiplied;
pub(crate) use machine::TokenMachine;
use nda_gemv::{
    Activations, Cost, Followed, Following, GemvError, MatrixId, NoTokens, Shape, Start, TextStep, Tokens, TokensId, check_steps,
};
use nda_spec::ActivationCode;
use nda_spec::token::{Finish, Matrix, Program, Reply, Request};
use std::ops::ControlFlow;

fn device(error: GpuError) -> GemvError {
    GemvError::Device(Box::new(error))
}

fn first_text(start: Start, tokens: &[u32], following: Following) -> TextStep<'_> {
    TextStep { text: 0, start, tokens, following }
}

fn failed(error: GpuError) -> NoTokens {
    NoTokens::Failed { reason: error.to_string() }
}

impl GpuGemv {
    fn token_machine(&mut self, program: &Program, ids: &[MatrixId], texts: usize) -> Result<TokenMachine, NoTokens> {
        let shape = |m: &Matrix| Shape { rows: m.rows, cols: m.cols, code: m.code };
        for (number, (id, m)) in ids.iter().zip(&program.matrices).enumerate() {
            self.parts_of(*id, shape(m)).ok_or(NoTokens::Apart { number })?;
        }
        let (Some(&id), Some(first)) = (ids.first(), program.matrices.first()) else { return Err(NoTokens::Absent) };
        let zeros = vec![0; first.cols];
        let kernel = self.choose_kernel(id, Activations { code: ActivationCode::A8, values: &zeros }).map_err(failed)?;
        let mut pipelines = Vec::new();
        for m in &program.matrices {
            let form = Form::new(kernel, m.code, ActivationCode::A8, self.adapter());
            let mut of_width = |vectors| self.pipeline_of(&form, vectors).map_err(failed);
            let [one, few, many] = WIDTHS.map(&mut of_width);
            pipelines.push([one?, few?, many?]);
        }
        let parts = ids.iter().zip(&program.matrices).filter_map(|(id, m)| self.parts_of(*id, shape(m)));
        let matrices: Vec<Multiplied<'_>> = parts.zip(pipelines).map(|(chunks, pipelines)| Multiplied { chunks, pipelines }).collect();
        TokenMachine::new(self.gpu(), program, &matrices, kernel, texts)
    }
}

impl Tokens for GpuGemv {
    fn runs(&mut self, program: &Program) -> Result<(), NoTokens> {
        program.check().map_err(|error| NoTokens::Failed { reason: error.to_string() })?;
        let layout = Layout::new(program, Kernel::Popcount, Room { binding_bytes: self.gpu().info.binding_bytes, texts: 1 });
        Jobs::new(program, &layout).map(|_| ()).ok_or(NoTokens::InPlace)
    }

    fn prepare_tokens(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens> {
        self.prepare_texts(program, matrix, 1).map(|(id, _)| id)
    }

    fn prepare_texts(
        &mut self,
        program: &Program,
        matrix: &dyn Fn(usize) -> Option<MatrixId>,
        wanted: usize,
    ) -> Result<(TokensId, usize), NoTokens> {
        self.runs(program)?;
        let place = |number| matrix(number).ok_or(NoTokens::Apart { number });
        let ids = (0..program.matrices.len()).map(place).collect::<Result<Vec<_>, _>>()?;
        let machine = self.token_machine(program, &ids, wanted)?;
        let texts = machine.texts;
        Ok((self.add_machine(machine), texts))
    }

    fn generate(
        &mut self,
        id: TokensId,
        start: Start,
        request: &Request,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
    ) -> Result<(Reply, Cost), GemvError> {
        let (machine, gpu) = self.machine(id)?;
        let mut reply = Reply { tokens: Vec::new(), finish: Finish::Length };
        let mut cost = Cost::default();
        let Some((_, before)) = request.prompt.split_last() else { return Ok((reply, cost)) };
        if request.most_tokens == 0 {
            machine.take(gpu, &[first_text(start, before, Following::Nothing)]).map_err(device)?;
            return Ok((reply, machine.cost(before.len(), 0)));
        }
        let (mut start, mut next) = (start, request.prompt.clone());
        while reply.tokens.len() < request.most_tokens {
            let found = machine.take(gpu, &[first_text(start, &next, Following::Token(request.choice))]).map_err(device)?;
            cost += machine.cost(next.len(), 1);
            let token = if let Some(Followed::Token(token)) = found.first() { *token } else { 0 };
            if request.stops.contains(&token) {
                reply.finish = Finish::Stop;
                break;
            }
            reply.tokens.push(token);
            if made(token, cost).is_break() {
                reply.finish = Finish::Cancelled;
                break;
            }
            (start, next) = (Start::Continues, vec![token]);
        }
        Ok((reply, cost))
    }

    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
        let (machine, gpu) = self.machine(id)?;
        let tokens = [token];
        let step = first_text(start, &tokens, Following::Logits);
        if let Some(Followed::Logits(row)) = machine.take(gpu, &[step]).map_err(device)?.pop() {
            *logits = row;
        }
        Ok(machine.cost(1, 1))
    }

    fn step_together(&mut self, id: TokensId, steps: &[TextStep<'_>]) -> Result<(Vec<Followed>, Cost), GemvError> {
        let (machine, gpu) = self.machine(id)?;
        check_steps(steps, machine.texts)?;
        let found = machine.take(gpu, steps).map_err(device)?;
        Ok((found, machine.cost_of(steps)))
    }
}
