//! A report as text, as JSON, and as files.

use super::{Report, Row};
use crate::error::ConvertError;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// The files of a report: table, data and plot.
pub const FILES: [&str; 3] = ["report.md", "report.json", "report.svg"];

const MIB: f64 = (1 << 20) as f64;

impl Report {
    /// The report as Markdown: a table and what its columns mean.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write_markdown(self, &mut text);
        text
    }

    /// The report as JSON. Errors are null where nothing was fitted.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let evaluation = &row.evaluation;
            json!({
                "weights": row.name, "bits_per_weight": row.bits_per_weight, "document_bytes": row.document_bytes,
                "fitted_matrices": row.errors.as_ref().map_or(0, |errors| errors.matrices),
                "weight_error": row.errors.as_ref().map(|errors| errors.weights),
                "output_error": row.errors.as_ref().map(|errors| errors.outputs),
                "worst_matrix": row.errors.as_ref().map(|errors| json!({
                    "name": errors.worst.name, "weight_error": errors.worst.weights, "output_error": errors.worst.outputs,
                })),
                "bits_per_byte": evaluation.bits_per_byte(), "perplexity": evaluation.perplexity(),
                "perplexity_over_source": evaluation.perplexity() / self.source_perplexity(),
            })
        };
        let (tokens, bytes) = self.rows.first().map_or((0, 0), |row| (row.evaluation.predicted, row.evaluation.bytes));
        json!({
            "evidence": "measured", "nda": env!("CARGO_PKG_VERSION"), "source": self.source, "model": self.model,
            "back_end": self.back_end, "calibration_tokens": self.calibration_tokens, "window": self.window,
            "predicted_tokens": tokens, "predicted_bytes": bytes, "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }

    /// Writes [`FILES`] into a folder, which is made if there is none: all of them, or none. `reads` are files that may not be replaced.
    ///
    /// # Errors
    /// [`ConvertError::File`].
    pub fn write_to(&self, folder: &Path, reads: &[&Path]) -> Result<(), ConvertError> {
        let (json, plot, table) = (format!("{:#}\n", self.json()), self.svg()?, self.markdown());
        let [table_name, json_name, plot_name] = FILES;
        let files = [(json_name, json.as_bytes()), (plot_name, plot.as_bytes()), (table_name, table.as_bytes())];
        Ok(nda_files::write_together(folder, reads, &files)?)
    }
}

fn write_markdown(report: &Report, text: &mut String) -> std::fmt::Result {
    let model = report.model.as_deref().unwrap_or("a model");
    let (tokens, bytes) = report.rows.first().map_or((0, 0), |row| (row.evaluation.predicted, row.evaluation.bytes));
    writeln!(text, "# What forms of the weights cost: {model}\n")?;
    writeln!(text, "All numbers measured by `nda convert --report` {} on {}.", env!("CARGO_PKG_VERSION"), report.back_end)?;
    writeln!(text, "Source: {}.", report.source)?;
    match report.calibration_tokens {
        0 => writeln!(text, "Fitted to the weights alone.")?,
        count => writeln!(text, "Fitted to what the layers see of {count} tokens of a calibration text.")?,
    }
    writeln!(
        text,
        "Perplexity per token over {tokens} tokens ({bytes} bytes) of a text that nothing was fitted to, in windows of {}.\n",
        report.window
    )?;
    writeln!(
        text,
        "| weights | bits per weight | document, MiB | weight error | output error | bits per byte | perplexity | against the source |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|")?;
    for row in &report.rows {
        let errors = row.errors.as_ref().map_or("- | -".into(), |errors| format!("{:.4} | {:.4}", errors.weights, errors.outputs));
        let (bits, mib, found) = (row.bits_per_weight, row.document_bytes as f64 / MIB, &row.evaluation);
        let over = 100.0 * (found.perplexity() / report.source_perplexity() - 1.0);
        let (bits_per_byte, perplexity) = (found.bits_per_byte(), found.perplexity());
        writeln!(text, "| {} | {bits:.3} | {mib:.1} | {errors} | {bits_per_byte:.4} | {perplexity:.3} | {over:+.2} % |", row.name)?;
    }
    writeln!(text, "\n![Perplexity and output error by bits per weight](report.svg)\n")?;
    writeln!(
        text,
        "Bits per weight are those that the document spends on its matrices, scales and outliers included. Errors are roots of the mean"
    )?;
    writeln!(
        text,
        "square, over the fitted matrices, of their relative errors (Frobenius norms): that of the weights, and that of what the layers"
    )?;
    writeln!(text, "give for the inputs that they see of the held-out text with the source's own weights. The matrices furthest off:\n")?;
    for (name, errors) in report.rows.iter().filter_map(|row| Some((&row.name, row.errors.as_ref()?))) {
        writeln!(text, "- {name}: `{}`, {:.4}, of {} matrices", errors.worst.name, errors.worst.outputs.unwrap_or(0.0), errors.matrices)?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::convert::TensorError;
    use crate::report::Errors;
    use nda_engine::Evaluation;
    use std::fs;

    pub fn sample() -> Report {
        let row = |name: &str, bits: f64, error: Option<f64>, predicted_bits: f64| Row {
            name: name.into(),
            bits_per_weight: bits,
            document_bytes: (bits * 1e6) as u64,
            errors: error.map(|error| Errors {
                matrices: 2,
                weights: 2.0 * error,
                outputs: error,
                worst: TensorError { name: "blk.0.down".into(), weights: 2.0 * error, outputs: Some(1.5 * error) },
            }),
            evaluation: Evaluation { predicted: 100, bytes: 400, bits: predicted_bits },
        };
        Report {
            source: "GGUF file x.gguf".into(),
            model: Some("X & <Y>".into()),
            back_end: "cpu (portable)".into(),
            calibration_tokens: 64,
            window: 512,
            rows: vec![row("f32", 32.0, None, 400.0), row("k3", 6.5, Some(0.02), 402.0), row("k2", 4.9, Some(0.09), 430.0)],
        }
    }

    #[test]
    fn the_table_says_what_the_numbers_say() {
        let text = sample().markdown();
        assert!(text.contains("| f32 | 32.000 | 30.5 | - | - | 1.0000 | 16.000 | +0.00 % |"), "{text}");
        assert!(text.contains("| k3 | 6.500 | 6.2 | 0.0400 | 0.0200 | 1.0050 | 16.223 | +1.40 % |"), "{text}");
        assert!(text.contains("- k2: `blk.0.down`, 0.1350, of 2 matrices"), "{text}");
        let json = sample().json();
        assert_eq!((&json["rows"][0]["output_error"], &json["rows"][2]["output_error"]), (&Value::Null, &json!(0.09)));
        assert_eq!((&json["rows"][0]["perplexity_over_source"], &json["predicted_bytes"]), (&json!(1.0), &json!(400)));
    }

    #[test]
    fn three_files_are_written_and_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new/report");
        sample().write_to(&place, &[]).unwrap();
        let mut names: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["report.json", "report.md", "report.svg"]);
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(matches!(sample().write_to(&folder.path().join("file"), &[]), Err(ConvertError::File(_))));
    }
}
