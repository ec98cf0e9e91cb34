//! Rotations that are stretched for longer texts: what every pair's frequency is divided by, and what scores are multiplied by.
//!
//! The formulas are those of llama.cpp (`ggml_rope_yarn`, `llama_hparams`) and of transformers (`modeling_rope_utils.py`), which agree.

use crate::architecture::Shape;
use nda_engine::Feature;
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// How a rotation is stretched.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// What the frequencies are divided by.
    pub rule: Rule,
    /// What queries and keys are multiplied by; scores by its square.
    pub magnitude: f64,
}

/// What the frequencies of a rotation are divided by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    /// Nothing.
    None,
    /// All by the factor (Chen et al., 2023).
    Linear { factor: f64 },
    /// Slow pairs by the factor, fast ones by nothing, those between by a part of it (Llama 3.1).
    Llama3 { factor: f64, low: f64, high: f64, original: f64 },
    /// As Llama 3's by another measure (Peng et al., 2023).
    Yarn { factor: f64, original: f64, beta_fast: f64, beta_slow: f64 },
}

/// The magnitude that YaRN takes for a factor, unless a model says otherwise.
pub(crate) fn yarn_magnitude(factor: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * factor.ln() + 1.0 }
}

impl Stretch {
    /// A plain rotation.
    pub const NONE: Stretch = Stretch { rule: Rule::None, magnitude: 1.0 };

    /// A rule that leaves scores as they are.
    pub fn of(rule: Rule) -> Stretch {
        Stretch { rule, magnitude: 1.0 }
    }
}

impl Rule {
    /// What the frequency of every pair of a head is divided by; none if nothing is.
    pub fn factors(&self, head_dim: usize, theta: f64) -> Option<Vec<f64>> {
        let pairs = 0..head_dim / 2;
        match *self {
            Rule::None => None,
            Rule::Linear { factor } => Some(pairs.map(|_| factor).collect()),
            Rule::Llama3 { factor, low, high, original } => {
                let turns = |pair: usize| original / (2.0 * PI * theta.powf(2.0 * pair as f64 / head_dim as f64));
                let kept = |pair: usize| ((turns(pair) - low) / (high - low)).clamp(0.0, 1.0);
                Some(pairs.map(|pair| between(factor, kept(pair))).collect())
            }
            Rule::Yarn { factor, original, beta_fast, beta_slow } => {
                // The pair that turns the given number of times over the original context.
                let pair_of = |turns: f64| head_dim as f64 * (original / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
                let first = pair_of(beta_fast).floor().max(0.0);
                let last = pair_of(beta_slow).ceil().min(head_dim as f64 - 1.0);
                let kept = |pair: usize| 1.0 - ((pair as f64 - first) / (last - first).max(0.001)).clamp(0.0, 1.0);
                Some(pairs.map(|pair| between(factor, kept(pair))).collect())
            }
        }
    }
}

/// Adds what a stretched rotation takes: the features, and the number that scores are multiplied by. A source that divides frequencies
/// itself has [`Feature::RopeFactors`] already.
pub(crate) fn stretched(stretch: &Stretch, shape: &Shape, features: &mut Vec<Feature>, metadata: &mut BTreeMap<String, String>) {
    if stretch.rule != Rule::None && !features.contains(&Feature::RopeFactors) {
        features.push(Feature::RopeFactors);
    }
    if stretch.magnitude != 1.0 {
        features.push(Feature::AttentionScale);
        let scale = stretch.magnitude * stretch.magnitude / (shape.head_dim as f64).sqrt();
        metadata.insert("attention_scale".into(), scale.to_string());
    }
}

/// What the frequencies of all pairs are divided by: what the source divides them by, times what the rule says.
pub(crate) fn divisors(stretch: &Stretch, stored: &[f32], metadata: &BTreeMap<String, String>) -> Vec<f32> {
    let theta = metadata.get("rope_theta").and_then(|theta| theta.parse().ok()).unwrap_or(1.0);
    let Some(rule) = stretch.rule.factors(2 * stored.len(), theta) else { return stored.to_vec() };
    stored.iter().zip(rule).map(|(stored, factor)| (f64::from(*stored) * factor) as f32).collect()
}

/// A divisor between the factor and 1, by the part of the frequency that is kept.
fn between(factor: f64, kept: f64) -> f64 {
    1.0 / ((1.0 - kept) / factor + kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama_3s_factors_are_those_of_its_published_files() {
        // rope_freqs.weight as the converter of llama.cpp writes it for a factor of 32 and heads of 16 values.
        let rule = Rule::Llama3 { factor: 32.0, low: 1.0, high: 4.0, original: 8192.0 };
        let found: Vec<f32> = rule.factors(16, 500_000.0).unwrap().into_iter().map(|factor| factor as f32).collect();
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0, 3.292_262, 32.0, 32.0, 32.0]);
    }

    #[test]
    fn yarn_keeps_fast_pairs_and_stretches_slow_ones() {
        let rule = Rule::Yarn { factor: 4.0, original: 32_768.0, beta_fast: 32.0, beta_slow: 1.0 };
        let found = rule.factors(128, 1_000_000.0).unwrap();
        assert_eq!((found[0], found[63]), (1.0, 4.0));
        assert!(found.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!((yarn_magnitude(4.0) - 1.138_629_436).abs() < 1e-9);
        assert_eq!(Rule::Linear { factor: 2.0 }.factors(4, 1e4), Some(vec![2.0, 2.0]));
        assert_eq!(Rule::None.factors(4, 1e4), None);
    }
}
