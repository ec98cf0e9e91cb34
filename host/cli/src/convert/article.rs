//! The articles' matrix files, as documents of one matrix and back.

use crate::failure::{Exit, Failure, Outcome};
use crate::files;
use nda_ndf::{DocumentWriter, Granularity, LegacyMatrix, MatrixContent, MatrixFrame, Outliers};
use std::path::Path;

/// What the matrix is called unless the user says otherwise.
const DEFAULT_NAME: &str = "weights";

/// Writes a document that holds a matrix file's matrix.
pub fn to_document(input: &Path, output: &Path, name: Option<&str>) -> Outcome {
    let legacy = files::open_legacy(input)?;
    let tiles =
        legacy.to_tiles().map_err(|e| Failure::new(Exit::BadFile, e, input.display(), "the matrix is too large for this machine"))?;
    let mut writer = DocumentWriter::new();
    writer.metadata().set("source", "matrix file of the articles");
    let content = MatrixContent {
        name: name.unwrap_or(DEFAULT_NAME),
        granularity: Granularity::Matrix,
        scales: &[legacy.scale()],
        stacks: &[tiles.matrix()],
        outliers: Outliers::default(),
    };
    writer.add_matrix(&content).and_then(|()| writer.write_to(output)).map_err(|e| files::ndf_failure(output, &e).into())
}

/// Writes a document's matrix as a matrix file.
pub fn from_document(input: &Path, output: &Path, name: Option<&str>) -> Outcome {
    let mapped = files::open_document(input)?;
    let document = mapped.document();
    let frame = match name {
        Some(name) => document.matrix(name).map_err(|e| files::ndf_failure(input, &e))?,
        None => {
            let all: Vec<MatrixFrame<'_>> = document.matrices().collect();
            let [only] = all.as_slice() else {
                let help = "choose one with --tensor NAME";
                return Err(Failure::usage(
                    format_args!("the document has {} matrices; the articles' files hold one", all.len()),
                    input.display(),
                    help,
                )
                .into());
            };
            *only
        }
    };
    if frame.stacks() != 1 || frame.granularity() != Granularity::Matrix || !frame.outliers().is_empty() {
        let found = format!("{} stacks, scale per {}, {} outliers", frame.stacks(), frame.granularity().name(), frame.outliers().len());
        let error = format!("'{}' has {found}; the articles' files hold one stack with one scale", frame.name());
        return Err(Failure::new(
            Exit::Failed,
            error,
            format_args!("{}, tensor '{}'", input.display(), frame.name()),
            "choose another tensor",
        )
        .into());
    }
    let legacy = LegacyMatrix::from_tiles(frame.stack(0), frame.scales()[0]).map_err(|e| files::legacy_failure(input, &e))?;
    files::write(output, &[input], &legacy.to_bytes())
}
