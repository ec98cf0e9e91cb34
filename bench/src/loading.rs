//! What it costs to get at weights: a view of a mapped matrix beside the same matrix in two other formats, opening a
//! large document, reading all of it to be sure.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use nda_ndf::{DocumentWriter, Granularity, MappedDocument, MatrixContent, Outliers};
use nda_spec::tile::matrix_u64;
use nda_spec::{TileMatrix, WeightCode};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::BenchError;
use crate::timing::{Timing, measure, measure_in_turn};

/// Rows and columns of the small matrix.
const SMALL: usize = 64;
/// Rows and columns of a matrix of the large document.
const LARGE: (usize, usize) = (2048, 2048);
/// Matrices of the large document: 100 MB.
pub const LARGE_COUNT: usize = 96;
/// Name of the small matrix.
const NAME: &str = "blk.0.q";

/// Times of everything about loading.
#[derive(Debug, Clone, PartialEq)]
pub struct Loading {
    /// A mapped, checked document's views: by its place in the chain to a matrix's planes and scales.
    pub view: Timing,
    /// The same where each view is cut out of the document anew.
    pub cut: Timing,
    /// The same by its name.
    pub by_name: Timing,
    /// A safetensors file in memory: deserialized, by name to the bytes of the same matrix as `i8`.
    pub safetensors: Timing,
    /// The same matrix as rows of JSON numbers, parsed.
    pub serde_json: Timing,
    /// Bytes of the large document.
    pub document_bytes: usize,
    /// Mapping it and checking its structure.
    pub open: Timing,
    /// Mapping it and checking every byte.
    pub check: Timing,
    /// BLAKE3 alone over as many bytes, as the ndf crate is built.
    pub hash: Timing,
}

impl Loading {
    /// GB a second of the full check.
    pub fn check_gb_per_s(&self) -> f64 {
        self.document_bytes as f64 / self.check.median_s / 1e9
    }
}

fn io(action: &'static str) -> impl Fn(std::io::Error) -> BenchError {
    move |source| BenchError::Io { action, source }
}

/// A document of quaternary matrices with a scale a row; `name(i)` is what the i-th is called.
fn write(path: &Path, (rows, cols): (usize, usize), count: usize, name: impl Fn(usize) -> String) -> Result<(), BenchError> {
    let words: Vec<u64> =
        (0..matrix_u64(rows, cols, WeightCode::Quaternary)? as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let matrix = TileMatrix::new(rows, cols, WeightCode::Quaternary, &words)?;
    let scales = vec![0.5; rows];
    let mut stream = DocumentWriter::new().stream_to(path)?;
    for index in 0..count {
        let name = name(index);
        stream.add_matrix(&MatrixContent {
            name: &name,
            granularity: Granularity::Row,
            scales: &scales,
            stacks: &[matrix],
            outliers: Outliers::default(),
        })?;
    }
    stream.seal()?.publish()?;
    Ok(())
}

/// Measures all, each for about `time`; the large document has `count` matrices.
///
/// # Errors
/// A file that cannot be written, and what the formats say of it.
pub fn measure_loading(time: Duration, count: usize) -> Result<Loading, BenchError> {
    let folder = tempfile::tempdir().map_err(io("make a folder for"))?;
    let small = folder.path().join("small.ndf");
    write(&small, (SMALL, SMALL), 1, |_| NAME.into())?;
    let mapped = MappedDocument::open(&small)?;
    let values = mapped.document().matrix(NAME)?.stack(0).to_values();
    let index = mapped.document().matrix(NAME)?.index();
    let views = mapped.document().views();
    let (safetensors, json) = (safetensors_file(&values)?, json_text(&values)?);
    let mut of_views = || {
        if let Some(frame) = black_box(&views).matrix(black_box(index)) {
            black_box((frame.stack(0), frame.scales()));
        }
    };
    let mut of_safetensors = || {
        if let Ok(tensors) = SafeTensors::deserialize(black_box(&safetensors)) {
            black_box(tensors.tensor(black_box(NAME)).is_ok());
        }
    };
    let mut of_json = || {
        black_box(serde_json::from_slice::<Vec<Vec<i8>>>(black_box(&json)).is_ok());
    };
    // Their ratios are goals.
    let [view, safetensors, serde_json] = measure_in_turn(time, [&mut of_views, &mut of_safetensors, &mut of_json]);
    let cut = measure(time, || {
        if let Some(frame) = black_box(&mapped).document().matrix_at(black_box(index)) {
            black_box((frame.stack(0), frame.scales()));
        }
    });
    let by_name = measure(time, || {
        if let Ok(frame) = black_box(&mapped).document().matrix(black_box(NAME)) {
            black_box((frame.stack(0), frame.scales()));
        }
    });
    let large = folder.path().join("large.ndf");
    write(&large, LARGE, count, |index| format!("blk.{}.{}", index / 7, ["q", "k", "v", "o", "gate", "up", "down"][index % 7]))?;
    let document_bytes = MappedDocument::open(&large)?.document().bytes().len();
    let open = measure(time, || {
        black_box(MappedDocument::open_structure(black_box(&large)).is_ok());
    });
    let check = measure(time, || {
        black_box(MappedDocument::open(black_box(&large)).is_ok());
    });
    let bytes = std::fs::read(&large).map_err(io("read"))?;
    let hash = measure(time, || {
        black_box(blake3::hash(black_box(&bytes)));
    });
    Ok(Loading { view, cut, by_name, safetensors, serde_json, document_bytes, open, check, hash })
}

/// The matrix as a safetensors file, which was read back.
fn safetensors_file(values: &[i8]) -> Result<Vec<u8>, BenchError> {
    let refused = |error: safetensors::SafeTensorError| BenchError::OtherFormat { format: "safetensors", reason: error.to_string() };
    let bytes: Vec<u8> = values.iter().map(|v| v.cast_unsigned()).collect();
    let view = TensorView::new(Dtype::I8, vec![SMALL, SMALL], &bytes).map_err(refused)?;
    let file = safetensors::serialize([(NAME, view)], None).map_err(refused)?;
    let read = SafeTensors::deserialize(&file).map_err(refused)?;
    let same = read.tensor(NAME).map_err(refused)?.data() == bytes;
    if !same {
        return Err(BenchError::OtherFormat { format: "safetensors", reason: "other bytes".into() });
    }
    Ok(file)
}

/// The matrix as rows of JSON numbers, which were read back.
fn json_text(values: &[i8]) -> Result<Vec<u8>, BenchError> {
    let refused = |error: serde_json::Error| BenchError::OtherFormat { format: "JSON", reason: error.to_string() };
    let rows: Vec<&[i8]> = values.chunks_exact(SMALL).collect();
    let text = serde_json::to_vec(&rows).map_err(refused)?;
    let read: Vec<Vec<i8>> = serde_json::from_slice(&text).map_err(refused)?;
    if read.concat() != values {
        return Err(BenchError::OtherFormat { format: "JSON", reason: "other values".into() });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_far_cheaper_than_parsing() {
        let loading = measure_loading(Duration::from_millis(5), 2).unwrap();
        println!("{loading:?}");
        // The goals are ratios of 250 and 1000; a busy machine must not fail this, a copy or a hash of the data must.
        assert!(loading.safetensors.median_s > 10.0 * loading.view.median_s, "{loading:?}");
        assert!(loading.serde_json.median_s > 100.0 * loading.view.median_s, "{loading:?}");
        assert!(loading.open.median_s < loading.check.median_s, "{loading:?}");
    }
}
