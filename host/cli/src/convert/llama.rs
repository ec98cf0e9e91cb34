//! Trained models: safetensors with Hugging Face's Llama names become documents.
//!
//! A quantized layer X is `X.code` (int8, rows x cols) with `X.scale` (f32, one or one a row); what is kept
//! in float is `X.weight` (f32). The file's metadata go into the document as they are, and with them a program.

use crate::convert::{cache, program};
use crate::failure::{Exit, Failure, Outcome};
use crate::files;
use nda_engine::{CacheForm, EMBEDDING, FINAL_NORM, HEAD, Hyper, KV_FORM, block_tensor};
use nda_ndf::{
    AlignedBytes, Document, DocumentWriter, Granularity, MatrixContent, NdfError, Outliers, TileBuffer, Tokenizer, VectorContent,
    VectorShape,
};
use nda_spec::WeightCode;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// Tensors of a block: Hugging Face's name and ours.
const BLOCK: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "q"),
    ("self_attn.k_proj", "k"),
    ("self_attn.v_proj", "v"),
    ("self_attn.o_proj", "o"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "gate"),
    ("mlp.up_proj", "up"),
    ("mlp.down_proj", "down"),
];

/// Writes the document of a model, after it was read back and found complete.
pub fn to_document(input: &Path, output: &Path, program: Option<&Path>, kv_form: Option<CacheForm>) -> Outcome {
    let bytes = files::read(input)?;
    let refuse = |error: String| {
        Failure::new(Exit::BadFile, error, input.display(), "write the file again with host/train, or check how it was exported")
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| refuse(format!("not a safetensors file: {e}")))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| refuse(format!("not a safetensors file: {e}")))?;
    if !header.metadata().as_ref().is_some_and(|metadata| metadata.contains_key("architecture")) {
        let help = "give the folder that it is in, with its config.json and its tokenizer: 'nda convert FOLDER OUT.ndf'";
        return Err(Failure::new(Exit::BadFile, "these are the weights of a model alone", input.display(), help).into());
    }
    let sliding_window = header.metadata().as_ref().and_then(|metadata| metadata.get("sliding_window"));
    let program = program::source_or_llama(program, sliding_window.map(String::as_str))?;
    // Built twice: a document is checked as a whole before anything is written.
    let checked = build(input, &header, &tensors, &program)?.finish().map_err(|e| files::ndf_failure(input, &e))?;
    let aligned = AlignedBytes::from(checked.as_slice());
    let document = Document::open(&aligned).map_err(|e| files::ndf_failure(input, &e))?;
    let cache = cache::form(&document).map_err(|e| files::in_file(input, e.into()))?;
    let mut writer = build(input, &header, &tensors, &program)?;
    kv_form.into_iter().for_each(|form| writer.metadata().set(KV_FORM, form.name()));
    if let Some(kv) = cache {
        writer.set_kv(kv).map_err(|e| files::ndf_failure(output, &e))?;
    }
    writer.write_to(output).map_err(|e| files::ndf_failure(output, &e).into())
}

/// A source with what was not asked for yet, so that nothing is left out silently.
struct Source<'s> {
    path: &'s Path,
    tensors: &'s SafeTensors<'s>,
    left: BTreeSet<String>,
    code: Option<WeightCode>,
    writer: DocumentWriter,
}

fn build(path: &Path, header: &Metadata, tensors: &SafeTensors<'_>, program: &str) -> Outcome<DocumentWriter> {
    let metadata: HashMap<String, String> = header.metadata().clone().unwrap_or_default();
    let get = |key: &str| metadata.get(key).map(String::as_str);
    let hyper = Hyper::from_metadata(get).map_err(|e| files::in_file(path, e.into()))?;
    let code = WeightCode::ALL.into_iter().find(|c| get("weights") == Some(c.name()));
    let left = tensors.names().into_iter().map(String::from).collect();
    let mut source = Source { path, tensors, left, code, writer: DocumentWriter::new() };
    for (key, value) in &metadata {
        source.writer.metadata().set(key.as_str(), value);
    }
    if get("vocab").is_none_or(|vocab| vocab == "bytes") {
        source.writer.set_tokenizer(Tokenizer::Bytes).map_err(|e| files::ndf_failure(path, &e))?;
    }
    source.writer.set_program(program);
    source.add("model.embed_tokens", EMBEDDING.into())?;
    for block in 0..hyper.n_layers {
        for (theirs, ours) in BLOCK {
            source.add(&format!("model.layers.{block}.{theirs}"), block_tensor(block, ours))?;
        }
    }
    source.add("model.norm", FINAL_NORM.into())?;
    if get("tied_head") != Some("true") {
        source.add("lm_head", HEAD.into())?;
    }
    match source.left.first() {
        None => Ok(source.writer),
        Some(name) => Err(source.fail(name, format!("{} tensors have no place in a Llama, this is the first", source.left.len()))),
    }
}

impl Source<'_> {
    fn fail(&self, tensor: &str, error: String) -> crate::failure::Stop {
        let help = "see what host/train's export writes: X.code and X.scale, or X.weight in f32";
        Failure::new(Exit::BadFile, error, format_args!("{}, tensor '{tensor}'", self.path.display()), help).into()
    }

    fn take(&mut self, name: &str) -> Option<TensorView<'_>> {
        self.left.remove(name);
        self.tensors.tensor(name).ok()
    }

    /// Adds `theirs` as a matrix if it is quantized, as a vector or table if it is float.
    fn add(&mut self, theirs: &str, ours: String) -> Outcome {
        let (code, scale, weight) = (format!("{theirs}.code"), format!("{theirs}.scale"), format!("{theirs}.weight"));
        let added = if self.left.contains(&code) {
            self.add_matrix(&code, &scale, &ours)?
        } else if self.left.contains(&weight) {
            self.add_vector(&weight, &ours)?
        } else {
            return Err(self.fail(theirs, "there is neither .code nor .weight".into()));
        };
        added.map_err(|e| files::ndf_failure(self.path, &e).into())
    }

    fn add_matrix(&mut self, code: &str, scale: &str, ours: &str) -> Outcome<Result<(), NdfError>> {
        let path = self.path;
        let view = self.take(code).map(|v| (v.dtype(), v.shape().to_vec(), v.data().iter().map(|&b| b as i8).collect::<Vec<i8>>()));
        let (rows, cols, values) = match view {
            Some((Dtype::I8, shape, values)) if shape.len() == 2 => (shape[0], shape[1], values),
            Some((dtype, shape, _)) => {
                return Err(self.fail(code, format!("this is {dtype:?} of shape {shape:?}, but must be I8 of rows and columns")));
            }
            None => return Err(self.fail(code, "this tensor is missing".into())),
        };
        let scales = self.floats(scale)?.1;
        let granularity = match scales.len() {
            n if n == rows => Granularity::Row,
            1 => Granularity::Matrix,
            n => return Err(self.fail(scale, format!("there are {n} scales for {rows} rows"))),
        };
        let weight_code = self.code.unwrap_or(if values.contains(&0) { WeightCode::Ternary } else { WeightCode::Quaternary });
        let tiles = TileBuffer::from_values(rows, cols, weight_code, &values);
        let tiles = tiles.map_err(|e| {
            Failure::new(Exit::BadFile, e, format_args!("{}, tensor '{code}'", path.display()), "codes are -2, -1, 1, 2 or -1, 0, 1")
        })?;
        let content = MatrixContent { name: ours, granularity, scales: &scales, stacks: &[tiles.matrix()], outliers: Outliers::default() };
        Ok(self.writer.add_matrix(&content))
    }

    fn add_vector(&mut self, weight: &str, ours: &str) -> Outcome<Result<(), NdfError>> {
        let (shape, values) = self.floats(weight)?;
        let shape = match shape.as_slice() {
            [len] => VectorShape::Vector(*len),
            [rows, cols] => VectorShape::Table { rows: *rows, cols: *cols },
            _ => return Err(self.fail(weight, format!("shape {shape:?} is neither a vector nor a table"))),
        };
        Ok(self.writer.add_vector(&VectorContent { name: ours, shape, values: &values }))
    }

    fn floats(&mut self, name: &str) -> Outcome<(Vec<usize>, Vec<f32>)> {
        let four = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let view = self.take(name).map(|v| (v.dtype(), v.shape().to_vec(), v.data().chunks_exact(4).map(four).collect::<Vec<f32>>()));
        match view {
            Some((Dtype::F32, shape, values)) => match values.iter().position(|value| !value.is_finite()) {
                Some(index) => Err(self.fail(name, format!("number {index} is {}, which is not a finite number", values[index]))),
                None => Ok((shape, values)),
            },
            Some((dtype, _, _)) => Err(self.fail(name, format!("this is {dtype:?}, but must be F32"))),
            None => Err(self.fail(name, "this tensor is missing".into())),
        }
    }
}
