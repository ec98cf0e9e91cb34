//! The committed model in whole tokens: the golden machine's to the bit, and close to its floats.

use nda_engine::{EngineError, Model, Session, TokenModel, TokenSession, Weights, calibrate_cache, evaluate, token_program};
use nda_kernels::CpuGemv;
use nda_ndf::{AlignedBytes, Document};
use nda_spec::token::{Choice, Finish, Golden, Machine, Request, generate};
use std::ops::ControlFlow;

fn models(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../models/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn request(most_tokens: usize, choice: Choice) -> Request {
    Request { prompt: b"She was not ".iter().map(|b| u32::from(*b)).collect(), most_tokens, stops: Vec::new(), choice }
}

/// Greedy and drawn, past the ring's length.
#[test]
fn the_cpu_makes_the_golden_machines_tokens() {
    let bytes = AlignedBytes::from(models("tiny.ndf").as_slice());
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let compiled = token_program(&weights).unwrap();
    let values = |name: &String| document.matrix(name).unwrap().stack(0).to_values();
    let mut golden = Golden {
        shapes: compiled.program.matrices.clone(),
        weights: compiled.matrices.iter().map(|names| names.iter().flat_map(values).collect()).collect(),
    };
    let mut machine = Machine::new(compiled.program).unwrap();
    let mut gemv = CpuGemv::new();
    let model = TokenModel::prepare(&weights, &mut gemv).unwrap();
    let mut session = TokenSession::new(&model, &mut gemv).unwrap();
    for (most, choice) in [(120, Choice::GREEDY), (40, Choice::at(0.8, 7).unwrap())] {
        let request = request(most, choice);
        machine.clear();
        session.clear();
        let Ok(wanted) = generate(&mut machine, &mut golden, &request, |_| ControlFlow::Continue(()));
        let mut heard = Vec::new();
        let found = session.generate(&request, |token, _| {
            heard.push(token);
            Ok::<_, EngineError>(ControlFlow::Continue(()))
        });
        assert_eq!(found.unwrap(), wanted);
        assert_eq!((heard, wanted.finish), (wanted.tokens, Finish::Length));
    }
}

#[test]
fn a_text_in_levels_costs_at_most_0_015_bits_per_byte_more_than_in_floats() {
    let bytes = AlignedBytes::from(models("tiny.ndf").as_slice());
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let tokens: Vec<u32> = models("val.txt")[..16_385].iter().map(|b| u32::from(*b)).collect();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let floats = evaluate(&mut Session::new(&model, &mut gemv), &tokens, 256, |_, _| ()).unwrap();
    let mut gemv = CpuGemv::new();
    let model = TokenModel::prepare(&weights, &mut gemv).unwrap();
    let levels = TokenSession::new(&model, &mut gemv).unwrap().evaluate(&tokens, 256, |_, _| ()).unwrap();
    assert_eq!((levels.predicted, levels.bytes), (floats.predicted, floats.bytes));
    let more = levels.bits_per_byte() - floats.bits_per_byte();
    println!("{:.4} bits per byte in floats, {more:+.4} in levels", floats.bits_per_byte());
    // The model was trained in levels and with the ring.
    assert!((-0.015..0.015).contains(&more), "{more}");
}

#[test]
fn a_document_without_a_form_and_a_model_without_steps_say_so() {
    let bytes = AlignedBytes::from(models("tiny.ndf").as_slice());
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let empty = calibrate_cache(&weights, &mut CpuGemv::new(), &[], 102).unwrap_err().to_string();
    assert!(empty.contains("calibration text"), "{empty}");
    let long = calibrate_cache(&weights, &mut CpuGemv::new(), &[1], 5000).unwrap_err().to_string();
    assert!(long.contains("a ring of 5000 positions"), "{long}");
    let kv = calibrate_cache(&weights, &mut CpuGemv::new(), &[72, 101, 108, 108, 111], 64).unwrap();
    assert_eq!((kv.ring, kv.layers.len(), kv.layers[0].keys.len()), (64, 5, 64));
    let turned = |layer: &nda_ndf::KvLayer| (0..64).all(|i| layer.keys[i] == layer.keys[i / 32 * 32 + (i + 16) % 32]);
    assert!(kv.layers.iter().all(turned), "two channels that are turned together have one constant");
}
