//! Engines and boards: the blocks that join the cores, up to the pins.

pub mod board_parallel;
pub mod board_uart;
pub mod engine;
pub mod status_lights;
pub mod token_blocks;
pub mod token_board_parallel;
pub mod token_board_uart;
pub mod token_engine;
