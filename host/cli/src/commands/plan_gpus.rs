//! `nda plan --gpus`: how many tokens per second the memory of some GPUs has the bandwidth for.

use crate::failure::Outcome;
use crate::output;
use nda_engine::{EMBEDDING, HEAD};
use nda_ndf::{Document, VectorShape};
use serde_json::{Value, json};

/// A GPU and what its memory reads per second, as its maker states it, in 10^9 bytes.
struct Gpu {
    name: &'static str,
    kind: &'static str,
    gb_per_s: f64,
}

const fn gpu(name: &'static str, kind: &'static str, gb_per_s: f64) -> Gpu {
    Gpu { name, kind, gb_per_s }
}

/// Two channels of DDR5-5600 are 2 * 8 bytes * 5.6e9; the others are their makers' figures.
const GPUS: [Gpu; 10] = [
    gpu("Intel Iris Xe (LPDDR4X-4267)", "integrated", 68.3),
    gpu("Apple M1", "integrated", 68.3),
    gpu("AMD Radeon 780M (DDR5-5600)", "integrated", 89.6),
    gpu("Intel Arc 140V (LPDDR5X-8533)", "integrated", 136.5),
    gpu("AMD Radeon 8060S (LPDDR5X-8000)", "integrated", 256.0),
    gpu("AMD Radeon RX 7600", "discrete", 288.0),
    gpu("NVIDIA GeForce RTX 3060 12 GB", "discrete", 360.0),
    gpu("Intel Arc B580", "discrete", 456.0),
    gpu("NVIDIA GeForce RTX 4090", "discrete", 1008.0),
    gpu("NVIDIA H200", "discrete", 4800.0),
];

/// Positions of the cache that a token reads in the projection.
const POSITIONS: u64 = 512;
/// Bits of a value in the cache of whole tokens.
const CACHE_BITS: u64 = 4;

/// What a token reads.
struct Bytes {
    weights: u64,
    /// Of one position of the cache.
    position: u64,
}

impl Bytes {
    fn of(document: &Document<'_>) -> Bytes {
        let mut frames: Vec<(&str, u64)> = Vec::new();
        for m in document.matrices() {
            let kept = |stack: usize| 8 * m.stack(stack).words().len() + 4 * m.stack_scales(stack).len();
            frames.push((m.name(), (0..m.stacks()).map(kept).sum::<usize>() as u64));
        }
        for grid in document.grids() {
            let m = grid.matrix();
            frames.push((grid.name(), (8 * m.words().len() + 2 * m.scales().len()) as u64));
        }
        for vector in document.vectors() {
            let values = match vector.shape() {
                VectorShape::Vector(cols) => cols,
                VectorShape::Table { rows, cols } => rows * cols,
            };
            frames.push((vector.name(), 4 * values as u64));
        }
        // Of an embedding that is not the head too a token reads a row, which is next to nothing.
        let has_head = frames.iter().any(|(name, _)| *name == HEAD);
        let weights = frames.iter().filter(|(name, _)| !(has_head && *name == EMBEDDING)).map(|(_, bytes)| bytes).sum();
        let count = |key: &str| document.metadata().get(key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let or = |found: u64, usual: u64| if found == 0 { usual } else { found };
        let heads = count("n_heads");
        let head_dim = or(count("head_dim"), count("d_model").checked_div(heads).unwrap_or(0));
        let values = 2 * count("n_layers") * or(count("n_kv_heads"), heads) * head_dim;
        Bytes { weights, position: values * CACHE_BITS / 8 }
    }

    /// Of a token behind [`POSITIONS`] others.
    fn token(&self) -> u64 {
        self.weights + POSITIONS * self.position
    }
}

impl Bytes {
    /// Tokens a second that a GPU's bandwidth allows.
    fn rate(&self, gpu: &Gpu) -> f64 {
        gpu.gb_per_s * 1e9 / (self.token() as f64).max(1.0)
    }
}

/// The projection as JSON.
pub fn json(document: &Document<'_>) -> Outcome {
    let bytes = Bytes::of(document);
    let row = |gpu: &Gpu| json!({ "gpu": gpu.name, "kind": gpu.kind, "gb_per_s": gpu.gb_per_s, "tokens_per_second": bytes.rate(gpu) });
    let rows: Vec<Value> = GPUS.iter().map(row).collect();
    output::json(&json!({
        "evidence": "projected", "weight_bytes": bytes.weights, "position_bytes": bytes.position, "positions": POSITIONS, "gpus": rows,
    }))
}

/// The projection as text.
pub fn text(document: &Document<'_>) -> Outcome {
    let bytes = Bytes::of(document);
    output::line(format_args!(
        "a token reads {:.2} MB of weights and {} bytes per position of the cache",
        bytes.weights as f64 / 1e6,
        bytes.position
    ))?;
    output::line(format_args!(
        "projected, behind {POSITIONS} positions: what the memory's bandwidth allows at most; nothing was run on these GPUs\n"
    ))?;
    GPUS.iter().try_for_each(|gpu| {
        output::line(format_args!("{:<33} {:<11} {:>7.1} GB/s {:>10.0} tokens/s", gpu.name, gpu.kind, gpu.gb_per_s, bytes.rate(gpu)))
    })
}
