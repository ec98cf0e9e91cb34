//! Claims of the guard: what is written, by whose word, and what comes back.

mod folder;
mod gates;
mod grants;
mod histories;
