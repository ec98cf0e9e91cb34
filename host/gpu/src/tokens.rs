//! Whole tokens on the device: a token program's steps in one submission, with nothing read back but the token.
//!
//! The integers are those of `nda_spec::token::Machine`, bit for bit. The cache lies on the device as bitmaps, sign and extra
//! plane of each stack; scores are AND and popcount of the query's planes and the keys'. Products are those of [`crate::GpuGemv`].
//!
//! A prompt's tokens are made side by side, so that a weight is read once for all of them: every token has a part of the state for
//! itself, and a step is dispatched for all tokens before the next step. A token sees the keys and values of those before it, which are
//! in the cache by then.

mod batches;
mod jobs;
mod layout;

use crate::device::{Call, Dispatch, Gpu, Read};
use crate::error::GpuError;
use crate::gemv::GpuGemv;
use crate::kernel::{Form, Kernel, MANY};
use crate::weights::Chunk;
use batches::Batches;
use jobs::{Job, Jobs, Shader};
use layout::{FEED_TOKENS, HEADER, Layout};
use nda_gemv::{Activations, Cost, GemvError, MatrixId, NoTokens, Shape, Start, Tokens, TokensId, Work};
use nda_spec::ActivationCode;
use nda_spec::token::{Choice, Finish, Matrix, Program, Reply, Request};
use std::collections::HashMap;
use std::ops::ControlFlow;
use wgpu::BufferUsages as Usage;

/// Tokens of one submission: bounds the time until the device answers.
const MOST_TOKENS: usize = 32;

/// A program on the device, with one text in progress.
#[derive(Debug)]
pub(crate) struct TokenMachine {
    body: Vec<Placed>,
    head: Vec<Placed>,
    choice: Vec<Placed>,
    batches: Batches,
    state: wgpu::Buffer,
    feed: wgpu::Buffer,
    logits: Read,
    chosen: Read,
    ring: usize,
    tokens: usize,
    /// What the body multiplies by, and what the head does.
    work: [Work; 2],
}

/// A job, ready to be dispatched.
#[derive(Debug)]
enum Placed {
    /// A shader, over its workgroups once for each token.
    Shader(Dispatch),
    /// A product by one vector, and by one of each token.
    Product { one: Dispatch, many: Dispatch },
}

impl Placed {
    /// The call for a batch of `tokens` tokens.
    fn call(&self, tokens: u32) -> Call<'_> {
        match self {
            Placed::Shader(dispatch) => Call { groups: [dispatch.groups.0, dispatch.groups.1, tokens], dispatch },
            Placed::Product { one, .. } if tokens == 1 => Call::from(one),
            Placed::Product { many, .. } => Call::from(many),
        }
    }
}

fn calls(jobs: &[Placed], tokens: u32) -> impl Iterator<Item = Call<'_>> {
    jobs.iter().map(move |job| job.call(tokens))
}

/// The buffers that shaders work on.
struct Buffers {
    state: wgpu::Buffer,
    data: wgpu::Buffer,
    x: wgpu::Buffer,
    x_sum: wgpu::Buffer,
    sums: wgpu::Buffer,
    feed: wgpu::Buffer,
    logits: wgpu::Buffer,
    chosen: wgpu::Buffer,
}

impl Buffers {
    fn new(gpu: &Gpu, program: &Program, layout: &Layout) -> Result<Buffers, GpuError> {
        let words = |words: usize, usage: Usage| gpu.buffer(4 * words as u64, Usage::STORAGE | usage);
        let cols = program.matrices.iter().map(|m| m.cols).max().unwrap_or(0);
        let rows = program.matrices.iter().map(|m| m.rows).max().unwrap_or(0);
        // Products of a batch are made for whole workgroups of vectors.
        let vectors = if layout.lanes == 1 { 1 } else { layout.lanes.next_multiple_of(MANY as usize) };
        Ok(Buffers {
            state: words(layout.state_words, Usage::COPY_DST)?,
            data: gpu.buffer_of(layout.data.iter().copied(), Usage::STORAGE)?,
            // Eight words for 32 columns, in both kernels' forms.
            x: words(vectors * 16 * cols.div_ceil(64), Usage::empty())?,
            x_sum: words(vectors, Usage::empty())?,
            sums: words(vectors * rows, Usage::empty())?,
            feed: words(FEED_TOKENS + MOST_TOKENS, Usage::COPY_DST)?,
            logits: words(program.tokens(), gpu.results())?,
            chosen: words(1, gpu.results())?,
        })
    }

    /// What a shader binds, besides the state.
    fn of<'b>(&'b self, shader: Shader, fields: &'b wgpu::Buffer) -> Vec<(u32, &'b wgpu::Buffer)> {
        let common = [(0, &self.state), (1, &self.data), (2, fields)];
        let own: &[(u32, &wgpu::Buffer)] = match shader {
            Shader::Begin => return vec![common[0], (3, &self.feed)],
            Shader::Scores => return vec![common[0], common[2]],
            Shader::Pass => &[(3, &self.sums), (4, &self.logits)],
            Shader::Codes => &[(3, &self.x), (4, &self.x_sum)],
            Shader::Choose => &[(3, &self.feed), (4, &self.logits), (5, &self.chosen)],
            Shader::Embed | Shader::Append | Shader::Reduce | Shader::Mix => &[],
        };
        common.into_iter().chain(own.iter().copied()).collect()
    }
}

/// A matrix of the program: its parts and the pipelines that multiply it by one vector and by many.
struct Multiplied<'g> {
    chunks: &'g [Chunk],
    pipelines: [wgpu::ComputePipeline; 2],
}

impl TokenMachine {
    /// Makes a program ready; `matrices` are its own, in its order, for a kernel.
    ///
    /// # Errors
    /// No room; a shader that the driver does not take; a pass that works in place in a way that this machine has no order for.
    fn new(gpu: &Gpu, program: &Program, matrices: &[Multiplied<'_>], kernel: Kernel) -> Result<TokenMachine, NoTokens> {
        let layout = Layout::new(program, kernel, gpu.info.binding_bytes);
        let jobs = Jobs::new(program, &layout).ok_or(NoTokens::InPlace)?;
        TokenMachine::build(gpu, program, (&layout, &jobs), matrices).map_err(failed)
    }

    fn build(gpu: &Gpu, program: &Program, compiled: (&Layout, &Jobs), matrices: &[Multiplied<'_>]) -> Result<TokenMachine, GpuError> {
        let (layout, jobs) = compiled;
        let buffers = Buffers::new(gpu, program, layout)?;
        let mut shaders = HashMap::new();
        for shader in Shader::ALL {
            let text = layout.constants.clone() + include_str!("shaders/token/common.wgsl") + shader.wgsl();
            shaders.insert(shader, gpu.pipeline(shader.name(), text)?);
        }
        let dispatches = |jobs: &[Job]| {
            let mut all = Vec::new();
            for job in jobs {
                match job {
                    Job::Shader { shader, fields, groups } => {
                        let fields = gpu.buffer_of(fields.words().into_iter(), Usage::UNIFORM)?;
                        let pipeline = shaders[shader].clone();
                        let buffers = gpu.bind_at(&pipeline, &buffers.of(*shader, &fields));
                        all.push(Placed::Shader(Dispatch { pipeline, buffers, groups: *groups }));
                    }
                    Job::Product { matrix } => {
                        let Multiplied { chunks, pipelines } = &matrices[*matrix];
                        all.extend(chunks.iter().map(|chunk| {
                            let buffers = [&chunk.words, &buffers.x, &buffers.x_sum, &buffers.sums, &chunk.shape];
                            let [one, many] = pipelines.each_ref().map(|pipeline| Dispatch {
                                pipeline: pipeline.clone(),
                                buffers: gpu.bind(pipeline, &buffers),
                                groups: (chunk.tiles, 1),
                            });
                            Placed::Product { one, many }
                        }));
                    }
                }
            }
            Ok(all)
        };
        let weights = |jobs: &[Job]| {
            jobs.iter().fold(Work::default(), |mut work, job| {
                if let Job::Product { matrix } = job {
                    let m = &program.matrices[*matrix];
                    work += Work::of(1, m.rows * m.cols);
                }
                work
            })
        };
        Ok(TokenMachine {
            body: dispatches(&jobs.body)?,
            head: dispatches(&jobs.head)?,
            choice: dispatches(&jobs.choice)?,
            batches: Batches::new(program, layout.lanes),
            logits: Read::new(gpu, buffers.logits.clone(), program.tokens())?,
            chosen: Read::new(gpu, buffers.chosen.clone(), 1)?,
            state: buffers.state.clone(),
            feed: buffers.feed.clone(),
            ring: program.kv.ring,
            tokens: program.tokens(),
            work: [weights(&jobs.body), weights(&jobs.head)],
        })
    }

    /// Forgets the text.
    fn clear(&mut self, gpu: &Gpu) {
        self.batches.clear();
        let header: [i32; HEADER] = [-1, self.ring as i32 - 1, 0, 0];
        gpu.write(&self.state, &header.map(i32::cast_unsigned));
    }

    /// Takes tokens in; `last` is dispatched behind the last one's body, and what it leaves is read.
    fn take(&mut self, gpu: &mut Gpu, tokens: &[u32], choice: Choice, last: Last) -> Result<Vec<u32>, GpuError> {
        let mut found = Vec::new();
        let submissions = tokens.len().div_ceil(MOST_TOKENS);
        for (number, tokens) in tokens.chunks(MOST_TOKENS).enumerate() {
            let seed = choice.seed;
            let mut feed = vec![choice.inverse_temperature, seed as u32, (seed >> 32) as u32, 0];
            feed.extend(tokens);
            gpu.write(&self.feed, &feed);
            let last = if number + 1 == submissions { last } else { Last::Nothing };
            // What the head reads is the first token's part of the state, so the last token is made alone.
            let (together, alone) = if let Last::Nothing = last { (tokens.len(), 0) } else { (tokens.len() - 1, 1) };
            let mut batches = self.batches.split(together);
            batches.extend(self.batches.split(alone));
            let bodies = batches.iter().flat_map(|tokens| calls(&self.body, *tokens));
            let head = calls(&self.head, 1);
            found = match last {
                Last::Choice => gpu.submit(bodies.chain(head).chain(calls(&self.choice, 1)), Some(&self.chosen))?,
                Last::Logits => gpu.submit(bodies.chain(head), Some(&self.logits))?,
                Last::Nothing => gpu.submit(bodies, None)?,
            };
        }
        Ok(found)
    }

    fn cost(&self, tokens: usize, heads: usize) -> Cost {
        let [body, head] = self.work;
        let times = |work: Work, n: usize| Work { products: work.products * n as u64, weights: work.weights * n as u64 };
        let mut device = times(body, tokens);
        device += times(head, heads);
        Cost { device, ..Cost::default() }
    }
}

/// What is asked for behind the last token.
#[derive(Debug, Clone, Copy)]
enum Last {
    Nothing,
    Choice,
    Logits,
}

fn device(error: GpuError) -> GemvError {
    GemvError::Device(Box::new(error))
}

fn failed(error: GpuError) -> NoTokens {
    NoTokens::Failed { reason: error.to_string() }
}

impl GpuGemv {
    fn token_machine(&mut self, program: &Program, ids: &[MatrixId]) -> Result<TokenMachine, NoTokens> {
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
            pipelines.push([of_width(1)?, of_width(MANY)?]);
        }
        let parts = ids.iter().zip(&program.matrices).filter_map(|(id, m)| self.parts_of(*id, shape(m)));
        let matrices: Vec<Multiplied<'_>> = parts.zip(pipelines).map(|(chunks, pipelines)| Multiplied { chunks, pipelines }).collect();
        TokenMachine::new(self.gpu(), program, &matrices, kernel)
    }
}

impl Tokens for GpuGemv {
    fn runs(&mut self, program: &Program) -> Result<(), NoTokens> {
        program.check().map_err(|error| NoTokens::Failed { reason: error.to_string() })?;
        let layout = Layout::new(program, Kernel::Popcount, self.gpu().info.binding_bytes);
        Jobs::new(program, &layout).map(|_| ()).ok_or(NoTokens::InPlace)
    }

    fn prepare_tokens(&mut self, program: &Program, matrix: &dyn Fn(usize) -> Option<MatrixId>) -> Result<TokensId, NoTokens> {
        self.runs(program)?;
        let place = |number| matrix(number).ok_or(NoTokens::Apart { number });
        let ids = (0..program.matrices.len()).map(place).collect::<Result<Vec<_>, _>>()?;
        let mut machine = self.token_machine(program, &ids)?;
        machine.clear(self.gpu());
        Ok(self.add_machine(machine))
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
        if start == Start::Anew {
            machine.clear(gpu);
        }
        let mut next = request.prompt.clone();
        if request.most_tokens == 0 {
            next.pop();
            machine.take(gpu, &next, request.choice, Last::Nothing).map_err(device)?;
            return Ok((reply, machine.cost(next.len(), 0)));
        }
        while reply.tokens.len() < request.most_tokens {
            let found = machine.take(gpu, &next, request.choice, Last::Choice).map_err(device)?;
            cost += machine.cost(next.len(), 1);
            let token = found.first().copied().unwrap_or(0);
            if request.stops.contains(&token) {
                reply.finish = Finish::Stop;
                break;
            }
            reply.tokens.push(token);
            if made(token, cost).is_break() {
                reply.finish = Finish::Cancelled;
                break;
            }
            next = vec![token];
        }
        Ok((reply, cost))
    }

    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
        let (machine, gpu) = self.machine(id)?;
        if start == Start::Anew {
            machine.clear(gpu);
        }
        let row = machine.take(gpu, &[token], Choice::GREEDY, Last::Logits).map_err(device)?;
        logits.clear();
        logits.extend(row.into_iter().take(machine.tokens).map(u32::cast_signed));
        Ok(machine.cost(1, 1))
    }
}
