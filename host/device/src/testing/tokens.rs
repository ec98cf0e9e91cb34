//! Texts over a faulty link, compared token by token with the golden machine.

use super::{FaultReport, RandomMatrix, add};
use crate::fabric::FabricGemv;
use crate::fault::{FaultInjector, Faults};
use crate::options::DriverOptions;
use crate::session::Driver;
use crate::transport::Transport;
use nda_gemv::{Cost, Gemv, MatrixId, Start, TokensId};
use nda_spec::random::Random;
use nda_spec::token::{Choice, Golden, Machine, Program, Reply, Request, generate};
use std::ops::ControlFlow;
use std::time::Duration;

/// A token program with its weights.
#[derive(Debug, Clone)]
pub struct TokenModel {
    /// The program.
    pub program: Program,
    /// Its products.
    pub golden: Golden,
    matrices: Vec<RandomMatrix>,
}

impl TokenModel {
    /// A model of these.
    pub fn new(program: Program, golden: Golden) -> TokenModel {
        let matrix = |(shape, values): (&nda_spec::token::Matrix, &Vec<i8>)| {
            RandomMatrix::from_values(shape.rows, shape.cols, shape.code, values.clone())
        };
        let matrices = golden.shapes.iter().zip(&golden.weights).map(matrix).collect();
        TokenModel { program, golden, matrices }
    }

    /// Hands the model to a device.
    ///
    /// # Panics
    /// If the device has no room for it.
    pub fn prepare<'m, T: Transport>(&'m self, fabric: &mut FabricGemv<'m, T>) -> TokensId {
        let ids: Vec<MatrixId> =
            self.matrices.iter().map(|matrix| fabric.prepare(&[matrix.view()]).expect("any shape is supported")).collect();
        let tokens = fabric.tokens().expect("a token machine");
        tokens.prepare_tokens(&self.program, &|number| ids.get(number).copied()).expect("room for it")
    }

    /// Has the device make what a request asks for, and the row behind it: both golden's. Returns what the tokens cost.
    ///
    /// # Panics
    /// If they are not golden's, or the device fails.
    pub fn hold<T: Transport>(&self, fabric: &mut FabricGemv<'_, T>, id: TokensId, request: &Request, what: &str) -> Cost {
        let tokens = fabric.tokens().expect("a token machine");
        let made = tokens.generate(id, Start::Anew, request, &mut |_, _| ControlFlow::Continue(()));
        let (reply, cost) = made.unwrap_or_else(|e| panic!("{what}: {e}"));
        let mut machine = Machine::new(self.program.clone()).expect("a program that is right");
        let Ok(expected) = generate(&mut machine, &mut self.golden.clone(), request, |_| ControlFlow::Continue(()));
        assert_eq!(reply, expected, "{what}, {:?}", request.choice);
        let last = *reply.tokens.last().expect("tokens");
        let mut row = Vec::new();
        tokens.step(id, Start::Continues, last, &mut row).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(Ok(&row[..]), machine.logits(&mut self.golden.clone(), last), "{what}, {:?}: the row", request.choice);
        cost
    }
}

/// A run of sessions of texts over a faulty link.
#[derive(Debug, Clone, Copy)]
pub struct TokenScenario {
    /// Seed of everything.
    pub seed: u64,
    /// Faults of the link in each session.
    pub faults: Faults,
    /// Sessions go on until that many frames were sent.
    pub frames: u64,
    /// Texts of a session.
    pub texts: usize,
    /// Tokens that a text may have at most; a quarter of them in its prompt.
    pub most_tokens: usize,
    /// In 10,000 sessions, how many lose their host somewhere in the middle.
    pub kills: u32,
    /// In 10,000 texts, before how many the device is reset.
    pub resets: u32,
    /// Longest time on the transport's clock that one call may take.
    pub deadline: Duration,
}

/// Runs sessions of texts and compares every token with the golden machine.
///
/// # Panics
/// On a wrong, lost or doubled token, or a call that took longer than the deadline, with the seed that replays it.
pub fn token_scenario<T: Transport>(
    transport: &mut T,
    models: &[TokenModel],
    scenario: &TokenScenario,
    mut reset: impl FnMut(&mut T),
) -> FaultReport {
    let mut report = FaultReport::default();
    while report.stats.frames_sent < scenario.frames {
        session(transport, models, scenario, &mut reset, &mut report);
    }
    report
}

fn session<T: Transport>(
    transport: &mut T,
    models: &[TokenModel],
    scenario: &TokenScenario,
    reset: &mut impl FnMut(&mut T),
    report: &mut FaultReport,
) {
    let place = format!("seed {}, session {}", scenario.seed, report.sessions);
    let mut random = Random::new(scenario.seed ^ report.sessions.wrapping_mul(0xd1b5_4a32_d192_ed03));
    report.sessions += 1;
    let mut faults = scenario.faults;
    if random.chance(scenario.kills) {
        faults.kill_after_bytes = Some(random.next_u64() % 20_000);
        report.kills += 1;
    }
    let model = &models[random.below(models.len())];
    let injector = FaultInjector::new(&mut *transport, faults, random.next_u64());
    let options = DriverOptions { seed: random.next_u64(), ..DriverOptions::default() };
    let driver = match Driver::open(injector, options) {
        Ok(driver) => driver,
        Err(error) => {
            if faults.kill_after_bytes.is_none() {
                report.errors.push(format!("{place}: open: {error}"));
            }
            report.stats.frames_sent += 1;
            return;
        }
    };
    let mut fabric = FabricGemv::new(driver);
    let id = model.prepare(&mut fabric);
    let mut writer =
        Writer { model, machine: Machine::new(model.program.clone()).expect("a checked program"), start: Start::Anew, next: None };
    for number in 0..scenario.texts {
        if random.chance(scenario.resets) {
            reset(fabric.driver_mut().transport_mut().inner_mut());
            report.resets += 1;
        }
        let since = fabric.driver().transport().now();
        let place_of_text = format!("{place}, text {number}");
        let outcome = writer.text(&mut fabric, id, scenario.most_tokens, &mut random, &place_of_text);
        let took = fabric.driver().transport().now().saturating_sub(since);
        assert!(took <= scenario.deadline, "{place}, text {number}: a call took {took:?}, more than {:?}", scenario.deadline);
        report.longest = report.longest.max(took);
        match outcome {
            Ok(tokens) => report.right += tokens as u64,
            Err(_) if fabric.driver().transport().is_dead() => break,
            Err(error) => {
                report.errors.push(format!("{place}, text {number}: {error}"));
                writer.start = Start::Anew;
            }
        }
    }
    let driver = fabric.into_driver();
    add(&mut report.stats, driver.stats());
    report.faults += driver.transport().counts();
}

/// Asks the device for texts and knows them beforehand.
struct Writer<'m> {
    model: &'m TokenModel,
    machine: Machine,
    start: Start,
    /// The token that was made last and has not gone in.
    next: Option<u32>,
}

impl Writer<'_> {
    /// One text or one row; how many tokens were right.
    fn text<T: Transport>(
        &mut self,
        fabric: &mut FabricGemv<'_, T>,
        id: TokensId,
        most_tokens: usize,
        random: &mut Random,
        place: &str,
    ) -> Result<usize, nda_gemv::GemvError> {
        let vocabulary = self.model.program.tokens();
        if self.start == Start::Anew || random.chance(3_000) {
            (self.start, self.next) = (Start::Anew, None);
            self.machine.clear();
        }
        let mut prompt: Vec<u32> = self.next.take().into_iter().collect();
        prompt.extend((0..1 + random.below(most_tokens / 4)).map(|_| random.below(vocabulary) as u32));
        let mut golden = self.model.golden.clone();
        let tokens = fabric.tokens().expect("a token machine");
        let start = std::mem::replace(&mut self.start, Start::Continues);
        if random.chance(1_500) {
            let token = prompt[0];
            let Ok(expected) = self.machine.logits(&mut golden, token);
            let mut row = Vec::new();
            tokens.step(id, start, token, &mut row)?;
            assert_eq!(row, expected, "{place}: WRONG ROW");
            return Ok(1);
        }
        let stops = (0..random.below(3)).map(|_| random.below(vocabulary) as u32).collect();
        let temperature = [0.0, 0.8][random.below(2)];
        let choice = Choice::at(temperature, random.next_u64()).expect("a temperature");
        let request = Request { prompt, most_tokens: random.below(most_tokens), stops, choice };
        let enough = if random.chance(3_000) { 1 + random.below(60) } else { usize::MAX };
        let ends = |count: usize| if count >= enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut count = 0;
        let Ok(expected) = generate(&mut self.machine, &mut golden, &request, |_| {
            count += 1;
            ends(count)
        });
        let mut told = Vec::new();
        let (reply, _) = tokens.generate(id, start, &request, &mut |token, _| {
            told.push(token);
            ends(told.len())
        })?;
        assert_eq!((&told, &reply.tokens), (&expected.tokens, &expected.tokens), "{place}: WRONG, LOST OR DOUBLED TOKENS");
        assert_eq!(reply, expected, "{place}: WRONG END");
        let Reply { tokens, finish } = expected;
        if finish != nda_spec::token::Finish::Stop {
            // Of a prompt without a text, its own last token has not gone in.
            self.next = tokens.last().or(request.prompt.last()).copied();
        }
        Ok(tokens.len())
    }
}
