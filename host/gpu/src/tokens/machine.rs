//! A token program on the device: its buffers, its jobs, and the texts that it makes.

use super::batches::{Batches, Share};
use super::jobs::{Job, Jobs, Shader};
use super::layout::{FEED_ROWS, LOGITS, Layout, MOST_LANES, Room, TEXT_HEADER, choice_words};
use crate::device::{Call, Dispatch, Gpu, Read};
use crate::error::GpuError;
use crate::gemv::WIDTHS;
use crate::kernel::{Kernel, MANY};
use crate::weights::Chunk;
use nda_gemv::{Cost, Followed, Following, NoTokens, Start, TextStep, Work};
use nda_spec::token::{Choice, Program};
use std::collections::HashMap;
use wgpu::BufferUsages as Usage;

/// Tokens of one submission: bounds the time until the device answers.
const MOST_TOKENS: usize = 32;

/// A program on the device, with some texts in progress.
#[derive(Debug)]
pub(crate) struct TokenMachine {
    body: Vec<Placed>,
    head: Vec<Placed>,
    choice: Vec<Placed>,
    batches: Batches,
    state: wgpu::Buffer,
    feed: wgpu::Buffer,
    /// A chosen token for each lane, and a row of logits for each.
    results: Read,
    ring: usize,
    tokens: usize,
    pub texts: usize,
    /// What the body multiplies by, and what the head does.
    work: [Work; 2],
}

/// A job, ready to be dispatched.
#[derive(Debug)]
enum Placed {
    /// A shader, over its workgroups once for each token.
    Shader(Dispatch),
    /// A product by one vector, and by one of each token for as many as [`WIDTHS`] says.
    Product([Dispatch; WIDTHS.len()]),
}

impl Placed {
    /// The call for a batch of `tokens` tokens.
    fn call(&self, tokens: u32) -> Call<'_> {
        match self {
            Placed::Shader(dispatch) => Call { groups: [dispatch.groups.0, dispatch.groups.1, tokens], dispatch },
            Placed::Product(widths) => {
                let width = WIDTHS.iter().position(|width| *width >= tokens).unwrap_or(WIDTHS.len() - 1);
                Call::from(&widths[width])
            }
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
    results: wgpu::Buffer,
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
            feed: words(FEED_ROWS + 2 * MOST_TOKENS, Usage::COPY_DST)?,
            results: words(LOGITS + layout.lanes * program.tokens(), gpu.results())?,
        })
    }

    /// What a shader binds, besides the state.
    fn of<'b>(&'b self, shader: Shader, fields: &'b wgpu::Buffer) -> Vec<(u32, &'b wgpu::Buffer)> {
        let common = [(0, &self.state), (1, &self.data), (2, fields)];
        let own: &[(u32, &wgpu::Buffer)] = match shader {
            Shader::Begin => return vec![common[0], (3, &self.feed)],
            Shader::Scores => return vec![common[0], common[2]],
            Shader::Pass => &[(3, &self.sums), (4, &self.results)],
            Shader::Codes => &[(3, &self.x), (4, &self.x_sum)],
            Shader::Choose => &[(3, &self.feed), (4, &self.results)],
            Shader::Embed | Shader::Append | Shader::Reduce | Shader::Mix => &[],
        };
        common.into_iter().chain(own.iter().copied()).collect()
    }
}

/// A matrix of the program: its parts and the pipelines that multiply it by one vector and by several.
pub(super) struct Multiplied<'g> {
    pub chunks: &'g [Chunk],
    pub pipelines: [wgpu::ComputePipeline; WIDTHS.len()],
}

impl TokenMachine {
    /// Makes a program ready for as many as `texts` texts; `matrices` are its own, in its order, for a kernel.
    ///
    /// # Errors
    /// No room; a shader that the driver does not take; a pass that works in place in a way that this machine has no order for.
    pub(super) fn new(
        gpu: &Gpu,
        program: &Program,
        matrices: &[Multiplied<'_>],
        kernel: Kernel,
        texts: usize,
    ) -> Result<TokenMachine, NoTokens> {
        let layout = Layout::new(program, kernel, Room { binding_bytes: gpu.info.binding_bytes, texts });
        let jobs = Jobs::new(program, &layout).ok_or(NoTokens::InPlace)?;
        let mut machine = TokenMachine::build(gpu, program, (&layout, &jobs), matrices).map_err(super::failed)?;
        (0..machine.texts).for_each(|text| machine.clear(gpu, text));
        Ok(machine)
    }

    fn build(gpu: &Gpu, program: &Program, compiled: (&Layout, &Jobs), matrices: &[Multiplied<'_>]) -> Result<TokenMachine, GpuError> {
        let (layout, jobs) = compiled;
        let buffers = Buffers::new(gpu, program, layout)?;
        let mut shaders = HashMap::new();
        for shader in Shader::ALL {
            let text = layout.constants.clone() + include_str!("../shaders/token/common.wgsl") + shader.wgsl();
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
                            Placed::Product(pipelines.each_ref().map(|pipeline| Dispatch {
                                pipeline: pipeline.clone(),
                                buffers: gpu.bind(pipeline, &buffers),
                                groups: (chunk.tiles, 1),
                            }))
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
            batches: Batches::new(program, layout.lanes, layout.texts),
            results: Read::new(gpu, buffers.results.clone(), LOGITS + layout.lanes * program.tokens())?,
            state: buffers.state.clone(),
            feed: buffers.feed.clone(),
            ring: program.kv.ring,
            tokens: program.tokens(),
            texts: layout.texts,
            work: [weights(&jobs.body), weights(&jobs.head)],
        })
    }

    /// Forgets a text.
    pub fn clear(&mut self, gpu: &Gpu, text: usize) {
        self.batches.clear(text);
        let header: [i32; TEXT_HEADER] = [-1, self.ring as i32 - 1, 0, 0];
        gpu.write_at(&self.state, text * TEXT_HEADER, &header.map(i32::cast_unsigned));
    }

    /// Takes tokens of different texts, each at least one; what followed each comes back in their order.
    ///
    /// # Errors
    /// A device that fails: the texts must begin anew.
    pub fn take(&mut self, gpu: &mut Gpu, steps: &[TextStep<'_>]) -> Result<Vec<Followed>, GpuError> {
        for step in steps.iter().filter(|step| step.start == Start::Anew) {
            self.clear(gpu, step.text);
        }
        // Rows of logits are read back as far as there are any, so they come first.
        let mut asking: Vec<&TextStep<'_>> = steps.iter().filter(|step| asked(step) > 0).collect();
        asking.sort_by_key(|step| step.following != Following::Logits);
        // The head takes all lanes of a batch, so the tokens that something is asked for behind are a batch by themselves.
        let before = steps.iter().map(|step| Share { text: step.text, tokens: step.tokens.len() - asked(step) }).collect();
        let last = asking.iter().map(|step| Share { text: step.text, tokens: 1 }).collect();
        let mut batches = self.batches.split(before);
        batches.extend(self.batches.split(last));
        let mut left: Vec<(usize, &[u32])> = steps.iter().map(|step| (step.text, step.tokens)).collect();
        let mut waiting = Submission::default();
        for batch in batches {
            if !waiting.has_room(&batch) {
                self.submit(gpu, &std::mem::take(&mut waiting), &[])?;
            }
            waiting.add(&batch, &mut left);
        }
        let found = self.submit(gpu, &waiting, &asking)?;
        let of = |step: &TextStep<'_>| match (step.following, asking.iter().position(|other| other.text == step.text)) {
            (Following::Token(_), Some(lane)) => Followed::Token(found.get(lane).copied().unwrap_or(0)),
            (Following::Logits, Some(lane)) => {
                let row = found.iter().skip(LOGITS + lane * self.tokens).take(self.tokens);
                Followed::Logits(row.map(|bits| bits.cast_signed()).collect())
            }
            _ => Followed::Nothing,
        };
        Ok(steps.iter().map(of).collect())
    }

    /// Makes some batches, and what is asked for behind the tokens of the last one; reads a token of each, or the logits too.
    fn submit(&self, gpu: &mut Gpu, waiting: &Submission, asking: &[&TextStep<'_>]) -> Result<Vec<u32>, GpuError> {
        if waiting.batches.is_empty() {
            return Ok(Vec::new());
        }
        let choices = asking.iter().map(|step| match step.following {
            Following::Token(choice) => choice,
            Following::Nothing | Following::Logits => Choice::GREEDY,
        });
        let mut feed = vec![0];
        feed.extend(choices.chain(std::iter::repeat(Choice::GREEDY)).take(MOST_LANES).flat_map(choice_words));
        feed.extend(&waiting.rows);
        gpu.write(&self.feed, &feed);
        let (lanes, rows) = (asking.len(), asking.iter().filter(|step| step.following == Following::Logits).count());
        let none: &[Placed] = &[];
        let head = if lanes > 0 { &self.head } else { none };
        let choice = if lanes > rows { &self.choice } else { none };
        let bodies = waiting.batches.iter().flat_map(|tokens| calls(&self.body, *tokens));
        let all = bodies.chain(calls(head, lanes as u32)).chain(calls(choice, lanes as u32));
        let words = if rows > 0 { LOGITS + rows * self.tokens } else { lanes };
        let read = (lanes > 0).then(|| self.results.first(words));
        gpu.submit(all, read.as_ref())
    }

    /// What that many tokens and heads multiply.
    pub fn cost(&self, tokens: usize, heads: usize) -> Cost {
        let [body, head] = self.work;
        let mut device = body.times(tokens as u64);
        device += head.times(heads as u64);
        Cost { device, ..Cost::default() }
    }

    /// What steps multiply.
    pub fn cost_of(&self, steps: &[TextStep<'_>]) -> Cost {
        self.cost(steps.iter().map(|step| step.tokens.len()).sum(), steps.iter().map(asked).sum())
    }
}

/// How many of a step's tokens something is asked for behind: one or none.
fn asked(step: &TextStep<'_>) -> usize {
    usize::from(step.following != Following::Nothing)
}

/// Batches that go to the device together.
#[derive(Debug, Default)]
struct Submission {
    /// Tokens of each batch.
    batches: Vec<u32>,
    /// Text and token, one after another.
    rows: Vec<u32>,
}

impl Submission {
    fn has_room(&self, batch: &[Share]) -> bool {
        self.rows.len() / 2 + batch.iter().map(|share| share.tokens).sum::<usize>() <= MOST_TOKENS
    }

    /// Adds a batch of the tokens that are `left` of each text.
    fn add(&mut self, batch: &[Share], left: &mut [(usize, &[u32])]) {
        let before = self.rows.len();
        for share in batch {
            for (text, tokens) in left.iter_mut().filter(|(text, _)| *text == share.text) {
                let (now, later) = tokens.split_at(share.tokens.min(tokens.len()));
                self.rows.extend(now.iter().flat_map(|token| [*text as u32, *token]));
                *tokens = later;
            }
        }
        self.batches.push(((self.rows.len() - before) / 2) as u32);
    }
}
