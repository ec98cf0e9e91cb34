//! What a fit promises, on numbers whose answer is known.

use half::f16;
use nda_fit::{Feedback, FitError, Fitted, Group, Hessian, MAX_WEIGHT, Order, Plan, fit};
use nda_spec::random::Random;

const CODES: [i8; 4] = [-2, -1, 1, 2];

/// Numbers that are the same on every run.
struct Numbers(Random);

impl Numbers {
    fn new(seed: u64) -> Numbers {
        Numbers(Random::new(seed))
    }

    fn uniform(&mut self) -> f32 {
        // 24 bits, in the middle of their step: never 0, whose logarithm is infinite.
        ((self.0.next_u64() >> 40) as f32 + 0.5) / (1u64 << 24) as f32
    }

    fn below(&mut self, count: usize) -> usize {
        (self.uniform() * count as f32) as usize
    }

    fn gaussian(&mut self) -> f32 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f32::consts::TAU * self.uniform()).cos()
    }

    fn gaussians(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.gaussian()).collect()
    }
}

/// Inputs as layers see them: neighbours go together, some channels are far stronger than others.
fn inputs(cols: usize, samples: usize) -> Vec<f32> {
    let mut numbers = Numbers::new(3);
    let mut inputs = Vec::with_capacity(samples * cols);
    for _ in 0..samples {
        let mut last = 0.0;
        for col in 0..cols {
            last = 0.7 * last + numbers.gaussian();
            inputs.push(last * if col % 41 == 5 { 12.0 } else { 1.0 / (1.0 + (col % 7) as f32) });
        }
    }
    inputs
}

fn hessian(cols: usize, samples: usize) -> Hessian {
    let mut hessian = Hessian::new(cols);
    hessian.add(&inputs(cols, samples)).expect("finite inputs");
    hessian
}

fn every_plan() -> Vec<Plan> {
    let mut plans = Vec::new();
    for stacks in 1..=4 {
        for granularity in [Group::Row, Group::Columns(32), Group::Columns(64)] {
            for shared in [true, false] {
                for outlier_share in [0.0, 0.004] {
                    plans.push(Plan { shared, outlier_share, ..Plan::new(stacks, granularity) });
                }
            }
        }
    }
    plans
}

/// Numbers of the right count, codes that exist, scales that f16 holds, outliers in order and inside.
fn assert_well_formed(fitted: &Fitted, plan: &Plan, shape: (usize, usize)) {
    assert_eq!((fitted.rows, fitted.cols), shape);
    assert_eq!(fitted.coefficients.len(), if plan.shared { plan.stacks } else { 0 });
    let scale_stacks = if plan.shared { 1 } else { plan.stacks };
    assert_eq!(fitted.scales.len(), scale_stacks * shape.0 * plan.granularity.groups(shape.1));
    assert!(fitted.scales.iter().all(|s| s.is_finite() && f16::from_f32(*s).to_f32() == *s), "{plan:?}: a scale that f16 cannot hold");
    assert_eq!(fitted.codes.len(), plan.stacks);
    assert!(fitted.codes.iter().all(|codes| codes.len() == shape.0 * shape.1 && codes.iter().all(|c| CODES.contains(c))));
    assert!(fitted.outliers.len() <= (f64::from(plan.outlier_share) * (shape.0 * shape.1) as f64) as usize);
    assert!(fitted.outliers.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1)), "{plan:?}: outliers out of order");
    assert!(fitted.outliers.iter().all(|(row, col, v)| (*row as usize) < shape.0 && (*col as usize) < shape.1 && v.is_finite()));
    let levels = fitted.coefficients.iter().map(|c| 2 * i32::from(*c)).sum::<i32>();
    assert!(levels <= 127, "{plan:?}: levels up to {levels} exceed int8");
}

#[test]
fn a_matrix_on_the_grid_comes_back_exactly() {
    let (rows, cols) = (5, 100);
    for coefficients in [&[1][..], &[4, 7], &[5, 6], &[8, 9, 13], &[2, 13, 16, 30]] {
        for granularity in [Group::Row, Group::Columns(32), Group::Columns(64)] {
            for shared in [true, false] {
                let mut numbers = Numbers::new(11);
                let (group_cols, groups) = (granularity.columns(cols), granularity.groups(cols));
                let scales: Vec<f32> = (0..rows * groups).map(|_| f16::from_f32(0.001 + 0.01 * numbers.uniform()).to_f32()).collect();
                let weights: Vec<f32> = (0..rows * cols)
                    .map(|at| {
                        let (row, col) = (at / cols, at % cols);
                        // The largest level stands in every group, so that the scale can be known at all.
                        let mut code = || if col % group_cols == 0 { 2 } else { CODES[numbers.below(4)] };
                        let level: i32 = coefficients.iter().map(|by| by * i32::from(code())).sum();
                        scales[row * groups + col / group_cols] * level as f32
                    })
                    .collect();
                let plan = Plan { shared, ..Plan::new(coefficients.len(), granularity) };
                let fitted = fit(&weights, rows, cols, &plan, None).expect("a fit");
                assert_well_formed(&fitted, &plan, (rows, cols));
                let error = fitted.relative_error(&weights);
                // Scales of their own are a scale times a coefficient, which f16 may have to round.
                let allowed = if shared { 0.0 } else { 5e-4 };
                assert!(error <= allowed, "{coefficients:?} {granularity:?} shared {shared}: error {error}");
                if shared {
                    assert_eq!(fitted.weights(), weights);
                }
            }
        }
    }
}

#[test]
fn errors_on_gaussian_numbers_are_at_most_those_of_the_reference() {
    let (rows, cols) = (96, 576);
    let weights = Numbers::new(5).gaussians(rows * cols);
    let reference = [(2, Group::Columns(32), 0.098), (2, Group::Row, 0.125), (3, Group::Columns(32), 0.025), (3, Group::Row, 0.039)];
    for (stacks, granularity, allowed) in reference {
        for shared in [true, false] {
            let plan = Plan { shared, ..Plan::new(stacks, granularity) };
            let error = fit(&weights, rows, cols, &plan, None).expect("a fit").relative_error(&weights);
            assert!(error <= allowed, "{stacks} stacks, {granularity:?}, shared {shared}: {error} is more than {allowed}");
            assert!(error >= 0.6 * allowed, "{stacks} stacks, {granularity:?}, shared {shared}: {error} is less than such levels can give");
        }
    }
}

#[test]
fn feedback_never_costs_more_than_rounding_to_nearest() {
    let (rows, cols) = (20, 100);
    let weights = Numbers::new(8).gaussians(rows * cols);
    let hessian = hessian(cols, 4 * cols);
    for plan in every_plan() {
        for order in [Order::Stored, Order::Groups, Order::Columns] {
            let plan = Plan { feedback: Some(Feedback { damping: 0.0, order, polish_passes: 2 }), ..plan };
            let fed = fit(&weights, rows, cols, &plan, Some(&hessian)).expect("a fit");
            let nearest = fit(&weights, rows, cols, &plan.without_feedback(), Some(&hessian)).expect("a fit");
            assert_well_formed(&fed, &plan, (rows, cols));
            let (fed, nearest) = (fed.relative_output_error(&weights, &hessian), nearest.relative_output_error(&weights, &hessian));
            assert!(fed <= nearest, "{plan:?}: {fed} is more than {nearest}");
        }
    }
}

#[test]
fn feedback_and_polish_each_lower_the_error_of_the_outputs_by_far() {
    let (rows, cols) = (64, 256);
    let weights = Numbers::new(9).gaussians(rows * cols);
    let hessian = hessian(cols, 8 * cols);
    let error = |plan: Plan| fit(&weights, rows, cols, &plan, Some(&hessian)).expect("a fit").relative_output_error(&weights, &hessian);
    for granularity in [Group::Row, Group::Columns(32)] {
        let plan = Plan::new(2, granularity);
        let passes = |polish_passes| Plan { feedback: Some(Feedback { polish_passes, ..Feedback::default() }), ..plan };
        let (nearest, fed, polished) = (error(plan.without_feedback()), error(passes(0)), error(passes(3)));
        assert!(fed < 0.75 * nearest, "{granularity:?}: feedback {fed}, nearest {nearest}");
        assert!(polished < 0.99 * fed, "{granularity:?}: polished {polished}, feedback {fed}");
        let kept = error(plan.with_outliers(0.004));
        assert!(kept < polished, "{granularity:?}: outliers {kept}, without {polished}");
    }
}

#[test]
fn the_result_is_the_same_on_one_thread_and_on_three() {
    let (rows, cols) = (70, 200);
    let weights = Numbers::new(10).gaussians(rows * cols);
    let inputs = inputs(cols, 700);
    let plan = Plan::new(2, Group::Columns(32)).with_outliers(0.002);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let mut hessian = Hessian::new(cols);
            hessian.add(&inputs).expect("finite inputs");
            fit(&weights, rows, cols, &plan, Some(&hessian)).expect("a fit")
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn every_plan_fits_one_row_one_column_and_columns_beyond_a_group() {
    for (rows, cols) in [(1, 1), (1, 70), (33, 1), (3, 65)] {
        let hessian = hessian(cols, 50);
        for seed in 0..10 {
            let weights = Numbers::new(seed).gaussians(rows * cols);
            for plan in every_plan() {
                for hessian in [None, Some(&hessian)] {
                    let fitted = fit(&weights, rows, cols, &plan, hessian).expect("a fit");
                    assert_well_formed(&fitted, &plan, (rows, cols));
                    // Fewer inputs than columns leave weights free to move: what is small then is the outputs' error.
                    let error = hessian.map_or_else(|| fitted.relative_error(&weights), |h| fitted.relative_output_error(&weights, h));
                    assert!(error < 1.0, "{rows} x {cols}, seed {seed}, {plan:?}: error {error}");
                }
            }
        }
    }
}

#[test]
fn a_matrix_of_zeros_and_inputs_of_zeros_stay_zeros_and_harmless() {
    let (rows, cols) = (4, 40);
    let (zeros, weights) = (vec![0.0; rows * cols], Numbers::new(13).gaussians(rows * cols));
    let mut silent = Hessian::new(cols);
    silent.add(&vec![0.0; 3 * cols]).expect("finite inputs");
    for plan in every_plan() {
        let fitted = fit(&zeros, rows, cols, &plan, Some(&hessian(cols, 90))).expect("a fit");
        assert_well_formed(&fitted, &plan, (rows, cols));
        assert!(fitted.weights().iter().all(|w| *w == 0.0), "{plan:?}");
        let fitted = fit(&weights, rows, cols, &plan, Some(&silent)).expect("a fit");
        assert!(fitted.relative_error(&weights) < 0.7, "{plan:?}: inputs that say nothing do no harm");
    }
}

#[test]
fn a_single_huge_weight_as_an_outlier_is_held_and_harms_no_other() {
    let (rows, cols) = (8, 128);
    let mut weights = Numbers::new(14).gaussians(rows * cols);
    weights[2 * cols + 77] = MAX_WEIGHT;
    for plan in every_plan() {
        let fitted = fit(&weights, rows, cols, &plan, None).expect("a fit");
        // Codes have no zero: without outliers the best scale lies between what the one asks for and what the others suffer.
        assert!(fitted.relative_error(&weights) < 1.0, "{plan:?}");
        if plan.outlier_share > 0.0 {
            assert!(fitted.outliers.iter().any(|(row, col, _)| (*row, *col) == (2, 77)), "{plan:?}: not among {:?}", fitted.outliers);
            let got = fitted.weights()[2 * cols + 77];
            assert!((got - MAX_WEIGHT).abs() < 0.01, "{plan:?}: {got}");
            let others: f32 = fitted.weights()[2 * cols..3 * cols].iter().zip(&weights[2 * cols..]).map(|(a, b)| (a - b).abs()).sum();
            assert!(others < 0.7 * cols as f32, "{plan:?}: the others lose {others}");
        }
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_with_its_place() {
    let plan = Plan::new(2, Group::Columns(32));
    let mut weights = vec![0.5; 12];
    let refusal = |weights: &[f32], plan: Plan| fit(weights, 3, 4, &plan, None).expect_err("a refusal");
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        weights[6] = value;
        let error = refusal(&weights, plan);
        assert!(matches!(error, FitError::NotFinite { what: "weights", row: 1, col: 2, .. }), "{error}");
    }
    weights[6] = -7e4;
    assert_eq!(refusal(&weights, plan), FitError::TooLarge { row: 1, col: 2, value: -7e4 });
    weights[6] = 0.0;
    assert_eq!(refusal(&weights[..11], plan), FitError::Shape { rows: 3, cols: 4, found: 11 });
    assert_eq!(fit(&[], 0, 4, &plan, None), Err(FitError::Shape { rows: 0, cols: 4, found: 0 }));
    assert_eq!(refusal(&weights, Plan { stacks: 5, ..plan }), FitError::Stacks { found: 5 });
    assert_eq!(refusal(&weights, Plan { stacks: 0, ..plan }), FitError::Stacks { found: 0 });
    assert_eq!(refusal(&weights, Plan { granularity: Group::Columns(0), ..plan }), FitError::Group { found: 0 });
    assert_eq!(refusal(&weights, plan.with_outliers(0.5)), FitError::OutlierShare { found: 0.5 });
    assert!(matches!(refusal(&weights, plan.with_outliers(f32::NAN)), FitError::OutlierShare { .. }));
    let damped = Plan { feedback: Some(Feedback { damping: 2.0, ..Feedback::default() }), ..plan };
    assert_eq!(refusal(&weights, damped), FitError::Damping { found: 2.0 });
    assert_eq!(fit(&weights, 3, 4, &plan, Some(&Hessian::new(5))), Err(FitError::Inputs { cols: 4, found: 5 }));
}

#[test]
fn inputs_that_are_not_finite_or_not_whole_are_refused_and_change_nothing() {
    let mut hessian = Hessian::new(3);
    assert_eq!(hessian.add(&[1.0, 2.0, 3.0, 4.0]), Err(FitError::Shape { rows: 1, cols: 3, found: 4 }));
    assert!(matches!(hessian.add(&[1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0]), Err(FitError::NotFinite { what: "inputs", row: 1, col: 1, .. })));
    assert_eq!((hessian.samples(), hessian.get(0, 0)), (0, 0.0));
    hessian.add(&[1.0, 2.0, 3.0]).expect("one sample");
    assert_eq!((hessian.samples(), hessian.get(2, 1), hessian.get(1, 2)), (1, 6.0, 6.0));
}

#[test]
fn bits_per_weight_count_codes_scales_and_outliers() {
    let weights = Numbers::new(15).gaussians(20 * 64);
    let bits = |plan: Plan| fit(&weights, 20, 64, &plan, None).expect("a fit").bits_per_weight();
    assert_eq!(bits(Plan::new(2, Group::Columns(32))), 4.5);
    assert_eq!(bits(Plan { shared: false, ..Plan::new(2, Group::Columns(32)) }), 5.0);
    assert_eq!(bits(Plan::new(3, Group::Row)), 6.25);
    // One of 1,280 weights: 96 bits.
    assert_eq!(bits(Plan::new(2, Group::Columns(32)).with_outliers(0.001)), 4.5 + 96.0 / 1280.0);
}
