//! The `nda` command.
fn main() {}
