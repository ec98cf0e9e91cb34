//! How likely tokens were.

use nda_engine::Tokenizer;

/// A token, how likely it was, and the likeliest in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The token that stands there.
    pub token: Candidate,
    /// The likeliest, most likely first, as many as were asked for; none of a text's first token.
    pub top: Vec<Candidate>,
}

/// A token that could have come.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub id: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability, before temperature, biases and rules; none of a text's first token, which
    /// nothing predicts.
    pub logprob: Option<f64>,
}

impl Candidate {
    fn new(id: u32, logprob: Option<f64>, tokenizer: &Tokenizer) -> Candidate {
        Candidate { id, bytes: tokenizer.decode(&[id]), logprob }
    }
}

impl Scored {
    /// A token that nothing predicted.
    pub(crate) fn first(id: u32, tokenizer: &Tokenizer) -> Scored {
        Scored { token: Candidate::new(id, None, tokenizer), top: Vec::new() }
    }

    /// A token that these logits predicted, with the `count` likeliest.
    pub(crate) fn new(id: u32, logits: &[f32], count: usize, tokenizer: &Tokenizer) -> Scored {
        let logarithm = logarithm_of_sum(logits);
        let logprob = |id: u32| logits.get(id as usize).map(|logit| f64::from(*logit) - logarithm);
        let top = likeliest(logits, count).into_iter().map(|id| Candidate::new(id, logprob(id), tokenizer)).collect();
        Scored { token: Candidate::new(id, logprob(id), tokenizer), top }
    }
}

/// The logarithm of the sum of all exponentials: what makes logits logarithms of probabilities.
fn logarithm_of_sum(logits: &[f32]) -> f64 {
    let max = logits.iter().copied().filter(|logit| !logit.is_nan()).fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().filter(|logit| !logit.is_nan()).map(|logit| (f64::from(*logit) - f64::from(max)).exp()).sum();
    f64::from(max) + sum.ln()
}

/// The tokens of the largest logits, ties to the lowest number.
fn likeliest(logits: &[f32], count: usize) -> Vec<u32> {
    let before = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let mut ids: Vec<u32> = (0..logits.len() as u32).filter(|id| !logits[*id as usize].is_nan()).collect();
    if count < ids.len() && count > 0 {
        ids.select_nth_unstable_by(count - 1, before);
    }
    ids.truncate(count);
    ids.sort_unstable_by(before);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_and_the_likeliest_come_first() {
        let logits = [1.0_f32, 3.0, f32::NAN, 3.0, -2.0];
        let all = Scored::new(0, &logits, 9, &Tokenizer::Bytes);
        assert_eq!(all.top.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 3, 0, 4]);
        let total: f64 = all.top.iter().map(|c| c.logprob.unwrap().exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert_eq!(all.token.logprob, all.top[2].logprob);
        for count in 0..4 {
            assert_eq!(Scored::new(0, &logits, count, &Tokenizer::Bytes).top, all.top[..count]);
        }
        assert_eq!(Scored::first(65, &Tokenizer::Bytes).token, Candidate { id: 65, bytes: b"A".into(), logprob: None });
    }
}
