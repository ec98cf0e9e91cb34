//! Verilated models and the simulated board.
