//! Documents, devices and models that are shared: exact products, turns, and what is refused.

use nda_engine::Sampling;
use nda_gemv::Activations;
use nda_python::{Asked, Device, Document, Fault, Kind, Model, Offload};
use nda_spec::{ActivationCode, golden};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn tiny() -> Arc<Document> {
    Document::open(Path::new(TINY)).unwrap()
}

/// The product of a matrix with vectors whose values run through all of int8, and the golden model's.
fn product(device: &Device, document: &Arc<Document>, name: &str, vectors: usize) -> (Vec<i32>, Vec<i32>) {
    let part = document.part(name, 0).unwrap();
    let (rows, cols) = part.shape();
    let x: Vec<i8> = (0..vectors * cols).map(|i| (i * 37 % 256) as u8 as i8).collect();
    let mut y = vec![-1; vectors * rows];
    device.gemv(&part, vectors, Activations { code: ActivationCode::A8, values: &x }, &mut y).unwrap();
    (y, x.chunks(cols).flat_map(|x| golden::gemv(rows, cols, &part.codes(), x)).collect())
}

fn asked(prompt: &[u8], max_tokens: usize) -> Asked<'_> {
    Asked { prompt, max_tokens, sampling: Sampling::GREEDY }
}

fn text(device: &Device, model: &Arc<Model>, max_tokens: usize) -> String {
    device.generate(model, &asked(b"She ", max_tokens), &mut |_| ControlFlow::Continue(())).unwrap().text
}

#[test]
fn products_are_golden_on_the_cpu_and_on_a_board_for_one_vector_and_for_several() {
    let document = tiny();
    for name in ["cpu", "cpu:portable", "loopback:nano16"] {
        let device = Device::open(name).unwrap();
        for matrix in ["blk.0.q", "blk.1.down"] {
            for vectors in [1, 3] {
                let (found, golden) = product(&device, &document, matrix, vectors);
                assert_eq!(found, golden, "{matrix} on {name}");
            }
        }
    }
}

#[test]
fn documents_and_models_take_turns_on_a_device_and_may_be_dropped() {
    let device = Device::open("loopback:nano16").unwrap();
    let (first, second) = (tiny(), tiny());
    let model = Model::open(&first, Offload::Gemv).unwrap();
    let before = text(&Device::open("cpu").unwrap(), &model, 6);
    for document in [&first, &second, &first] {
        let (found, golden) = product(&device, document, "blk.0.k", 1);
        assert_eq!(found, golden);
        assert_eq!(text(&device, &model, 6), before, "the board says what the CPU says");
    }
    drop((first, model));
    device.close().unwrap();
    let (found, golden) = product(&device, &second, "blk.0.k", 1);
    assert_eq!(found, golden, "it opens again");
}

#[test]
fn a_text_ends_where_its_listener_ends_it_and_the_pieces_are_the_text() {
    let model = Model::open(&tiny(), Offload::Best).unwrap();
    for offload in [Offload::Gemv, Offload::Token] {
        let model = Model::open(model.document(), offload).unwrap();
        let device = Device::named("cpu").unwrap();
        let mut pieces = Vec::new();
        let said = device
            .generate(&model, &asked(b"The rain ", 30), &mut |piece| {
                pieces.push(piece.to_owned());
                if pieces.len() == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!((said.tokens.len(), pieces.concat()), (5, said.text));
        // Each text starts from nothing.
        assert!(text(&device, &model, 12).starts_with(&text(&device, &model, 4)));
    }
}

#[test]
fn logits_choose_what_is_said() {
    for offload in [Offload::Gemv, Offload::Token] {
        let model = Model::open(&tiny(), offload).unwrap();
        let device = Device::named("cpu").unwrap();
        let prompt = model.encode(b"She ").unwrap();
        let logits = device.logits(&model, &prompt).unwrap();
        let last = &logits[logits.len() - model.weights().hyper().vocab_size..];
        let said = device.generate(&model, &asked(b"She ", 1), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(said.tokens, [nda_engine::greedy(last)], "{offload:?}");
    }
}

#[test]
fn a_device_that_is_entered_from_within_refuses_instead_of_waiting_for_itself() {
    let document = tiny();
    let model = Model::open(&document, Offload::Gemv).unwrap();
    let device = Device::named("cpu").unwrap();
    let mut found = None;
    let said = device.generate(&model, &asked(b"a", 1), &mut |_| {
        found = device.logits(&model, &[1]).err();
        ControlFlow::Continue(())
    });
    assert!(said.is_ok() && found.is_some_and(|fault| fault.kind == Kind::Argument && fault.what.contains("in use")));
    assert!(device.logits(&model, &[1]).is_ok(), "afterwards it is free");
}

#[test]
fn faults_name_the_place_and_the_next_step_in_three_lines() {
    let document = tiny();
    let model = Model::open(&document, Offload::Token).unwrap();
    let cpu = Device::named("cpu").unwrap();
    let ignore = &mut |_: &str| ControlFlow::Continue(());
    let top_k = Sampling { top_k: Some(3), ..Sampling::GREEDY };
    let long = vec![b'a'; 10_000];
    let floats = Model::open(&document, Offload::Gemv).unwrap();
    let faults: Vec<(Fault, Kind, &str)> = vec![
        (Document::open(Path::new("gone.ndf")).unwrap_err(), Kind::Document, "gone.ndf"),
        (Document::open(Path::new(file!())).err().unwrap_or_else(|| panic!("a source is no document")), Kind::Document, "help"),
        (document.part("blk.9.q", 0).unwrap_err(), Kind::Argument, "blk.9.q"),
        (document.part("blk.0.q", 1).unwrap_err(), Kind::Argument, "stack 1"),
        (Device::open("gramophone").err().unwrap(), Kind::Argument, "gramophone"),
        (Device::open("serial:/dev/gone").err().unwrap(), Kind::Device, "/dev/gone"),
        ("all".parse::<Offload>().unwrap_err(), Kind::Argument, "'all'"),
        (cpu.generate(&model, &Asked { sampling: top_k, ..asked(b"a", 1) }, ignore).unwrap_err(), Kind::Argument, "temperature alone"),
        (cpu.generate(&floats, &asked(&long, 1), ignore).unwrap_err(), Kind::Argument, "tiny.ndf"),
        (cpu.generate(&floats, &asked(b"", 1), ignore).unwrap_err(), Kind::Argument, "empty"),
        (cpu.logits(&floats, &[999_999]).unwrap_err(), Kind::Argument, "999999"),
        (model.decode(&[999_999]).unwrap_err(), Kind::Argument, "999999"),
    ];
    for (fault, kind, needle) in faults {
        let lines = fault.to_string();
        assert_eq!(fault.kind, kind, "{lines}");
        assert!(lines.contains(needle) && lines.contains("\n  at: ") && lines.contains("\n  help: "), "{lines}");
    }
}
