//! What `nda convert` knows of other formats.

pub mod article;
mod cache;
pub mod llama;
pub mod model;
pub mod program;
