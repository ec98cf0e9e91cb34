//! What is done with a request.

use super::Handle;
use super::meters::Meters;
use super::problem::Problem;
use super::protocol::{Echo, Plain, Prompt, Request};
use super::queue::Queue;
use crate::calls::Calling;
use crate::dialect::{Dialect, Talk};
use crate::error::ChatError;
use crate::grammar::{Form, Grammars};
use crate::guide::{Free, Guide};
use crate::scores::Scored;
use crate::slots::Slots;
use crate::speaker::{Answer, Event, Finish, Manner, Speaker};
use nda_engine::EngineError;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// A request on its way to the model.
pub(super) struct Job {
    pub request: Request,
    /// When it came, until when it may take, and how long that was from the start.
    pub came: Instant,
    pub until: Instant,
    pub deadline: Duration,
    /// Where its news go; room for all that there can be, so that a slow reader holds nobody up.
    pub news: Sender<News>,
}

/// What a client's connection hears of its request.
#[derive(Debug)]
pub(super) enum News {
    /// The prompt is accepted: what follows is an answer.
    Begun,
    Piece(Piece),
    /// One of the answers is over.
    Ended {
        choice: usize,
        answer: Answer,
    },
    /// All are.
    Done(Usage),
    Failed(Problem),
}

/// A piece of one of the answers.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub choice: usize,
    pub text: String,
    /// Its tokens, if anybody asks for their scores.
    pub scored: Vec<Scored>,
}

/// Tokens of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Each prompt once.
    pub prompt: usize,
    /// Those that the KV cache held already.
    pub kept: usize,
    pub drawn: usize,
}

impl News {
    /// Whether nothing follows it.
    pub fn is_last(&self) -> bool {
        matches!(self, News::Done(_) | News::Failed(_))
    }
}

/// News of one answer besides its tokens' texts: begun, the prompt again, the text held back at the end, scores without a text,
/// its end, and the end of all.
pub(super) const MORE_NEWS: usize = 8;

/// What everybody who answers needs.
pub(super) struct Office<'w> {
    pub dialect: Option<&'w Dialect<'w>>,
    /// Made with the first request that needs them.
    pub grammars: Mutex<Option<Grammars>>,
    pub meters: Arc<Meters>,
    /// Where requests come from.
    pub queue: Arc<Queue<Job>>,
    pub handle: Handle,
    /// The texts, if several are answered at once.
    pub slots: Option<Arc<Slots>>,
}

/// One who answers, a request at a time.
pub(super) struct Desk<'d, 'a, 'm> {
    pub speaker: &'d mut Speaker<'a, 'm>,
    pub office: &'d Office<'d>,
}

/// What a request comes to before the first token.
struct Plan {
    prompts: Vec<Vec<u32>>,
    manner: Manner,
    form: Option<Form>,
    /// The field that the form comes from.
    form_field: &'static str,
}

impl Desk<'_, '_, '_> {
    /// Answers request after request until the queue is closed.
    pub fn serve(&mut self) {
        while let Some(job) = self.office.queue.take() {
            self.work(job);
        }
    }

    /// Answers a request, or says why not. Ends early when its client has gone, its time is up, or the server ends.
    fn work(&mut self, job: Job) {
        let news = job.news.clone();
        let last = self.answer(job).map_or_else(News::Failed, News::Done);
        self.speaker.rest();
        let meters = &self.office.meters;
        match &self.office.slots {
            Some(slots) => meters.cache(slots.positions()),
            None => {
                meters.board(self.speaker.cost());
                meters.cache(self.speaker.position());
            }
        }
        // Before the last word: whoever hears it may ask again at once.
        self.office.queue.answered();
        // Full is impossible, closed is a client that has gone: nobody is left to tell.
        let _ = news.try_send(last);
    }

    fn answer(&mut self, job: Job) -> Result<Usage, Problem> {
        let ended = self.ended(&job);
        if ended() {
            return Err(self.why(&job));
        }
        let plan = self.plan(&job.request)?;
        if plan.form != job.request.form {
            // Beside tools it becomes a part of theirs, which a brace too many must not end: it is whole by itself, or refused.
            let _ = guide(&self.office.grammars, job.request.form.as_ref(), self.speaker).map_err(of_field(job.request.form_field))?;
        }
        let (mut usage, begun) = (Usage::default(), Cell::new(false));
        for (at, prompt) in plan.prompts.iter().enumerate() {
            usage.prompt += prompt.len();
            for number in 0..job.request.count {
                let front = match job.request.echo {
                    Echo::On => self.speaker.text(plain_part(prompt, self.speaker)),
                    Echo::Off => String::new(),
                };
                let choice = at * job.request.count + number;
                let mut voice = Voice { job: &job, choice, front, pending: Vec::new(), begun: &begun, meters: &self.office.meters };
                let mut manner = plan.manner.clone();
                // Answers to one request differ as requests do; the first is the one of the seed.
                manner.sampling.seed ^= (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mut guide = guide(&self.office.grammars, plan.form.as_ref(), self.speaker).map_err(of_field(plan.form_field))?;
                let answer = self.speaker.answer_within(prompt, &manner, guide.as_mut(), |event| {
                    voice.hear(event);
                    if ended() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                if answer.finish == Finish::Interrupted {
                    return Err(self.why(&job));
                }
                usage.kept += if number == 0 { answer.kept_tokens } else { 0 };
                usage.drawn += answer.drawn_tokens;
                voice.end(answer);
            }
        }
        self.office.meters.tokens(usage);
        Ok(usage)
    }

    fn ended(&self, job: &Job) -> impl Fn() -> bool + use<> {
        let (handle, news, until) = (self.office.handle.clone(), job.news.clone(), job.until);
        move || handle.is_ended() || news.is_closed() || Instant::now() >= until
    }

    fn why(&self, job: &Job) -> Problem {
        if self.office.handle.is_ended() { Problem::ending() } else { Problem::timeout(job.deadline.as_secs_f32()) }
    }

    fn plan(&self, request: &Request) -> Result<Plan, Problem> {
        let prompts = match &request.prompt {
            Prompt::Talk(talk) => vec![self.talk(talk)?],
            Prompt::Plain(plains) => {
                plains.iter().enumerate().map(|(at, plain)| self.tokens(plain, path_of(&request.prompt, at))).collect::<Result<_, _>>()?
            }
        };
        check_lengths(&prompts, &request.prompt, self.speaker.context())?;
        let mut manner = request.manner.clone();
        let known = self.speaker.vocab_size();
        let named = manner.steering.bias.iter().map(|(token, _)| (format!("logit_bias.{token}"), *token));
        let named =
            named.chain(manner.steering.stop_tokens.iter().enumerate().map(|(at, token)| (format!("stop_token_ids[{at}]"), *token)));
        if let Some((field, token)) = { named }.find(|(_, token)| *token as usize >= known) {
            return Err(Problem::field(field, format_args!("token {token} is not in the vocabulary of {known}")));
        }
        let (form, form_field) = match (self.office.dialect, request.tools.calling) {
            (Some(dialect), calling) if calling != Calling::Never => {
                manner.shown = dialect.call_form().marks(dialect.tokenizer());
                let text = request.form.as_ref().map(Form::nested).transpose().map_err(of_field(request.form_field))?;
                let grammar = dialect.call_form().grammar(&request.tools.callable(), calling, dialect.tokenizer(), text.as_deref());
                (Some(Form::Lark(grammar)), "tools")
            }
            _ => (request.form.clone(), request.form_field),
        };
        Ok(Plan { prompts, manner, form, form_field })
    }

    fn talk(&self, talk: &Talk) -> Result<Vec<u32>, Problem> {
        let dialect = self.office.dialect.ok_or(ChatError::NoTemplate)?;
        if let Some(path) = dialect.unread(talk) {
            let message = format!("the model's chat template does not read '{path}'; leave it out");
            return Err(Problem { code: "unsupported_value", ..Problem::field(path, message) });
        }
        dialect.prompt_of(talk).map_err(of_field("messages"))
    }

    /// The tokens of a prompt that stands at `path`.
    fn tokens(&self, plain: &Plain, path: String) -> Result<Vec<u32>, Problem> {
        match plain {
            Plain::Text { text, typed } => Ok(self.speaker.prompt(text, *typed)?),
            Plain::Tokens(tokens) => match tokens.iter().position(|token| *token as usize >= self.speaker.vocab_size()) {
                Some(at) => {
                    let (token, known) = (tokens[at], self.speaker.vocab_size());
                    Err(Problem::field(format!("{path}[{at}]"), format_args!("token {token} is not in the vocabulary of {known}")))
                }
                None => Ok(tokens.clone()),
            },
        }
    }
}

/// An error of a field.
fn of_field(path: impl Into<String>) -> impl FnOnce(ChatError) -> Problem {
    |error| Problem { param: Some(path.into()), ..error.into() }
}

/// Refuses prompts without a token and those longer than the context, by their paths.
fn check_lengths(prompts: &[Vec<u32>], asked: &Prompt, context: usize) -> Result<(), Problem> {
    let wrong = |tokens: usize| match tokens {
        0 => Some(EngineError::Empty { what: "the prompt", needed: 1 }.into()),
        tokens if tokens > context => Some(ChatError::TooLong { tokens, context }),
        _ => None,
    };
    let Some((number, error)) = prompts.iter().enumerate().find_map(|(number, prompt)| Some((number, wrong(prompt.len())?))) else {
        return Ok(());
    };
    Err(of_field(path_of(asked, number))(error))
}

/// Where a prompt of a request stands.
fn path_of(asked: &Prompt, number: usize) -> String {
    match asked {
        Prompt::Talk(_) => "messages".to_owned(),
        Prompt::Plain(all) if all.len() == 1 => "prompt".to_owned(),
        Prompt::Plain(_) => format!("prompt[{number}]"),
    }
}

/// A prompt without the token in front that nobody wrote.
fn plain_part<'p>(prompt: &'p [u32], speaker: &Speaker<'_, '_>) -> &'p [u32] {
    match prompt.split_first() {
        Some((first, rest)) if speaker.bounds().begin() == Some(*first) => rest,
        _ => prompt,
    }
}

/// The rule of an answer, at its start.
fn guide(grammars: &Mutex<Option<Grammars>>, form: Option<&Form>, speaker: &Speaker<'_, '_>) -> Result<Box<dyn Guide>, ChatError> {
    let Some(form) = form else { return Ok(Box::new(Free)) };
    // They are whole whoever panicked: they are there or not.
    let mut grammars = grammars.lock().unwrap_or_else(PoisonError::into_inner);
    let grammars = match &mut *grammars {
        Some(grammars) => grammars,
        None => grammars.insert(Grammars::new(speaker.tokenizer(), speaker.bounds(), speaker.vocab_size())?),
    };
    Ok(Box::new(grammars.guide(form)?))
}

/// One answer on its way to the connection.
struct Voice<'j> {
    job: &'j Job,
    choice: usize,
    /// What comes before its first text.
    front: String,
    /// Scores whose text has not come yet.
    pending: Vec<Scored>,
    /// Whether any answer to the request has begun.
    begun: &'j Cell<bool>,
    meters: &'j Meters,
}

impl Voice<'_> {
    fn tell(&self, what: News) {
        let _ = self.job.news.try_send(what);
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Prompt { .. } => {}
            Event::Scored(scored) => self.pending.push(scored.clone()),
            Event::Text(text) => self.piece(text),
        }
    }

    fn piece(&mut self, text: &str) {
        // Only now: until the first token, an error still has a status of its own.
        if !self.begun.replace(true) {
            self.meters.first_token(self.job.came.elapsed());
            self.tell(News::Begun);
        }
        let text = std::mem::take(&mut self.front) + text;
        if !text.is_empty() || !self.pending.is_empty() {
            let scored = std::mem::take(&mut self.pending);
            self.tell(News::Piece(Piece { choice: self.choice, text, scored }));
        }
    }

    fn end(mut self, answer: Answer) {
        self.piece("");
        self.tell(News::Ended { choice: self.choice, answer });
    }
}
