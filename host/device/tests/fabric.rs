//! FabricGemv equals the golden model, whatever the shape, on the software model of the device.

use nda_device::testing::{RandomMatrix, golden_stack, random_vector};
use nda_device::{Driver, DriverOptions, FabricGemv, Loopback, ModelDevice, ModelPort};
use nda_gemv::{Activations, Cost, Gemv, GemvError, Shape};
use nda_spec::config::{ArrayKind, Geometry};
use nda_spec::random::Random;
use nda_spec::{ActivationCode, Config, TileMatrix, WeightCode, cycles};
use proptest::prelude::*;

type Link = Loopback<ModelDevice>;

fn fabric<'m>(config: &Config) -> FabricGemv<'m, Link> {
    let link = Loopback::new(ModelDevice::new(config, ModelPort::Uart));
    FabricGemv::new(Driver::open(link, DriverOptions { seed: 7, ..DriverOptions::default() }).unwrap())
}

fn nano() -> Config {
    Config::named("nano16").unwrap()
}

/// A device of a few pages, so that most shapes are larger than it.
fn tiny(array_rows: usize, array_cols: usize, planes: usize) -> Config {
    let geometry = Geometry {
        array: ArrayKind::Planes,
        array_rows,
        array_cols,
        planes,
        tile_words: 24,
        page_words: 4,
        act_words: 16,
        result_words: 4,
    };
    let config = Config {
        name: "tiny".into(),
        geometry,
        slot_bytes: 512,
        slots: 2,
        clk_hz: 24_000_000,
        token: None,
        seed: false,
        weight_memory: Default::default(),
        baud: 3_000_000,
    };
    config.check().unwrap();
    config
}

/// Runs every stack twice, in order, and compares; returns the cost of the second round.
fn check(
    fabric: &mut FabricGemv<'_, Link>,
    stacks: &[Vec<RandomMatrix>],
    ids: &[nda_gemv::MatrixId],
    x_code: ActivationCode,
    random: &mut Random,
) -> Cost {
    let mut cost = Cost::default();
    for _ in 0..2 {
        cost = Cost::default();
        for (stack, &id) in stacks.iter().zip(ids) {
            let x = random_vector(stack[0].cols, x_code, random);
            let expected = golden_stack(stack, &x);
            let mut y = vec![-1; expected.len()];
            cost += fabric.run(id, Activations { code: x_code, values: &x }, &mut y).unwrap();
            assert_eq!(y, expected);
        }
    }
    cost
}

fn prepare<'m>(fabric: &mut FabricGemv<'m, Link>, stack: &'m [RandomMatrix]) -> nda_gemv::MatrixId {
    let views: Vec<TileMatrix<'m>> = stack.iter().map(RandomMatrix::view).collect();
    fabric.prepare(&views).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn fabric_equals_golden_for_any_stack_on_any_device(
        device in prop::sample::select(vec![nano(), Config::named("wide256").unwrap(), tiny(1, 16, 1), tiny(2, 8, 2), tiny(2, 32, 8), tiny(4, 64, 4)]),
        code in prop::sample::select(WeightCode::ALL.to_vec()),
        x_code in prop::sample::select(ActivationCode::ALL.to_vec()),
        shapes in prop::collection::vec((prop::collection::vec(0_usize..40, 1..4), 0_usize..200), 1..4),
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let stacks: Vec<Vec<RandomMatrix>> = shapes.iter()
            .map(|(rows, cols)| rows.iter().map(|&r| RandomMatrix::new(r, *cols, code, &mut random)).collect()).collect();
        let mut fabric = fabric(&device);
        let ids: Vec<_> = stacks.iter().map(|stack| prepare(&mut fabric, stack)).collect();
        check(&mut fabric, &stacks, &ids, x_code, &mut random);
    }
}

#[test]
fn every_pair_of_codes_is_right_at_every_tail_and_both_extremes() {
    for config in [nano(), tiny(4, 64, 4)] {
        let g = config.geometry;
        let mut random = Random::new(3);
        for code in WeightCode::ALL {
            for x_code in ActivationCode::ALL {
                for rows in [1, g.array_rows, g.array_rows + 1, 5] {
                    for cols in [1, g.array_cols - 1, g.array_cols, g.array_cols + 1, 257] {
                        let mut stacks = vec![vec![RandomMatrix::new(rows, cols, code, &mut random)]];
                        let ends = [code.values()[0], *code.values().last().unwrap()];
                        stacks.extend(ends.map(|w| vec![RandomMatrix::from_values(rows, cols, code, vec![w; rows * cols])]));
                        let mut fabric = fabric(&config);
                        let ids: Vec<_> = stacks.iter().map(|stack| prepare(&mut fabric, stack)).collect();
                        check(&mut fabric, &stacks, &ids, x_code, &mut random);
                        for (i, &w) in ends.iter().enumerate() {
                            for v in [x_code.range().0, x_code.range().1] {
                                let mut y = vec![0; rows];
                                fabric.run(ids[i + 1], Activations { code: x_code, values: &vec![v; cols] }, &mut y).unwrap();
                                assert_eq!(y, vec![cols as i32 * i32::from(w) * i32::from(v); rows]);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn empty_matrices_give_zeros_and_no_traffic() {
    let mut fabric = fabric(&nano());
    let none = [RandomMatrix::new(0, 9, WeightCode::Quaternary, &mut Random::new(1))];
    let flat = [RandomMatrix::new(7, 0, WeightCode::Ternary, &mut Random::new(1))];
    let (a, b) = (prepare(&mut fabric, &none), prepare(&mut fabric, &flat));
    assert_eq!(fabric.run(a, Activations { code: ActivationCode::A8, values: &[1; 9] }, &mut []).unwrap(), Cost::default());
    let mut y = [5; 7];
    assert_eq!(fabric.run(b, Activations { code: ActivationCode::A2, values: &[] }, &mut y).unwrap(), Cost::default());
    assert_eq!(y, [0; 7]);
}

#[test]
fn resident_tiles_travel_once_and_later_runs_cost_what_the_cycle_model_says() {
    let config = nano();
    let mut random = Random::new(11);
    let stack = [RandomMatrix::new(48, 100, WeightCode::Quaternary, &mut random)];
    let mut fabric = fabric(&config);
    let id = prepare(&mut fabric, &stack);
    let mut uploads = Vec::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    fabric.set_progress(move |done, total| sender.send((done, total)).unwrap());
    let cost = check(&mut fabric, std::slice::from_ref(&stack.to_vec()), &[id], ActivationCode::A8, &mut random);
    uploads.extend(receiver.try_iter());
    let plan = fabric.plan(id).unwrap();
    let tile_bytes = (48 * 7 * config.geometry.tile_word_bytes()) as u64;
    assert_eq!((plan.jobs, plan.resident_bytes, plan.streamed_bytes), (1, tile_bytes, 0));
    assert!(fabric.resident());
    let page_bytes = (config.geometry.page_words * config.geometry.tile_word_bytes()) as u64;
    assert_eq!(uploads.last(), Some(&(tile_bytes.next_multiple_of(page_bytes), tile_bytes.next_multiple_of(page_bytes))));
    let model = cycles::job_cost(&config.geometry, 48, 100, ActivationCode::A8);
    assert_eq!((cost.jobs, cost.beats, cost.run_cycles), (1, model.beats, model.run_cycles()));
    // Framing adds two delimiters and COBS's bytes to each frame.
    assert!(cost.bytes_out >= model.request_bytes && cost.bytes_out <= model.request_bytes + 8, "{cost:?}");
    assert!(cost.bytes_in >= model.response_bytes && cost.bytes_in <= model.response_bytes + 8, "{cost:?}");
    assert!(cost.cycles > cost.run_cycles);
}

#[test]
fn matrices_that_do_not_fit_are_streamed_and_the_others_stay() {
    let config = tiny(1, 16, 1);
    let mut random = Random::new(5);
    // 24 words of 16 lanes; a page of 4 words is the ring.
    let stacks: Vec<Vec<RandomMatrix>> = (0..4).map(|_| vec![RandomMatrix::new(5, 32, WeightCode::Ternary, &mut random)]).collect();
    let mut fabric = fabric(&config);
    let ids: Vec<_> = stacks.iter().map(|stack| prepare(&mut fabric, stack)).collect();
    assert!(!fabric.resident());
    let plans: Vec<_> = ids.iter().map(|&id| fabric.plan(id).unwrap()).collect();
    assert!(plans[0].streamed_bytes == 0 && plans[1].streamed_bytes == 0 && plans[3].resident_bytes == 0, "{plans:?}");
    let cost = check(&mut fabric, &stacks, &ids, ActivationCode::A4, &mut random);
    assert!(cost.bytes_out > plans.iter().map(|p| p.streamed_bytes).sum::<u64>());
}

#[test]
fn matrices_prepared_after_a_run_change_no_sealed_page() {
    let mut random = Random::new(6);
    let stacks: Vec<Vec<RandomMatrix>> = (0..3).map(|_| vec![RandomMatrix::new(9, 20, WeightCode::Ternary, &mut random)]).collect();
    let mut fabric = fabric(&nano());
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(prepare(&mut fabric, &stacks[n - 1]));
        let before = fabric.driver().stats().bytes_out;
        let cost = check(&mut fabric, &stacks[..n], &ids, ActivationCode::A8, &mut random);
        let upload = fabric.driver().stats().bytes_out - before - 2 * cost.bytes_out;
        assert!(upload < 2 * 256 + 100, "one page and its seal, not {upload} bytes");
    }
}

#[test]
fn a_new_session_on_the_same_board_uploads_nothing_again() {
    let mut random = Random::new(8);
    let stack = [RandomMatrix::new(60, 250, WeightCode::Quaternary, &mut random)];
    let mut first = fabric(&nano());
    let id = prepare(&mut first, &stack);
    check(&mut first, &[stack.to_vec()], &[id], ActivationCode::A8, &mut random);
    let link = first.into_driver().into_transport();
    let mut second = FabricGemv::new(Driver::open(link, DriverOptions { seed: 9, ..DriverOptions::default() }).unwrap());
    let id = prepare(&mut second, &stack);
    second.upload().unwrap();
    let out = second.driver().stats().bytes_out;
    assert!(out < 600, "{out} bytes for 15 pages of 256");
    check(&mut second, &[stack.to_vec()], &[id], ActivationCode::A8, &mut random);
}

#[test]
fn shapes_and_ids_that_cannot_be_are_refused_with_a_reason() {
    let mut fabric = fabric(&nano());
    let code = WeightCode::Ternary;
    assert!(matches!(fabric.supports(Shape { rows: 1, cols: 1 << 23, code }), Err(GemvError::Unsupported { .. })));
    fabric.supports(Shape { rows: 1 << 20, cols: 1 << 20, code }).unwrap();
    assert!(matches!(fabric.prepare(&[]), Err(GemvError::Unsupported { .. })));
    let unknown = nda_gemv::MatrixId(0);
    let x = Activations { code: ActivationCode::A8, values: &[] };
    assert!(matches!(fabric.run(unknown, x, &mut []), Err(GemvError::UnknownMatrix { .. })));
}
