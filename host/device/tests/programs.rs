//! Programs of the vector unit over a faulty link: chains that lose their answers, their session or their device give the right
//! numbers or an error.

use nda_device::testing::RandomMatrix;
use nda_device::{Driver, DriverOptions, FabricGemv, FaultInjector, Faults, Loopback, ModelDevice, ModelPort, Random};
use nda_gemv::{Activations, Gemv, GemvError, Programs, Start};
use nda_spec::vector::{Fault, Machine, Op, Program, Step, StepWord};
use nda_spec::{ActivationCode, Config, WeightCode, golden};
use std::time::Duration;

fn word(op: Op, count: u16) -> StepWord {
    StepWord { count, ..StepWord::new(op) }
}

/// A chain's first program, and one that goes on: every number that comes out depends on all that went before.
fn programs() -> [Program; 2] {
    let begin = Program { steps: vec![Step::new(word(Op::TakeWide, 32)), Step::new(word(Op::SendWide, 4))] };
    let on = Program {
        steps: vec![
            Step::with(StepWord { dst: 64, shift: 20, ..word(Op::Weight, 32) }, (0..32).map(|i| 900_000 + 1000 * i).collect()),
            Step::new(StepWord { src: 64, bias: 3, ..word(Op::Codes, 32) }),
            Step::with(StepWord { dst: 64, shift: 9, ..word(Op::Product, 32) }, vec![70_000; 32]),
            Step::new(StepWord { src: 64, bias: 20, flag: true, ..word(Op::Scale, 32) }),
            Step::new(word(Op::SendWide, 32)),
        ],
    };
    [begin, on]
}

#[test]
fn chains_of_programs_over_a_faulty_link_give_no_wrong_number() {
    let config = Config::named("vector16").unwrap();
    let mut link = Loopback::new(ModelDevice::new(&config, ModelPort::Uart));
    let (mut right, mut errors, mut again) = (0, 0, 0);
    for session in 0..60_u64 {
        let mut random = Random::new(900 + session);
        let matrix = RandomMatrix::new(32, 32, WeightCode::ALL[session as usize % WeightCode::ALL.len()], &mut random);
        let faults = Faults { outage: 3, max_outage: Duration::from_millis(120), ..Faults::all(150, Duration::from_millis(10)) };
        let injector = FaultInjector::new(&mut link, faults, random.next_u64());
        let options = DriverOptions { seed: random.next_u64(), ..DriverOptions::default() };
        let Ok(driver) = Driver::open(injector, options) else { continue };
        let mut fabric = FabricGemv::new(driver);
        let id = fabric.prepare(&[matrix.view()]).unwrap();
        let programs = programs();
        let ids = [0, 1].map(|i| fabric.prepare_program(&programs[i], &|_| Some(id)).unwrap().expect("there is room"));
        let mut machine = Machine::new(config.geometry.vector_words);
        let gemv = |_: usize, codes: &[i8], sums: &mut [i32]| -> Result<(), Fault> {
            sums.copy_from_slice(&golden::gemv(32, 32, &matrix.values, &codes[..32]));
            Ok(())
        };
        'chain: for _ in 0..8 {
            let input: Vec<u8> = (0..96).map(|_| random.next_u64() as u8).collect();
            for step in 0..5 {
                if random.chance(300) {
                    fabric.driver_mut().transport_mut().inner_mut().device_mut().reset();
                }
                if random.chance(500) {
                    // A job in between takes what the chain left.
                    let _ = fabric.run(id, Activations { code: ActivationCode::A8, values: &[1; 32] }, &mut [0; 32]);
                }
                let which = usize::from(step > 0);
                let taken: &[u8] = if step == 0 { &input } else { &[] };
                let expected = machine.run(&programs[which], taken, gemv).unwrap();
                let mut found = Vec::new();
                match fabric.run_program(ids[which], if step > 0 { Start::Continues } else { Start::Anew }, taken, &mut found) {
                    Ok(cost) => {
                        assert_eq!(found, expected, "session {session}, step {step}: WRONG NUMBER");
                        right += 1;
                        again += u32::from(cost.jobs > 1);
                    }
                    Err(GemvError::Device(_)) => {
                        errors += 1;
                        // What goes on from nothing is refused, not guessed.
                        assert!(fabric.run_program(ids[1], Start::Continues, &[], &mut found).is_err());
                        continue 'chain;
                    }
                    Err(error) => panic!("session {session}, step {step}: {error}"),
                }
            }
        }
    }
    println!("{right} right, {again} of them ran again, {errors} errors");
    assert!(right > 1_500 && again > 60, "{right} right, {again} again, {errors} errors: the link was too good or too bad");
}

#[test]
fn a_device_without_the_unit_and_programs_without_room_are_left_to_the_host() {
    let mut random = Random::new(5);
    let matrix = RandomMatrix::new(32, 32, WeightCode::Ternary, &mut random);
    let ragged = RandomMatrix::new(32, 30, WeightCode::Ternary, &mut random);
    let [begin, on] = programs();
    for (config, fits) in [("nano16", false), ("vector16", true)] {
        let config = Config::named(config).unwrap();
        let driver = Driver::open(Loopback::new(ModelDevice::new(&config, ModelPort::Uart)), DriverOptions::default()).unwrap();
        let mut fabric = FabricGemv::new(driver);
        let ids = [&matrix, &ragged].map(|m| fabric.prepare(&[m.view()]).unwrap());
        assert_eq!(fabric.prepare_program(&on, &|_| Some(ids[0])).unwrap().is_some(), fits);
        assert_eq!(fabric.prepare_program(&on, &|_| Some(ids[1])).unwrap(), None, "columns that are not whole");
        assert_eq!(fabric.prepare_program(&on, &|_| None).unwrap(), None);
        let far = Program { steps: vec![Step::new(StepWord { src: 250, ..word(Op::SendWide, 32) })] };
        assert_eq!(fabric.prepare_program(&far, &|_| None).unwrap(), None, "wide values that there are not");
        let long = Program { steps: (0..200).flat_map(|_| begin.steps.clone()).collect() };
        assert_eq!(fabric.prepare_program(&long, &|_| None).unwrap(), None, "more than a request holds");
    }
}
