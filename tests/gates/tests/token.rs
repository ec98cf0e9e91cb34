//! Whole tokens on the netlist of the ULX3S 85F's image, but for its UART: golden's, in the verilated board's cycles, which
//! are those predicted.

#[path = "../../../hdl/spec/tests/token/lower.rs"]
#[allow(dead_code)]
mod lower;
#[path = "../../../hdl/spec/tests/token/model.rs"]
#[allow(dead_code)]
mod model;

use model::{Model, SMALL, Size, Style};
use nda_device::testing::TokenModel;
use nda_device::{Driver, DriverOptions, FabricGemv, Transport};
use nda_gates::{Family, GateBoard, Shim, Tools, build, cell_models, synthesise};
use nda_sim::SimBoard;
use nda_spec::Config;
use nda_spec::token::{Choice, Request};
use std::path::{Path, PathBuf};

/// What the first content of memories and the words of colliding reads are drawn from.
const SEED: u32 = 7;
/// Tokens of the prompt and of the answer.
const PROMPT: usize = 5;
const ANSWER: usize = 6;

/// The program of the netlist of a configuration's board with the parallel port.
fn netlist(config: &Config) -> PathBuf {
    let tools = Tools::find().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gates").join(format!("{}_ecp5", config.name));
    let emitted = nda_cores::emit(config, nda_cores::Port::Parallel).unwrap();
    let netlist = synthesise(&tools, &emitted.verilog, emitted.top, Family::Ecp5, &folder).unwrap();
    println!("{:?}", netlist.cells());
    build(&netlist, &cell_models(&tools, Family::Ecp5).unwrap(), &Shim::Board, &folder).unwrap()
}

/// Models of three architectures, and one whose products are quaternary and ternary in turns.
fn models(config: &Config) -> Vec<(&'static str, TokenModel)> {
    let sizes = config.token.unwrap();
    let size = Size { heads: sizes.heads, kv_heads: sizes.kv_width / sizes.head_dim, head_dim: sizes.head_dim, ..SMALL };
    let random = |style| Model::random(style, size, 11);
    let all = [
        ("Llama", random(Style::Llama)),
        ("Gemma", random(Style::Gemma)),
        ("BitNet", random(Style::BitNet)),
        ("two codes", Model::of_two_codes(size, 11)),
    ];
    all.into_iter().map(|(name, model)| (name, lowered(&model))).collect()
}

fn lowered(model: &Model) -> TokenModel {
    let (program, golden) = lower::lower(model);
    TokenModel::new(program, golden)
}

/// A greedy and a drawn answer and the row behind it, compared with golden's; the board's cycles from power-up.
fn tokens_of<T: Transport>(board: T, what: &str, model: &TokenModel) -> u64 {
    let driver = Driver::open(board, DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
    let mut fabric = FabricGemv::new(driver);
    let id = model.prepare(&mut fabric);
    for choice in [Choice::GREEDY, Choice::at(0.8, 7).unwrap()] {
        let request = Request { prompt: (0..PROMPT as u32).map(|i| i * 7 % 61).collect(), most_tokens: ANSWER, stops: vec![], choice };
        model.hold(&mut fabric, id, &request, what);
    }
    fabric.driver_mut().transport_mut().cycles().unwrap()
}

#[test]
#[ignore = "minutes of synthesis, C++ and simulation: 'make netlist'"]
fn the_netlist_of_the_85f_makes_the_tokens_that_golden_makes_in_the_cycles_of_the_verilated_board() {
    let config = Config::named("token512").unwrap();
    let program = netlist(&config);
    for (what, model) in models(&config) {
        let on_netlist = tokens_of(GateBoard::start(&program, &config, SEED).unwrap(), what, &model);
        let verilated = tokens_of(SimBoard::new(&config.name, nda_sim::Port::Parallel).unwrap(), what, &model);
        println!("{what}: {} tokens equal to golden's, {on_netlist} cycles", 2 * (PROMPT + ANSWER + 1));
        assert_eq!(on_netlist, verilated, "{what}: cycles on the netlist and on the verilated board");
    }
}
