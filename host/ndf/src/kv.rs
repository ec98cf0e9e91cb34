//! The form of a model's cache of keys and values: codes and constants, found by a conversion.

use crate::fields::{Cursor, Stretch};
use crate::metadata::count_field;
use crate::{Fault, NdfError};

/// The code of every stack, as a matrix has it; the only one there is.
const QUATERNARY: u32 = 2;
/// Bytes of the coefficients, one per stack that there can be.
const COEFFICIENT_BYTES: usize = 4;

/// How keys and values are kept, and how large a text made a model's vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Kv {
    /// Positions that are kept, the newest ones; at least 1.
    pub ring: u32,
    /// What each stack of quaternary codes weighs; 1 to 4 of them.
    pub coefficients: Vec<u8>,
    /// Block by block; at least one, all of the same length.
    pub layers: Vec<KvLayer>,
}

/// What is known of one block. All numbers are finite and positive.
#[derive(Debug, Clone, PartialEq)]
pub struct KvLayer {
    /// What level 1 of each channel of the keys stands for; two channels that are turned together have the same.
    pub keys: Vec<f32>,
    /// What level 1 of each channel of the values stands for.
    pub values: Vec<f32>,
    /// The largest magnitude of a turned query.
    pub query: f32,
    /// The largest magnitude of a gated value.
    pub gated: f32,
}

impl Kv {
    pub(crate) fn parse(payload: Stretch<'_>) -> Result<Kv, NdfError> {
        let field =
            |offset: usize, field, found: u32, allowed| Err(payload.fault(offset, Fault::Field { field, found: found.into(), allowed }));
        let ring = payload.count(0, "ring")? as u32;
        let code = payload.u32(4)?;
        if code != QUATERNARY {
            return field(4, "code", code, "2, quaternary");
        }
        let stacks = payload.u32(8)?;
        if !(1..=COEFFICIENT_BYTES as u32).contains(&stacks) {
            return field(8, "stacks", stacks, "1 to 4");
        }
        let (used, unused) = payload.range(12..12 + COEFFICIENT_BYTES)?.split_at(stacks as usize);
        if let Some(at) = used.iter().position(|c| *c == 0) {
            return field(12 + at, "coefficients", 0, "at least 1");
        }
        if let Some(at) = unused.iter().position(|c| *c != 0) {
            return Err(payload.fault(12 + used.len() + at, Fault::Padding { found: unused[at] }));
        }
        let (layers, width) = (payload.count(16, "layers")?, payload.count(20, "channels")?);
        let each = width.checked_mul(2).and_then(|n| n.checked_add(2)).and_then(|n| n.checked_mul(4));
        let expected = each.and_then(|each| each.checked_mul(layers)).and_then(|n| n.checked_add(24)).unwrap_or(usize::MAX);
        payload.exactly(expected)?;
        let mut cursor = Cursor { stretch: payload, at: 24 };
        let layers = (0..layers).map(|_| KvLayer::parse(&mut cursor, width)).collect::<Result<_, _>>()?;
        Ok(Kv { ring, coefficients: used.to_vec(), layers })
    }

    /// The bytes of the frame; layers that differ in length are a fault.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, Fault> {
        let stacks = self.coefficients.len();
        let mut coefficients = self.coefficients.clone();
        coefficients.resize(COEFFICIENT_BYTES.max(stacks), 0);
        let width = self.layers.first().map_or(0, |layer| layer.keys.len());
        let lengths = self.layers.iter().flat_map(|layer| [layer.keys.len(), layer.values.len()]);
        if let Some(found) = lengths.into_iter().find(|len| *len != width) {
            return Err(Fault::Count { what: "channels of a layer", expected: width, found });
        }
        let mut payload = [self.ring.to_le_bytes(), QUATERNARY.to_le_bytes(), count_field("stacks", stacks)?].concat();
        payload.extend(coefficients);
        payload.extend(count_field("layers", self.layers.len())?);
        payload.extend(count_field("channels", width)?);
        for layer in &self.layers {
            for numbers in [&layer.keys[..], &layer.values, &[layer.query], &[layer.gated]] {
                payload.extend(numbers.iter().flat_map(|v| v.to_le_bytes()));
            }
        }
        Ok(payload)
    }
}

impl KvLayer {
    fn parse(cursor: &mut Cursor<'_>, width: usize) -> Result<KvLayer, NdfError> {
        let mut numbers = |count: usize| -> Result<Vec<f32>, NdfError> {
            (0..count)
                .map(|index| {
                    let value = f32::from_bits(cursor.u32()?);
                    // A constant is divided by, so none is 0.
                    let sound = value.is_finite() && value > 0.0;
                    let fault = Fault::NotPositive { what: "constant", index, value };
                    if sound { Ok(value) } else { Err(cursor.stretch.fault(cursor.at - 4, fault)) }
                })
                .collect()
        };
        let (keys, values) = (numbers(width)?, numbers(width)?);
        let largest = numbers(2)?;
        Ok(KvLayer { keys, values, query: largest[0], gated: largest[1] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Kv {
        let layer = |i: usize| KvLayer { keys: vec![0.5 + i as f32; 4], values: vec![0.25; 4], query: 7.0, gated: 100.0 };
        Kv { ring: 102, coefficients: vec![2, 1], layers: vec![layer(0), layer(1)] }
    }

    fn parsed(payload: &[u8]) -> Result<Kv, NdfError> {
        Kv::parse(Stretch { bytes: payload, offset: 0, frame: None })
    }

    #[test]
    fn a_form_survives_its_bytes_and_has_the_length_that_the_format_says() {
        let payload = sample().payload().unwrap();
        assert_eq!(payload.len(), 24 + 2 * (2 * 4 + 2) * 4);
        assert_eq!(payload[..16], [102, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0]);
        assert_eq!(parsed(&payload).unwrap(), sample());
    }

    #[test]
    fn wrong_fields_and_lengths_are_refused() {
        let payload = sample().payload().unwrap();
        for cut in 0..payload.len() {
            assert!(parsed(&payload[..cut]).is_err(), "{cut} bytes");
        }
        assert!(parsed(&[&payload[..], &[0]].concat()).is_err());
        let changed = |at: usize, with: &[u8]| {
            let mut payload = payload.clone();
            payload[at..at + with.len()].copy_from_slice(with);
            parsed(&payload).unwrap_err().to_string()
        };
        assert!(changed(0, &[0]).contains("ring"));
        assert!(changed(4, &[1]).contains("code"));
        assert!(changed(8, &[5]).contains("stacks"));
        assert!(changed(12, &[0]).contains("coefficients"));
        assert!(changed(14, &[1]).contains("1"), "a coefficient of no stack");
        assert!(changed(16, &[255; 4]).contains("payload") && changed(20, &[255; 4]).contains("payload"));
        for value in [0.0_f32, -1.0, f32::NAN, f32::INFINITY] {
            assert!(changed(24, &value.to_le_bytes()).contains("not a finite number above 0"), "{value}");
        }
    }

    #[test]
    fn layers_that_differ_are_not_written() {
        let mut kv = sample();
        kv.layers[1].keys.push(1.0);
        kv.layers[1].values.pop();
        assert!(matches!(kv.payload(), Err(Fault::Count { expected: 4, found: 5, .. })));
    }
}
