//! A small document with random weights, and a back end that is the golden model.

// Each test file uses its share of these.
#![allow(dead_code)]

pub mod floats;
pub mod trained;

use nda_engine::{EMBEDDING, FINAL_NORM, HEAD, block_tensor};
use nda_gemv::check::{check_run, stacked_shape};
use nda_gemv::{Activations, Cost, Gemv, GemvError, MatrixId, Shape};
use nda_ndf::{AlignedBytes, DocumentWriter, Granularity, MatrixContent, Outliers, TileBuffer, Tokenizer, VectorContent, VectorShape};
use nda_spec::random::Random;
use nda_spec::{TileMatrix, WeightCode, golden};

/// What a synthetic model is made of.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    pub seed: u64,
    pub code: WeightCode,
    pub granularity: Granularity,
    pub stacks: usize,
    pub outliers: usize,
    pub n_kv_heads: usize,
    pub activation: &'static str,
}

pub const PLAIN: Recipe = Recipe {
    seed: 1,
    code: WeightCode::Quaternary,
    granularity: Granularity::Row,
    stacks: 1,
    outliers: 0,
    n_kv_heads: 4,
    activation: "A8",
};

pub const D: usize = 40;
pub const FF: usize = 72;
pub const HEADS: usize = 4;
pub const HEAD_DIM: usize = 10;
pub const LAYERS: usize = 2;
pub const CONTEXT: usize = 24;

/// A number around 0 of about unit spread.
pub fn unit(random: &mut Random) -> f32 {
    ((random.unit() + random.unit() + random.unit()) * 2.0 - 3.0) as f32
}

/// The writer of a whole model; `skip` leaves a tensor out, `change` gives it other rows.
pub fn writer(recipe: Recipe, skip: &str, change: Option<(&str, usize)>) -> DocumentWriter {
    let mut random = Random::new(recipe.seed);
    let mut writer = DocumentWriter::new();
    let kv = recipe.n_kv_heads * HEAD_DIM;
    for (key, value) in [
        ("architecture", "llama".to_string()),
        ("vocab", "bytes".into()),
        ("d_model", D.to_string()),
        ("n_layers", LAYERS.to_string()),
        ("n_heads", HEADS.to_string()),
        ("n_kv_heads", recipe.n_kv_heads.to_string()),
        ("ff", FF.to_string()),
        ("rope_theta", "10000".into()),
        ("rms_eps", "1e-5".into()),
        ("context", CONTEXT.to_string()),
        ("activation", recipe.activation.into()),
    ] {
        if key != skip {
            writer.metadata().set(key, value);
        }
    }
    writer.set_tokenizer(Tokenizer::Bytes).unwrap();
    let rows_of = |name: &str, rows: usize| change.filter(|(n, _)| *n == name).map_or(rows, |(_, rows)| rows);
    let vector = |writer: &mut DocumentWriter, random: &mut Random, name: String, shape: VectorShape| {
        let (rows, cols) = shape.rows_cols();
        let around = if rows == 1 { 1.0 } else { 0.0 };
        let values: Vec<f32> = (0..rows * cols).map(|_| around + 0.3 * unit(random)).collect();
        if name != skip {
            writer.add_vector(&VectorContent { name: &name, shape, values: &values }).unwrap();
        }
    };
    vector(&mut writer, &mut random, EMBEDDING.into(), VectorShape::Table { rows: rows_of(EMBEDDING, 256), cols: D });
    for block in 0..LAYERS {
        let name = |part: &str| block_tensor(block, part);
        vector(&mut writer, &mut random, name("attn_norm"), VectorShape::Vector(rows_of(&name("attn_norm"), D)));
        vector(&mut writer, &mut random, name("ffn_norm"), VectorShape::Vector(D));
        let shapes = [
            ("q", HEADS * HEAD_DIM, D),
            ("k", kv, D),
            ("v", kv, D),
            ("o", D, HEADS * HEAD_DIM),
            ("gate", FF, D),
            ("up", FF, D),
            ("down", D, FF),
        ];
        for (part, rows, cols) in shapes {
            if name(part) != skip {
                matrix(&mut writer, &mut random, recipe, &name(part), rows_of(&name(part), rows), cols);
            }
        }
    }
    vector(&mut writer, &mut random, FINAL_NORM.into(), VectorShape::Vector(D));
    if skip != HEAD {
        matrix(&mut writer, &mut random, recipe, HEAD, 256, D);
    }
    writer
}

fn matrix(writer: &mut DocumentWriter, random: &mut Random, recipe: Recipe, name: &str, rows: usize, cols: usize) {
    let values = recipe.code.values();
    let stacks: Vec<TileBuffer> = (0..recipe.stacks)
        .map(|_| {
            let drawn: Vec<i8> = (0..rows * cols).map(|_| values[random.below(values.len())]).collect();
            TileBuffer::from_values(rows, cols, recipe.code, &drawn).unwrap()
        })
        .collect();
    let count = recipe.granularity.scale_count(rows, cols).unwrap() * recipe.stacks;
    let scales: Vec<f32> = (0..count).map(|_| (0.3 + random.unit() as f32) / (cols as f32).sqrt()).collect();
    let places: std::collections::BTreeSet<(u32, u32)> =
        (0..recipe.outliers).map(|_| (random.below(rows) as u32, random.below(cols) as u32)).collect();
    let (outlier_rows, outlier_cols): (Vec<u32>, Vec<u32>) = places.iter().copied().unzip();
    let outlier_values: Vec<f32> = places.iter().map(|_| unit(random)).collect();
    let tiles: Vec<TileMatrix<'_>> = stacks.iter().map(TileBuffer::matrix).collect();
    let outliers = Outliers { rows: &outlier_rows, cols: &outlier_cols, values: &outlier_values };
    writer.add_matrix(&MatrixContent { name, granularity: recipe.granularity, scales: &scales, stacks: &tiles, outliers }).unwrap();
}

/// The bytes of a whole model.
pub fn model_bytes(recipe: Recipe) -> AlignedBytes {
    AlignedBytes::from(writer(recipe, "", None).finish().unwrap().as_slice())
}

/// Metadata and norms that an architecture has beside a Llama's.
struct Extra {
    metadata: &'static [(&'static str, &'static str)],
    /// Norms of a block, with their lengths.
    norms: &'static [(&'static str, usize)],
}

const GEMMA3_EXTRA: Extra = Extra {
    metadata: &[("rope_theta_local", "1000"), ("sliding_window", "5"), ("sliding_pattern", "2"), ("attention_scale", "0.25")],
    norms: &[("q_norm", HEAD_DIM), ("k_norm", HEAD_DIM), ("attn_post_norm", D), ("ffn_post_norm", D)],
};

fn writer_with(extra: &Extra) -> DocumentWriter {
    let mut random = Random::new(77);
    let mut writer = writer(Recipe { n_kv_heads: 2, ..PLAIN }, "", None);
    extra.metadata.iter().copied().for_each(|(key, value)| writer.metadata().set(key, value));
    for block in 0..LAYERS {
        for (norm, len) in extra.norms {
            around_one(&mut writer, &mut random, &block_tensor(block, norm), *len);
        }
    }
    writer
}

fn around_one(writer: &mut DocumentWriter, random: &mut Random, name: &str, len: usize) {
    let values: Vec<f32> = (0..len).map(|_| 1.0 + 0.3 * unit(random)).collect();
    writer.add_vector(&VectorContent { name, shape: VectorShape::Vector(len), values: &values }).unwrap();
}

fn finished(writer: DocumentWriter) -> AlignedBytes {
    AlignedBytes::from(writer.finish().unwrap().as_slice())
}

/// The bytes of a model with biases on queries, norms of heads, a window of 5 and scaled ropes.
pub fn decoder_bytes() -> AlignedBytes {
    let norms = &[("q_bias", HEADS * HEAD_DIM), ("q_norm", HEAD_DIM), ("k_norm", HEAD_DIM)];
    let mut writer = writer_with(&Extra { metadata: &[("sliding_window", "5")], norms });
    around_one(&mut writer, &mut Random::new(78), "rope_factors", HEAD_DIM / 2);
    finished(writer)
}

/// The bytes of a model of Gemma 3's shape: its second block attends to all positions, its first to a window of 5.
pub fn gemma3_bytes() -> AlignedBytes {
    finished(writer_with(&GEMMA3_EXTRA))
}

/// The bytes of a model of BitNet's shape, with a squared ReLU ("1") or SiLU ("0").
pub fn bitnet_bytes(squared_relu: &'static str) -> AlignedBytes {
    let norms = &[("attn_sub_norm", HEADS * HEAD_DIM), ("ffn_sub_norm", FF)];
    let mut writer = writer_with(&Extra { metadata: &[], norms });
    writer.metadata().set("squared_relu", squared_relu);
    finished(writer)
}

/// The golden model as a back end: nothing shared with the CPU's kernels.
#[derive(Default)]
pub struct GoldenGemv<'m> {
    stacks: Vec<(Shape, Vec<TileMatrix<'m>>)>,
}

impl<'m> Gemv<'m> for GoldenGemv<'m> {
    fn name(&self) -> String {
        "golden".into()
    }

    fn supports(&self, _shape: Shape) -> Result<(), GemvError> {
        Ok(())
    }

    fn prepare(&mut self, parts: &[TileMatrix<'m>]) -> Result<MatrixId, GemvError> {
        self.stacks.push((stacked_shape("golden", parts)?, parts.to_vec()));
        Ok(MatrixId(self.stacks.len() - 1))
    }

    fn run(&mut self, id: MatrixId, x: Activations<'_>, y: &mut [i32]) -> Result<Cost, GemvError> {
        let (shape, parts) = &self.stacks[id.0];
        check_run(*shape, &x, y)?;
        let sums: Vec<i32> = parts.iter().flat_map(|m| golden::gemv(m.rows(), m.cols(), &m.to_values(), x.values)).collect();
        y.copy_from_slice(&sums);
        Ok(Cost { jobs: 1, ..Cost::default() })
    }
}
