//! The token machine against models in f64, and what programs may not do to it.

#[path = "token/lower.rs"]
mod lower;
#[path = "token/model.rs"]
mod model;

use lower::lower;
use model::{Model, Reference, SMALL, Style, TINY};
use nda_spec::random::Random;
use nda_spec::token::{cycles, cycles::Fabric, *};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::sync::LazyLock;

const STYLES: [Style; 3] = [Style::Llama, Style::Gemma, Style::BitNet];

fn logits_of(machine: &mut Machine, golden: &mut Golden, token: u32) -> Vec<f64> {
    let Ok(logits) = machine.logits(golden, token);
    logits.iter().map(|&v| f64::from(v) / f64::from(1 << LOGIT_POINT)).collect()
}

/// Three architectures of one instruction set, and matrices of two codes, far past the ring. Activations of 8 bits and a cache of 4
/// are most of what is left.
#[test]
fn a_program_computes_its_models_logits_in_every_architecture() {
    let models = STYLES.map(|style| Model::random(style, SMALL, 7)).into_iter().chain([Model::of_two_codes(SMALL, 7)]);
    for model in models {
        let style = model.style;
        let (program, mut golden) = lower(&model);
        let mut reference = Reference::with_levels(&model, lower::calibrate(&model), &program.embedding);
        let mut machine = Machine::new(program).unwrap();
        let mut random = Random::new(5);
        let (mut error, mut norm) = (0.0, 0.0);
        for _ in 0..60 {
            let token = random.below(SMALL.tokens) as u32;
            let (found, exact) = (logits_of(&mut machine, &mut golden, token), reference.logits_beside(&machine, token));
            error += found.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            norm += exact.iter().map(|v| v * v).sum::<f64>();
        }
        let relative = (error / norm).sqrt();
        println!("{style:?}: logits {relative:.4} off, levels {:.3}", reference.furthest);
        assert!(relative < 0.04 && reference.furthest < 0.75, "{style:?}: {relative:.4}, {:.3}", reference.furthest);
    }
}

fn request(prompt: &[u32], most_tokens: usize, choice: Choice) -> Request {
    Request { prompt: prompt.to_vec(), most_tokens, stops: Vec::new(), choice }
}

fn run(machine: &mut Machine, golden: &mut Golden, request: &Request) -> Reply {
    let Ok(reply) = generate(machine, golden, request, |_| ControlFlow::Continue(()));
    reply
}

#[test]
fn the_same_seed_gives_the_same_tokens_and_the_loop_stops_where_it_is_told() {
    let (program, mut golden) = lower(&Model::random(Style::Llama, SMALL, 3));
    let mut machine = Machine::new(program).unwrap();
    let drawn = Choice::at(0.8, 42).unwrap();
    let first = run(&mut machine, &mut golden, &request(&[1, 2, 3], 100, drawn));
    assert_eq!((first.tokens.len(), first.finish, machine.position()), (100, Finish::Length, 102));
    machine.clear();
    assert_eq!(run(&mut machine, &mut golden, &request(&[1, 2, 3], 100, drawn)), first);
    machine.clear();
    let other = run(&mut machine, &mut golden, &request(&[1, 2, 3], 100, Choice::at(0.8, 43).unwrap()));
    assert_ne!(other.tokens, first.tokens);
    // In two turns: the last token made begins the second.
    machine.clear();
    let begin = run(&mut machine, &mut golden, &request(&[1, 2, 3], 40, drawn));
    let rest = run(&mut machine, &mut golden, &request(&begin.tokens[39..], 60, drawn));
    assert_eq!([begin.tokens, rest.tokens].concat(), first.tokens);
    // A stop token ends the answer and is not part of it.
    machine.clear();
    let stop = first.tokens[20];
    let wanted = first.tokens.iter().position(|t| *t == stop).unwrap();
    let stopped = run(&mut machine, &mut golden, &Request { stops: vec![999, stop], ..request(&[1, 2, 3], 100, drawn) });
    assert_eq!((stopped.tokens, stopped.finish), (first.tokens[..wanted].to_vec(), Finish::Stop));
    // The caller ends it.
    machine.clear();
    let Ok(cancelled) = generate(&mut machine, &mut golden, &request(&[1], 100, drawn), |_| ControlFlow::Break(()));
    assert_eq!((cancelled.tokens.len(), cancelled.finish), (1, Finish::Cancelled));
}

#[test]
fn requests_that_cannot_be_met_are_refused() {
    let whole = request(&[1, 60], 5, Choice::GREEDY);
    assert_eq!(whole.check(61), Ok(()));
    assert_eq!(whole.check(60), Err(RequestError::Token { token: 60, tokens: 60 }));
    assert_eq!(request(&[], 5, Choice::GREEDY).check(61), Err(RequestError::Empty));
    assert_eq!(Request { stops: vec![0; 17], ..whole }.check(61), Err(RequestError::Stops(17)));
}

/// Rings of different lengths agree until the shorter one has forgotten something.
#[test]
fn a_ring_forgets_the_oldest_position_alone_and_goes_on_for_ever() {
    let model = Model::random(Style::Llama, SMALL, 11);
    let (program, mut golden) = lower(&model);
    let mut longer = program.clone();
    longer.kv.ring = 48;
    let (mut short, mut long) = (Machine::new(program).unwrap(), Machine::new(longer).unwrap());
    let mut random = Random::new(1);
    for position in 0..200 {
        let token = random.below(SMALL.tokens) as u32;
        let same = logits_of(&mut short, &mut golden, token) == logits_of(&mut long, &mut golden, token);
        assert_eq!(same, position < 24, "position {position}");
    }
    assert_eq!(short.position(), 200);
}

/// Recorded, so that a change of any bit is seen: NUMBERS.md changes with it.
#[test]
fn the_tokens_of_three_models_are_the_recorded_ones() {
    for (style, recorded) in STYLES.into_iter().zip(RECORDED) {
        let (program, mut golden) = lower(&Model::random(style, SMALL, 7));
        let mut machine = Machine::new(program).unwrap();
        let reply = run(&mut machine, &mut golden, &request(&[5, 6, 7], 16, Choice::at(1.0, 1).unwrap()));
        assert_eq!(reply.tokens, recorded, "{style:?}");
    }
}

const RECORDED: [[u32; 16]; 3] = [
    [53, 57, 8, 19, 53, 23, 20, 1, 39, 17, 13, 29, 29, 20, 14, 10],
    [53, 12, 57, 21, 44, 23, 16, 30, 39, 48, 13, 46, 29, 16, 14, 33],
    [53, 12, 8, 23, 23, 23, 20, 49, 39, 49, 13, 46, 29, 16, 31, 53],
];

/// The budget of the model that an ECP5-85F holds.
#[test]
fn a_token_of_the_committed_models_shape_takes_3700_cycles_at_64_and_4000_at_most() {
    let (program, _) = lower(&Model::random(Style::Llama, TINY, 1));
    let at = |position| cycles::token(&program, &Fabric::TOKEN_1024, position).1;
    let most = cycles::most(&program, &Fabric::TOKEN_1024);
    println!("cycles at 1, 64, 102: {} {} {most}", at(0), at(63));
    assert!(at(63) <= 3_700, "{}", at(63));
    assert!(most <= 4_000, "{most}");
    assert_eq!([at(101), at(5_000)], [most, most]);
    assert!((0..101).all(|p| at(p) <= at(p + 1)));
    let bound = program.check().unwrap();
    assert_eq!((bound.steps, bound.weights), (3 + 5 * 14, 1_015_808));
    assert_eq!(bound.attention, 5 * 2 * 4 * 32 * 102);
    let (steps, total) = cycles::token(&program, &Fabric::TOKEN_1024, 63);
    assert_eq!(steps.len(), bound.steps);
    assert!(steps.iter().all(|s| s.begin < s.end && s.end <= total));
}

#[test]
fn every_step_of_every_program_survives_its_128_bits() {
    for style in STYLES {
        let (program, _) = lower(&Model::random(style, SMALL, 2));
        for step in program.steps() {
            assert_eq!(decode(encode(step).unwrap()), Some(*step));
        }
    }
}

/// What happens to a step of a program.
#[derive(Debug, Clone)]
enum Damage {
    /// It is left out.
    Missing,
    /// These bits of its encoding flip, if that is still a step.
    Flipped(Vec<u32>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![Just(Damage::Missing), prop::collection::vec(0_u32..110, 1..4).prop_map(Damage::Flipped)]
}

fn damaged(style: Style, at: usize, damage: &Damage) -> (Program, Golden) {
    static LOWERED: LazyLock<[(Program, Golden); 3]> = LazyLock::new(|| STYLES.map(|style| lower(&Model::random(style, SMALL, 2))));
    let (mut program, golden) = LOWERED[style as usize].clone();
    let at = at % program.body.len();
    match damage {
        Damage::Missing => _ = program.body.remove(at),
        Damage::Flipped(bits) => {
            let word = bits.iter().fold(encode(&program.body[at]).unwrap(), |word, bit| word ^ 1 << bit);
            if let Some(step) = decode(word) {
                program.body[at] = step;
            }
        }
    }
    (program, golden)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A program with a changed or missing step is refused, or runs to its end: never a panic, whatever it computes.
    #[test]
    fn a_broken_program_is_refused_or_runs(
        style in prop::sample::select(STYLES.to_vec()), at in any::<usize>(), damage in damage()
    ) {
        let (program, mut golden) = damaged(style, at, &damage);
        if let Ok(mut machine) = Machine::new(program.clone()) {
            for token in [0, 60, 7] {
                let Ok(_) = machine.logits(&mut golden, token);
            }
            prop_assert!(cycles::most(&program, &Fabric::TOKEN_1024) > 0);
        }
    }
}

#[test]
fn programs_that_cannot_run_say_which_step_and_why() {
    let (program, _) = lower(&Model::random(Style::Llama, SMALL, 2));
    let refused = |change: &dyn Fn(&mut Program)| {
        let mut program = program.clone();
        change(&mut program);
        program.check().unwrap_err().to_string()
    };
    assert!(refused(&|p| p.head.clear()).contains("chooses no token"));
    assert!(refused(&|p| p.body.extend(p.head.clone())).contains("belongs to the head"));
    assert!(
        refused(&|p| *p = Program { body: [&p.body[..1], &p.body[2..]].concat(), ..p.clone() }).starts_with("step 1 of the token program")
    );
    assert!(refused(&|p| p.kv.ring = 1025).contains("a ring of 1025 positions"));
    assert!(refused(&|p| p.kv.ring = 0).contains("a ring of 0 positions"));
    assert!(refused(&|p| p.constants[0] = 1 << 17).contains("18 bits"));
    assert!(refused(&|p| p.matrices[0].cols = 520).contains("sums of 18 bits hold 8 to 516 columns"));
    assert!(refused(&|p| p.wide_words = 1).contains("of 1 wide ones"));
    assert!(refused(&|p| p.embedding.codes.truncate(3)).contains("embedding"));
    assert!(refused(&|p| p.floors.clear()).contains("no floor"));
}

/// A machine's memories spell the program that was put into them, in every architecture; other contents never panic.
#[test]
fn a_program_survives_the_memories_of_a_machine() {
    let g = nda_spec::Config::named("table1024").unwrap().geometry;
    for style in STYLES {
        let (program, _) = lower(&Model::random(style, SMALL, 9));
        let sizes = Sizes { steps: 200, constant_words: 2000, ..Sizes::of(&program, 1024, 512) };
        let places = (0..program.matrices.len() as u32).map(|i| Place { base: 7 * i }).collect();
        let image = Image { program, places };
        let units = image.encode(&sizes, &g).unwrap();
        assert_eq!(Image::decode(&units, &sizes, &g).as_ref(), Some(&image), "{style:?}");
        assert_eq!(Image::decode(&units[1..], &sizes, &g), None);
        let small = Sizes { floors: sizes.floors - 1, ..sizes };
        assert!(matches!(image.encode(&small, &g), Err(Misfit::Size { what: "floors", .. })));
        let mut random = Random::new(3);
        for _ in 0..2000 {
            let mut units = units.clone();
            let at = if random.below(2) == 0 { random.below(8) } else { random.below(units.len()) };
            units[at] ^= 1 << random.below(64);
            if let Some(image) = Image::decode(&units, &sizes, &g) {
                let _ = image.program.check();
            }
        }
    }
}

/// What memories of any size do not make room for: each is refused by what it is, and the numbers.
#[test]
fn what_no_token_machine_runs_is_refused_by_its_name() {
    let g = nda_spec::Config::named("table1024").unwrap().geometry;
    let (program, _) = lower(&Model::random(Style::Gemma, TINY, 9));
    let sizes = Sizes { gates: 2, ..Sizes::of(&program, 1024, 512) };
    assert_eq!(sizes.fit(&program, &g), Ok(()));
    let refused = |change: &dyn Fn(&mut Program)| {
        let mut changed = program.clone();
        change(&mut changed);
        // Memories with room for all that is asked for.
        let sizes = Sizes { gates: 2, ..Sizes::of(&changed, 1024, 512) };
        sizes.fit(&changed, &g).unwrap_err().to_string()
    };
    let pass = |p: &mut Program, of: &dyn Fn(&mut Pass)| {
        let found =
            p.body.iter_mut().find_map(|step| if let Step::Pass(pass) = step { pass.reduce.is_some().then_some(pass) } else { None });
        of(found.expect("a pass that reduces"));
    };
    for (what, change) in [
        ("3 gates, the token machine has 2", &(|p: &mut Program| p.gates.resize(3, p.gates[0].clone())) as &dyn Fn(&mut Program)),
        ("3 sets of phases, the token machine has 2", &|p| p.turns.resize(3, p.turns[0].clone())),
        ("1032 columns of a matrix, the token machine has 512", &|p| p.matrices[0].cols = 1032),
        ("weigh [1], the token machine's weigh [2, 1]", &|p| p.kv.form = KvForm::new(&[1]).unwrap()),
        ("16 values of the token program's embedding share a scale", &|p| p.embedding.group = 16),
        ("words of a vector, the token machine has 64", &|p| pass(p, &|pass| pass.count = 65)),
        ("65 words of a vector, the token machine has 64", &|p| p.embedding.width = 65 * 8),
        ("17 groups of a vector, the token machine has 16", &|p| {
            pass(p, &|pass| {
                pass.count = 17;
                pass.reduce = pass.reduce.map(|reduce| Reduce { group: 1, ..reduce });
            });
        }),
        ("513 words of logits, the token machine has 512", &|p| p.embedding.codes.resize(513 * 8 * p.embedding.width, 0)),
    ] {
        let said = refused(change);
        assert!(said.contains(what), "{what}: {said}");
    }
    for (what, there) in [
        ("positions of the ring", Sizes { ring: 101, ..sizes }),
        ("heads", Sizes { heads: 8, ..sizes }),
        ("channels of a head", Sizes { head_dim: 16, ..sizes }),
        ("blocks of the cache", Sizes { layers: 4, ..sizes }),
        ("bytes of a token's number", Sizes { token_bytes: 0, ..sizes }),
        ("gates", Sizes { gates: 0, ..sizes }),
    ] {
        assert!(matches!(there.fit(&program, &g), Err(Misfit::Size { what: found, .. }) if found == what), "{what}");
    }
}
