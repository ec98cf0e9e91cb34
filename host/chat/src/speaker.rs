//! A model that answers prompts and keeps what it has taken already.

use crate::chooser::{Chooser, Steering};
use crate::continued::continued;
use crate::error::ChatError;
use crate::guide::{Free, Guide};
#[cfg(feature = "server")]
use crate::lane::{Facts, Lane};
use crate::saying::Saying;
use crate::scores::Scored;
#[cfg(feature = "server")]
use crate::shared::{SharedText, Taker};
use crate::text::{Draws, Text};
use nda_engine::{Bounds, Cost, EngineError, MadeFinish, Reply, Request, Sampling, Session, TokenSession, Tokenizer, Typed};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How an answer is to be given.
#[derive(Debug, Clone)]
pub struct Manner {
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Tokens to draw at most; `None` as many as the context has room for.
    pub max_tokens: Option<usize>,
    /// Texts that end the answer and are no part of it; none is empty.
    pub stops: Vec<String>,
    /// What changes tokens' scores before one is drawn.
    pub steering: Steering,
    /// Whose scores are told.
    pub telling: Telling,
    /// Control tokens whose texts are told all the same: marks around a tool's call.
    pub shown: Vec<u32>,
}

/// Tokens whose scores a listener is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Telling {
    /// Nobody asks.
    #[default]
    Nothing,
    /// Those drawn, each with that many of the likeliest.
    Drawn(usize),
    /// Those of the prompt too: nothing of it is kept then, and it takes as long as a new one.
    All(usize),
}

impl Manner {
    /// As many tokens as there is room for, ended by the model alone.
    pub fn new(sampling: Sampling) -> Manner {
        let (steering, telling) = (Steering::default(), Telling::Nothing);
        Manner { sampling, max_tokens: None, stops: Vec::new(), steering, telling, shown: Vec::new() }
    }
}

/// What a listener hears of.
#[derive(Debug, Clone, Copy)]
pub enum Event<'t> {
    /// Tokens of the prompt were taken; the last one is taken with the first draw.
    Prompt {
        /// Tokens taken, those that were kept included.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// How likely a token is: one of the prompt, in its order, or the one whose text comes next.
    Scored(&'t Scored),
    /// A token was drawn. Its text may be empty: part of a character, of a stop, or a token of control.
    Text(&'t str),
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model or a stop ended it.
    Stop,
    /// The tokens asked for, or the context, were used up.
    Length,
    /// The listener ended it.
    Interrupted,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// All pieces of text together.
    pub text: String,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those of them that the KV cache held already.
    pub kept_tokens: usize,
    /// Tokens drawn, the one that ended the answer included.
    pub drawn_tokens: usize,
    /// Why it ended.
    pub finish: Finish,
}

/// How the tokens of one answer are chosen.
struct Choice<'c, 'm> {
    manner: &'c Manner,
    chooser: Chooser<'m>,
    /// How tokens are chosen where their logits are, if nobody looks at these here.
    there: Option<nda_engine::Choice>,
    guide: &'c mut dyn Guide,
}

/// A text in progress, and the tokens that have gone into it.
pub struct Speaker<'a, 'm> {
    pub(crate) text: Text<'a, 'm>,
    /// The tokens that the text has taken.
    pub(crate) taken: Vec<u32>,
}

impl<'a, 'm> Speaker<'a, 'm> {
    /// A speaker that has taken nothing yet.
    pub fn new(mut session: Session<'a, 'm>) -> Speaker<'a, 'm> {
        session.clear();
        Speaker { text: Text::Floats(Box::new(session)), taken: Vec::new() }
    }

    /// A speaker in whole tokens of integers, whose prompt and answer have at most `context` tokens together.
    pub fn of_tokens(mut session: TokenSession<'a, 'm>, context: usize) -> Speaker<'a, 'm> {
        session.clear();
        Speaker { text: Text::integers(session, context), taken: Vec::new() }
    }

    /// A speaker whose texts are among several that are answered at once.
    #[cfg(feature = "server")]
    pub(crate) fn in_lane(lane: Lane<'m>) -> Speaker<'a, 'm> {
        Speaker { text: Text::Shared(Box::new(lane)), taken: Vec::new() }
    }

    /// As many texts that are answered at once as are `wanted`, or fewer; `None` if this one answers alone.
    #[cfg(feature = "server")]
    pub(crate) fn shared_texts(&mut self, wanted: usize) -> Option<Vec<SharedText>> {
        self.text.shared(wanted)
    }

    /// What such texts have in common, and who takes their tokens.
    #[cfg(feature = "server")]
    pub(crate) fn taker(&mut self) -> Option<(Facts<'m>, &mut dyn Taker)> {
        self.text.taker()
    }

    /// The session, if it is one of floats.
    #[cfg(feature = "server")]
    pub(crate) fn session(&mut self) -> Option<&mut Session<'a, 'm>> {
        if let Text::Floats(session) = &mut self.text { Some(session) } else { None }
    }

    /// Says that the answer is over: another may go on from its text.
    #[cfg(feature = "server")]
    pub(crate) fn rest(&mut self) {
        if let Text::Shared(lane) = &mut self.text {
            lane.rest();
        }
    }

    /// Tokens that the cache holds.
    pub fn position(&self) -> usize {
        self.text.position()
    }

    /// What products have cost so far, over all answers.
    pub fn cost(&self) -> Cost {
        self.text.cost()
    }

    /// Positions that there are.
    pub fn context(&self) -> usize {
        self.text.context()
    }

    /// Tokens that there are.
    pub fn vocab_size(&self) -> usize {
        self.text.vocab_size()
    }

    /// The tokens of a plain text, with the one in front that the model expects there.
    ///
    /// # Errors
    /// A text that the tokenizer has no tokens for.
    pub fn plain(&self, text: &str) -> Result<Vec<u32>, ChatError> {
        self.prompt(text, Typed::AsText)
    }

    /// The same of a text in which the texts of control tokens are what is said.
    ///
    /// # Errors
    /// As [`Self::plain`].
    pub fn prompt(&self, text: &str, typed: Typed) -> Result<Vec<u32>, ChatError> {
        Ok(self.text.bounds().plain(self.text.tokenizer().encode_prompt(text.as_bytes(), typed)?))
    }

    /// The tokens of a text as they are, without one in front.
    ///
    /// # Errors
    /// As [`Self::plain`].
    pub fn tokens(&self, text: &str, typed: Typed) -> Result<Vec<u32>, ChatError> {
        Ok(self.text.tokenizer().encode_prompt(text.as_bytes(), typed)?)
    }

    /// The text of tokens; control tokens are their texts.
    pub fn text(&self, tokens: &[u32]) -> String {
        String::from_utf8_lossy(&self.text.tokenizer().decode(tokens)).into_owned()
    }

    /// How text becomes tokens.
    pub fn tokenizer(&self) -> &'m Tokenizer {
        self.text.tokenizer()
    }

    /// How text becomes tokens, for a thread that outlives this.
    pub fn shared_tokenizer(&self) -> Arc<Tokenizer> {
        self.text.shared_tokenizer()
    }

    /// Which tokens begin and end a text.
    pub fn bounds(&self) -> &'m Bounds {
        self.text.bounds()
    }

    /// Answers a prompt. Of the tokens taken before, the longest common beginning is kept, and where frames are shared that of any
    /// text, so a prompt that goes on where the last one ended takes only what is new; what comes out does not depend on what was kept.
    ///
    /// # Errors
    /// A prompt that is empty or longer than the context, or a failure of the back end. The speaker is usable after each.
    pub fn answer(&mut self, prompt: &[u32], manner: &Manner, each: impl FnMut(Event<'_>) -> ControlFlow<()>) -> Result<Answer, ChatError> {
        self.answer_within(prompt, manner, &mut Free, each)
    }

    /// [`Self::answer`], within a rule.
    ///
    /// # Errors
    /// As [`Self::answer`], or the rule's own.
    pub fn answer_within(
        &mut self,
        prompt: &[u32],
        manner: &Manner,
        guide: &mut dyn Guide,
        mut each: impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Answer, ChatError> {
        let (tokens, context) = (prompt.len(), self.context());
        if tokens > context {
            return Err(ChatError::TooLong { tokens, context });
        }
        let Some((&last, before)) = prompt.split_last() else {
            return Err(EngineError::Empty { what: "the prompt", needed: 1 }.into());
        };
        let kept = match manner.telling {
            Telling::All(_) => {
                self.text.clear();
                0
            }
            Telling::Nothing | Telling::Drawn(_) => self.text.resume(&self.taken, before),
        };
        self.taken = before[..kept].to_vec();
        let mut answer =
            Answer { text: String::new(), prompt_tokens: tokens, kept_tokens: kept, drawn_tokens: 0, finish: Finish::Interrupted };
        if let Telling::All(_) = manner.telling {
            let _ = each(Event::Scored(&Scored::first(prompt[0], self.text.tokenizer())));
        }
        let is_plain = guide.is_free() && !manner.steering.changes_scores();
        let is_made =
            is_plain && manner.telling == Telling::Nothing && self.text.maker(manner.sampling, &manner.steering.stop_tokens).is_some();
        // The last piece goes with the request for an answer.
        let (batch, new) = (self.text.batch(), before.len() - kept);
        let fed = if is_made { new - new % batch } else { new };
        for chunk in before[kept..kept + fed].chunks(batch) {
            self.take(prompt, chunk, manner.telling, &mut each)?;
            if each(Event::Prompt { done: self.taken.len(), total: tokens }).is_break() {
                return Ok(answer);
            }
        }
        let saying = Saying::new(manner, self.text.tokenizer(), &mut answer, &mut each);
        if is_made {
            self.make(&prompt[kept + fed..], manner, saying)?;
        } else {
            let draws = if is_plain { self.text.draws(manner.sampling) } else { Draws::floats(manner.sampling) };
            let chooser = Chooser::new(draws, manner.sampling.temperature, &manner.steering, self.text.bounds(), prompt);
            let there = self.text.chooses(manner.sampling).filter(|_| is_plain && manner.telling == Telling::Nothing);
            self.draw(last, Choice { manner, chooser, there, guide }, saying)?;
        }
        Ok(answer)
    }

    /// Takes some of a prompt's tokens, and tells how likely the ones after them are if somebody asks.
    fn take(
        &mut self,
        prompt: &[u32],
        chunk: &[u32],
        telling: Telling,
        each: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<(), ChatError> {
        let (tokenizer, first) = (self.text.tokenizer(), self.taken.len());
        match telling {
            Telling::All(top) => self.text.predict_all(chunk, |at, logits| {
                let _ = each(Event::Scored(&Scored::new(prompt[first + at + 1], logits, top, tokenizer)));
            })?,
            Telling::Nothing | Telling::Drawn(_) => self.text.feed(chunk, prompt[first + chunk.len()])?,
        }
        self.taken.extend_from_slice(chunk);
        Ok(())
    }

    /// Tokens that an answer may have when its first is drawn behind the token at `position`.
    fn room(&self, manner: &Manner, position: usize) -> usize {
        let room = self.context().saturating_sub(position);
        manner.max_tokens.map_or(room, |max| max.min(room))
    }

    /// Lets a token machine make the answer.
    fn make(
        &mut self,
        prompt: &[u32],
        manner: &Manner,
        mut saying: Saying<'_, impl FnMut(Event<'_>) -> ControlFlow<()>>,
    ) -> Result<(), ChatError> {
        let most_tokens = self.room(manner, self.text.position() + prompt.len() - 1);
        let Some((session, choice, stops)) = self.text.maker(manner.sampling, &manner.steering.stop_tokens) else { return Ok(()) };
        let request = Request { prompt: prompt.to_vec(), most_tokens, stops, choice };
        let mut finish = None;
        let Reply { tokens, finish: made } = session.generate(&request, |token, _| {
            Ok::<_, EngineError>(match saying.hear(token) {
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
                ControlFlow::Break(why) => {
                    finish = Some(why);
                    ControlFlow::Break(())
                }
            })
        })?;
        self.taken.extend(prompt.iter().chain(&tokens));
        self.taken.truncate(session.position());
        let finish = match (finish, made) {
            (Some(finish), _) => finish,
            (None, MadeFinish::Stop) => {
                saying.draw_end();
                Finish::Stop
            }
            (None, MadeFinish::Length | MadeFinish::Cancelled) => Finish::Length,
        };
        saying.end(finish);
        Ok(())
    }

    /// Draws token after token.
    fn draw(
        &mut self,
        last: u32,
        choice: Choice<'_, '_>,
        mut saying: Saying<'_, impl FnMut(Event<'_>) -> ControlFlow<()>>,
    ) -> Result<(), ChatError> {
        let Choice { manner, mut chooser, there, guide } = choice;
        let (tokenizer, mut token) = (self.text.tokenizer(), last);
        let mut room = self.room(manner, self.text.position());
        let finish = loop {
            let Some(left) = room.checked_sub(1) else { break Finish::Length };
            room = left;
            let drawn = if let Some(choice) = there {
                self.text.choose(token, choice)?
            } else {
                let logits = self.text.predict(token)?;
                let drawn = chooser.choose(logits, guide)?;
                if let (Some(drawn), Telling::Drawn(top) | Telling::All(top)) = (drawn, manner.telling) {
                    saying.tell(Event::Scored(&Scored::new(drawn, logits, top, tokenizer)));
                }
                drawn
            };
            self.taken.push(token);
            let Some(drawn) = drawn else { break Finish::Stop };
            token = drawn;
            if chooser.is_end(token) {
                saying.draw_end();
                break Finish::Stop;
            }
            if let ControlFlow::Break(finish) = saying.hear(token) {
                break finish;
            }
        };
        saying.end(finish);
        Ok(())
    }

    /// The same text as `prompt`, in the tokens that were taken already as far as it goes on from them.
    pub(crate) fn continued(&self, prompt: Vec<u32>) -> Vec<u32> {
        continued(self.text.tokenizer(), &self.taken, prompt)
    }
}
