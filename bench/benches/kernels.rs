//! The kernels one by one, on a matrix that lies in L2; `nda bench` compares them with what the machine reads.

use divan::{Bencher, black_box, counter::ItemsCount};
use nda_gemv::{Activations, Gemv};
use nda_kernels::{CpuGemv, Variant};
use nda_spec::tile::pack;
use nda_spec::{ActivationCode, TileMatrix, WeightCode, golden};

/// Rows and columns.
const SHAPE: (usize, usize) = (1024, 1024);

fn main() {
    divan::main();
}

/// One product of random codes, checked once and then timed.
fn product(bencher: Bencher<'_, '_>, variant: Variant, code: WeightCode, x_code: ActivationCode) {
    let (rows, cols) = SHAPE;
    let Ok(mut cpu) = CpuGemv::with_variant(variant) else {
        return println!("SKIP {variant}: this machine does not have it");
    };
    let all: Vec<i8> = (i8::MIN..=i8::MAX).filter(|&v| x_code.contains(v)).collect();
    let weights: Vec<i8> = (0..rows * cols).map(|i| code.values()[(i * 7 + i / 5 + i / 64 * 3) % code.values().len()]).collect();
    let x: Vec<i8> = (0..cols).map(|i| all[(i * 37 + i / 3) % all.len()]).collect();
    let words = pack(rows, cols, code, &weights).expect("values of the code");
    let matrix = TileMatrix::new(rows, cols, code, &words).expect("the packed shape");
    let id = cpu.prepare(&[matrix]).expect("a small matrix");
    let mut y = vec![0; rows];
    cpu.run(id, Activations { code: x_code, values: &x }, &mut y).expect("a right run");
    assert_eq!(y, golden::gemv(rows, cols, &weights, &x), "{variant} {code:?} {x_code:?}");
    bencher.counter(ItemsCount::new(rows * cols)).bench_local(|| {
        let run = cpu.run(id, Activations { code: x_code, values: black_box(&x) }, &mut y);
        (run.is_ok(), black_box(&mut y)[0])
    });
}

#[divan::bench(args = Variant::ALL)]
fn quaternary_a2(bencher: Bencher<'_, '_>, variant: Variant) {
    product(bencher, variant, WeightCode::Quaternary, ActivationCode::A2);
}

#[divan::bench(args = Variant::ALL)]
fn ternary_a2(bencher: Bencher<'_, '_>, variant: Variant) {
    product(bencher, variant, WeightCode::Ternary, ActivationCode::A2);
}

#[divan::bench(args = Variant::ALL)]
fn quaternary_a8(bencher: Bencher<'_, '_>, variant: Variant) {
    product(bencher, variant, WeightCode::Quaternary, ActivationCode::A8);
}

#[divan::bench(args = Variant::ALL)]
fn ternary_a8(bencher: Bencher<'_, '_>, variant: Variant) {
    product(bencher, variant, WeightCode::Ternary, ActivationCode::A8);
}
