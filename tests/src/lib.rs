//! Whole-workspace claims; the tests stand in `tests/`.
