//! The form of a model's cache for its token program, if it can have one.

use crate::output;
use nda_convert::Calibration;
use nda_engine::{EngineError, Weights, calibrate_cache};
use nda_kernels::CpuGemv;
use nda_ndf::{Document, Kv};

/// Positions that the cache keeps: with four bits per value what an ECP5-85F holds beside a million weights, and in text
/// behind the context as good as taking the newer half again.
const RING: usize = 102;

/// What a text shows of a document's blocks; `None`, and a note, if the model cannot be made whole tokens of.
pub fn form(document: &Document<'_>) -> Result<Option<Kv>, EngineError> {
    let weights = Weights::new(document)?;
    let text = Calibration::default();
    let mut tokens = weights.tokenizer().encode(text.text.as_bytes())?;
    tokens.truncate(text.max_tokens);
    let ring = RING.min(weights.hyper().context) as u32;
    match calibrate_cache(&weights, &mut CpuGemv::new(), &tokens, ring) {
        Ok(kv) => Ok(Some(kv)),
        Err(error @ EngineError::NoTokenProgram { .. }) => {
            output::note(format_args!("{error}; '--offload token' will not run this document"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
