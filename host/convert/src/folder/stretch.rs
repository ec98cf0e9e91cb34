//! How a `config.json` stretches a rotation: `rope_scaling`, and `rope_parameters` of newer files.

use super::known::short;
use crate::error::ConvertError;
use crate::rope::{Rule, Stretch, yarn_magnitude};
use serde_json::Value;

/// The tables that rules stand in, newer ones last.
const TABLES: [&str; 2] = ["rope_scaling", "rope_parameters"];
/// What every rule may say.
const COMMON: [&str; 4] = ["rope_type", "type", "rope_theta", "factor"];

/// A table of rules; its keys are all known or refused.
struct Table<'j> {
    name: String,
    json: &'j Value,
}

/// The stretch of a configuration whose context is `context`.
pub(super) fn stretch(json: &Value, context: usize) -> Result<Stretch, ConvertError> {
    let mut found = Stretch::NONE;
    for name in TABLES {
        let Some(json) = json.get(name).filter(|json| !json.is_null()) else { continue };
        if !json.is_object() {
            return Err(ConvertError::key(name, short(json), "a table of rules"));
        }
        // Models with two kinds of layers have a table for each.
        let nested = json.as_object().into_iter().flatten().filter(|(_, value)| value.is_object());
        let nested: Vec<Table<'_>> = nested.map(|(kind, json)| Table { name: format!("{name}.{kind}"), json }).collect();
        let tables = if nested.is_empty() { vec![Table { name: name.into(), json }] } else { nested };
        for table in tables {
            let stretch = table.stretch(context)?;
            if stretch != Stretch::NONE {
                found = stretch;
            }
        }
    }
    Ok(found)
}

impl Table<'_> {
    fn stretch(&self, context: usize) -> Result<Stretch, ConvertError> {
        let kind = self.json.get("rope_type").or(self.json.get("type")).and_then(Value::as_str);
        let own: &[&str] = match kind {
            Some("default" | "linear") => &[],
            Some("llama3") => &["low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
            Some("yarn") => &["original_max_position_embeddings", "attention_factor", "beta_fast", "beta_slow"],
            None if self.json.get("factor").is_none() => &[],
            None => return self.refused("factor", "no 'rope_type' says by which rule the rotation is stretched"),
            Some(_) => return self.refused("rope_type", "rotations are stretched by the rules linear, llama3 and yarn only"),
        };
        let is_known = |key: &str| COMMON.contains(&key) || own.contains(&key);
        if let Some((key, _)) = self.json.as_object().into_iter().flatten().find(|(key, value)| !value.is_null() && !is_known(key)) {
            return self.refused(key, "it is not known what the key changes");
        }
        let factor = || self.needed("factor");
        Ok(match kind {
            Some("linear") if factor()? != 1.0 => Stretch::of(Rule::Linear { factor: factor()? }),
            Some("llama3") => Stretch::of(Rule::Llama3 {
                factor: factor()?,
                low: self.needed("low_freq_factor")?,
                high: self.needed("high_freq_factor")?,
                original: self.needed("original_max_position_embeddings")?,
            }),
            Some("yarn") => {
                let factor = factor()?;
                let rule = Rule::Yarn {
                    factor,
                    original: self.number("original_max_position_embeddings")?.unwrap_or(context as f64),
                    beta_fast: self.number("beta_fast")?.unwrap_or(32.0),
                    beta_slow: self.number("beta_slow")?.unwrap_or(1.0),
                };
                Stretch { rule, magnitude: self.number("attention_factor")?.unwrap_or(yarn_magnitude(factor)) }
            }
            _ => Stretch::NONE,
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn number(&self, key: &str) -> Result<Option<f64>, ConvertError> {
        let Some(value) = self.json.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
        let number = value.as_f64().filter(|number| (1e-3..=1e9).contains(number));
        number.map(Some).ok_or_else(|| ConvertError::key(self.key(key), value, "a number of 0.001 to 1000000000"))
    }

    fn needed(&self, key: &str) -> Result<f64, ConvertError> {
        self.number(key)?.ok_or_else(|| ConvertError::MissingKey { key: self.key(key) })
    }

    fn refused<T>(&self, key: &str, reason: &'static str) -> Result<T, ConvertError> {
        let value = self.json.get(key).or(self.json.get("type")).map(short).unwrap_or_default();
        Err(ConvertError::refused(&self.key(key), value, reason))
    }
}
