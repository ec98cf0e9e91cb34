//! How far back a position sees, as a `config.json` says it.

use super::known::short;
use super::numbers::Numbers;
use crate::architecture::Shape;
use crate::error::ConvertError;
use serde_json::Value;

/// The positions that a position sees, if some are left out. A Mistral's layers all have the window; a Qwen's have it from one layer
/// on, if it is in use at all; a Llama has none.
pub(super) fn window(numbers: &Numbers<'_>, model_type: &str, shape: &Shape) -> Result<Option<usize>, ConvertError> {
    let is_null = numbers.json.get("sliding_window").is_some_and(Value::is_null);
    let size = numbers.size("sliding_window")?.filter(|size| !is_null && (1..shape.context).contains(size));
    let refuse = |key: &str, reason| Err(ConvertError::refused(key, numbers.get(key).map(short).unwrap_or_default(), reason));
    let Some(size) = size else { return Ok(None) };
    if let Some(kinds) = numbers.list("layer_types")? {
        let are_all = |wanted: &str| kinds.iter().all(|kind| kind.as_str() == Some(wanted));
        return match (are_all("full_attention"), are_all("sliding_attention")) {
            (true, _) => Ok(None),
            (_, true) if model_type != "llama" => Ok(Some(size)),
            _ => refuse("layer_types", "all layers have one window, or none has"),
        };
    }
    match model_type {
        "mistral" => {}
        "qwen2" | "qwen3" if numbers.flag("use_sliding_window")? != Some(true) => return Ok(None),
        "qwen2" | "qwen3" => match numbers.size("max_window_layers")?.unwrap_or(28) {
            0 => {}
            first if first >= shape.n_layers => return Ok(None),
            _ => return refuse("max_window_layers", "all layers have one window, or none has"),
        },
        _ => return refuse("sliding_window", "every position attends to all before it in this architecture"),
    }
    Ok(Some(size))
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::super::config::tests::{llama, with};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mistral_sees_its_window_and_a_qwen_only_if_it_is_in_use() {
        let of = |name: &str, changes: &[(&str, Value)]| {
            let named = with(llama(), "model_type", name.into());
            Config::read(&changes.iter().fold(named, |json, (key, value)| with(json, key, value.clone())))
        };
        assert_eq!(of("mistral", &[("sliding_window", json!(32))]).unwrap().window, Some(32));
        assert_eq!(of("mistral", &[("sliding_window", Value::Null)]).unwrap().window, None);
        let qwen = [("sliding_window", json!(32)), ("max_window_layers", json!(0))];
        assert_eq!(of("qwen2", &qwen).unwrap().window, None);
        let used = [&qwen[..], &[("use_sliding_window", json!(true))]].concat();
        assert_eq!(of("qwen2", &used).unwrap().window, Some(32));
        let mixed = of("qwen3", &[&used[..], &[("max_window_layers", json!(1))]].concat()).unwrap_err();
        assert!(matches!(&mixed, ConvertError::Refused { key, .. } if key == "max_window_layers"), "{mixed}");
    }
}
