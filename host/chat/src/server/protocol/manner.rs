//! How an answer is to be given: sampling, penalties, biases, stops, limits.

use super::super::problem::Problem;
use super::fields::{Fields, whole, wrong};
use crate::chooser::{Repetition, Steering};
use crate::speaker::{Manner, Telling};
use nda_engine::Sampling;
use serde_json::Value;

/// Stops of one request, at most, and bytes of each.
const MAX_STOPS: usize = 16;
const MAX_STOP_BYTES: usize = 256;
/// Tokens with a bias, or that stop, of one request.
const MAX_TOKENS_NAMED: usize = 4096;
/// A bias that decides alone.
const MAX_BIAS: f32 = 1000.0;
/// Likeliest tokens that are told in a token's place.
pub(super) const MAX_TOP: usize = 20;

/// The manner of a request; `most` tokens unless it says otherwise.
pub(super) fn manner(fields: &mut Fields, default: Sampling, most: Option<usize>) -> Result<Manner, Problem> {
    let sampling = sampling(fields, default)?;
    let max_tokens = max_tokens(fields, most)?;
    let (stops, steering) = (stops(fields)?, steering(fields)?);
    Ok(Manner { max_tokens, stops, steering, telling: Telling::Nothing, ..Manner::new(sampling) })
}

fn sampling(fields: &mut Fields, default: Sampling) -> Result<Sampling, Problem> {
    let temperature = fields.number("temperature", 0.0, 1e6)?.unwrap_or(default.temperature);
    let top_p = match fields.number("top_p", 0.0, 1.0)? {
        // What others write for no limit.
        Some(0.0) => None,
        Some(top_p) => Some(top_p),
        None => default.top_p,
    };
    let top_k = match fields.whole("top_k")? {
        Some(0 | -1) => None,
        Some(top_k) => {
            Some(usize::try_from(top_k).map_err(|_| wrong("top_k", "a whole number from 1, or 0 or -1 for no limit", &top_k.into()))?)
        }
        None => default.top_k,
    };
    Ok(Sampling { temperature, top_k, top_p, seed: seed(fields)?.unwrap_or(default.seed) })
}

/// Any 64 bits are a seed, signed or not.
fn seed(fields: &mut Fields) -> Result<Option<u64>, Problem> {
    let Some(value) = fields.take("seed") else { return Ok(None) };
    let seed = value.as_u64().or_else(|| whole(&value).map(i64::cast_unsigned));
    seed.map(Some).ok_or_else(|| wrong("seed", "a whole number of 64 bits", &value))
}

fn max_tokens(fields: &mut Fields, default: Option<usize>) -> Result<Option<usize>, Problem> {
    let names = ["max_completion_tokens", "max_tokens", "n_predict"];
    let [new, old, older] = names.map(|name| fields.whole(name).map(|count| Some((name, count?))));
    let asked = one_of([new?, old?, older?])?;
    Ok(match asked {
        // What others write for no limit.
        Some((_, -1)) => None,
        Some((name, count)) => Some(usize::try_from(count).map_err(|_| wrong(name, "0 or more, or -1 for no limit", &count.into()))?),
        None => default,
    })
}

/// The value of a field that has several names, of which one is said, or several alike.
fn one_of<T: PartialEq + Copy, const N: usize>(said: [Option<(&'static str, T)>; N]) -> Result<Option<(&'static str, T)>, Problem> {
    let mut said = said.into_iter().flatten();
    let first = said.next();
    match first.and_then(|(name, value)| Some((name, said.find(|(_, other)| *other != value)?.0))) {
        Some((name, other)) => {
            Err(Problem::field(other, format_args!("'{other}' and '{name}' say the same thing differently; leave one out")))
        }
        None => Ok(first),
    }
}

fn stops(fields: &mut Fields) -> Result<Vec<String>, Problem> {
    let stops = match fields.take("stop") {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop],
        Some(Value::Array(items)) => {
            let text = |(at, item): (usize, Value)| match item {
                Value::String(stop) => Ok(stop),
                other => Err(wrong(&format!("stop[{at}]"), "a text", &other)),
            };
            items.into_iter().enumerate().map(text).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(wrong("stop", "a text or a list of texts", &other)),
    };
    if stops.len() > MAX_STOPS {
        return Err(Problem::field("stop", format_args!("{} stops are more than {MAX_STOPS}", stops.len())));
    }
    if stops.iter().any(|stop| stop.is_empty() || stop.len() > MAX_STOP_BYTES) {
        return Err(Problem::field("stop", format_args!("a stop has 1 to {MAX_STOP_BYTES} bytes")));
    }
    Ok(stops)
}

fn steering(fields: &mut Fields) -> Result<Steering, Problem> {
    let [new, old] =
        ["repetition_penalty", "repeat_penalty"].map(|name| fields.number(name, 0.01, 100.0).map(|found| Some((name, found?))));
    let repetition = one_of([new?, old?])?.map(|(_, factor)| factor);
    let reach = match fields.whole("repeat_last_n")? {
        None | Some(-1) => None,
        Some(reach) => Some(usize::try_from(reach).map_err(|_| wrong("repeat_last_n", "0 or more, or -1 for all", &reach.into()))?),
    };
    let repetition = repetition.filter(|factor| *factor != 1.0).map(|factor| Repetition { factor, reach });
    let min_tokens = fields.count("min_tokens", usize::MAX >> 1)?.unwrap_or(0);
    let min_tokens = if fields.flag("ignore_eos")? == Some(true) { usize::MAX } else { min_tokens };
    Ok(Steering {
        bias: bias(fields)?,
        min_p: fields.number("min_p", 0.0, 1.0)?.filter(|min_p| *min_p > 0.0),
        presence: fields.number("presence_penalty", -100.0, 100.0)?.unwrap_or(0.0),
        frequency: fields.number("frequency_penalty", -100.0, 100.0)?.unwrap_or(0.0),
        repetition,
        stop_tokens: stop_tokens(fields)?,
        min_tokens,
    })
}

fn stop_tokens(fields: &mut Fields) -> Result<Vec<u32>, Problem> {
    let items = fields.list("stop_token_ids")?.unwrap_or_default();
    if items.len() > MAX_TOKENS_NAMED {
        return Err(Problem::field("stop_token_ids", format_args!("{} tokens are more than {MAX_TOKENS_NAMED}", items.len())));
    }
    let token = |(at, item): (usize, &Value)| {
        let token = whole(item).and_then(|token| u32::try_from(token).ok());
        token.ok_or_else(|| wrong(&format!("stop_token_ids[{at}]"), "the number of a token", item))
    };
    items.iter().enumerate().map(token).collect()
}

/// Tokens and what is added to their scores; -100 and less forbid one.
fn bias(fields: &mut Fields) -> Result<Vec<(u32, f32)>, Problem> {
    let Some(object) = fields.object("logit_bias")? else { return Ok(Vec::new()) };
    let entries = object.rest();
    if entries.len() > MAX_TOKENS_NAMED {
        return Err(Problem::field("logit_bias", format_args!("{} tokens are more than {MAX_TOKENS_NAMED}", entries.len())));
    }
    let entry = |(key, value): (&String, &Value)| {
        let path = format!("logit_bias.{key}");
        let token = key.parse::<u32>().map_err(|_| Problem::field(&path, format_args!("'{key}' is not the number of a token")))?;
        let bias = value.as_f64().map(|bias| bias as f32).filter(|bias| bias.abs() <= MAX_BIAS);
        let bias = bias.ok_or_else(|| wrong(&path, &format!("a number from -{MAX_BIAS} to {MAX_BIAS}"), value))?;
        Ok((token, if bias <= -100.0 { f32::NEG_INFINITY } else { bias }))
    };
    entries.iter().map(entry).collect()
}
