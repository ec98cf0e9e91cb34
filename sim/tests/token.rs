//! Whole tokens on the verilated board: the golden machine's.

#[path = "../../hdl/spec/tests/token/lower.rs"]
#[allow(dead_code)]
mod lower;
#[path = "../../hdl/spec/tests/token/model.rs"]
#[allow(dead_code)]
mod model;

use model::{Model, SMALL, Size, Style, TINY};
use nda_device::testing::{FaultReport, TokenModel, TokenScenario, token_scenario};
use nda_device::{Driver, DriverOptions, FabricGemv, Faults, Transport};
use nda_gemv::{Gemv, Start};
use nda_sim::{Port, SimBoard};
use nda_spec::token::{Choice, Machine, Request};
use std::ops::ControlFlow;
use std::time::Duration;

/// A size with the heads of the image, which are wired.
fn wired(size: Size) -> Size {
    let sizes = nda_spec::Config::named("token1024").unwrap().token.unwrap();
    Size { heads: sizes.heads, kv_heads: sizes.kv_width / sizes.head_dim, head_dim: sizes.head_dim, ..size }
}

/// As little as makes a token.
const LEAST: Size = Size { layers: 1, width: 16, ff: 16, tokens: 29, ring: 12, ..SMALL };

fn model(style: Style, size: Size, seed: u64) -> TokenModel {
    lowered(&Model::random(style, wired(size), seed))
}

fn lowered(model: &Model) -> TokenModel {
    let (program, golden) = lower::lower(model);
    TokenModel::new(program, golden)
}

/// The images that make whole tokens: arrays of eight rows and of four, in which a word of sums takes two beats.
const BOARDS: [&str; 2] = ["token1024", "token512"];

fn board(name: &str) -> SimBoard {
    SimBoard::new(name, Port::Parallel).unwrap()
}

/// A prompt and an answer, greedy and drawn, in one sequence each.
#[test]
fn the_board_makes_the_tokens_that_golden_makes() {
    BOARDS.iter().for_each(|name| makes_the_tokens_that_golden_makes(name));
}

fn makes_the_tokens_that_golden_makes(name: &str) {
    let model = model(Style::Llama, TINY, 3);
    let driver = Driver::open(board(name), DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
    let mut fabric = FabricGemv::new(driver);
    let id = model.prepare(&mut fabric);
    for choice in [Choice::GREEDY, Choice::at(0.8, 7).unwrap()] {
        let request = Request { prompt: (0..64).map(|i| i * 7 % 256).collect(), most_tokens: 64, stops: vec![], choice };
        let cost = model.hold(&mut fabric, id, &request, name);
        println!("{} cycles, {} bytes in, {} bytes out", cost.cycles, cost.bytes_in, cost.bytes_out);
    }
}

/// Three architectures on one board, one after another, none of them known to it: programs and weights are what it is sent. The
/// products of the fourth model are quaternary and ternary in turns, and follow one another at once.
#[test]
fn one_board_runs_a_llama_a_gemma_and_a_bitnet_of_61_tokens() {
    BOARDS.iter().for_each(|name| runs_a_llama_a_gemma_and_a_bitnet_of_61_tokens(name));
}

fn runs_a_llama_a_gemma_and_a_bitnet_of_61_tokens(name: &str) {
    let styles = [Style::Llama, Style::Gemma, Style::BitNet].map(|style| (format!("{style:?}"), model(style, SMALL, 11)));
    let of_two_codes = ("two codes".to_string(), lowered(&Model::of_two_codes(wired(SMALL), 11)));
    let models = styles.into_iter().chain([of_two_codes]);
    let mut board = board(name);
    for (what, model) in models {
        let driver = Driver::open(&mut board, DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
        let mut fabric = FabricGemv::new(driver);
        let id = model.prepare(&mut fabric);
        for choice in [Choice::GREEDY, Choice::at(0.8, 7).unwrap()] {
            let request = Request { prompt: (0..30).map(|i| i * 7 % 61).collect(), most_tokens: 40, stops: vec![], choice };
            model.hold(&mut fabric, id, &request, &what);
        }
    }
}

/// A new sequence cuts off what the one before is at: a row of the cache, a query, a walk. Nothing of it is left.
#[test]
fn a_sequence_that_begins_in_the_midst_of_a_token_is_what_golden_makes_of_it() {
    let model = model(Style::Llama, LEAST, 3);
    let mut fabric = FabricGemv::new(Driver::open(board("token1024"), DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap());
    let id = model.prepare(&mut fabric);
    let mut machine = Machine::new(model.program.clone()).unwrap();
    let Ok(expected) = machine.logits(&mut model.golden.clone(), 7).map(<[i32]>::to_vec);
    for cycles in (0..900).step_by(9) {
        // All but the last goes in; the answer comes while it does.
        let request = Request { prompt: vec![3, 25], most_tokens: 0, stops: vec![], choice: Choice::GREEDY };
        fabric.tokens().unwrap().generate(id, Start::Anew, &request, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let board = fabric.driver_mut().transport_mut();
        let until = board.now() + Duration::from_nanos(10 * cycles);
        assert_eq!(board.receive(&mut [0; 16], until).unwrap(), 0);
        let mut row = Vec::new();
        fabric.tokens().unwrap().step(id, Start::Anew, 7, &mut row).unwrap();
        assert_eq!(row, expected, "{cycles} cycles behind the answer");
    }
}

/// As many frames as `FRAMES` says, 1,500 without it: flips, losses, doubles, delays, outages, resets, killed hosts.
#[test]
fn no_fault_around_a_text_on_the_emitted_board_gives_a_wrong_lost_or_doubled_token_or_a_hang() {
    let frames = std::env::var("FRAMES").ok().map_or(1_500, |frames| frames.parse().expect("FRAMES is a number"));
    let models = [3, 4].map(|seed| model(Style::Llama, LEAST, seed));
    let scenario = TokenScenario {
        seed: 12,
        faults: Faults { outage: 2, max_outage: Duration::from_millis(2), ..Faults::all(30, Duration::from_millis(1)) },
        frames,
        texts: 24,
        most_tokens: 40,
        kills: 2_000,
        resets: 100,
        deadline: Duration::from_secs(20),
    };
    BOARDS.iter().for_each(|name| no_fault_shows(name, frames, &models, &scenario));
}

fn no_fault_shows(name: &str, frames: u64, models: &[TokenModel], scenario: &TokenScenario) {
    let report = token_scenario(&mut board(name), models, scenario, |link| *link = board(name));
    let FaultReport { sessions, kills, resets, right, errors, faults, stats, longest } = &report;
    println!("{sessions} sessions, {kills} kills, {resets} resets, {right} tokens right, {} errors, {longest:?}", errors.len());
    println!("  {faults:?}\n  {stats:?}");
    errors.iter().take(5).for_each(|error| println!("  {error}"));
    assert!(stats.frames_sent >= frames && faults.total() * 100 > frames && stats.retransmits * 100 > frames, "the link was faulty");
    assert!(*right > frames && errors.len() as u64 * 1_000 < *right, "{right} tokens, {} errors", errors.len());
}
