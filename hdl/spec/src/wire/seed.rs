//! `SEED`: an element operation of the articles, whole in one request.

use super::{HEADER_BYTES, Request};
use crate::seed::{Answer, Call, Comparison, DEVICE_EPS_SHIFT, Operand, Operation, codes, planes};

/// Elements of a beat: a byte of each plane.
pub const SEED_LANES: usize = 8;
/// Bytes of a beat of results: signs, then extra bits.
pub const SEED_BEAT_BYTES: usize = 2;

/// A `SEED` request without its operands: `arg` and `addr` of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedHead {
    /// Which operation.
    pub operation: Operation,
    /// Elements of an operand, at least 1.
    pub count: u16,
    /// The first operand's exponent; of `compare` the comparison's number, of the norm eps's shift.
    pub first: u8,
    /// The second operand's exponent.
    pub second: u8,
}

/// Why a request is no `SEED` that a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedError {
    /// An unknown operation, comparison or eps, or no elements.
    Range,
    /// The payload is not what the operation and the count say.
    Length,
}

impl SeedHead {
    /// What a call's request says.
    ///
    /// # Panics
    /// If the call has no elements, or more than a count holds.
    pub fn of(call: &Call<'_>) -> SeedHead {
        let (first, second) = match call {
            Call::Add(x, y) | Call::Swiglu(x, y) => (x.log2_scale as u8, y.log2_scale as u8),
            Call::Compare(by, ..) => (by.number(), 0),
            Call::RmsNorm { eps_shift, .. } => (*eps_shift, 0),
            _ => (0, 0),
        };
        let count = u16::try_from(call.len()).expect("a call in parts");
        assert!(count > 0, "a device is asked for at least one element");
        SeedHead { operation: call.operation(), count, first, second }
    }

    /// The header's `addr`.
    pub fn addr(&self) -> u32 {
        let [low, high] = self.count.to_le_bytes();
        u32::from_le_bytes([low, high, self.first, self.second])
    }

    /// What a header says.
    ///
    /// # Errors
    /// [`SeedError::Range`].
    pub fn from_request(request: &Request) -> Result<SeedHead, SeedError> {
        let operation = Operation::from_number(request.arg).ok_or(SeedError::Range)?;
        let [low, high, first, second] = request.addr.to_le_bytes();
        let head = SeedHead { operation, count: u16::from_le_bytes([low, high]), first, second };
        let is_right = head.count > 0
            && match operation {
                Operation::Compare => Comparison::from_number(first).is_some(),
                Operation::RmsNorm => first >= DEVICE_EPS_SHIFT,
                _ => true,
            };
        if is_right { Ok(head) } else { Err(SeedError::Range) }
    }

    /// Bytes of the payload.
    pub const fn payload_bytes(&self) -> usize {
        payload_bytes(self.operation, self.count as usize)
    }

    /// Bytes of the answer's payload.
    pub const fn answer_bytes(&self) -> usize {
        match self.operation {
            Operation::Truthy => 0,
            _ => (self.count as usize).div_ceil(SEED_LANES) * SEED_BEAT_BYTES,
        }
    }

    /// What the golden model says to a payload: `aux` and the answer's payload.
    ///
    /// # Errors
    /// [`SeedError::Length`].
    pub fn golden(&self, payload: &[u8]) -> Result<(u32, Vec<u8>), SeedError> {
        if payload.len() != self.payload_bytes() {
            return Err(SeedError::Length);
        }
        let (count, log2) = (self.count.into(), |byte: u8| byte as i8);
        let (x, y) = if self.operation.is_of_two() { two_vectors(payload, count) } else { (one_vector(payload, count), Vec::new()) };
        let (x, y) = (x.as_slice(), y.as_slice());
        let [first, second] = [(x, self.first), (y, self.second)].map(|(codes, byte)| Operand { codes, log2_scale: log2(byte) });
        let floats: Vec<f32>;
        let call = match self.operation {
            Operation::Add => Call::Add(first, second),
            Operation::AlignedAdd => Call::AlignedAdd(x, y),
            Operation::Swiglu => Call::Swiglu(first, second),
            Operation::Silu => Call::Silu(x),
            Operation::RmsNorm => Call::RmsNorm { x, weight: y, eps_shift: self.first },
            Operation::Compare => Call::Compare(Comparison::from_number(self.first).ok_or(SeedError::Range)?, x, y),
            Operation::Truthy => Call::Truthy(x),
            Operation::Quantize => {
                floats = payload.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                Call::Quantize(&floats)
            }
        };
        let Answer { codes, scale } = call.golden();
        Ok((scale, beats(&[&codes])))
    }
}

/// The most elements that fit a payload of this many bytes.
pub const fn seed_elements(operation: Operation, most_bytes: usize) -> usize {
    match operation {
        Operation::Quantize => most_bytes / 4,
        _ if operation.is_of_two() => most_bytes / (2 * SEED_BEAT_BYTES) * SEED_LANES,
        _ => most_bytes / SEED_BEAT_BYTES * SEED_LANES,
    }
}

const fn payload_bytes(operation: Operation, count: usize) -> usize {
    match operation {
        Operation::Quantize => 4 * count,
        _ if operation.is_of_two() => count.div_ceil(SEED_LANES) * 2 * SEED_BEAT_BYTES,
        _ => count.div_ceil(SEED_LANES) * SEED_BEAT_BYTES,
    }
}

/// The payload of a call's request.
pub fn seed_payload(call: &Call<'_>) -> Vec<u8> {
    match *call {
        Call::Add(x, y) | Call::Swiglu(x, y) => beats(&[x.codes, y.codes]),
        Call::AlignedAdd(x, y) | Call::RmsNorm { x, weight: y, .. } | Call::Compare(_, x, y) => beats(&[x, y]),
        Call::Silu(x) | Call::Truthy(x) => beats(&[x]),
        Call::Quantize(x) => x.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// The first codes of an answer's payload.
///
/// # Panics
/// If it holds fewer.
pub fn seed_codes(payload: &[u8], count: usize) -> Vec<i8> {
    one_vector(payload, count)
}

/// Beat after beat, of each vector a byte of signs and one of extra bits. Padding is zero.
fn beats(vectors: &[&[i8]]) -> Vec<u8> {
    let planes: Vec<_> = vectors.iter().map(|codes| planes(codes)).collect();
    let byte = |words: &[u64], at: usize| words[at / 8].to_le_bytes()[at % 8];
    let count = vectors.first().map_or(0, |codes| codes.len().div_ceil(SEED_LANES));
    (0..count).flat_map(|at| planes.iter().flat_map(move |(sign, extra)| [byte(sign, at), byte(extra, at)])).collect()
}

fn one_vector(payload: &[u8], count: usize) -> Vec<i8> {
    vector(payload, SEED_BEAT_BYTES, 0, count)
}

fn two_vectors(payload: &[u8], count: usize) -> (Vec<i8>, Vec<i8>) {
    let of = |first: usize| vector(payload, 2 * SEED_BEAT_BYTES, first, count);
    (of(0), of(SEED_BEAT_BYTES))
}

/// The vector whose planes stand at a place of every beat.
fn vector(payload: &[u8], beat_bytes: usize, at: usize, count: usize) -> Vec<i8> {
    let plane = |at: usize| -> Vec<u64> {
        let bytes: Vec<u8> = payload.chunks_exact(beat_bytes).map(|beat| beat[at]).collect();
        bytes.chunks(8).map(|word| word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))).collect()
    };
    codes(&plane(at), &plane(at + 1), count)
}

const _: () = assert!(HEADER_BYTES == 8, "the header's fields carry a request's numbers");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Op;

    fn request(call: &Call<'_>) -> Request {
        let head = SeedHead::of(call);
        Request { op: Op::Seed as u8, arg: head.operation as u8, seq: 0, addr: head.addr() }
    }

    #[test]
    fn a_call_survives_the_wire_at_every_tail() {
        for count in 1..=70 {
            let x: Vec<i8> = (0..count).map(|i| [-2, -1, 1, 2][(i * 7 + i / 3) % 4]).collect();
            let y: Vec<i8> = (0..count).map(|i| [-2, -1, 1, 2][(i * 5 + i / 4) % 4]).collect();
            let floats: Vec<f32> = x.iter().zip(&y).map(|(x, y)| f32::from(*x) * 1.7 + f32::from(*y)).collect();
            let [first, second] = [(&x, -128), (&y, 127)].map(|(codes, log2_scale)| Operand { codes, log2_scale });
            let calls = [
                Call::Add(first, second),
                Call::AlignedAdd(&x, &y),
                Call::Swiglu(first, second),
                Call::Silu(&x),
                Call::RmsNorm { x: &x, weight: &y, eps_shift: 200 },
                Call::Compare(Comparison::NotGreater, &x, &y),
                Call::Truthy(&x),
                Call::Quantize(&floats),
            ];
            for call in calls {
                let (head, payload) = (SeedHead::from_request(&request(&call)).unwrap(), seed_payload(&call));
                assert_eq!((head, head.payload_bytes()), (SeedHead::of(&call), payload.len()));
                let (aux, answer) = head.golden(&payload).unwrap();
                let expected = call.golden();
                assert_eq!((aux, answer.len()), (expected.scale, head.answer_bytes()), "{call:?}");
                if call.operation() != Operation::Truthy {
                    assert_eq!(seed_codes(&answer, count), expected.codes, "{call:?}");
                }
                assert_eq!(head.golden(&payload[1..]), Err(SeedError::Length));
                assert!(seed_elements(head.operation, payload.len()) >= count);
                assert!(seed_elements(head.operation, payload.len() - 1) < count);
            }
        }
    }

    #[test]
    fn what_a_device_does_not_do_is_out_of_range() {
        let call = Call::Compare(Comparison::Equal, &[1], &[2]);
        for (arg, addr) in [(0, 1), (9, 1), (1, 0), (6, 0x0003_0001), (6, 0x0007_0001), (5, 0x000d_0001)] {
            assert_eq!(SeedHead::from_request(&Request { arg, addr, ..request(&call) }), Err(SeedError::Range), "{arg} {addr:#x}");
        }
        assert!(SeedHead::from_request(&Request { arg: 5, addr: 0x000e_0001, ..request(&call) }).is_ok());
    }

    #[test]
    fn a_payload_by_hand() {
        // Codes -2, -1, 1, 2 have the signs 0011 and the extra bits 0101, element 0 lightest.
        let call = Call::Silu(&[-2, -1, 1, 2]);
        assert_eq!(seed_payload(&call), [0b1100, 0b1010]);
        assert_eq!(SeedHead::of(&call).golden(&[0b1100, 0b1010]), Ok((0, vec![0b1100, 0b1011])));
        let call = Call::Add(Operand { codes: &[2], log2_scale: -1 }, Operand { codes: &[-1], log2_scale: 3 });
        assert_eq!((seed_payload(&call), SeedHead::of(&call).addr()), (vec![1, 1, 0, 1], 0x03ff_0001));
    }
}
