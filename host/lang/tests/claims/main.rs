//! The language's claims.

mod binary;
mod check;
mod common;
mod format;
mod fuzz;
mod meaning;
mod names;
mod seeds;
