//! The closed form of one block: of every key head two tile matrices and their scales.

use crate::exact::ExactHead;
use nda_spec::kv::center;
use nda_spec::kv::close::Closing;
use nda_spec::kv::frame::Part;
use nda_spec::kv::{FRAME_POSITIONS, FrameForm, Rotation};

/// A head's matrices and scales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BodyHead {
    /// Channels.
    pub head_dim: usize,
    /// 64 positions by the head's channels.
    pub keys: Box<[u64]>,
    /// The head's channels by 64 positions.
    pub values: Box<[u64]>,
    /// The mean of the keys: a code per channel, and its scale.
    pub key_mean: Box<[i8]>,
    pub key_mean_scale: u8,
    /// A byte per position.
    pub key_scales: [u8; FRAME_POSITIONS],
    /// A byte per position.
    pub value_scales: [u8; FRAME_POSITIONS],
}

/// The closed form of a block's heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    pub heads: Vec<BodyHead>,
}

/// How positions of a form are closed.
#[derive(Debug)]
pub(crate) struct Closings {
    pub keys: Closing,
    pub values: Closing,
}

impl BodyHead {
    /// Closes 64 positions, the first of them without those that are read elsewhere.
    pub fn close(form: &FrameForm, closings: &Closings, exact: &ExactHead, sinks: usize) -> BodyHead {
        let head_dim = exact.keys.codes.len() / FRAME_POSITIONS;
        let mut head = BodyHead::empty(form, head_dim);
        let mut bits = vec![0; head_dim];
        let (mut mean, mut apart, mut codes) = (vec![0.0; head_dim], vec![0.0; head_dim], vec![0; head_dim]);
        if form.rotation == Rotation::Hadamard {
            center::mean(&exact.keys.codes, &exact.keys.scales, sinks, &mut mean);
        }
        head.key_mean_scale = nda_spec::kv::exact(&mean, &mut head.key_mean);
        for position in 0..FRAME_POSITIONS {
            let row = position * head_dim..(position + 1) * head_dim;
            let own = (&exact.keys.codes[row.clone()], exact.keys.scales[position]);
            center::apart(own, (&head.key_mean, head.key_mean_scale), &mut apart);
            let k = nda_spec::kv::exact(&apart, &mut codes);
            head.key_scales[position] = closings.keys.close(&codes, k, &mut bits);
            Part::Keys.write(&form.keys, position, &bits, &mut head.keys);
            head.value_scales[position] = closings.values.close(&exact.values.codes[row], exact.values.scales[position], &mut bits);
            Part::Values.write(&form.values, position, &bits, &mut head.values);
        }
        head
    }

    /// Zeros of a form's sizes.
    pub fn empty(form: &FrameForm, head_dim: usize) -> BodyHead {
        let words = |part: Part, code| vec![0; part.u64s(code, head_dim)].into_boxed_slice();
        BodyHead {
            head_dim,
            keys: words(Part::Keys, &form.keys),
            key_mean: vec![0; head_dim].into_boxed_slice(),
            key_mean_scale: 0,
            values: words(Part::Values, &form.values),
            key_scales: [0; FRAME_POSITIONS],
            value_scales: [0; FRAME_POSITIONS],
        }
    }
}

impl Body {
    pub fn bytes(&self) -> usize {
        self.heads.iter().map(|head| 8 * (head.keys.len() + head.values.len()) + 2 * FRAME_POSITIONS + head.key_mean.len() + 1).sum()
    }

    pub fn hash(&self, hasher: &mut blake3::Hasher) {
        let mut bytes = Vec::new();
        for head in &self.heads {
            bytes.clear();
            head.keys.iter().chain(&head.values).for_each(|word| bytes.extend(word.to_le_bytes()));
            bytes.extend(head.key_mean.iter().map(|code| code.cast_unsigned()));
            bytes.push(head.key_mean_scale);
            hasher.update(&bytes).update(&head.key_scales).update(&head.value_scales);
        }
    }
}
