//! `nda info`: what is in a file.

use crate::backend;
use crate::commands::info_model::Summary;
use crate::failure::{Exit, Failure, Outcome};
use crate::files::{self, Kind};
use crate::output;
use nda_gemv::Gemv;
use nda_kernels::{CpuGemv, Variant};
use nda_ndf::{Document, FrameKind, Tokenizer};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Says what a model is, and lists a document's metadata and frames, or a file's header.
///
/// Of a model: architecture, context, what its weights are kept as, and what a board could hold of them; of a GGUF file or a
/// Hugging Face folder too. Only the structure is checked; 'nda check' reads every byte.
#[derive(clap::Args)]
pub struct Arguments {
    /// The file.
    #[arg(required_unless_present = "cpu", conflicts_with = "cpu")]
    file: Option<PathBuf>,
    /// Instead of a file: which kernels this machine runs, and why not others.
    #[arg(long)]
    cpu: bool,
    /// Print a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let Some(path) = &arguments.file else { return cpu(arguments.json) };
    match files::kind(path)? {
        Kind::Document => {
            let file = files::open_structure(path)?;
            let document = file.document();
            if arguments.json { output::json(&document_json(path, &document)?) } else { document_text(path, &document) }
        }
        Kind::Legacy => {
            let matrix = files::open_legacy(path)?;
            let (rows, cols, code, scale) = (matrix.rows(), matrix.cols(), matrix.code().name(), matrix.scale());
            if arguments.json {
                return output::json(
                    &json!({ "file": path, "kind": "article matrix", "rows": rows, "cols": cols, "code": code, "scale": scale }),
                );
            }
            output::line(format_args!("{}: matrix file of the articles\n{rows} x {cols} {code} weights, scale {scale}", path.display()))
        }
        Kind::Safetensors => {
            let (error, help) = ("this is a safetensors file", "convert it with 'nda convert IN.safetensors OUT.ndf'");
            Err(Failure::new(Exit::BadFile, error, path.display(), help).into())
        }
        Kind::Gguf | Kind::Folder => foreign(path, arguments),
        Kind::Unknown => {
            let error = "this is neither an .ndf document nor a model that 'nda convert' reads";
            Err(files::unknown(path, error, "give a file that 'nda convert' wrote, a GGUF file or a model's folder"))
        }
    }
}

/// A GGUF file or a model's folder, checked as a conversion checks it before it writes.
#[cfg(feature = "convert")]
fn foreign(path: &Path, arguments: &Arguments) -> Outcome {
    let summary = crate::convert::model::summary(path)?;
    if arguments.json {
        return output::json(&json!({ "file": path, "kind": "model to convert", "model": summary.json()? }));
    }
    output::line(format_args!("{}: a model that 'nda convert {0} OUT.ndf' takes\n", path.display()))?;
    summary.print()
}

#[cfg(not(feature = "convert"))]
fn foreign(path: &Path, _: &Arguments) -> Outcome {
    let (error, help) = ("this is not an .ndf document", "convert a GGUF file or a model's folder with 'nda convert IN OUT.ndf'");
    Err(Failure::new(Exit::BadFile, error, path.display(), help).into())
}

/// The kernels that run here and the reason.
fn cpu(as_json: bool) -> Outcome {
    let gemv = CpuGemv::new();
    let chosen = gemv.variant();
    let found = |found: bool| if found { "yes" } else { "no" };
    if as_json {
        let variant = |v: Variant| {
            let needs: serde_json::Map<String, Value> = v.needs().into_iter().map(|(name, found)| (name.into(), found.into())).collect();
            let uses: Vec<Value> =
                v.uses().into_iter().map(|(what, features, found)| json!({ "for": what, "features": features, "there": found })).collect();
            json!({ "name": v.name(), "option": backend::option_name(v), "chosen": v == chosen, "needs": needs, "uses": uses })
        };
        let variants: Vec<Value> = Variant::ALL.into_iter().map(variant).collect();
        return output::json(&json!({ "kernels": gemv.name(), "threads": gemv.threads(), "variants": variants }));
    }
    output::line(format_args!("{}, {} threads\n", gemv.name(), gemv.threads()))?;
    for variant in Variant::ALL.into_iter().rev() {
        let missing: Vec<&str> = variant.needs().into_iter().filter(|(_, found)| !found).map(|(name, _)| name).collect();
        let verdict = if !missing.is_empty() {
            format!("not here: no {}", missing.join(", no "))
        } else if variant == chosen {
            "runs: the best that this machine has".into()
        } else {
            format!("could run: '--backend cpu:{}'; {chosen} is faster", backend::option_name(variant))
        };
        output::line(format_args!("{:<9} {verdict}", variant.name()))?;
        for (what, features, there) in variant.uses() {
            output::line(format_args!("{:<9}   {what}: {features}, {}", "", found(there)))?;
        }
    }
    let cutoff = gemv.parallel_min_products();
    output::line(format_args!("\nproducts of fewer than {cutoff} multiplications stay on one thread; 'nda bench' measures the kernels"))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Shape and details of a frame, in words.
fn describe(document: &Document<'_>, kind: FrameKind, name: &str) -> (String, String) {
    match kind {
        FrameKind::Metadata => (String::new(), format!("{} keys", document.metadata().iter().count())),
        FrameKind::Tokenizer => {
            let count = |t: &Tokenizer| t.token_count().map_or(String::new(), |count| format!(", {count} tokens"));
            let detail = document.tokenizer().map(|t| format!("{}{}", t.name(), count(t)));
            (String::new(), detail.unwrap_or_default())
        }
        FrameKind::Program => (String::new(), format!("{} characters", document.program().map_or(0, str::len))),
        FrameKind::Kv => document.kv().map_or_else(Default::default, |kv| {
            let (layers, channels) = (kv.layers.len(), kv.layers.first().map_or(0, |layer| layer.keys.len()));
            let coefficients = kv.coefficients.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
            (format!("{layers} x {channels}"), format!("ring of {} positions, coefficients {coefficients}", kv.ring))
        }),
        FrameKind::Matrix => document.matrix(name).map_or_else(
            |_| Default::default(),
            |m| {
                let outliers = if m.outliers().is_empty() { String::new() } else { format!(", {} outliers", m.outliers().len()) };
                let detail = format!("{}, {} stacks, scale per {}{outliers}", m.code().name(), m.stacks(), m.granularity().name());
                (format!("{} x {}", m.rows(), m.cols()), detail.replace("1 stacks", "1 stack"))
            },
        ),
        FrameKind::Grid => document.grid(name).map_or_else(
            |_| Default::default(),
            |grid| {
                let (m, levels) = (grid.matrix(), grid.matrix().coefficients().iter().map(i8::to_string).collect::<Vec<_>>());
                let detail =
                    format!("{} grid of coefficients {}, scale per group of {}", m.code().name(), levels.join(" "), m.group().cols());
                (format!("{} x {}", m.rows(), m.cols()), detail)
            },
        ),
        FrameKind::Vector => document.vector(name).map_or_else(
            |_| Default::default(),
            |v| {
                let (rows, cols) = v.shape().rows_cols();
                (format!("{rows} x {cols}"), "f32".into())
            },
        ),
    }
}

fn document_text(path: &Path, document: &Document<'_>) -> Outcome {
    output::line(format_args!("{}: .ndf document, {} bytes, hash {}", path.display(), document.bytes().len(), hex(&document.hash())))?;
    if let Some(summary) = Summary::of_document(document) {
        summary.print()?;
    }
    output::line("\nmetadata")?;
    for (key, value) in document.metadata().iter() {
        output::line(format_args!("  {key} = {value}"))?;
    }
    output::line("")?;
    let rows: Vec<Vec<String>> = document
        .frames()
        .map(|frame| {
            let (shape, detail) = describe(document, frame.kind, frame.name);
            vec![
                format!("{}", frame.index),
                frame.kind.name().into(),
                frame.name.into(),
                shape,
                frame.offset.to_string(),
                frame.frame_bytes.to_string(),
                detail,
            ]
        })
        .collect();
    output::line(output::table(&["frame", "kind", "name", "shape", "offset", "bytes", "content"], &rows))
}

fn document_json(path: &Path, document: &Document<'_>) -> Outcome<Value> {
    let metadata: serde_json::Map<String, Value> = document.metadata().iter().map(|(k, v)| (k.into(), v.into())).collect();
    let frame = |frame: nda_ndf::FrameInfo<'_>| {
        let (shape, detail) = describe(document, frame.kind, frame.name);
        json!({
            "index": frame.index, "kind": frame.kind.name(), "name": frame.name, "shape": shape, "offset": frame.offset,
            "bytes": frame.frame_bytes, "payload_bytes": frame.payload_bytes, "hash": hex(&frame.hash), "content": detail,
        })
    };
    let frames: Vec<Value> = document.frames().map(frame).collect();
    let model = Summary::of_document(document).map(|summary| summary.json()).transpose()?;
    Ok(
        json!({ "file": path, "kind": "document", "bytes": document.bytes().len(), "hash": hex(&document.hash()), "model": model, "metadata": metadata, "frames": frames }),
    )
}
