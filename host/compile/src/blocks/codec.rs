//! Requests and answers of programs: floats to bytes and back.

use nda_ir::NodeId;
use nda_spec::vector::{SCALE_BYTES, Scale, WIDE_BYTES, codes_of, floats_of, wide_of};

/// Bits behind the point of the residual: a range of 2,048 in steps of 0.00025.
pub const STREAM_BITS: u32 = 12;
/// Bits behind the point of what is made codes or scores of: a range of 512.
pub const VALUE_BITS: u32 = 14;

/// A value of the host that a program takes, and its form on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Wide values with [`STREAM_BITS`] bits behind the point.
    Wide(NodeId),
    /// A scale, then A8 codes.
    Codes(NodeId),
}

impl Take {
    /// The value.
    pub fn node(&self) -> NodeId {
        match *self {
            Take::Wide(node) | Take::Codes(node) => node,
        }
    }

    /// Adds the value's bytes to a request.
    pub fn write(&self, x: &[f32], request: &mut Vec<u8>) {
        match self {
            Take::Wide(_) => request.extend(wide_of(x, STREAM_BITS).iter().flat_map(|v| v.to_le_bytes().into_iter().take(WIDE_BYTES))),
            Take::Codes(_) => {
                let (scale, codes) = codes_of(x);
                request.extend_from_slice(&scale.to_bytes());
                request.extend(codes.iter().map(|code| *code as u8));
            }
        }
    }
}

/// What an answer's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A scale and codes, for each of these counts.
    Codes(Vec<usize>),
    /// Wide values.
    Wide {
        /// How many.
        count: usize,
        /// Bits behind the point.
        bits: u32,
    },
    /// The largest values, each with its place; the others are -inf.
    Largest {
        /// Of how many values.
        count: usize,
    },
}

fn wide(bytes: &[u8]) -> i32 {
    i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8
}

impl Answer {
    /// The floats of an answer, which has as many bytes as its program says.
    pub fn read(&self, mut bytes: &[u8], out: &mut Vec<f32>) {
        out.clear();
        match self {
            Answer::Codes(counts) => {
                for count in counts {
                    let (part, rest) = bytes.split_at(SCALE_BYTES + count);
                    bytes = rest;
                    let scale = Scale::from_bytes([part[0], part[1], part[2], part[3]]);
                    let step = scale.step() as f32;
                    out.extend(part[SCALE_BYTES..].iter().map(|code| f32::from(*code as i8) * step));
                }
            }
            Answer::Wide { bits, .. } => {
                let values: Vec<i32> = bytes.chunks_exact(WIDE_BYTES).map(wide).collect();
                out.extend(floats_of(&values, *bits));
            }
            Answer::Largest { count } => {
                out.resize(*count, f32::NEG_INFINITY);
                for entry in bytes.chunks_exact(2 + WIDE_BYTES) {
                    let at = usize::from(u16::from_le_bytes([entry[0], entry[1]]));
                    if let Some(value) = out.get_mut(at) {
                        *value = floats_of(&[wide(&entry[2..])], VALUE_BITS)[0];
                    }
                }
            }
        }
    }
}
