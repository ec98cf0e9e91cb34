//! A back end that makes whole tokens of several texts in one step, as a GPU does: golden machines around the CPU's products.

// Each test file uses its share of these.
#![allow(dead_code)]

use nda_gemv::{
    Activations, Cost, Followed, Following, Gemv, GemvError, MatrixId, NoTokens, Shape, Start, TextStep, Tokens, TokensId, check_steps,
};
use nda_kernels::CpuGemv;
use nda_spec::token::{Machine, Products, Program, Reply, Request, generate};
use nda_spec::{ActivationCode, TileMatrix};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What others see of the steps.
#[derive(Debug, Default)]
pub struct Steps {
    /// Steps so far.
    pub all: AtomicUsize,
    /// The most texts of one of them.
    pub most_texts: AtomicUsize,
}

/// The back end.
pub struct Several<'m> {
    cpu: CpuGemv<'m>,
    /// Texts at most, and a rest before each step.
    most: usize,
    rest: Duration,
    matrices: Vec<MatrixId>,
    texts: Vec<Machine>,
    steps: Arc<Steps>,
    /// The step that fails, counted from 1; none if it is 0.
    fails_at: usize,
}

impl Several<'_> {
    /// One that holds at most this many texts and rests before each step.
    pub fn new(most: usize, rest: Duration, steps: Arc<Steps>) -> Self {
        Several { cpu: CpuGemv::new(), most, rest, matrices: Vec::new(), texts: Vec::new(), steps, fails_at: 0 }
    }

    /// The same with a step that fails.
    pub fn failing_at(self, step: usize) -> Self {
        Several { fails_at: step, ..self }
    }
}

/// Products of a program on the CPU.
struct OnCpu<'a, 'm> {
    cpu: &'a mut CpuGemv<'m>,
    matrices: &'a [MatrixId],
}

impl Products for OnCpu<'_, '_> {
    type Error = GemvError;

    fn product(&mut self, matrix: usize, codes: &[i8], sums: &mut [i32]) -> Result<(), GemvError> {
        self.cpu.run(self.matrices[matrix], Activations { code: ActivationCode::A8, values: codes }, sums).map(|_| ())
    }
}

impl<'m> Gemv<'m> for Several<'m> {
    fn name(&self) -> String {
        "several texts".into()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.cpu.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        self.cpu.prepare(parts)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        self.cpu.run(id, x, y)
    }

    fn tokens(&mut self) -> Option<&mut dyn Tokens> {
        Some(self)
    }
}

impl Tokens for Several<'_> {
    fn runs(&mut self, _: &Program) -> Result<(), NoTokens> {
        Ok(())
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
        self.matrices = (0..program.matrices.len()).filter_map(matrix).collect();
        let machine = Machine::new(program.clone()).map_err(|error| NoTokens::Failed { reason: error.to_string() })?;
        self.texts = vec![machine; wanted.min(self.most)];
        Ok((TokensId(0), self.texts.len()))
    }

    fn generate(
        &mut self,
        _: TokensId,
        start: Start,
        request: &Request,
        made: &mut dyn FnMut(u32, Cost) -> ControlFlow<()>,
    ) -> Result<(Reply, Cost), GemvError> {
        if start == Start::Anew {
            self.texts[0].clear();
        }
        let mut products = OnCpu { cpu: &mut self.cpu, matrices: &self.matrices };
        let reply = generate(&mut self.texts[0], &mut products, request, |token| made(token, Cost::default()))?;
        Ok((reply, Cost::default()))
    }

    fn step(&mut self, id: TokensId, start: Start, token: u32, logits: &mut Vec<i32>) -> Result<Cost, GemvError> {
        let step = TextStep { text: 0, start, tokens: &[token], following: Following::Logits };
        if let Some(Followed::Logits(row)) = self.step_together(id, &[step])?.0.pop() {
            *logits = row;
        }
        Ok(Cost::default())
    }

    fn step_together(&mut self, _: TokensId, steps: &[TextStep<'_>]) -> Result<(Vec<Followed>, Cost), GemvError> {
        check_steps(steps, self.texts.len())?;
        std::thread::sleep(self.rest);
        self.steps.most_texts.fetch_max(steps.len(), Ordering::Relaxed);
        if self.steps.all.fetch_add(1, Ordering::Relaxed) + 1 == self.fails_at {
            return Err(GemvError::Device("the device is gone for a moment".into()));
        }
        let mut products = OnCpu { cpu: &mut self.cpu, matrices: &self.matrices };
        let mut all = Vec::new();
        for step in steps {
            let machine = &mut self.texts[step.text];
            if step.start == Start::Anew {
                machine.clear();
            }
            let (last, before) = step.tokens.split_last().expect("a checked step has tokens");
            before.iter().try_for_each(|token| machine.take(&mut products, *token))?;
            all.push(match step.following {
                Following::Nothing => {
                    machine.take(&mut products, *last)?;
                    Followed::Nothing
                }
                Following::Logits => Followed::Logits(machine.logits(&mut products, *last)?.to_vec()),
                Following::Token(choice) => Followed::Token(machine.next(&mut products, *last, choice)?),
            });
        }
        Ok((all, Cost::default()))
    }
}
