//! Tokens of several texts in one step: every text gets the bits that it gets alone.

mod common;

use common::{CONTEXT, GoldenGemv, PLAIN, decoder_bytes, gemma3_bytes, model_bytes, trained};
use nda_engine::{
    Advanced, CacheForm, EngineError, FrameStore, GEMMA3, LLAMA, Model, Part, Random, Sequence, Session, Wanted, Weights, decoder,
};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Shape, Vectors};
use nda_kernels::{CpuGemv, ThreadPool};
use nda_lang::Tier;
use nda_ndf::Document;
use nda_spec::TileMatrix;
use std::sync::{Arc, Mutex};

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|v| v.to_bits()).collect()
}

/// The logits behind every token of a text, taken alone.
fn alone(session: &mut Session<'_, '_>, tokens: &[u32]) -> Vec<Vec<u32>> {
    session.clear();
    let mut found = Vec::new();
    session
        .predict_all(tokens, |_, logits| {
            found.push(bits(logits));
            Ok::<_, EngineError>(())
        })
        .unwrap();
    found
}

/// Takes texts in steps of random rows, several texts at a time, and compares every row of logits with that of the text alone.
fn compare(session: &mut Session<'_, '_>, texts: &[&[u32]], random: &mut Random) {
    let expected: Vec<Vec<Vec<u32>>> = texts.iter().map(|text| alone(session, text)).collect();
    let mut sequences: Vec<Sequence> = texts.iter().map(|_| session.new_sequence()).collect();
    let vocab_size = session.vocab_size();
    while sequences.iter().zip(texts).any(|(sequence, text)| sequence.position() < text.len()) {
        let mut takes = Vec::new();
        let mut parts: Vec<Part<'_>> = Vec::new();
        for (number, (sequence, text)) in sequences.iter_mut().zip(texts).enumerate() {
            let (at, left) = (sequence.position(), text.len() - sequence.position());
            let rows = if random.below(3) == 0 { random.below(20) } else { random.below(2) }.min(left);
            let wanted = [Wanted::Nothing, Wanted::Last, Wanted::All][random.below(3)];
            if rows > 0 {
                takes.push((number, at, rows, wanted));
                parts.push(Part { sequence, tokens: &text[at..at + rows], wanted });
            }
        }
        let found = session.advance(&mut parts);
        for ((number, at, rows, wanted), found) in takes.into_iter().zip(found) {
            let first = match wanted {
                Wanted::Nothing => rows,
                Wanted::Last => rows - 1,
                Wanted::All => 0,
            };
            let found: Vec<Vec<u32>> = found.unwrap().chunks_exact(vocab_size).map(bits).collect();
            assert_eq!(found, expected[number][at + first..at + rows], "text {number} from position {at}, {rows} rows, {wanted:?}");
        }
    }
    assert!(sequences.iter().zip(texts).all(|(sequence, text)| sequence.tokens() == *text));
}

#[test]
fn texts_at_different_positions_have_the_logits_that_they_have_alone_in_every_form_with_any_threads() {
    trained::with_session(|session, tokens| {
        assert!(session.takes_together());
        let mut random = Random::new(22);
        for form in CacheForm::names() {
            for threads in [1, 2, 3] {
                session.use_threads(ThreadPool::new(threads).unwrap());
                session.use_cache(form.parse().unwrap());
                let texts: Vec<&[u32]> = [200, 1, 63, 64, 65, 130, 20].iter().map(|&len| &tokens[random.below(2000)..][..len]).collect();
                compare(session, &texts, &mut random);
            }
        }
    });
}

#[test]
fn windows_factors_and_head_norms_are_each_texts_own() {
    let features = nda_engine::Feature::ALL;
    let decoder = decoder(&[features[0], features[4], features[5], features[6]]);
    for (bytes, program) in [(model_bytes(PLAIN), LLAMA), (decoder_bytes(), decoder.as_str()), (gemma3_bytes(), GEMMA3)] {
        let document = Document::open(&bytes).unwrap();
        for tier in [Tier::Interpreter, Tier::default()] {
            let weights = Weights::with_program(&document, "model.nda", program, tier).unwrap();
            let mut gemv = GoldenGemv::default();
            let model = Model::prepare(&weights, &mut gemv).unwrap();
            let mut session = Session::new(&model, &mut gemv);
            let tokens: Vec<u32> = (0..CONTEXT as u32).map(|at| at * 7 % 256).collect();
            compare(&mut session, &[&tokens, &tokens[3..], &tokens[..9]], &mut Random::new(5));
        }
    }
}

#[test]
fn a_program_that_decides_by_the_position_takes_one_text_after_another_with_the_same_bits() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let program = LLAMA
        .replace("let x = gather(\"embed\", tokens);", "let x = gather(\"embed\", tokens);\n    if position > 3 { x = scale(x, 0.5); }");
    let weights = Weights::with_program(&document, "model.nda", &program, Tier::default()).unwrap();
    let mut gemv = GoldenGemv::default();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    assert!(!session.takes_together());
    let texts: [Vec<u32>; 3] = [5, 9, 14].map(|len| (0..len).map(|at| at * 31 % 256).collect());
    // One token at a time: this program's rows of a step depend on the step's first position.
    let mut one: Vec<Vec<Vec<u32>>> = Vec::new();
    for text in &texts {
        session.clear();
        one.push(text.iter().map(|&token| bits(session.predict(token).unwrap())).collect());
    }
    let mut sequences: Vec<Sequence> = texts.iter().map(|_| session.new_sequence()).collect();
    for at in 0..14 {
        let mut parts: Vec<Part<'_>> = sequences
            .iter_mut()
            .zip(&texts)
            .filter_map(|(sequence, text)| Some(Part { sequence, tokens: text.get(at..=at)?, wanted: Wanted::Last }))
            .collect();
        let found: Vec<Vec<u32>> = session.advance(&mut parts).into_iter().map(|row| bits(&row.unwrap())).collect();
        let expected: Vec<Vec<u32>> = one.iter().filter_map(|rows| rows.get(at).cloned()).collect();
        assert_eq!(found, expected, "position {at}");
    }
}

#[test]
fn texts_that_begin_alike_share_frames_while_they_are_taken_together() {
    trained::with_session(|session, tokens| {
        let store = Arc::new(Mutex::new(FrameStore::new(1 << 24)));
        session.share_cache("b4".parse().unwrap(), Arc::clone(&store));
        let mut texts = [session.new_sequence(), session.new_sequence()];
        let step = |session: &mut Session<'_, '_>, texts: &mut [Sequence; 2], tokens: &[u32]| {
            let mut parts: Vec<Part<'_>> = texts.iter_mut().map(|sequence| Part { sequence, tokens, wanted: Wanted::Nothing }).collect();
            session.advance(&mut parts).into_iter().for_each(|done| drop(done.unwrap()));
        };
        tokens[..128].chunks(32).for_each(|tokens| step(session, &mut texts, tokens));
        assert_eq!(store.lock().unwrap().len(), 2, "frames of both texts are held once");
        let mut third = session.new_sequence();
        assert_eq!(third.resume(&tokens[..130]), 128);
    });
}

#[test]
fn a_text_that_cannot_go_on_fails_alone_and_stays_as_it_was() {
    trained::with_session(|session, tokens| {
        session.limit_context(70);
        for form in ["f32", "b4"] {
            session.use_cache(form.parse().unwrap());
            let expected = alone(session, &tokens[..66]);
            let mut texts: Vec<Sequence> = (0..3).map(|_| session.new_sequence()).collect();
            let [good, full, wrong] = &mut texts[..] else { unreachable!() };
            let mut step = |tokens: [&[u32]; 3], wanted| -> Vec<Advanced> {
                let sequences = [&mut *good, &mut *full, &mut *wrong];
                let mut parts: Vec<Part<'_>> =
                    sequences.into_iter().zip(tokens).map(|(sequence, tokens)| Part { sequence, tokens, wanted }).collect();
                session.advance(&mut parts)
            };
            step([&tokens[..65], &tokens[..69], &tokens[..5]], Wanted::Nothing).into_iter().for_each(|done| drop(done.unwrap()));
            let found = step([&tokens[65..66], &tokens[69..71], &[1 << 20]], Wanted::Last);
            assert_eq!(bits(found[0].as_ref().unwrap()), expected[65], "{form}");
            assert!(
                matches!(found[1], Err(EngineError::Context { context: 70, .. })) && matches!(found[2], Err(EngineError::Token { .. }))
            );
            assert_eq!(texts.iter().map(Sequence::position).collect::<Vec<_>>(), [66, 69, 5]);
        }
    });
}

/// The CPU, which counts the products that it is asked for, and fails on request.
struct Counting<'m> {
    cpu: CpuGemv<'m>,
    calls: usize,
    fails_at: Option<usize>,
}

impl<'m> Counting<'m> {
    fn count(&mut self) -> Result<(), GemvError> {
        self.calls += 1;
        if Some(self.calls) == self.fails_at { Err(GemvError::Device("asked to".into())) } else { Ok(()) }
    }
}

impl<'m> Gemv<'m> for Counting<'m> {
    fn name(&self) -> String {
        "counting".into()
    }

    fn supports(&self, shape: Shape) -> Result<(), GemvError> {
        self.cpu.supports(shape)
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        self.cpu.prepare(parts)
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        self.count()?;
        self.cpu.run(id, x, y)
    }

    fn vectors(&mut self) -> Option<&mut dyn Vectors> {
        Some(self)
    }
}

impl Vectors for Counting<'_> {
    fn run_vectors(&mut self, id: MatrixId, vectors: usize, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        self.count()?;
        self.cpu.run_vectors(id, vectors, x, y)
    }
}

/// Products of a step of as many texts, one of which fails if asked to; what each text's second token predicts.
fn counted(texts: usize, fails_at: Option<usize>) -> (usize, Vec<Vec<u32>>) {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = Counting { cpu: CpuGemv::new(), calls: 0, fails_at };
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    let mut sequences: Vec<Sequence> = (0..texts).map(|_| session.new_sequence()).collect();
    let mut found = Vec::new();
    for at in 0..2 {
        let tokens: Vec<[u32; 1]> = (0..texts as u32).map(|text| [text * 20 + at]).collect();
        let mut parts: Vec<Part<'_>> =
            sequences.iter_mut().zip(&tokens).map(|(sequence, tokens)| Part { sequence, tokens, wanted: Wanted::Last }).collect();
        found = session.advance(&mut parts).into_iter().map(|row| bits(&row.unwrap())).collect();
    }
    drop(session);
    (gemv.calls, found)
}

#[test]
fn weights_are_read_once_for_all_texts_of_a_step() {
    let (one, _) = counted(1, None);
    let (eight, found) = counted(8, None);
    assert_eq!((one, eight), (2 * 9, 2 * 9), "four products in each of two blocks, and the head");
    assert_eq!(found[..3], counted(3, None).1);
}

#[test]
fn a_step_that_fails_midway_is_taken_again_text_by_text_with_the_same_bits() {
    let (_, expected) = counted(3, None);
    for fails_at in [1, 5, 9, 14, 18] {
        assert_eq!(counted(3, Some(fails_at)).1, expected, "product {fails_at} fails");
    }
}
