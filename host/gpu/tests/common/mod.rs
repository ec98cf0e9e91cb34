//! What the tests on an adapter share.

use nda_gpu::{GpuError, GpuGemv};

/// The adapter of this machine, or a word on why there is none.
pub fn open(what: &str) -> Option<GpuGemv> {
    match GpuGemv::open(None) {
        Ok(gemv) => Some(gemv),
        Err(GpuError::NoAdapter) => {
            nda_tests::skip(what, "there is no GPU adapter; './tools.sh gpu' installs the software one");
            None
        }
        Err(other) => panic!("{other}"),
    }
}
