//! Several texts on the adapter of this machine, a token of each in one step: to the bit what each text gets alone.

// A part of what the models are made of is for other tests.
#[allow(dead_code)]
#[path = "../../../hdl/spec/tests/token/lower.rs"]
mod lower;
#[allow(dead_code)]
#[path = "../../../hdl/spec/tests/token/model.rs"]
mod model;

mod common;

use common::open;
use lower::lower;
use model::{Model, SMALL, Size, Style, TINY};
use nda_gemv::{Followed, Following, Gemv, MatrixId, Start, TextStep, Tokens, TokensId};
use nda_gpu::{GpuGemv, Kernel};
use nda_spec::token::{Choice, Chooser, Golden, Machine, Program};
use nda_spec::{TileMatrix, tile};

/// Texts that every batch is to be made of.
const COUNTS: [usize; 4] = [1, 2, 5, 16];

/// The program on the device, with room for that many texts.
fn prepare(gemv: &mut GpuGemv, program: &Program, golden: &Golden, texts: usize) -> TokensId {
    let mut ids: Vec<MatrixId> = Vec::new();
    for (m, values) in golden.shapes.iter().zip(&golden.weights) {
        let words = tile::pack(m.rows, m.cols, m.code, values).unwrap();
        ids.push(gemv.prepare(&[TileMatrix::new(m.rows, m.cols, m.code, &words).unwrap()]).unwrap());
    }
    let (id, found) = gemv.prepare_texts(program, &|number| ids.get(number).copied(), texts).unwrap();
    assert_eq!(found, texts);
    id
}

/// What a text takes in a step.
struct Taking {
    text: usize,
    start: Start,
    tokens: Vec<u32>,
    following: Following,
}

impl Taking {
    fn step(&self) -> TextStep<'_> {
        TextStep { text: self.text, start: self.start, tokens: &self.tokens, following: self.following }
    }
}

/// Texts on the device, and each by itself in the golden machine.
struct Pair<'g> {
    gemv: &'g mut GpuGemv,
    id: TokensId,
    golden: Golden,
    alone: Vec<Machine>,
}

impl<'g> Pair<'g> {
    fn new(gemv: &'g mut GpuGemv, (style, size, seed): (Style, Size, u64), texts: usize) -> Pair<'g> {
        let (program, golden) = lower(&Model::random(style, size, seed));
        let id = prepare(gemv, &program, &golden, texts);
        let alone = (0..texts).map(|_| Machine::new(program.clone()).unwrap()).collect();
        Pair { gemv, id, golden, alone }
    }

    /// What follows a text's tokens by the golden machine.
    fn wanted(&mut self, taking: &Taking) -> Followed {
        let machine = &mut self.alone[taking.text];
        if taking.start == Start::Anew {
            machine.clear();
        }
        let (last, before) = taking.tokens.split_last().unwrap();
        for token in before {
            let Ok(()) = machine.take(&mut self.golden, *token);
        }
        let position = machine.position() as u32;
        let Ok(row) = machine.logits(&mut self.golden, *last);
        match taking.following {
            Following::Nothing => Followed::Nothing,
            Following::Logits => Followed::Logits(row.to_vec()),
            Following::Token(choice) => {
                let mut chooser = Chooser::new(choice, position);
                row.iter().for_each(|logit| chooser.offer(*logit));
                Followed::Token(chooser.token())
            }
        }
    }

    /// Takes a step on the device and compares; returns what followed and the step's submissions.
    fn step(&mut self, takings: &[Taking], when: &str) -> (Vec<Followed>, u64) {
        let steps: Vec<TextStep<'_>> = takings.iter().map(Taking::step).collect();
        let before = self.gemv.traffic().0;
        let (found, _) = self.gemv.step_together(self.id, &steps).unwrap();
        let submissions = self.gemv.traffic().0 - before;
        assert_eq!(found.len(), takings.len());
        for (taking, found) in takings.iter().zip(&found) {
            assert_eq!(*found, self.wanted(taking), "{when}: text {} of {}", taking.text, takings.len());
        }
        (found, submissions)
    }
}

/// How a text asks: logits, greedily, drawn with a seed of its own.
fn following(text: usize) -> Following {
    match text % 3 {
        0 => Following::Token(Choice::at(0.9, text as u64 | 7 << 40).unwrap()),
        1 => Following::Logits,
        _ => Following::Token(Choice::GREEDY),
    }
}

/// The token that a text goes on with.
fn next(followed: &Followed, tokens: usize) -> u32 {
    match followed {
        Followed::Token(token) => *token,
        Followed::Logits(row) => row.iter().map(|logit| logit.unsigned_abs()).fold(0, u32::wrapping_add) % tokens as u32,
        Followed::Nothing => 0,
    }
}

fn prompt(text: usize, length: usize, tokens: usize) -> Vec<u32> {
    (0..length).map(|at| ((at * at * 7 + 11 * text + 3) % tokens) as u32).collect()
}

/// Prompts of different lengths go in together, some longer than a submission; then a token of each per step, past the ring's end.
fn texts_together(kernel: Kernel, model: (Style, Size, u64), texts: usize) {
    let Some(gemv) = open("texts together on a GPU") else { return };
    let mut gemv = gemv.with_kernel(kernel);
    let size = model.1;
    let mut pair = Pair::new(&mut gemv, model, texts);
    let begin = |text| {
        let tokens = prompt(text, 1 + (text * 5 + 2) % 37, size.tokens);
        Taking { text, start: Start::Anew, tokens, following: following(text) }
    };
    let (mut found, _) = pair.step(&(0..texts).map(begin).collect::<Vec<_>>(), "prompts");
    for step in 0..size.ring + 4 {
        let go_on = |text| {
            let tokens = vec![next(&found[text], size.tokens)];
            Taking { text, start: Start::Continues, tokens, following: following(text + step) }
        };
        let takings: Vec<Taking> = (0..texts).map(go_on).collect();
        let (now, submissions) = pair.step(&takings, &format!("{kernel:?} {:?}, step {step}", model.0));
        assert_eq!(submissions, 1, "a step of a token each");
        found = now;
    }
}

#[test]
fn texts_of_any_prompts_get_together_what_each_gets_alone() {
    let models = [(Style::Llama, SMALL, 21), (Style::Gemma, SMALL, 22), (Style::BitNet, SMALL, 23)];
    for (number, texts) in COUNTS.into_iter().enumerate() {
        let kernel = Kernel::ALL[number % 2];
        texts_together(kernel, models[number % 3], texts);
    }
}

/// Head widths that are not a multiple of 32, grouped heads, more tokens than a workgroup has invocations.
const WIDER: Size = Size { layers: 1, width: 96, heads: 6, kv_heads: 2, head_dim: 40, ff: 136, tokens: 131, ring: 40 };

#[test]
fn a_full_ring_beside_young_texts_and_texts_that_come_and_go() {
    for (texts, model) in [(2, (Style::Gemma, SMALL, 31)), (5, (Style::Llama, WIDER, 32)), (16, (Style::BitNet, SMALL, 33))] {
        let Some(mut gemv) = open("texts that come and go on a GPU") else { return };
        let size = model.1;
        let mut pair = Pair::new(&mut gemv, model, texts);
        let old = texts - 1;
        // One text is past the ring's end before the others begin.
        let full =
            Taking { text: old, start: Start::Anew, tokens: prompt(old, 2 * size.ring + 3, size.tokens), following: Following::Nothing };
        pair.step(&[full], "a prompt of two rings");
        let mut lengths = vec![0; texts];
        lengths[old] = 2 * size.ring + 3;
        for step in 0..30 {
            // Some rest, some begin anew, some take a piece of a prompt that nobody asks behind; the order changes.
            let part = |text: usize| (text == old || !(step + text * 5).is_multiple_of(4)).then_some(text);
            let mut present: Vec<usize> = (0..texts).filter_map(part).collect();
            let turned = step % present.len();
            present.rotate_left(turned);
            let taking = |text: usize| {
                let is_new = text != old && (lengths[text] == 0 || (step * 3 + text).is_multiple_of(7));
                let length = if is_new { 1 + (step + text) % 19 } else { 1 + (step * text) % 3 };
                let start = if is_new { Start::Anew } else { Start::Continues };
                let following = if (step + text).is_multiple_of(5) { Following::Nothing } else { following(step + text) };
                Taking { text, start, tokens: prompt(step + text, length, size.tokens), following }
            };
            let takings: Vec<Taking> = present.into_iter().map(taking).collect();
            takings.iter().for_each(|taking| lengths[taking.text] += taking.tokens.len());
            pair.step(&takings, &format!("step {step}"));
        }
    }
}

#[test]
fn one_sequence_is_text_0_and_goes_on_beside_others() {
    let Some(mut gemv) = open("one sequence beside texts on a GPU") else { return };
    let mut pair = Pair::new(&mut gemv, (Style::Llama, SMALL, 41), 3);
    let taking = |text, start, tokens: &[u32]| Taking { text, start, tokens: tokens.to_vec(), following: Following::Logits };
    pair.step(&[taking(0, Start::Anew, &[5, 6, 7]), taking(2, Start::Anew, &[9])], "two texts");
    let mut row = Vec::new();
    pair.gemv.step(pair.id, Start::Continues, 8, &mut row).unwrap();
    assert_eq!(Followed::Logits(row), pair.wanted(&taking(0, Start::Continues, &[8])));
    pair.step(&[taking(2, Start::Continues, &[1]), taking(0, Start::Continues, &[2])], "both again");
}

#[test]
fn what_comes_back_is_a_word_per_chosen_token_and_rows_of_logits_that_are_asked_for() {
    let Some(mut gemv) = open("the traffic of texts on a GPU") else { return };
    let mut pair = Pair::new(&mut gemv, (Style::Llama, SMALL, 51), 4);
    let taking = |text, following| Taking { text, start: Start::Anew, tokens: vec![1, 2, 3], following };
    let greedy = Following::Token(Choice::GREEDY);
    let bytes = |pair: &mut Pair<'_>, takings: &[Taking]| {
        let before = pair.gemv.traffic();
        pair.step(takings, "traffic");
        let after = pair.gemv.traffic();
        (after.0 - before.0, after.1 - before.1)
    };
    assert_eq!(bytes(&mut pair, &[taking(0, Following::Nothing), taking(1, Following::Nothing)]), (1, 0));
    assert_eq!(bytes(&mut pair, &[taking(3, greedy), taking(1, greedy), taking(0, Following::Nothing)]), (1, 8));
    // A row for the one that asks, behind the sixteen words of chosen tokens.
    let asks = [taking(0, greedy), taking(1, Following::Logits), taking(2, greedy)];
    assert_eq!(bytes(&mut pair, &asks), (1, 4 * (16 + SMALL.tokens as u64)));
}

#[test]
fn texts_are_as_many_as_are_wanted_and_a_batch_takes_and_others_are_refused() {
    let Some(mut gemv) = open("the number of texts on a GPU") else { return };
    let (program, golden) = lower(&Model::random(Style::Llama, TINY, 61));
    let id = prepare(&mut gemv, &program, &golden, 16);
    let ids: Vec<MatrixId> = (0..golden.shapes.len()).map(MatrixId).collect();
    for (wanted, texts) in [(0, 1), (1, 1), (7, 7), (99, 16)] {
        let found = gemv.prepare_texts(&program, &|number| ids.get(number).copied(), wanted).unwrap().1;
        assert_eq!(found, texts, "{wanted} wanted");
    }
    let step = TextStep { text: 16, start: Start::Anew, tokens: &[1], following: Following::Nothing };
    let refusal = gemv.step_together(id, &[step]).unwrap_err().to_string();
    assert_eq!(refusal, "text 16 cannot take part in a step: the token machine holds 16");
}
