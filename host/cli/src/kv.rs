//! The form in which keys and values are kept: an option that every command has that takes a text.

use crate::failure::{Failure, Outcome};
use nda_engine::{CacheForm, Weights};
#[cfg(feature = "chat")]
use nda_engine::{FrameStore, Session};
#[cfg(feature = "chat")]
use std::sync::{Arc, Mutex};

/// How keys and values are kept.
#[derive(clap::Args)]
pub struct KvArgument {
    /// How keys and values are kept: b4 (4.2 bits per value, the default unless the document recommends another), b4v2 (3.2), b2 (2.2), f16, f32, or seed, the articles' form,
    /// whose error is large. 'nda eval --kv' says what each loses. Whole tokens (--offload token) have the form in the document
    #[arg(long = "kv", value_name = "FORM")]
    asked: Option<CacheForm>,
}

/// The form of a cache that nobody asked for another of.
const DEFAULT: &str = "b4";

/// The form of a cache in floats: what is asked for, what the document recommends, or the default.
pub fn form(asked: Option<CacheForm>, weights: &Weights<'_>) -> CacheForm {
    asked.or(weights.kv_form()).or_else(|| DEFAULT.parse().ok()).unwrap_or_default()
}

/// Whole tokens keep keys and values as the document says; no other form can be asked for.
pub fn refuse(asked: Option<CacheForm>) -> Outcome {
    let Some(form) = asked else { return Ok(()) };
    let error = format_args!("whole tokens keep keys and values as the document's frame 'kv' says, not as '{form}'");
    Err(Failure::usage(error, "--kv", "leave --kv out, or use --offload gemv").into())
}

impl KvArgument {
    /// The form, if one was asked for.
    pub fn asked(&self) -> Option<CacheForm> {
        self.asked
    }

    /// The form of a cache in floats.
    #[cfg(feature = "chat")]
    pub fn form(&self, weights: &Weights<'_>) -> CacheForm {
        form(self.asked, weights)
    }
}

/// How keys and values are kept by a command that takes many texts.
#[cfg(feature = "chat")]
#[derive(clap::Args)]
pub struct SharedKvArgument {
    #[command(flatten)]
    pub kv: KvArgument,
    /// Megabytes that frames of earlier texts may take: a text that begins as one of them goes on from there.
    #[arg(long, value_name = "MB", default_value_t = 256)]
    kv_memory: usize,
}

#[cfg(feature = "chat")]
impl SharedKvArgument {
    /// Lets a session keep its texts so.
    pub fn apply(&self, session: &mut Session<'_, '_>, form: CacheForm) {
        let store = FrameStore::new(self.kv_memory.saturating_mul(1_000_000));
        session.share_cache(form, Arc::new(Mutex::new(store)));
    }
}
