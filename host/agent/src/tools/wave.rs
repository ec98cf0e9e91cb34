//! `wave_query`: values of a wave. A VCD is read here; an FST by the command in a process of its own, whose limits hold what a damaged file
//! makes its reader do.

use super::{Call, Effect, Tool, arguments};
use crate::context::Facts;
use crate::error::ToolError;
use nda_graph::wave::{Waves, symbols};
use nda_guard::RelPath;
use serde::Deserialize;
use serde_json::{Value, json};

/// Changes that come back at most.
const MOST: usize = 300;

/// A time of a wave at most, in its own unit.
const MOST_TIME: u64 = 1_000_000_000_000_000;

pub const TOOLS: &[Tool] = &[Tool {
    name: "wave_query",
    title: "Read a wave",
    description: "Variables of a VCD or FST file whose scope and name contain 'signal', and how their values change from 'from' to 'to' (in \
                  the file's time unit).",
    effect: Effect::Reads,
    schema: || {
        let input = json!({
            "file": { "type": "string" },
            "signal": { "type": "string" },
            "from": { "type": "integer", "minimum": 0, "maximum": MOST_TIME },
            "to": { "type": "integer", "minimum": 0, "maximum": MOST_TIME },
        });
        let output = json!({
            "unit": { "type": "string", "description": "of times" },
            "variables": { "type": "array", "items": { "type": "string" } },
            "changes": { "type": "array", "items": { "type": "object" } },
            "more": { "type": "boolean" },
        });
        (input, &["file", "signal"], output)
    },
    run: query,
}];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    file: String,
    signal: String,
    from: Option<u64>,
    to: Option<u64>,
}

fn query(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Arguments { file, signal, from, to } = arguments("wave_query", value)?;
    let path = RelPath::new(&file)?;
    let state = context.workspace.read(&path)?.ok_or_else(|| ToolError::Other(format!("'{path}' is not there; 'search' finds files")))?;
    let (from, to) = (from.unwrap_or(0), to.unwrap_or(u64::MAX));
    // By its bytes too: a damaged one under another name would be read in this process.
    if file.ends_with(".fst") || Waves::is_fst(&state.bytes) {
        let (from, to) = (format!("--from={from}"), format!("--to={to}"));
        let words = ["wave", "--read=-", &format!("--signal={signal}"), &from, &to, "--json"];
        let text = context.facts.ask(&words, &state.bytes).map_err(ToolError::Other)?;
        return serde_json::from_str(&text).map_err(|e| ToolError::Other(format!("the command's answer is not JSON: {e}")));
    }
    let wrong = |e| ToolError::Other(format!("'{path}': {e}"));
    read(&mut Waves::open(&state.bytes).map_err(wrong)?, &signal, from, to).map_err(wrong)
}

/// The variables whose path contains a text, and their changes, as the tool and `nda wave --read` answer.
///
/// # Errors
/// A damaged file.
pub fn read(waves: &mut Waves<'_>, signal: &str, from: u64, to: u64) -> Result<Value, nda_graph::wave::WaveError> {
    let paths: Vec<String> = waves.variables().iter().map(|variable| variable.path()).collect();
    let chosen: Vec<usize> = (0..paths.len()).filter(|number| paths[*number].contains(signal)).collect();
    let (changes, more) = if from <= to { waves.changes(&chosen, from..=to, MOST)? } else { Default::default() };
    let told = changes.iter().map(|change| json!({ "time": change.time, "name": paths[change.variable], "value": change.value }));
    Ok(json!({
        "unit": waves.unit(),
        "variables": chosen.iter().map(|number| &paths[*number]).collect::<Vec<_>>(),
        "changes": told.collect::<Vec<_>>(),
        "more": more,
    }))
}

/// What an FST says of itself; none if it is damaged.
pub fn head(facts: &dyn Facts, bytes: &[u8]) -> Option<nda_graph::Facts> {
    // From the last time to the first: no values.
    let text = facts.ask(&["wave", "--read=-", "--from=1", "--to=0", "--json"], bytes).ok()?;
    let answer: Value = serde_json::from_str(&text).ok()?;
    let paths = answer["variables"].as_array()?.iter().filter_map(Value::as_str);
    Some(symbols(paths.map(|path| path.rsplit_once('.').unwrap_or(("", path)))))
}
