//! `nda demo`: one text on the CPU and on the simulated board, token for token.

use crate::backend::{self, BackendName};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Progress;
use crate::report::{device_share, few, work_json};
use crate::speak::{Offload, Speech, Task, speak};
use crate::{files, output, token};
use nda_engine::{CacheForm, Sampling, Typed, Weights};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Says one text on several back ends and compares them token for token.
///
/// Streams the first back end's text, then prints a table. Fails if any token differs from the first's.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model, an .ndf document.
    model: PathBuf,
    /// The text to continue.
    #[arg(long, default_value = "She was not ")]
    prompt: String,
    /// Tokens after the prompt.
    #[arg(long, default_value_t = 32)]
    max_tokens: usize,
    /// Who speaks; the first is what the others are compared with.
    #[arg(long, value_delimiter = ',', default_value = "cpu,sim")]
    backends: Vec<String>,
    /// 0 takes the likeliest token.
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Seed of the generator.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What the back ends do; without this, whole tokens where the model and all of them can, and products alone elsewhere.
    #[arg(long, value_enum)]
    offload: Option<Offload>,
    /// Print a JSON object instead of text and table.
    #[arg(long)]
    json: bool,
}

/// One back end's part of the demonstration.
struct Row {
    name: BackendName,
    described: String,
    speech: Speech,
    /// Why its board multiplied nothing, if it has one and that did not: then equal tokens say nothing of it.
    idle: Option<String>,
    equal: usize,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let names = arguments.backends.iter().map(|b| backend::parse(b)).collect::<Outcome<Vec<_>>>()?;
    if arguments.prompt.is_empty() {
        return Err(Failure::usage("the prompt is empty", "--prompt", "give at least one character").into());
    }
    if !arguments.temperature.is_finite() || arguments.temperature < 0.0 {
        return Err(Failure::usage(
            format_args!("the temperature must be 0 or more, got {}", arguments.temperature),
            "--temperature",
            "use 0 to take the likeliest token every time",
        )
        .into());
    }
    let mapped = files::open_document(&arguments.model)?;
    let weights = files::weights(&arguments.model, &mapped.document())?;
    // Before the first word: a demonstration that cannot end should not begin.
    if names.iter().any(|name| matches!(name, BackendName::Sim(..))) {
        nda_backends::simulator_available()?;
    }
    let offload = arguments.offload.unwrap_or_else(|| match token::obstacle(&weights, &names) {
        None => Offload::Token,
        Some(reason) => {
            output::note(format_args!("products alone, no whole tokens: {reason}"));
            Offload::Gemv
        }
    });
    let mut rows: Vec<Row> = Vec::new();
    for name in names {
        let row = say(arguments, offload, &weights, name, rows.first())?;
        rows.push(row);
    }
    report(arguments, &rows)?;
    let Some(row) = rows.iter().find(|row| !row.is_equal(&rows[0].speech.tokens)) else {
        return Ok(());
    };
    let error = format!("{} differs from {} at token {}", row.name, rows[0].name, row.equal);
    Err(Failure::new(
        Exit::Failed,
        error,
        arguments.model.display(),
        format_args!("compare the products with 'nda verify --backend {}'", row.name),
    )
    .into())
}

impl Row {
    fn new(name: BackendName, described: String, speech: Speech, idle: Option<String>, reference: Option<&[u32]>) -> Row {
        let equal = equal_tokens(reference.unwrap_or(&speech.tokens), &speech.tokens);
        Row { name, described, speech, idle, equal }
    }

    fn is_equal(&self, reference: &[u32]) -> bool {
        self.equal == reference.len() && self.speech.tokens.len() == reference.len()
    }
}

/// Tokens before the first that differs.
fn equal_tokens(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn say(arguments: &Arguments, offload: Offload, weights: &Weights<'_>, name: BackendName, first: Option<&Row>) -> Outcome<Row> {
    let streams = first.is_none() && !arguments.json;
    let mut backend = backend::open_for_model(&name, weights)?;
    let sampling = Sampling { temperature: arguments.temperature, top_k: None, top_p: None, seed: arguments.seed };
    let task = Task {
        path: &arguments.model,
        prompt: arguments.prompt.as_bytes(),
        typed: Typed::AsText,
        context: weights.hyper().context,
        max_tokens: arguments.max_tokens,
        sampling,
        kv: (offload != Offload::Token).then_some(CacheForm::F32),
        offload: Some(offload),
    };
    let mut bar = Progress::new("speaking");
    let mut done = 0;
    let speech = speak(weights, &mut backend, &task, |piece, _| {
        done += 1;
        if !streams {
            bar.set(done, arguments.max_tokens);
            return Ok(());
        }
        // The prompt waits for the first piece: until then the line belongs to progress bars.
        output::write(format_args!("{}{piece}", if done == 1 { &arguments.prompt } else { "" }))
    })?;
    drop(bar);
    if streams {
        output::line("\n")?;
    }
    backend::remark(&backend, weights).iter().for_each(|remark| output::note(format_args!("{name}: {remark}")));
    let described = backend.name();
    // What was executed decides, not what was placed.
    let idle =
        (backend.has_boards() && speech.cost.device.is_none()).then(|| backend.idle().unwrap_or_else(|| "it was given nothing".into()));
    Ok(Row::new(name, described, speech, idle, first.map(|row| row.speech.tokens.as_slice())))
}

fn report(arguments: &Arguments, rows: &[Row]) -> Outcome {
    let reference = rows.first().map_or(String::new(), |r| r.name.to_string());
    if arguments.json {
        let row = |r: &Row| json!({ "backend": r.name.to_string(), "described": r.described, "text": r.speech.text, "tokens": r.speech.tokens, "equal_tokens": r.idle.is_none().then_some(r.equal), "work": work_json(&r.speech.cost), "board_does_no_work": r.idle, "decode": r.speech.speed.json() });
        let rows: Vec<Value> = rows.iter().map(row).collect();
        return output::json(&json!({ "model": arguments.model, "prompt": arguments.prompt, "reference": reference, "backends": rows }));
    }
    let cells = |r: &Row| {
        let speed = &r.speech.speed;
        let cycles = if speed.is_fabric() { format!("{:.0}", speed.cycles_per_token()) } else { "-".into() };
        let check = match &r.idle {
            Some(reason) => format!("the board did no work: {reason}"),
            None => format!("{} of {} tokens equal to {reference}", r.equal, r.speech.tokens.len()),
        };
        let rate = speed.tokens_per_second().map_or_else(|| "too short".into(), |rate| format!("{rate:.1}"));
        let on_board = device_share(&r.speech.cost).filter(|share| *share > 0.0);
        let on_board = on_board.map_or_else(|| "-".into(), |share| format!("{:.1} %", 100.0 * share));
        let name = if speed.is_fabric() { r.name.to_string() } else { r.described.clone() };
        let (out, back) = speed.bytes_per_token();
        let link = |value: f64| if speed.is_fabric() { few(value) } else { "-".into() };
        let trips = if speed.counts_runs() { format!("{:.0}", speed.jobs_per_token()) } else { "-".into() };
        vec![name, rate, on_board, cycles, link(out + back), trips, check]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    output::line(output::table(&["back end", "tokens/s", "on board", "cycles per token", "link bytes", "round trips", "check"], &rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Speed;
    use nda_gemv::Cost;
    use nda_kernels::Variant;

    #[test]
    fn one_other_token_or_one_fewer_is_a_difference() {
        let row = |tokens: &[u32]| {
            let speech = Speech {
                tokens: tokens.to_vec(),
                text: String::new(),
                slides: 0,
                cost: Cost::default(),
                speed: Speed::default(),
                prompt_speed: Speed::default(),
            };
            Row::new(BackendName::Cpu(Some(Variant::Portable)), String::new(), speech, None, Some(&[1, 2, 3]))
        };
        assert!(row(&[1, 2, 3]).is_equal(&[1, 2, 3]));
        for (tokens, equal) in [(&[1, 2, 4][..], 2), (&[1, 2], 2), (&[1, 2, 3, 4], 3), (&[0, 2, 3], 0), (&[], 0)] {
            let row = row(tokens);
            assert!(!row.is_equal(&[1, 2, 3]), "{tokens:?}");
            assert_eq!(row.equal, equal);
        }
    }
}
