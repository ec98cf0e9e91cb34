//! Generation and evaluation.

mod common;

use common::{CONTEXT, PLAIN, model_bytes};
use nda_engine::{EngineError, Model, Sampling, Session, Step, Weights, evaluate, evaluate_on, generate, greedy, ops};
use nda_kernels::CpuGemv;
use nda_ndf::Document;
use std::ops::ControlFlow;

/// Calls `work` with a session of the plain model.
fn with_session<T>(work: impl FnOnce(&mut Session<'_, '_>) -> T) -> T {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    work(&mut Session::new(&model, &mut gemv))
}

fn say(prompt: &[u32], max_tokens: usize, sampling: Sampling) -> Result<nda_engine::Generated, EngineError> {
    with_session(|session| generate(session, prompt, max_tokens, sampling, |_| Ok(ControlFlow::Continue(()))))
}

#[test]
fn greedy_text_is_the_argmax_of_each_step() {
    let said = say(&[72, 105], 10, Sampling::GREEDY).unwrap();
    let expected = with_session(|session| {
        session.feed(72).unwrap();
        let mut token = 105;
        (0..10)
            .map(|_| {
                token = greedy(session.predict(token).unwrap());
                token
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(said.tokens, expected);
    assert_eq!(said.slides, 0);
}

#[test]
fn a_text_cut_back_goes_on_as_if_the_rest_had_never_been() {
    let expected = with_session(|session| {
        [7, 8].iter().for_each(|&t| session.feed(t).unwrap());
        session.predict(9).unwrap().to_vec()
    });
    with_session(|session| {
        [7, 8, 200, 201, 202].iter().for_each(|&t| session.feed(t).unwrap());
        session.truncate(100);
        assert_eq!(session.position(), 5);
        session.truncate(2);
        assert_eq!(session.position(), 2);
        assert_eq!(session.predict(9).unwrap(), expected);
        session.truncate(0);
        [7, 8].iter().for_each(|&t| session.feed(t).unwrap());
        assert_eq!(session.predict(9).unwrap(), expected);
    });
}

#[test]
fn a_seed_repeats_its_text_and_another_gives_another() {
    let sampling = Sampling { temperature: 1.5, seed: 4, ..Sampling::GREEDY };
    let text = say(&[1], 16, sampling).unwrap().tokens;
    assert_eq!(text, say(&[1], 16, sampling).unwrap().tokens);
    assert_ne!(text, say(&[1], 16, Sampling { seed: 5, ..sampling }).unwrap().tokens);
}

#[test]
fn a_full_context_slides_to_its_newer_half() {
    let said = say(&[1, 2, 3], 2 * CONTEXT, Sampling::GREEDY).unwrap();
    assert_eq!(said.tokens.len(), 2 * CONTEXT);
    assert!(said.slides >= 2 && said.refed == said.slides * (CONTEXT / 2), "{said:?}");
    // The token after the first slide is what a fresh session predicts from the newer half and the token that was due.
    let text: Vec<u32> = [1, 2, 3].into_iter().chain(said.tokens.iter().copied()).collect();
    let expected = with_session(|session| {
        text[CONTEXT - CONTEXT / 2..CONTEXT].iter().for_each(|&t| session.feed(t).unwrap());
        greedy(session.predict(text[CONTEXT]).unwrap())
    });
    assert_eq!(text[CONTEXT + 1], expected);
}

#[test]
fn prompts_that_are_empty_or_too_long_are_refused_and_a_callback_ends_the_text() {
    assert!(matches!(say(&[], 1, Sampling::GREEDY), Err(EngineError::Empty { .. })));
    assert!(matches!(say(&[0; CONTEXT + 1], 1, Sampling::GREEDY), Err(EngineError::Context { .. })));
    assert!(say(&[0; CONTEXT], 1, Sampling::GREEDY).is_ok());
    let said = with_session(|session| {
        let mut left = 3;
        generate(session, &[5, 6], 100, Sampling::GREEDY, |step| -> Result<_, EngineError> {
            left -= usize::from(matches!(step, Step::Token { .. }));
            Ok(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    });
    assert_eq!(said.unwrap().tokens.len(), 3);
}

#[test]
fn bits_per_byte_count_every_token_but_the_first_once() {
    let text: Vec<u32> = (0..2 * CONTEXT as u32 + 7).map(|i| i * 31 % 256).collect();
    let found = with_session(|session| evaluate(session, &text, usize::MAX, |_, _| ()).unwrap());
    assert_eq!((found.predicted, found.bytes), (text.len() - 1, text.len() - 1));
    let expected: f64 = with_session(|session| {
        let mut bits = 0.0;
        for start in (0..text.len() - 1).step_by(CONTEXT) {
            session.clear();
            for at in start..(start + CONTEXT).min(text.len() - 1) {
                bits += ops::surprise_bits(session.predict(text[at]).unwrap(), text[at + 1] as usize);
            }
        }
        bits
    });
    assert_eq!(found.bits, expected);
    assert!(with_session(|session| matches!(evaluate(session, &[1], usize::MAX, |_, _| ()), Err(EngineError::Empty { .. }))));
}

#[test]
fn windows_on_any_number_of_threads_find_what_one_thread_finds() {
    let text: Vec<u32> = (0..5 * CONTEXT as u32 + 7).map(|i| i * 31 % 256).collect();
    for context in [1, 7, CONTEXT] {
        let expected = with_session(|session| evaluate(session, &text, context, |_, _| ()).unwrap());
        for threads in [1, 2, 3, 50] {
            let mut told = Vec::new();
            let on_each = |work: &mut dyn FnMut(&mut Session<'_, '_>) -> Result<(), EngineError>| with_session(|session| work(session));
            let found = evaluate_on::<EngineError>(threads, &text, context, on_each, |done, total| told.push((done, total))).unwrap();
            assert_eq!(found, expected, "{threads} threads, windows of {context}");
            assert!(told.into_iter().eq((1..text.len()).map(|done| (done, text.len() - 1))), "every token is told once, in order");
        }
    }
    let wrong = [text.as_slice(), &[999]].concat();
    let failing = |work: &mut dyn FnMut(&mut Session<'_, '_>) -> Result<(), EngineError>| with_session(|session| work(session));
    let error = evaluate_on::<EngineError>(3, &wrong, 7, failing, |_, _| ()).unwrap_err();
    assert!(matches!(error, EngineError::Token { token: 999, .. }), "{error}");
}
