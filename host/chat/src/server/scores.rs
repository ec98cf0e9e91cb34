//! Scores of tokens in OpenAI's words, of which there are two.

use crate::scores::{Candidate, Scored};
use serde_json::{Map, Value, json};

/// The chat endpoint's.
pub(super) fn scores(scored: &[Scored]) -> Value {
    let entry = |one: &Scored| {
        let mut entry = told(&one.token);
        entry["top_logprobs"] = one.top.iter().map(told).collect();
        entry
    };
    json!({ "content": scored.iter().map(entry).collect::<Vec<_>>(), "refusal": null })
}

fn told(candidate: &Candidate) -> Value {
    json!({ "token": text(candidate), "logprob": candidate.logprob.map(finite), "bytes": candidate.bytes })
}

/// The completion endpoint's: lists of the same length. `offset` is the place of the first token in the text, in characters, and
/// moves behind the last.
pub(super) fn completion_scores(scored: &[Scored], top: usize, offset: &mut usize) -> Value {
    let mut offsets = Vec::new();
    for one in scored {
        offsets.push(*offset);
        *offset += text(&one.token).chars().count();
    }
    let tops: Vec<Value> = scored.iter().map(likeliest).collect();
    json!({
        "tokens": scored.iter().map(|one| text(&one.token)).collect::<Vec<_>>(),
        "token_logprobs": scored.iter().map(|one| one.token.logprob.map(finite)).collect::<Vec<_>>(),
        "top_logprobs": if top > 0 { Value::from(tops) } else { Value::Null },
        "text_offset": offsets,
    })
}

/// The likeliest tokens and the one that stands there, as an object. Of two with one text, bytes that are not characters, the
/// likelier one stays: it comes last.
fn likeliest(one: &Scored) -> Value {
    if one.token.logprob.is_none() {
        return Value::Null;
    }
    let mut object = Map::new();
    for candidate in [&one.token].into_iter().chain(one.top.iter().rev()) {
        object.insert(text(candidate), candidate.logprob.map(finite).into());
    }
    object.into()
}

fn text(candidate: &Candidate) -> String {
    String::from_utf8_lossy(&candidate.bytes).into_owned()
}

/// JSON has no infinity: a token that cannot come is as unlikely as OpenAI says it.
fn finite(logprob: f64) -> f64 {
    logprob.max(-9999.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelier_of_two_tokens_with_one_text_stays() {
        let candidate = |bytes: &[u8], logprob| Candidate { id: 0, bytes: bytes.to_vec(), logprob: Some(logprob) };
        let one = Scored { token: candidate(&[0xff], -3.0), top: vec![candidate(&[0xfe], -0.5), candidate(b"a", f64::NEG_INFINITY)] };
        let mut offset = 4;
        let first = Scored { token: Candidate { id: 1, bytes: b"ab".to_vec(), logprob: None }, top: vec![] };
        let told = completion_scores(&[first, one], 2, &mut offset);
        let expected = json!({
            "tokens": ["ab", "\u{FFFD}"], "token_logprobs": [null, -3.0], "text_offset": [4, 6],
            "top_logprobs": [null, { "\u{FFFD}": -0.5, "a": -9999.0 }],
        });
        assert_eq!((told, offset), (expected, 7));
    }
}
