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

/// The closed form of a block's heads, in two pieces of memory: a conversation has thousands of heads, and each piece costs some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    heads: u32,
    head_dim: u32,
    key_words: u32,
    /// Of every head its keys and values.
    words: Box<[u64]>,
    /// Of every head the mean's codes, its scale, the scales of keys and values; scales are bytes without a sign.
    bytes: Box<[i8]>,
}

/// How long a head's parts are as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadBytes {
    head_dim: usize,
    key_words: usize,
    value_words: usize,
}

impl HeadBytes {
    pub fn of(form: &FrameForm, head_dim: usize) -> HeadBytes {
        let words = |part: Part, code| part.u64s(code, head_dim);
        HeadBytes { head_dim, key_words: words(Part::Keys, &form.keys), value_words: words(Part::Values, &form.values) }
    }

    /// The mean's codes and scale, and the scales of keys and values.
    fn codes(&self) -> usize {
        self.head_dim + 1 + 2 * FRAME_POSITIONS
    }

    /// All of them.
    pub fn all(&self) -> usize {
        8 * (self.key_words + self.value_words) + self.codes()
    }
}

/// A head of a body: [`BodyHead`], borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'b> {
    pub keys: &'b [u64],
    pub values: &'b [u64],
    pub key_mean: &'b [i8],
    pub key_mean_scale: u8,
    key_scales: &'b [i8],
    value_scales: &'b [i8],
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
    /// Of heads of one shape.
    pub fn of(heads: Vec<BodyHead>) -> Body {
        let first = heads.first().map_or((0, 0), |head| (head.head_dim as u32, head.keys.len() as u32));
        // As large as they become, from the start: a vector that grows leaves holes behind it.
        let mut words = Vec::with_capacity(heads.iter().map(|head| head.keys.len() + head.values.len()).sum());
        let mut bytes = Vec::with_capacity(heads.iter().map(|head| head.key_mean.len() + 1 + 2 * FRAME_POSITIONS).sum());
        for head in &heads {
            words.extend(head.keys.iter().chain(&head.values));
            bytes.extend(&head.key_mean);
            bytes.push(head.key_mean_scale.cast_signed());
            bytes.extend(head.key_scales.iter().chain(&head.value_scales).map(|scale| scale.cast_signed()));
        }
        let (words, bytes) = (words.into_boxed_slice(), bytes.into_boxed_slice());
        Body { heads: heads.len() as u32, head_dim: first.0, key_words: first.1, words, bytes }
    }

    /// From the bytes that [`Head::put`] appended, head by head.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub fn from_bytes(heads: usize, each: &HeadBytes, all: &[u8]) -> Body {
        assert_eq!(all.len(), heads * each.all(), "bytes of {heads} heads");
        let mut words = Vec::with_capacity(heads * (each.key_words + each.value_words));
        let mut bytes = Vec::with_capacity(heads * each.codes());
        for head in all.chunks_exact(each.all()) {
            let (of_words, codes) = head.split_at(each.all() - each.codes());
            words.extend(of_words.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)));
            bytes.extend(codes.iter().map(|byte| byte.cast_signed()));
        }
        let [heads, head_dim, key_words] = [heads, each.head_dim, each.key_words].map(|count| count as u32);
        Body { heads, head_dim, key_words, words: words.into_boxed_slice(), bytes: bytes.into_boxed_slice() }
    }

    /// Heads.
    pub fn len(&self) -> usize {
        self.heads as usize
    }

    /// Channels of a head.
    pub fn head_dim(&self) -> usize {
        self.head_dim as usize
    }

    /// A head.
    ///
    /// # Panics
    /// If there is none of that number.
    pub fn head(&self, head: usize) -> Head<'_> {
        assert!(head < self.len(), "head {head} of {}", self.heads);
        let part = |of: usize| head * of / self.len()..(head + 1) * of / self.len();
        let (keys, values) = self.words[part(self.words.len())].split_at(self.key_words as usize);
        let (key_mean, scales) = self.bytes[part(self.bytes.len())].split_at(self.head_dim());
        let (key_scales, value_scales) = scales[1..].split_at(FRAME_POSITIONS);
        Head { keys, values, key_mean, key_mean_scale: scales[0].cast_unsigned(), key_scales, value_scales }
    }

    pub fn heads(&self) -> impl Iterator<Item = Head<'_>> {
        (0..self.len()).map(|head| self.head(head))
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&*self.words) + self.bytes.len()
    }
}

impl<'b> Head<'b> {
    /// A byte per position.
    pub fn key_scales(self) -> impl Iterator<Item = u8> + 'b {
        self.key_scales.iter().map(|scale| scale.cast_unsigned())
    }

    /// A byte per position.
    pub fn value_scales(self) -> impl Iterator<Item = u8> + 'b {
        self.value_scales.iter().map(|scale| scale.cast_unsigned())
    }

    /// Appends the head as files and seals have it.
    pub fn put(self, out: &mut Vec<u8>) {
        self.keys.iter().chain(self.values).for_each(|word| out.extend(word.to_le_bytes()));
        out.extend(self.key_mean.iter().map(|code| code.cast_unsigned()));
        out.push(self.key_mean_scale);
        out.extend(self.key_scales().chain(self.value_scales()));
    }
}
