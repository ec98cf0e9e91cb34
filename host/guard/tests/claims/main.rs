//! Claims of the guard: what is written, by whose word, and what comes back.

mod attacks;
mod expiry;
mod failures;
mod folder;
mod gates;
mod grants;
mod histories;
mod kills;
mod obeyed;
mod patches;
mod restoring;
mod times;
