//! Hyperparameters: what a model's metadata says of its shape.

use crate::error::EngineError;
use nda_spec::ActivationCode;
use std::collections::BTreeMap;

/// Largest value accepted of any count in the metadata: beyond it a file is a mistake, not a model.
pub const MAX_COUNT: usize = 1 << 24;

/// The shape of a Llama-like decoder and its constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyper {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; a divisor of `n_heads`.
    pub n_kv_heads: usize,
    /// Values of a head; even.
    pub head_dim: usize,
    /// Width of the feed-forward part.
    pub ff: usize,
    /// Tokens that the embedding knows.
    pub vocab_size: usize,
    /// Positions that the model was trained for.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f32,
    /// Epsilon inside the norm's root.
    pub rms_eps: f32,
    /// Precision of the activations in front of every product.
    pub activation: ActivationCode,
    /// Other metadata that are numbers: constants of an architecture, for its program.
    pub others: BTreeMap<String, f64>,
}

impl Hyper {
    /// Reads the metadata through `get`.
    ///
    /// Keys: `architecture` (a name), `d_model`, `n_layers`, `n_heads`, `ff`, `context`, `rope_theta`, `rms_eps`,
    /// `activation` ("A8", "A4" or "A2"); optional `n_kv_heads` (default `n_heads`), `head_dim` (default
    /// `d_model / n_heads`), `vocab_size` (default 256, required unless the vocabulary is "bytes").
    ///
    /// # Errors
    /// The first key that is missing, is no number, is out of range or contradicts another.
    pub fn from_metadata<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Hyper, EngineError> {
        let text = |key: &'static str| get(key).ok_or(EngineError::MissingMetadata { key });
        let bad = |key: &'static str, value: &str, rule: &'static str| EngineError::BadMetadata { key, value: value.into(), rule };
        let count = |key: &'static str| -> Result<usize, EngineError> {
            let value = text(key)?;
            let parsed = value.trim().parse().ok().filter(|n| (1..=MAX_COUNT).contains(n));
            parsed.ok_or_else(|| bad(key, value, "a whole number of 1 to 16777216"))
        };
        let real = |key: &'static str| -> Result<f32, EngineError> {
            let value = text(key)?;
            let parsed = value.trim().parse().ok().filter(|v: &f32| v.is_finite() && *v > 0.0);
            parsed.ok_or_else(|| bad(key, value, "a positive number"))
        };
        // What it is called is the program's affair; that it is called something is the document's.
        text("architecture")?;
        let name = text("activation")?;
        let activation = ActivationCode::ALL.into_iter().find(|code| code.name() == name);
        let activation = activation.ok_or_else(|| bad("activation", name, "A8, A4 or A2"))?;
        let (d_model, n_heads) = (count("d_model")?, count("n_heads")?);
        let n_kv_heads = if get("n_kv_heads").is_some() { count("n_kv_heads")? } else { n_heads };
        let head_dim = if get("head_dim").is_some() { count("head_dim")? } else { d_model / n_heads };
        let vocab_size = match get("vocab_size") {
            None if get("vocab").is_none_or(|v| v == "bytes") => 256,
            _ => count("vocab_size")?,
        };
        let hyper = Hyper {
            d_model,
            n_layers: count("n_layers")?,
            n_heads,
            n_kv_heads,
            head_dim,
            ff: count("ff")?,
            vocab_size,
            context: count("context")?,
            rope_theta: real("rope_theta")?,
            rms_eps: real("rms_eps")?,
            activation,
            others: BTreeMap::new(),
        };
        hyper.check()
    }

    fn check(self) -> Result<Hyper, EngineError> {
        let bad =
            |key: &'static str, value: usize, rule: &'static str| Err(EngineError::BadMetadata { key, value: value.to_string(), rule });
        if self.head_dim == 0 || !self.head_dim.is_multiple_of(2) {
            return bad("head_dim", self.head_dim, "even and not 0 (d_model / n_heads unless given)");
        }
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            return bad("n_kv_heads", self.n_kv_heads, "a divisor of n_heads");
        }
        if self.n_heads.checked_mul(self.head_dim).is_none_or(|dim| dim > MAX_COUNT) {
            return bad("n_heads", self.n_heads, "at most 16777216 / head_dim");
        }
        Ok(self)
    }

    /// Values of a query vector: `n_heads * head_dim`.
    pub const fn q_dim(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Values of a key or value vector: `n_kv_heads * head_dim`.
    pub const fn kv_dim(&self) -> usize {
        self.n_kv_heads * self.head_dim
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 12] = [
        ("architecture", "llama"),
        ("d_model", "128"),
        ("n_layers", "5"),
        ("n_heads", "4"),
        ("n_kv_heads", "2"),
        ("ff", "352"),
        ("rope_theta", "10000.0"),
        ("rms_eps", "1e-5"),
        ("context", "256"),
        ("vocab", "bytes"),
        ("activation", "A8"),
        ("head_dim", "32"),
    ];

    /// The good metadata with one key set to another value, or without it.
    fn read(change: &str, to: Option<&'static str>) -> Result<Hyper, EngineError> {
        Hyper::from_metadata(|key| if key == change { to } else { GOOD.iter().find(|(k, _)| *k == key).map(|(_, v)| *v) })
    }

    #[test]
    fn good_metadata_is_read_and_defaults_are_filled() {
        let hyper = read("", None).unwrap();
        assert_eq!((hyper.q_dim(), hyper.kv_dim(), hyper.vocab_size, hyper.rms_eps), (128, 64, 256, 1e-5));
        let hyper = read("n_kv_heads", None).unwrap();
        assert_eq!(hyper.n_kv_heads, 4);
        assert_eq!(read("head_dim", None).unwrap().head_dim, 32);
    }

    #[test]
    fn every_required_key_is_missed_by_name() {
        for (key, _) in GOOD {
            if !matches!(key, "n_kv_heads" | "head_dim" | "vocab") {
                let error = read(key, None).unwrap_err();
                assert!(matches!(error, EngineError::MissingMetadata { key: k } if k == key), "{key}: {error}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_rule() {
        for (key, _) in GOOD {
            if !matches!(key, "vocab" | "architecture") {
                for value in ["0", "-1", "NaN", "twelve"] {
                    assert!(matches!(read(key, Some(value)), Err(EngineError::BadMetadata { .. })), "{key} = {value}");
                }
            }
        }
        for (key, value) in [("n_kv_heads", "3"), ("head_dim", "31"), ("d_model", "99999999999999999999"), ("head_dim", "16777216")] {
            assert!(matches!(read(key, Some(value)), Err(EngineError::BadMetadata { .. })), "{key} = {value}");
        }
    }
}
