//! Whole tokens on the verilated board: the golden machine's.

#[path = "../../hdl/spec/tests/token/lower.rs"]
#[allow(dead_code)]
mod lower;
#[path = "../../hdl/spec/tests/token/model.rs"]
#[allow(dead_code)]
mod model;

use model::{Model, Style, TINY};
use nda_device::testing::TokenModel;
use nda_device::{Driver, DriverOptions, FabricGemv};
use nda_gemv::{Gemv, Start};
use nda_sim::{Port, SimBoard};
use nda_spec::token::{Choice, Machine, Request, generate};
use std::ops::ControlFlow;

/// A prompt and an answer, greedy and drawn, in one sequence each.
#[test]
fn the_board_makes_the_tokens_that_golden_makes() {
    let (program, golden) = lower::lower(&Model::random(Style::Llama, TINY, 3));
    let model = TokenModel::new(program, golden);
    let board = SimBoard::new("token1024", Port::Parallel).unwrap();
    let driver = Driver::open(board, DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
    let mut fabric = FabricGemv::new(driver);
    let id = model.prepare(&mut fabric);
    for choice in [Choice::GREEDY, Choice::at(0.8, 7).unwrap()] {
        let request = Request { prompt: (0..64).map(|i| i * 7 % 256).collect(), most_tokens: 64, stops: vec![], choice };
        let tokens = fabric.tokens().unwrap();
        let (reply, cost) = tokens.generate(id, Start::Anew, &request, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let mut machine = Machine::new(model.program.clone()).unwrap();
        let Ok(expected) = generate(&mut machine, &mut model.golden.clone(), &request, |_| ControlFlow::Continue(()));
        println!("{} cycles, {} bytes in, {} bytes out", cost.cycles, cost.bytes_in, cost.bytes_out);
        assert_eq!(reply, expected);
    }
}
