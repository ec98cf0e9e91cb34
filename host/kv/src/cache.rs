//! A cache of any form.

use crate::call::Call;
use crate::error::KvError;
use crate::floats::Floats;
use crate::frames::Frames;
use half::f16;
use nda_kernels::ThreadPool;
use nda_spec::kv::{FORMS, FrameForm};
use std::fmt;
use std::str::FromStr;

/// The form of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum CacheForm {
    /// Floats of 32 bits.
    #[default]
    F32,
    /// Floats of 16 bits.
    F16,
    /// Closed frames of bit planes.
    Frames(&'static FrameForm),
}

/// A name that no form has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no form of a KV cache is called '{name}'; there are {}", CacheForm::names().join(", "))]
pub struct UnknownForm {
    /// The name.
    pub name: String,
}

impl CacheForm {
    /// The name in options and messages.
    pub fn name(&self) -> &'static str {
        match self {
            CacheForm::F32 => "f32",
            CacheForm::F16 => "f16",
            CacheForm::Frames(form) => form.name,
        }
    }

    /// The names of all forms.
    pub fn names() -> Vec<&'static str> {
        FORMS.iter().map(|form| form.name).chain(["f16", "f32"]).collect()
    }
}

impl fmt::Display for CacheForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CacheForm {
    type Err = UnknownForm;

    fn from_str(name: &str) -> Result<CacheForm, UnknownForm> {
        match FrameForm::by_name(name) {
            Some(form) => Ok(CacheForm::Frames(form)),
            None if name == "f32" => Ok(CacheForm::F32),
            None if name == "f16" => Ok(CacheForm::F16),
            None => Err(UnknownForm { name: name.into() }),
        }
    }
}

/// The keys and values of a text in progress.
#[derive(Debug, Clone)]
pub enum Cache {
    /// Floats of 32 bits.
    Floats(Floats),
    /// Floats of 16 bits.
    Halves(Floats<f16>),
    /// Closed frames of bit planes.
    Frames(Box<Frames>),
}

impl Cache {
    /// An empty cache.
    pub fn new(form: CacheForm) -> Cache {
        match form {
            CacheForm::F32 => Cache::Floats(Floats::default()),
            CacheForm::F16 => Cache::Halves(Floats::default()),
            CacheForm::Frames(form) => Cache::Frames(Box::new(Frames::new(form))),
        }
    }

    /// Its form.
    pub fn form(&self) -> CacheForm {
        match self {
            Cache::Floats(_) => CacheForm::F32,
            Cache::Halves(_) => CacheForm::F16,
            Cache::Frames(frames) => CacheForm::Frames(frames.form()),
        }
    }

    /// Takes keys and values of some positions and answers their queries.
    ///
    /// # Errors
    /// A block out of turn, values that are not finite.
    pub fn attend(&mut self, pool: &ThreadPool, call: &Call<'_>, out: &mut [f32]) -> Result<(), KvError> {
        match self {
            Cache::Floats(floats) => floats.attend(pool, call, out),
            Cache::Halves(halves) => halves.attend(pool, call, out),
            Cache::Frames(frames) => frames.attend(pool, call, out),
        }
    }

    /// Says which tokens the step that is done has taken.
    pub fn commit(&mut self, tokens: &[u32]) {
        if let Cache::Frames(frames) = self {
            frames.commit(tokens);
        }
    }

    /// Forgets all positions from one on; returns how many are left, which may be fewer: see [`Frames::truncate`].
    pub fn truncate(&mut self, position: usize) -> usize {
        match self {
            Cache::Floats(floats) => {
                floats.truncate(position);
                position
            }
            Cache::Halves(halves) => {
                halves.truncate(position);
                position
            }
            Cache::Frames(frames) => frames.truncate(position),
        }
    }

    /// The closed frames, if there are such.
    pub fn frames(&self) -> Option<&Frames> {
        if let Cache::Frames(frames) = self { Some(frames) } else { None }
    }

    /// The same, to be changed.
    pub fn frames_mut(&mut self) -> Option<&mut Frames> {
        if let Cache::Frames(frames) = self { Some(frames) } else { None }
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        match self {
            Cache::Floats(floats) => floats.bytes(),
            Cache::Halves(halves) => halves.bytes(),
            Cache::Frames(frames) => frames.bytes(),
        }
    }
}
