//! Whole tokens over the link: the golden machine's, whatever the link does.

#[path = "../../../hdl/spec/tests/token/lower.rs"]
#[allow(dead_code)]
mod lower;
#[path = "../../../hdl/spec/tests/token/model.rs"]
#[allow(dead_code)]
mod model;

use model::{Model, SMALL, Style};
use nda_device::testing::{FaultReport, TokenModel, TokenScenario, token_scenario};
use nda_device::{Driver, DriverOptions, FabricGemv, Faults, Loopback, ModelDevice, ModelPort};
use nda_gemv::{Gemv, Start};
use nda_spec::Config;
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::token::{Choice, Finish, Machine, Request, Sizes, generate};
use std::ops::ControlFlow;
use std::time::Duration;

const GEOMETRY: Geometry = Geometry {
    array: ArrayKind::Tables,
    array_rows: 8,
    array_cols: 32,
    planes: 8,
    tile_words: 512,
    page_words: 8,
    act_words: 16,
    result_words: 64,
};

fn model(style: Style, seed: u64) -> TokenModel {
    let (program, golden) = lower::lower(&Model::random(style, SMALL, seed));
    TokenModel::new(program, golden)
}

fn device(models: &[TokenModel], slot_bytes: usize, port: ModelPort) -> Loopback<ModelDevice> {
    let needs = Sizes::of(&models[0].program, 1024, 64);
    let config = Config {
        name: "tokens".into(),
        geometry: GEOMETRY,
        slot_bytes,
        slots: 2,
        clk_hz: 24_000_000,
        weight_memory: Default::default(),
        baud: 3_000_000,
        seed: false,
        token: Some(Sizes { steps: 128, constant_words: 700, floors: 8, gates: 2, phases: 32, ..needs }),
    };
    config.check().unwrap();
    Loopback::new(ModelDevice::new(&config, port))
}

/// A text of 2,000 tokens, far past the ring and the device's queue, in frames of 64: the bytes on the link that a token costs.
#[test]
fn two_thousand_tokens_are_the_golden_machines_and_cost_a_byte_and_a_half() {
    let models = [model(Style::Llama, 3)];
    for choice in [Choice::GREEDY, Choice::at(0.8, 7).unwrap()] {
        let driver = Driver::open(device(&models, 512, ModelPort::Uart), DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
        let mut fabric = FabricGemv::new(driver);
        let id = models[0].prepare(&mut fabric);
        let request = Request { prompt: (0..64).map(|i| i * 7 % 61).collect(), most_tokens: 2000, stops: vec![], choice };
        let mut first = None;
        let tokens = fabric.tokens().unwrap();
        let (reply, cost) = tokens
            .generate(id, Start::Anew, &request, &mut |_, cost| {
                first.get_or_insert(cost);
                ControlFlow::Continue(())
            })
            .unwrap();
        let mut machine = Machine::new(models[0].program.clone()).unwrap();
        let Ok(expected) = generate(&mut machine, &mut models[0].golden.clone(), &request, |_| ControlFlow::Continue(()));
        assert_eq!(reply, expected);
        let decode = cost - first.unwrap();
        let per_token = |bytes: u64| bytes as f64 / 1999.0;
        let (bytes_in, bytes_out) = (per_token(decode.bytes_in), per_token(decode.bytes_out));
        println!("{bytes_in:.3} bytes in, {bytes_out:.3} out per token, {} cycles", decode.cycles / 1999);
        assert!(bytes_in <= 1.3 && bytes_in + bytes_out <= 1.6, "{bytes_in} + {bytes_out}");
        // All but the head's product for every token of the prompt too. The first token comes alone.
        let products = (63 + 2000) * (models[0].program.matrices.len() as u64 - 1) + 2000;
        assert_eq!((cost.device.products, cost.jobs), (products, 1 + 1999_u64.div_ceil(64)));
    }
}

/// A prompt of many frames; then in turns, each beginning with the token that was made last; rows in between.
#[test]
fn long_prompts_turns_and_rows_are_one_sequence() {
    let models = [model(Style::Gemma, 5)];
    let driver = Driver::open(device(&models, 512, ModelPort::Parallel), DriverOptions { seed: 1, ..DriverOptions::default() }).unwrap();
    let mut fabric = FabricGemv::new(driver);
    let id = models[0].prepare(&mut fabric);
    let (mut machine, mut golden) = (Machine::new(models[0].program.clone()).unwrap(), models[0].golden.clone());
    let mut prompt: Vec<u32> = (0..300).map(|i| i * i % 61).collect();
    let tokens = fabric.tokens().unwrap();
    for turn in 0..4 {
        let request = Request { prompt: prompt.clone(), most_tokens: 20, stops: vec![], choice: Choice::GREEDY };
        let start = if turn == 0 { Start::Anew } else { Start::Continues };
        let (reply, _) = tokens.generate(id, start, &request, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let Ok(expected) = generate(&mut machine, &mut golden, &request, |_| ControlFlow::Continue(()));
        assert_eq!((&reply, reply.finish), (&expected, Finish::Length), "turn {turn}");
        let mut row = Vec::new();
        tokens.step(id, Start::Continues, reply.tokens[19], &mut row).unwrap();
        assert_eq!(Ok(&row[..]), machine.logits(&mut golden, reply.tokens[19]), "turn {turn}");
        prompt = vec![turn, 60];
    }
}

fn scenario(seed: u64, per_10k: u32, frames: u64) -> TokenScenario {
    TokenScenario {
        seed,
        faults: Faults { outage: 5, max_outage: Duration::from_millis(120), ..Faults::all(per_10k, Duration::from_millis(10)) },
        frames,
        texts: 24,
        most_tokens: 160,
        kills: 3_000,
        resets: 200,
        deadline: Duration::from_secs(20),
    }
}

fn run(seed: u64, per_10k: u32, port: ModelPort, frames: u64) -> FaultReport {
    let models = [model(Style::Llama, 3), model(Style::Llama, 4)];
    let report =
        token_scenario(&mut device(&models, 512, port), &models, &scenario(seed, per_10k, frames), |link| link.device_mut().reset());
    let FaultReport { sessions, kills, resets, right, errors, faults, stats, longest } = &report;
    println!(
        "seed {seed}: {sessions} sessions, {kills} kills, {resets} resets, {right} tokens right, {} errors, {longest:?}",
        errors.len()
    );
    println!("  {faults:?}\n  {stats:?}");
    errors.iter().take(5).for_each(|error| println!("  {error}"));
    report
}

/// As many frames as `FRAMES` says, 4,000 without it; flips, losses, doubles, delays, outages, resets, killed hosts.
#[test]
fn no_fault_around_a_text_gives_a_wrong_lost_or_doubled_token_or_a_hang() {
    let frames = std::env::var("FRAMES").ok().map_or(4_000, |frames| frames.parse().expect("FRAMES is a number"));
    for (seed, per_10k, port) in [(1, 100, ModelPort::Uart), (2, 30, ModelPort::Parallel)] {
        let report = run(seed, per_10k, port, frames / 2);
        assert!(report.faults.total() > 50 && report.stats.retransmits > 20, "the link was faulty");
        assert!(report.right > 1_000 && report.kills > 0 && report.resets > 0);
        assert!(report.errors.len() as u64 * 200 < report.right, "{} errors", report.errors.len());
    }
}
