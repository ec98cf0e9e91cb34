//! Several texts in whole tokens on one machine: each has the tokens and logits that it has alone.

#[path = "common/several.rs"]
mod several;

use nda_engine::{Choice, EngineError, Followed, Following, Request, TokenModel, TokenPart, TokenSession, TokenText, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::{AlignedBytes, Document};
use nda_spec::random::Random;
use several::{Several, Steps};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Calls `work` with a session that has room for this many texts and whose step of the given number fails, and with one on the CPU.
fn with_sessions(
    texts: usize,
    fails_at: usize,
    steps: &Arc<Steps>,
    work: impl FnOnce(&mut TokenSession<'_, '_>, &mut TokenSession<'_, '_>),
) {
    let bytes = tiny();
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = Several::new(16, Duration::ZERO, Arc::clone(steps)).failing_at(fails_at);
    let mut cpu = CpuGemv::new();
    let model = TokenModel::prepare_texts(&weights, &mut gemv, texts).unwrap();
    let alone = TokenModel::prepare(&weights, &mut cpu).unwrap();
    let mut session = TokenSession::new(&model, &mut gemv).unwrap();
    let mut alone = TokenSession::new(&alone, &mut cpu).unwrap();
    work(&mut session, &mut alone);
}

fn tiny() -> AlignedBytes {
    let path = format!("{}/../../models/tiny.ndf", env!("CARGO_MANIFEST_DIR"));
    AlignedBytes::from(std::fs::read(path).unwrap().as_slice())
}

/// What follows the tokens of a text by itself.
fn alone(session: &mut TokenSession<'_, '_>, text: &[u32], following: Following) -> Followed {
    let (last, before) = text.split_last().unwrap();
    session.clear();
    if !before.is_empty() {
        session.feed(before, *last).unwrap();
    }
    match following {
        Following::Nothing => Followed::Nothing,
        Following::Logits => Followed::Logits(session.logits(*last).unwrap().to_vec()),
        Following::Token(choice) => {
            let request = Request { prompt: vec![*last], most_tokens: 1, stops: Vec::new(), choice };
            let reply = session.generate(&request, |_, _| Ok::<_, EngineError>(ControlFlow::Continue(()))).unwrap();
            Followed::Token(reply.tokens[0])
        }
    }
}

#[test]
fn texts_of_random_steps_have_what_they_have_alone() {
    for count in [1, 2, 5, 16] {
        let counted = Arc::<Steps>::default();
        with_sessions(count, 0, &counted, |session, by_itself| {
            assert_eq!(session.texts(), count);
            let mut texts = session.new_texts();
            let mut random = Random::new(count as u64);
            for number in 0..12 {
                let mut taken: Vec<(usize, Vec<u32>, Following)> = Vec::new();
                for text in 0..count {
                    if random.below(4) == 0 && count > 1 {
                        continue;
                    }
                    if random.below(6) == 0 {
                        texts[text].clear();
                    }
                    let tokens = (0..1 + random.below(9)).map(|_| random.below(256) as u32).collect();
                    let choices = [Choice::GREEDY, Choice::at(0.8, random.below(99) as u64).unwrap()];
                    let following = [Following::Nothing, Following::Logits, Following::Token(choices[random.below(2)])][random.below(3)];
                    taken.push((text, tokens, following));
                }
                let wanted: Vec<Followed> = taken
                    .iter()
                    .map(|(text, tokens, following)| alone(by_itself, &[texts[*text].tokens(), tokens].concat(), *following))
                    .collect();
                let before = counted.all.load(Ordering::Relaxed);
                let mut rest = taken.iter().peekable();
                let mut parts: Vec<TokenPart<'_>> = Vec::new();
                for (number, text) in texts.iter_mut().enumerate() {
                    if let Some((_, tokens, following)) = rest.next_if(|(text, ..)| *text == number) {
                        parts.push(TokenPart { text, tokens, following: *following });
                    }
                }
                let is_empty = parts.is_empty();
                let found: Vec<Followed> = session.advance(&mut parts).into_iter().map(Result::unwrap).collect();
                assert_eq!(found, wanted, "step {number} of {count} texts");
                assert_eq!(counted.all.load(Ordering::Relaxed) - before, usize::from(!is_empty), "one step for all");
            }
        });
    }
}

#[test]
fn a_machine_here_has_one_text_that_takes_steps_too() {
    let bytes = tiny();
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let (mut gemv, mut cpu) = (CpuGemv::new(), CpuGemv::new());
    let model = TokenModel::prepare_texts(&weights, &mut gemv, 8).unwrap();
    let model_alone = TokenModel::prepare(&weights, &mut cpu).unwrap();
    let mut session = TokenSession::new(&model, &mut gemv).unwrap();
    let mut by_itself = TokenSession::new(&model_alone, &mut cpu).unwrap();
    let mut texts = session.new_texts();
    assert_eq!((session.texts(), texts.len()), (1, 1));
    let drawn = Following::Token(Choice::at(1.0, 3).unwrap());
    for (tokens, following) in [(&[72, 101][..], Following::Nothing), (&[108], Following::Logits), (&[108, 111], drawn)] {
        let wanted = alone(&mut by_itself, &[texts[0].tokens(), tokens].concat(), following);
        let found = session.advance(&mut [TokenPart { text: &mut texts[0], tokens, following }]).pop().unwrap().unwrap();
        assert_eq!(found, wanted, "{tokens:?}");
    }
    assert_eq!((texts[0].resume(&[72, 101, 108, 108, 111, 5]), texts[0].resume(&[72, 9]), texts[0].position()), (5, 0, 0));
}

#[test]
fn an_unknown_token_ends_its_own_text_and_a_failure_those_of_its_step() {
    with_sessions(3, 3, &Arc::default(), |session, by_itself| {
        let mut texts = session.new_texts();
        let take = |session: &mut TokenSession<'_, '_>, texts: &mut [TokenText], tokens: &[&[u32]]| {
            let part = |(text, tokens)| TokenPart { text, tokens, following: Following::Logits };
            let mut parts: Vec<TokenPart<'_>> = texts.iter_mut().zip(tokens.iter().copied()).map(part).collect();
            session.advance(&mut parts)
        };
        let found = take(session, &mut texts, &[&[1, 2], &[3, 999], &[4]]);
        assert!(found[0].is_ok() && found[2].is_ok());
        assert!(matches!(found[1], Err(EngineError::Token { token: 999, .. })), "{:?}", found[1]);
        assert_eq!(texts.iter().map(TokenText::position).collect::<Vec<_>>(), [2, 0, 1]);
        assert!(take(session, &mut texts[..1], &[&[5]])[0].is_ok());
        // The third step fails: the first two texts are lost, the third is as it was.
        let found = take(session, &mut texts[..2], &[&[6], &[7]]);
        assert!(found.iter().all(|found| found.as_ref().is_err_and(|error| error.to_string().contains("gone for a moment"))), "{found:?}");
        assert_eq!(texts.iter().map(TokenText::position).collect::<Vec<_>>(), [0, 0, 1]);
        let found = take(session, &mut texts, &[&[8], &[9, 10], &[11]]);
        for ((text, found), tokens) in texts.iter().zip(found).zip([&[8][..], &[9, 10], &[4, 11]]) {
            assert_eq!((text.tokens(), found.unwrap()), (tokens, alone(by_itself, tokens, Following::Logits)));
        }
    });
}
