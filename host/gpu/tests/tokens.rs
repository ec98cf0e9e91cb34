//! Whole tokens on the adapter of this machine equal the golden token machine's, to the bit, with nothing read back but the token.

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
use model::{Model, SMALL, Size, Style};
use nda_gemv::{Gemv, MatrixId, Start, Tokens, TokensId};
use nda_gpu::{GpuGemv, Kernel};
use nda_spec::token::{Choice, Golden, Machine, Program, Request, generate};
use nda_spec::{TileMatrix, tile};
use std::ops::ControlFlow;

/// The program on the device.
fn prepare(gemv: &mut GpuGemv, program: &Program, golden: &Golden) -> TokensId {
    let mut ids: Vec<MatrixId> = Vec::new();
    for (m, values) in golden.shapes.iter().zip(&golden.weights) {
        let words = tile::pack(m.rows, m.cols, m.code, values).unwrap();
        ids.push(gemv.prepare(&[TileMatrix::new(m.rows, m.cols, m.code, &words).unwrap()]).unwrap());
    }
    gemv.prepare_tokens(program, &|number| ids.get(number).copied()).unwrap()
}

fn request(prompt: &[u32], most_tokens: usize, choice: Choice) -> Request {
    Request { prompt: prompt.to_vec(), most_tokens, stops: Vec::new(), choice }
}

/// Head widths that are not a multiple of 32, grouped heads, more tokens than a workgroup has invocations.
const WIDER: Size = Size { layers: 1, width: 96, heads: 6, kv_heads: 2, head_dim: 40, ff: 136, tokens: 131, ring: 40 };

#[test]
fn tokens_and_logits_equal_golden_in_every_architecture_past_the_ring() {
    for (kernel, style, size, seed) in [
        (Kernel::Popcount, Style::Llama, SMALL, 1),
        (Kernel::Dot4, Style::Gemma, SMALL, 2),
        (Kernel::Dot4, Style::BitNet, SMALL, 3),
        (Kernel::Popcount, Style::Gemma, WIDER, 4),
    ] {
        let Some(gemv) = open("whole tokens on a GPU") else { return };
        let mut gemv = gemv.with_kernel(kernel);
        let (program, mut golden) = lower(&Model::random(style, size, seed));
        let id = prepare(&mut gemv, &program, &golden);
        let mut machine = Machine::new(program).unwrap();
        let mut row = Vec::new();
        for position in 0..size.ring + 5 {
            let token = (position * 37 % size.tokens) as u32;
            let start = if position == 0 { Start::Anew } else { Start::Continues };
            gemv.step(id, start, token, &mut row).unwrap();
            let Ok(wanted) = machine.logits(&mut golden, token);
            assert_eq!(row, wanted, "{kernel:?} {style:?}: logits at position {position}");
        }
        for choice in [Choice::GREEDY, Choice::at(0.8, 1 << 40 | 7).unwrap()] {
            machine.clear();
            let request = request(&[3, 1, 4, 1, 5], 40, choice);
            let Ok(wanted) = generate(&mut machine, &mut golden, &request, |_| ControlFlow::Continue(()));
            let (found, _) = gemv.generate(id, Start::Anew, &request, &mut |_, _| ControlFlow::Continue(())).unwrap();
            assert_eq!(found, wanted, "{kernel:?} {style:?} {choice:?}");
        }
    }
}

#[test]
fn prompts_of_any_length_are_as_token_by_token() {
    for (kernel, style, size) in [(Kernel::Dot4, Style::Gemma, SMALL), (Kernel::Popcount, Style::Llama, WIDER)] {
        let Some(gemv) = open("prompts of whole tokens on a GPU") else { return };
        let mut gemv = gemv.with_kernel(kernel);
        let (program, mut golden) = lower(&Model::random(style, size, 6));
        let id = prepare(&mut gemv, &program, &golden);
        let mut machine = Machine::new(program).unwrap();
        // A batch and what is left of one, the end of the ring and beyond it, one submission and several.
        for length in [1, 2, 16, 17, 18, 32, 33, 34, size.ring - 1, size.ring, size.ring + 1, 2 * size.ring + 3] {
            let prompt: Vec<u32> = (0..length).map(|at| (at * at * 7 % size.tokens) as u32).collect();
            machine.clear();
            // A text that goes on has a second prompt behind the first one's tokens.
            for start in [Start::Anew, Start::Continues] {
                let request = request(&prompt, 3, Choice::GREEDY);
                let Ok(wanted) = generate(&mut machine, &mut golden, &request, |_| ControlFlow::Continue(()));
                let (found, _) = gemv.generate(id, start, &request, &mut |_, _| ControlFlow::Continue(())).unwrap();
                assert_eq!(found, wanted, "{kernel:?} {style:?}, a prompt of {length}, {start:?}");
            }
        }
    }
}

#[test]
fn a_token_is_one_submission_and_four_bytes_back_and_a_text_goes_on_where_it_was() {
    let Some(mut gemv) = open("the traffic of tokens on a GPU") else { return };
    let (program, mut golden) = lower(&Model::random(Style::Llama, SMALL, 9));
    let id = prepare(&mut gemv, &program, &golden);
    let mut machine = Machine::new(program).unwrap();
    let drawn = Choice::at(1.0, 5).unwrap();
    let Ok(all) = generate(&mut machine, &mut golden, &request(&[7; 40], 30, drawn), |_| ControlFlow::Continue(()));

    let before = gemv.traffic();
    let (first, cost) = gemv.generate(id, Start::Anew, &request(&[7; 40], 10, drawn), &mut |_, _| ControlFlow::Continue(())).unwrap();
    let after = gemv.traffic();
    // The prompt takes two submissions; the first of ten tokens comes with the second.
    assert_eq!((after.0 - before.0, after.1 - before.1), (11, 40));
    assert_eq!(first.tokens, all.tokens[..10]);
    let weights: usize = golden.shapes.iter().map(|m| m.rows * m.cols).sum();
    let head = golden.shapes.last().map_or(0, |m| m.rows * m.cols);
    assert_eq!(cost.device.weights as usize, 49 * (weights - head) + 10 * head);

    let stop = all.tokens[20];
    let wanted = all.tokens[10..].iter().position(|token| *token == stop).unwrap();
    let rest = Request { stops: vec![stop], ..request(&first.tokens[9..], 20, drawn) };
    let mut told = Vec::new();
    let (rest, _) = gemv
        .generate(id, Start::Continues, &rest, &mut |token, _| {
            told.push(token);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(rest.tokens, all.tokens[10..10 + wanted]);
    assert_eq!(told, rest.tokens);
}
