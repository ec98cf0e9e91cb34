//! From tokens that were drawn to the text that a listener hears.

use crate::speaker::{Answer, Event, Finish, Manner};
use crate::stops::Stops;
use nda_engine::{Tokenizer, Utf8Stream};
use std::ops::ControlFlow;

/// An answer on its way to a listener.
pub(crate) struct Saying<'s, F> {
    manner: &'s Manner,
    tokenizer: &'s Tokenizer,
    answer: &'s mut Answer,
    each: F,
    characters: Utf8Stream,
    stops: Stops<'s>,
    bytes: Vec<u8>,
}

impl<'s, F: FnMut(Event<'_>) -> ControlFlow<()>> Saying<'s, F> {
    pub fn new(manner: &'s Manner, tokenizer: &'s Tokenizer, answer: &'s mut Answer, each: F) -> Saying<'s, F> {
        let (characters, stops) = (Utf8Stream::default(), Stops::new(&manner.stops));
        Saying { manner, tokenizer, answer, each, characters, stops, bytes: Vec::new() }
    }

    /// Tells something besides text; a listener that wants no more says so with the text.
    pub fn tell(&mut self, event: Event<'_>) {
        let _ = (self.each)(event);
    }

    /// Tells the text of a token that was drawn; breaks with why the answer is over.
    pub fn hear(&mut self, token: u32) -> ControlFlow<Finish> {
        self.answer.drawn_tokens += 1;
        self.bytes.clear();
        if !self.tokenizer.is_hidden(token) || self.manner.shown.contains(&token) {
            self.tokenizer.decode_into(token, &mut self.bytes);
        }
        let (text, is_stopped) = self.stops.push(&self.characters.push(&self.bytes));
        self.answer.text.push_str(&text);
        let flow = (self.each)(Event::Text(&text));
        if is_stopped {
            // What was held back is behind the stop.
            self.stops = Stops::new(&[]);
            return ControlFlow::Break(Finish::Stop);
        }
        if flow.is_break() { ControlFlow::Break(Finish::Interrupted) } else { ControlFlow::Continue(()) }
    }

    /// Counts the token that ended the answer.
    pub fn draw_end(&mut self) {
        self.answer.drawn_tokens += 1;
    }

    /// Tells what was held back. A character that was never completed is dropped: half of one is nothing to read.
    pub fn end(mut self, finish: Finish) {
        self.answer.finish = finish;
        let rest = std::mem::replace(&mut self.stops, Stops::new(&[])).finish();
        self.answer.text.push_str(&rest);
        if !rest.is_empty() {
            self.tell(Event::Text(&rest));
        }
    }
}
