//! What the model's thread does with a request.

use super::Handle;
use super::problem::Problem;
use super::protocol::{Prompt, Request};
use crate::dialect::Dialect;
use crate::error::ChatError;
use crate::speaker::{Answer, Event, Finish, Speaker};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Sender;

/// A request on its way to the model.
pub(super) struct Job {
    pub request: Request,
    /// Until when, and how long that was from the start.
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
    Text(String),
    Done(Answer),
    Failed(Problem),
}

impl News {
    /// Whether nothing follows it.
    pub fn is_last(&self) -> bool {
        matches!(self, News::Done(_) | News::Failed(_))
    }
}

/// News of one request besides its tokens' texts: begun, the text held back at the end, done.
pub(super) const MORE_NEWS: usize = 4;

/// Answers a request, or says why not. Ends early when its client has gone, its time is up, or the server ends.
pub(super) fn work(job: Job, speaker: &mut Speaker<'_, '_>, dialect: Option<&Dialect<'_>>, handle: &Handle) {
    let Job { request, until, deadline, news } = job;
    let tell = |what: News| {
        // Full is impossible, closed is a client that has gone: nobody is left to tell.
        let _ = news.try_send(what);
    };
    let is_over = || handle.is_ended() || news.is_closed() || Instant::now() >= until;
    if is_over() {
        return tell(News::Failed(ended(handle, deadline)));
    }
    let prompt = match tokens(&request.prompt, speaker, dialect) {
        Ok(prompt) if prompt.len() > speaker.context() => {
            return tell(News::Failed(ChatError::TooLong { tokens: prompt.len(), context: speaker.context() }.into()));
        }
        Ok(prompt) => prompt,
        Err(problem) => return tell(News::Failed(problem)),
    };
    let mut is_begun = false;
    let answer = speaker.answer(&prompt, &request.manner, |event| {
        if let Event::Text(text) = event {
            // Only now: until the first token, an error still has a status of its own.
            if !std::mem::replace(&mut is_begun, true) {
                tell(News::Begun);
            }
            if !text.is_empty() {
                tell(News::Text(text.to_owned()));
            }
        }
        if is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match answer {
        Ok(answer) if answer.finish == Finish::Interrupted => tell(News::Failed(ended(handle, deadline))),
        Ok(answer) => {
            if !is_begun {
                tell(News::Begun);
            }
            tell(News::Done(answer));
        }
        Err(error) => tell(News::Failed(error.into())),
    }
}

fn ended(handle: &Handle, deadline: Duration) -> Problem {
    if handle.is_ended() { Problem::ending() } else { Problem::timeout(deadline.as_secs_f32()) }
}

fn tokens(prompt: &Prompt, speaker: &Speaker<'_, '_>, dialect: Option<&Dialect<'_>>) -> Result<Vec<u32>, Problem> {
    match prompt {
        Prompt::Messages(messages) => Ok(dialect.ok_or(ChatError::NoTemplate)?.prompt(messages)?),
        Prompt::Text { text, typed } => Ok(speaker.prompt(text, *typed)?),
        Prompt::Tokens(tokens) => match tokens.iter().find(|token| **token as usize >= speaker.vocab_size()) {
            Some(token) => {
                Err(Problem::field("prompt", format_args!("token {token} is not in the vocabulary of {}", speaker.vocab_size())))
            }
            None => Ok(tokens.clone()),
        },
    }
}
