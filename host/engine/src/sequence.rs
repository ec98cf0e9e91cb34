//! A text in progress: its keys and values, and the tokens that have gone into them.

use nda_kernels::ThreadPool;
use nda_kv::file::{self, FileError, Saved};
use nda_kv::{Cache, CacheForm, Call, Frames, KvError};
use nda_lang::HostError;
use std::sync::{Mutex, PoisonError};

/// A text in progress of some model. Made by [`crate::Session::new_sequence`], so that it has the session's form of a cache.
#[derive(Debug)]
pub struct Sequence {
    pub(crate) cache: Cache,
    position: usize,
    /// The tokens whose step is done.
    tokens: Vec<u32>,
}

impl Default for Sequence {
    fn default() -> Sequence {
        Sequence::new(Cache::new(CacheForm::default()))
    }
}

impl Sequence {
    /// No text yet, in an empty cache.
    pub(crate) fn new(cache: Cache) -> Sequence {
        Sequence { cache, position: 0, tokens: Vec::new() }
    }

    /// Tokens taken so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The tokens taken so far.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Forgets the text; the memory is kept.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Forgets the text from a position on, or from an earlier one that the cache can go back to.
    pub fn truncate(&mut self, position: usize) {
        self.position = self.position.min(position);
        self.forget_unfinished();
    }

    /// Makes the beginning of `tokens` the text, as much of it as the text or other texts' frames have, and forgets the rest; returns
    /// how many tokens that is.
    pub fn resume(&mut self, tokens: &[u32]) -> usize {
        self.position = match self.cache.frames_mut() {
            Some(frames) => frames.resume(tokens),
            None => self.cache.truncate(self.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count()),
        };
        self.tokens.clear();
        self.tokens.extend_from_slice(&tokens[..self.position]);
        self.position
    }

    /// The text's cache as bytes, with a note; `None` of floats, which are not saved.
    pub fn saved(&self, model: &str, note: &[u8]) -> Option<Vec<u8>> {
        self.cache.frames().map(|frames| file::write(frames, model, note))
    }

    /// Goes on with a text that was saved and read ([`crate::saved::read`]); a refused one leaves the text as it was. `wanted` is
    /// what an error says of the model and form that this text is of. Returns the note of whoever saved it.
    ///
    /// # Errors
    /// Whose it is, or that it is longer than the context.
    pub fn restore(&mut self, saved: Saved, context: usize, wanted: &str) -> Result<Vec<u8>, FileError> {
        let Saved { header, frames, note } = saved;
        let own = self.cache.frames().filter(|own| own.form().number == header.form().number && own.genesis() == header.genesis);
        if own.is_none() {
            let form = header.form().name;
            return Err(FileError::Foreign { model: header.model, form, wanted: wanted.into() });
        }
        if frames.tokens().len() > context {
            return Err(FileError::TooLong { positions: frames.tokens().len(), context });
        }
        self.replace(frames);
        Ok(note)
    }

    /// Goes on with another text.
    pub(crate) fn replace(&mut self, frames: Frames) {
        self.tokens = frames.tokens().to_vec();
        self.position = self.tokens.len();
        match self.cache.frames_mut() {
            Some(own) => own.replace(frames),
            None => self.cache = Cache::Frames(Box::new(frames)),
        }
    }

    /// Ends a step that has taken tokens.
    pub(crate) fn commit(&mut self, tokens: &[u32]) {
        self.cache.commit(tokens);
        self.tokens.extend_from_slice(tokens);
        self.position += tokens.len();
    }

    /// Drops keys and values behind the position: those of a token whose step failed midway.
    pub(crate) fn forget_unfinished(&mut self) {
        self.position = self.cache.truncate(self.position);
        self.tokens.truncate(self.position);
    }
}

/// Texts that one step takes tokens of, one text's rows after another's.
#[derive(Debug, Default)]
pub(crate) struct Together {
    texts: Vec<(Sequence, usize)>,
    /// Where every row stands in its own text.
    positions: Vec<usize>,
    /// Texts are shared by threads, so each is one thread's.
    alone: ThreadPool,
}

/// What a text attends with.
struct Share<'s> {
    cache: &'s mut Cache,
    call: Call<'s>,
    out: &'s mut [f32],
    done: Result<(), KvError>,
}

impl Together {
    /// Adds a text that takes as many rows.
    pub fn add(&mut self, sequence: Sequence, rows: usize) {
        self.positions.extend(sequence.position()..sequence.position() + rows);
        self.texts.push((sequence, rows));
    }

    /// Where every row stands in its own text.
    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// The texts again, in their order.
    pub fn into_texts(self) -> impl Iterator<Item = Sequence> {
        self.texts.into_iter().map(|(sequence, _)| sequence)
    }

    /// Every text's rows look at that text alone. Threads share the texts, or, where these are few, what a text looks at.
    pub fn attend(&mut self, pool: &ThreadPool, call: &Call<'_>, out: &mut [f32]) -> Result<(), HostError> {
        let (rows, found) = (self.positions.len(), call.positions());
        if found != rows {
            return Err(format!("attend: {found} positions, but the step has {rows} tokens").into());
        }
        let (wide, narrow) = (call.q.len() / rows.max(1), call.key.len() / rows.max(1));
        let (mut first, mut rest, mut shares) = (0, out, Vec::with_capacity(self.texts.len()));
        for (sequence, rows) in &mut self.texts {
            let (own, behind) = rest.split_at_mut(*rows * wide);
            let (q, kv) = (first * wide..(first + *rows) * wide, first * narrow..(first + *rows) * narrow);
            let call = Call { first: sequence.position, q: &call.q[q], key: &call.key[kv.clone()], value: &call.value[kv], ..*call };
            shares.push(Mutex::new(Share { cache: &mut sequence.cache, call, out: own, done: Ok(()) }));
            (first, rest) = (first + *rows, behind);
        }
        let attend = |share: &Mutex<Share<'_>>, pool: &ThreadPool| {
            // Nobody else takes this text, and a panic of another is passed on by whoever shares.
            let share = &mut *share.lock().unwrap_or_else(PoisonError::into_inner);
            share.done = share.cache.attend(pool, &share.call, share.out);
        };
        if shares.len() < 2 * pool.threads() {
            shares.iter().for_each(|share| attend(share, pool));
        } else {
            pool.share(shares.len(), |at| attend(&shares[at], &self.alone));
        }
        let done = shares.into_iter().map(|share| share.into_inner().unwrap_or_else(PoisonError::into_inner).done);
        Ok(done.collect::<Result<(), KvError>>()?)
    }
}
