//! The articles' element operations against their golden models, on every variant that this machine has.

use nda_kernels::Variant;
use nda_kernels::seed::{Elements, Planes, PlanesMut};
use nda_spec::random::Random;
use nda_spec::seed::{self, Comparison, Scaled};

const CODES: [i8; 4] = [-2, -1, 1, 2];
/// Lengths around words and around the registers of every variant.
const COUNTS: [usize; 14] = [0, 1, 7, 8, 63, 64, 65, 127, 255, 256, 257, 511, 1024, 4097];

/// Variants of this machine; those it lacks are named.
fn variants() -> Vec<Elements> {
    let try_one = |variant| Elements::with_variant(variant).inspect_err(|reason| nda_tests::not_here(variant, reason)).ok();
    Variant::ALL.into_iter().filter_map(try_one).collect()
}

fn codes(count: usize, random: &mut Random) -> Vec<i8> {
    (0..count).map(|_| random.one_of(&CODES)).collect()
}

/// A vector's planes, kept.
struct Kept(Vec<u64>, Vec<u64>);

impl Kept {
    fn of(codes: &[i8]) -> Kept {
        let (sign, extra) = seed::planes(codes);
        Kept(sign, extra)
    }

    fn view(&self) -> Planes<'_> {
        Planes { sign: &self.0, extra: &self.1 }
    }
}

/// Runs an operation into planes full of ones, and compares with the planes of the expected codes, padding included.
fn check(expected: &[i8], what: &str, run: impl Fn(PlanesMut)) {
    let words = expected.len().div_ceil(64);
    let (mut sign, mut extra) = (vec![u64::MAX; words], vec![u64::MAX; words]);
    run(PlanesMut { sign: &mut sign, extra: &mut extra });
    assert_eq!((sign, extra), seed::planes(expected), "{what}, {} elements", expected.len());
}

fn scaled(codes: &[i8], log2_scale: i8) -> Scaled {
    Scaled { codes: codes.to_vec(), log2_scale }
}

#[test]
fn every_operation_equals_golden_at_every_tail() {
    for elements in variants() {
        let name = elements.variant();
        let mut random = Random::new(3);
        for count in COUNTS {
            let (a, b) = (codes(count, &mut random), codes(count, &mut random));
            let (x, d) = (Kept::of(&a), Kept::of(&b));
            for gap in [0, 1, 2, 3, 40, 255] {
                let golden = seed::add(&scaled(&a, 127), &scaled(&b, (127 - gap) as i8)).codes;
                check(&golden, &format!("{name} add, gap {gap}"), |out| elements.add_unaligned(x.view(), d.view(), gap as u32, out));
            }
            check(&seed::add(&scaled(&a, 0), &scaled(&b, 0)).codes, &format!("{name} add"), |out| elements.add(x.view(), d.view(), out));
            let golden = seed::swiglu(&scaled(&a, 0), &scaled(&b, 0)).codes;
            check(&golden, &format!("{name} swiglu"), |out| elements.swiglu(x.view(), d.view(), count, out));
            for by in Comparison::ALL {
                let golden = seed::compare(by, &a, &b);
                check(&golden, &format!("{name} {by:?}"), |out| elements.compare(by, x.view(), d.view(), count, out));
            }
            let golden: Vec<i8> = a.iter().map(|&v| seed::silu(v)).collect();
            check(&golden, &format!("{name} silu"), |out| {
                out.sign.copy_from_slice(&x.0);
                out.extra.copy_from_slice(&x.1);
                elements.silu(out.sign, out.extra, count);
            });
            assert_eq!(elements.truthy(x.view(), count), seed::truthy(&a), "{name} truthy, {count} elements");
            for eps_shift in [0, 10, 13, 14, 99] {
                let golden = seed::rms_norm(&a, &scaled(&b, 0), eps_shift).codes;
                check(&golden, &format!("{name} rms_norm"), |out| elements.rms_norm(x.view(), d.view(), count, eps_shift, out));
            }
        }
    }
}

#[test]
fn norm_and_truthy_at_vectors_of_one_code_and_beside_it() {
    for elements in variants() {
        for code in CODES {
            for other in CODES {
                let x = [vec![code; 700], vec![other]].concat();
                let kept = Kept::of(&x);
                assert_eq!(elements.truthy(kept.view(), 701), seed::truthy(&x));
                let golden = seed::rms_norm(&x, &scaled(&x, 0), 10).codes;
                check(&golden, "rms_norm of one code", |out| elements.rms_norm(kept.view(), kept.view(), 701, 10, out));
            }
        }
        let balanced: Vec<i8> = (0..640).map(|i| CODES[3 * (i % 2)]).collect();
        assert!(!elements.truthy(Kept::of(&balanced).view(), 640), "a sum of zero is not above zero");
    }
}

#[test]
fn quantize_equals_golden_at_zeros_ties_nan_and_infinity() {
    let mut random = Random::new(7);
    let mut next = || f32::from_bits(random.next_u64() as u32);
    let mut vectors: Vec<Vec<f32>> = COUNTS.map(|count| (0..count).map(|_| next()).collect()).into();
    vectors.extend(COUNTS.map(|count| (0..count).map(|i| (i as f32 - 30.0) * 0.05).collect()));
    vectors.push(vec![2.0, -2.0, 1.5, 1.5_f32.next_down(), -1.5, 0.0, -0.0, f32::NAN, -f32::NAN]);
    vectors.push([vec![f32::NAN; 65], vec![3.0], vec![f32::NAN; 9]].concat());
    vectors.push([vec![8.0, f32::from_bits(0x7f80_0001)], vec![2.0; 9], vec![f32::from_bits(0xffbf_ffff)]].concat());
    vectors.push(vec![f32::INFINITY, 1.0, f32::NEG_INFINITY]);
    vectors.push(vec![1e-9; 70]);
    for elements in variants() {
        for vector in &vectors {
            let golden = seed::quantize(vector);
            check(&golden.codes, "quantize", |out| {
                assert_eq!(elements.quantize(vector, out).to_bits(), golden.scale.to_bits());
            });
        }
    }
}
