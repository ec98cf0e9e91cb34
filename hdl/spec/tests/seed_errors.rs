//! What an element of the articles' operations can be wrong by, as LANGUAGE.md states it: the bound holds, and it is reached.

use nda_spec::seed::{Answer, Call, Operand, Scaled, quantize, rms_norm, scale_of};

const CODES: [i8; 4] = [-2, -1, 1, 2];

/// The largest error of what `found` says, in scales.
fn largest(found: impl Iterator<Item = f64>) -> f64 {
    found.fold(0.0, |max, error| max.max(error.abs()))
}

fn pairs() -> impl Iterator<Item = (i8, i8)> {
    CODES.into_iter().flat_map(|x| CODES.map(|y| (x, y)))
}

/// The answer's one element in the units that its exponent says.
fn value(answer: &Answer) -> f64 {
    f64::from(answer.codes[0]) * f64::from(scale_of(answer.log2_scale()))
}

#[test]
fn a_sum_is_wrong_by_two_scales_at_equal_scales_and_by_one_elsewhere() {
    let at_gap = |gap: i8| {
        largest(pairs().map(|(x, d)| {
            let answer = Call::Add(Operand { codes: &[x], log2_scale: 0 }, Operand { codes: &[d], log2_scale: -gap }).golden();
            value(&answer) - (f64::from(x) + f64::from(d) * f64::from(scale_of(-gap)))
        }))
    };
    assert_eq!((at_gap(0), at_gap(1)), (2.0, 1.0));
    assert!((2..=100).all(|gap| at_gap(gap) <= 1.0));
    let aligned = pairs().map(|(x, d)| f64::from(Call::AlignedAdd(&[x], &[d]).golden().codes[0] - x - d));
    assert_eq!(largest(aligned), 2.0);
}

#[test]
fn a_silu_is_wrong_by_a_scale_and_a_product_behind_it_by_two() {
    let silu = |v: f64| v / (1.0 + (-v).exp());
    let errors = (-20..=20).flat_map(|exponent| {
        CODES.map(|x| {
            let scale = f64::from(scale_of(exponent));
            (silu(f64::from(x) * scale) - f64::from(nda_spec::seed::silu(x)) * scale) / scale
        })
    });
    let worst = largest(errors);
    assert!(worst <= 1.0 && worst > 0.999, "{worst}");
    let products = pairs().map(|(gate, up)| {
        let [gate, up] = [[gate], [up]];
        let answer = Call::Swiglu(Operand { codes: &gate, log2_scale: 3 }, Operand { codes: &up, log2_scale: -5 }).golden();
        let exact = f64::from(nda_spec::seed::silu(gate[0])) * f64::from(up[0]) * 0.25;
        (value(&answer) - exact) / 0.25
    });
    assert_eq!(largest(products), 2.0);
}

#[test]
fn a_norm_is_wrong_by_three_scales_and_erases_where_the_mean_is_above_its_limit() {
    let mut worst = 0.0_f64;
    for eps_shift in [0, 1, 8, 12, 13, 14, 30, 255] {
        let eps = 2_f64.powi(-(eps_shift.min(14) as i32));
        for n in 1..=40_usize {
            for large in 0..=n {
                for (x_large, x_small, w) in [(2, 1, 2), (2, -1, 2), (-2, 1, -2), (-2, -1, 2), (2, -1, -1), (-2, 1, 1)] {
                    let x: Vec<i8> = (0..n).map(|i| if i < large { x_large } else { x_small }).collect();
                    let weight = Scaled { codes: vec![w; n], log2_scale: 0 };
                    let mean = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n as f64 + eps;
                    let found = rms_norm(&x, &weight, eps_shift).codes;
                    for (found, x) in found.iter().zip(&x) {
                        worst = worst.max((f64::from(*found) - f64::from(*x) / mean.sqrt() * f64::from(w)).abs());
                        let kept = x.abs() == 2 && mean < 4.0002;
                        assert_eq!(*found, if kept { x / 2 * w } else { 1 }, "{large} of {n}, eps 2^-{eps_shift}");
                    }
                }
            }
        }
    }
    assert!(worst <= 3.0 && worst > 2.999, "{worst}");
}

#[test]
fn a_quantized_element_is_wrong_by_a_scale_and_a_zero_is() {
    let x: Vec<f32> = (-2000..=2000).map(|i| i as f32 / 500.0).collect();
    let found = quantize(&x);
    let errors =
        x.iter().zip(&found.codes).map(|(v, code)| (f64::from(*v) - f64::from(*code) * f64::from(found.scale)) / f64::from(found.scale));
    assert_eq!(largest(errors), 1.0);
}
