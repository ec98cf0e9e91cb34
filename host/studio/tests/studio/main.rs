//! The studio's claims, without a face and with one.

mod agents;
mod common;
mod disk;
mod editing;
mod hardware;
mod kills;
mod panes;
mod pictures;
mod restart;
mod terminal;
mod window;
