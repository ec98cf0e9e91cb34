//! Positions as codes of eight bits: what an open frame holds, and the sinks.

use nda_kernels::kv::weigh::rotate;
use nda_kernels::quantize::{absmax, codes_of};
use nda_spec::kv::{FRAME_POSITIONS, MAX_CODE, Rotation, exact_scale, scale};

/// Codes and scales of one of keys and values of a head, position by position.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Codes {
    pub codes: Vec<i8>,
    /// A byte per position; `nda_spec::kv::scale` says what it stands for.
    pub scales: Vec<u8>,
}

/// Some positions of one head, exactly.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ExactHead {
    pub keys: Codes,
    pub values: Codes,
}

impl Codes {
    /// Appends a position: turned, then `nda_spec::kv::exact`, to the bit.
    pub fn push(&mut self, rotation: Rotation, x: &[f32], scratch: &mut Vec<f32>) {
        scratch.clear();
        scratch.extend_from_slice(x);
        if rotation == Rotation::Hadamard {
            rotate(scratch);
        }
        let k = exact_scale(absmax(scratch, 0.0));
        let first = self.codes.len();
        if first == 0 {
            // A frame's worth at once: what a vector that grows leaves behind is as much again.
            self.codes.reserve_exact(FRAME_POSITIONS * x.len());
            self.scales.reserve_exact(FRAME_POSITIONS);
        }
        self.codes.resize(first + x.len(), 0);
        codes_of(scratch, scale(k), f32::from(MAX_CODE), &mut self.codes[first..]);
        self.scales.push(k);
    }

    /// Drops positions from one on.
    pub fn truncate(&mut self, positions: usize, head_dim: usize) {
        self.codes.truncate(positions * head_dim);
        self.scales.truncate(positions);
    }
}

impl ExactHead {
    pub fn positions(&self) -> usize {
        self.keys.scales.len()
    }

    pub fn bytes(&self) -> usize {
        [&self.keys, &self.values].iter().map(|codes| codes.codes.len() + codes.scales.len()).sum()
    }

    /// Appends the head as files and seals have it.
    pub fn put(&self, out: &mut Vec<u8>) {
        for codes in [&self.keys, &self.values] {
            out.extend(codes.codes.iter().map(|code| code.cast_unsigned()));
            out.extend(&codes.scales);
        }
    }

    pub fn truncate(&mut self, positions: usize, head_dim: usize) {
        self.keys.truncate(positions, head_dim);
        self.values.truncate(positions, head_dim);
    }

    /// The first positions alone.
    pub fn first(&self, positions: usize, head_dim: usize) -> ExactHead {
        let of = |codes: &Codes| {
            let positions = positions.min(codes.scales.len());
            // Copied, for a vector that is cut keeps the memory of a whole frame.
            Codes { codes: codes.codes[..positions * head_dim].to_vec(), scales: codes.scales[..positions].to_vec() }
        };
        ExactHead { keys: of(&self.keys), values: of(&self.values) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_appended_as_the_contract_says_to_the_bit() {
        for head_dim in [8, 20, 64, 96] {
            let x: Vec<f32> = (0..head_dim).map(|i| ((i * 7919 + 5) % 513) as f32 / 50.0 - 5.0).collect();
            for rotation in [Rotation::Hadamard, Rotation::None] {
                let mut found = Codes::default();
                found.push(rotation, &x, &mut Vec::new());
                let (mut turned, mut codes) = (x.clone(), vec![0; head_dim]);
                if rotation == Rotation::Hadamard {
                    nda_spec::kv::rotate(&mut turned);
                }
                let k = nda_spec::kv::exact(&turned, &mut codes);
                assert_eq!(found, Codes { codes, scales: vec![k] }, "{head_dim} {rotation:?}");
            }
        }
    }
}
