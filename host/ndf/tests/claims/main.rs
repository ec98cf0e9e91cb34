//! What the crate claims about files, from outside: one binary, so it links once.

mod damage;
mod definition;
mod document;
mod files;
mod forged;
mod format_md;
mod grid;
mod legacy;
mod sample;
mod stream;
mod thirty_lines;
