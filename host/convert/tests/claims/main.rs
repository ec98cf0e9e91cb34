//! What the crate claims about models of others, from outside: one binary, so it links once.

mod bitnet;
mod blocks;
mod cases;
mod families;
mod finite;
mod hostile;
mod models;
mod peers;
mod real;
mod sample;
mod scripts;
mod tokens;
mod types;
