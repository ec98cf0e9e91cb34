//! A session's cache: its form, what other texts share of it, and texts that are saved and come back.

use crate::error::EngineError;
use crate::model::Session;
use crate::sequence::Sequence;
use nda_kv::file::{FileError, Saved};
use nda_kv::{Cache, CacheForm, FrameStore, Frames, genesis};
use std::sync::{Arc, Mutex};

impl Session<'_, '_> {
    /// Keeps keys and values in this form from now on; the text is forgotten. Floats of 32 bits unless it is called.
    pub fn use_cache(&mut self, form: CacheForm) {
        self.start_cache(form, None);
    }

    /// [`Self::use_cache`] of closed frames that other texts share: those of the store.
    pub fn share_cache(&mut self, form: CacheForm, store: Arc<Mutex<FrameStore>>) {
        self.start_cache(form, Some(store));
    }

    fn start_cache(&mut self, form: CacheForm, store: Option<Arc<Mutex<FrameStore>>>) {
        self.host.sequence.cache = Cache::new(form);
        let origin = self.origin(form);
        if let Some(frames) = self.host.sequence.cache.frames_mut() {
            frames.begin(origin, store);
        }
        self.host.sequence.clear();
    }

    /// An empty text with a cache of the session's form, which shares frames as the session's own text does.
    pub fn new_sequence(&self) -> Sequence {
        let own = &self.host.sequence.cache;
        let mut cache = Cache::new(own.form());
        if let (Some(frames), Some(own)) = (cache.frames_mut(), own.frames()) {
            frames.begin(own.genesis(), own.store());
        }
        Sequence::new(cache)
    }

    /// What chains of this model, its program and a form begin with.
    fn origin(&self, form: CacheForm) -> nda_kv::Hash {
        genesis(&self.weights.document_hash(), self.weights.program_text(), form.name())
    }

    /// The keys and values of the text.
    pub fn cache(&self) -> &Cache {
        &self.host.sequence.cache
    }

    /// Makes the beginning of `tokens` the text, as much of it as the text or other texts' frames have, and forgets the rest; returns how
    /// many tokens that is. What follows does not depend on it.
    pub fn resume(&mut self, tokens: &[u32]) -> usize {
        self.host.sequence.resume(tokens)
    }

    /// The text's cache as bytes, to be read by [`Self::restore`] of the same model; `None` of floats, which are not saved.
    pub fn saved(&self, model: &str, note: &[u8]) -> Option<Vec<u8>> {
        self.host.sequence.saved(model, note)
    }

    /// Takes a saved text's tokens again, and says where its keys and values differ first from what this model computes; `None` if
    /// nowhere.
    ///
    /// # Errors
    /// A failure of the model.
    pub fn recompute(&mut self, saved: &Frames) -> Result<Option<String>, EngineError> {
        self.clear();
        self.feed_all(saved.tokens())?;
        Ok(self.host.sequence.cache.frames().and_then(|own| own.first_difference(saved)))
    }

    /// Goes on with a text that was saved and read ([`crate::saved::read`]); a refused one leaves the session as it was. Returns the
    /// text's tokens and the note of whoever saved it.
    ///
    /// # Errors
    /// Whose it is, or that it is longer than the context.
    pub fn restore(&mut self, saved: Saved) -> Result<(Vec<u32>, Vec<u8>), FileError> {
        let (context, wanted) = (self.context(), self.kept_as());
        let note = self.host.sequence.restore(saved, context, &wanted)?;
        Ok((self.host.sequence.tokens().to_vec(), note))
    }

    /// What saved texts of this session are for: the document and the form of the cache.
    pub fn kept_as(&self) -> String {
        let document = nda_kv::Hash::from_bytes(self.weights.document_hash());
        format!("document {document} with --kv {}", self.host.sequence.cache.form())
    }
}
