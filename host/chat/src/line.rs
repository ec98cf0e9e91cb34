//! Where texts wait for the thread that owns the model: it takes tokens of all that wait in one step, so weights are read once for them.
//!
//! Every text has one row of a step at most for the token that it drew; prompts share the rows that are left, turn by turn. So a long
//! prompt holds nobody up for longer than a step, and whatever else waits changes no bit of an answer.

use crate::shared::{Advanced, Asked, Share, SharedText, Taker, Told};
use nda_engine::Cost;
use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shortest and longest time that a step waits for texts whose next token is being drawn.
const GATHER: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];
/// The part of a step's rows that prompts have, however many texts draw.
const PROMPT_SHARE: usize = 4;

/// What a text asks for.
pub(crate) struct Ask {
    pub text: SharedText,
    pub tokens: Vec<u32>,
    pub asked: Asked,
}

/// An ask that waits, or is half done.
struct Waiting {
    ask: Ask,
    taken: usize,
    told: Told,
    reply: Sender<Reply>,
}

/// A text again, with what it asked for.
pub(crate) struct Reply {
    pub text: SharedText,
    pub done: Advanced,
}

/// The line itself.
#[derive(Default)]
pub(crate) struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Whoever may still ask.
    askers: usize,
    /// Those of them who have a reply and draw a token from it.
    drawing: usize,
}

/// Who may ask, until dropped.
pub(crate) struct Asker {
    line: Arc<Line>,
    is_drawing: bool,
}

impl Line {
    /// A panic elsewhere leaves the state whole: every change of it is one step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody ask.
    pub fn join(self: &Arc<Self>) -> Asker {
        self.state().askers += 1;
        Asker { line: Arc::clone(self), is_drawing: false }
    }

    /// Answers until nobody is left who could ask; tells `each` what the model has cost after every step, before anybody hears of the
    /// step.
    pub fn serve(&self, taker: &mut dyn Taker, mut each: impl FnMut(Cost)) {
        let mut patience = GATHER[0];
        while let Some(mut turn) = self.next(taker.rows(), patience) {
            let started = Instant::now();
            let mut shares: Vec<Share<'_>> = turn.iter_mut().map(|(waiting, rows)| waiting.share(*rows)).collect();
            let done = taker.take(&mut shares);
            each(taker.spent());
            // Whoever draws for longer than that may as well be part of the step after.
            patience = started.elapsed().clamp(GATHER[0], GATHER[1]);
            self.answer(turn, done);
        }
    }

    /// Who takes part in the next step, each with its rows; `None` once nobody is left.
    fn next(&self, most_rows: usize, patience: Duration) -> Option<Vec<(Waiting, usize)>> {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.askers == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + patience;
        while state.drawing > 0 {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else { break };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(state.turn(most_rows))
    }

    /// Hands texts back whose asks are done; the others wait behind everybody.
    fn answer(&self, turn: Vec<(Waiting, usize)>, done: Vec<Advanced>) {
        let mut state = self.state();
        for ((mut waiting, rows), done) in turn.into_iter().zip(done) {
            let done = match done {
                Ok(told) => {
                    waiting.taken += rows;
                    waiting.hear(told);
                    if waiting.taken < waiting.ask.tokens.len() {
                        state.waiting.push_back(waiting);
                        continue;
                    }
                    Ok(waiting.told)
                }
                Err(error) => Err(error),
            };
            state.drawing += 1;
            if waiting.reply.send(Reply { text: waiting.ask.text, done }).is_err() {
                state.drawing -= 1;
            }
        }
    }
}

impl State {
    /// Takes those out who take part: everybody with one token, and prompts within the rows that are left.
    fn turn(&mut self, most_rows: usize) -> Vec<(Waiting, usize)> {
        let single = self.waiting.iter().filter(|waiting| waiting.left() == 1).count();
        let mut room = most_rows.saturating_sub(single).max(most_rows / PROMPT_SHARE).max(1);
        let (mut turn, mut later) = (Vec::new(), VecDeque::new());
        for waiting in self.waiting.drain(..) {
            let rows = if waiting.left() == 1 { 1 } else { waiting.left().min(room) };
            if rows == 0 {
                later.push_back(waiting);
                continue;
            }
            room -= if waiting.left() == 1 { 0 } else { rows };
            turn.push((waiting, rows));
        }
        self.waiting = later;
        turn
    }
}

impl Waiting {
    fn left(&self) -> usize {
        self.ask.tokens.len() - self.taken
    }

    /// Its share of a step.
    fn share(&mut self, rows: usize) -> Share<'_> {
        let (Ask { text, tokens, asked }, end) = (&mut self.ask, self.taken + rows);
        let asked = if *asked != Asked::All && end < tokens.len() { Asked::Nothing } else { *asked };
        Share { text, tokens: &tokens[self.taken..end], asked }
    }

    /// Rows of logits follow those of earlier steps; a token comes with the last step.
    fn hear(&mut self, told: Told) {
        match (&mut self.told, told) {
            (Told::Logits(all), Told::Logits(more)) => all.extend(more),
            (all, told) => *all = told,
        }
    }
}

impl Asker {
    /// Asks, and waits for the reply. A text without tokens is answered at once.
    ///
    /// # Panics
    /// If the thread that owns the model has panicked.
    pub fn ask(&mut self, ask: Ask) -> Reply {
        if ask.tokens.is_empty() {
            return Reply { text: ask.text, done: Ok(Told::Logits(Vec::new())) };
        }
        let (reply, answer) = mpsc::channel();
        let mut state = self.line.state();
        state.drawing -= usize::from(std::mem::take(&mut self.is_drawing));
        state.waiting.push_back(Waiting { ask, taken: 0, told: Told::Logits(Vec::new()), reply });
        drop(state);
        self.line.changed.notify_one();
        let reply = Self::hear(&answer);
        self.is_drawing = true;
        reply
    }

    fn hear(answer: &Receiver<Reply>) -> Reply {
        answer.recv().expect("the model's thread answers as long as somebody may ask")
    }

    /// Says that nothing more is asked for now.
    pub fn rest(&mut self) {
        if std::mem::take(&mut self.is_drawing) {
            self.line.state().drawing -= 1;
            self.line.changed.notify_one();
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.rest();
        self.line.state().askers -= 1;
        self.line.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_engine::Sequence;

    fn waiting(tokens: usize) -> Waiting {
        let ask = Ask { text: SharedText::Floats(Sequence::default()), tokens: vec![0; tokens], asked: Asked::Last };
        Waiting { ask, taken: 0, told: Told::Logits(Vec::new()), reply: mpsc::channel().0 }
    }

    fn turns(state: &mut State, most_rows: usize) -> Vec<(usize, usize)> {
        state.turn(most_rows).iter().map(|(waiting, rows)| (waiting.ask.tokens.len(), *rows)).collect()
    }

    #[test]
    fn everybody_who_draws_has_a_row_and_prompts_share_the_rest() {
        let mut state = State { waiting: [1, 100, 1, 50, 1].map(waiting).into(), ..State::default() };
        assert_eq!(turns(&mut state, 32), [(1, 1), (100, 29), (1, 1), (1, 1)]);
        assert_eq!(turns(&mut state, 32), [(50, 32)]);
        let mut crowd = State { waiting: std::iter::repeat_with(|| waiting(1)).take(40).collect(), ..State::default() };
        crowd.waiting.push_back(waiting(9));
        crowd.waiting.push_back(waiting(4));
        let turn = turns(&mut crowd, 32);
        assert_eq!((turn.len(), turn[40]), (41, (9, 8)), "prompts have a fourth of the rows");
        assert_eq!(turns(&mut crowd, 32), [(4, 4)]);
    }

    #[test]
    fn a_program_of_one_token_takes_one_of_each() {
        let mut state = State { waiting: [5, 7].map(waiting).into(), ..State::default() };
        assert_eq!(turns(&mut state, 1), [(5, 1)]);
        assert_eq!(turns(&mut state, 1), [(7, 1)]);
    }
}
