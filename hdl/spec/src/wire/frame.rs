//! Frames: CRC-32 and COBS around header and payload.

use super::{CRC_BYTES, HEADER_BYTES};

/// CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320), bit by bit: the golden model of the core
/// and of the host's faster one.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| crc32_step(crc, byte))
}

/// The running CRC register after one more byte; starts as all ones, is inverted at the end.
pub fn crc32_step(crc: u32, byte: u8) -> u32 {
    let mut crc = crc ^ u32::from(byte);
    for _ in 0..8 {
        crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    }
    crc
}

/// What the CRC register holds after a frame and its own CRC, if both are whole.
pub const CRC_RESIDUE: u32 = 0xDEBB_20E3;

/// COBS of a frame's bytes, without delimiters (Cheshire and Baker, 1999).
pub fn cobs_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    let mut code_at = 0;
    for &byte in bytes {
        if out.len() - code_at == 255 {
            // A full block has no zero of its own behind it.
            out[code_at] = 255;
            code_at = out.len();
            out.push(0);
        }
        if byte == 0 {
            out[code_at] = (out.len() - code_at) as u8;
            code_at = out.len();
            out.push(0);
        } else {
            out.push(byte);
        }
    }
    out[code_at] = (out.len() - code_at) as u8;
    out
}

/// The bytes that a COBS block without delimiters spells, or `None` if it is not COBS.
pub fn cobs_decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while at < encoded.len() {
        let code = usize::from(encoded[at]);
        if code == 0 || at + code > encoded.len() || encoded[at + 1..at + code].contains(&0) {
            return None;
        }
        out.extend_from_slice(&encoded[at + 1..at + code]);
        at += code;
        if code != 255 && at < encoded.len() {
            out.push(0);
        }
    }
    Some(out)
}

/// A whole frame as it goes over the wire: leading and trailing delimiter included. The leading one
/// flushes whatever a dead host left behind.
pub fn encode_frame(header: &[u8; HEADER_BYTES], payload: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(HEADER_BYTES + payload.len() + CRC_BYTES);
    raw.extend_from_slice(header);
    raw.extend_from_slice(payload);
    let crc = crc32(&raw);
    raw.extend_from_slice(&crc.to_le_bytes());
    let mut out = vec![0];
    out.extend_from_slice(&cobs_encode(&raw));
    out.push(0);
    out
}

/// Fewest bytes that a frame of `payload` bytes takes on the wire: those of one in which no 254 bytes are without a zero.
pub const fn min_wire_bytes(payload: usize) -> usize {
    HEADER_BYTES + payload + CRC_BYTES + 1 + 2
}

/// Most bytes that a frame of `payload` bytes takes on the wire.
pub const fn max_wire_bytes(payload: usize) -> usize {
    let raw = HEADER_BYTES + payload + CRC_BYTES;
    raw + raw / 254 + 1 + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cobs_returns_what_it_was_given_and_holds_no_zero(bytes in prop::collection::vec(prop_oneof![Just(0_u8), any::<u8>(), 1_u8..=255], 0..1200)) {
            let encoded = cobs_encode(&bytes);
            prop_assert!(!encoded.contains(&0));
            prop_assert!(encoded.len() <= bytes.len() + bytes.len() / 254 + 1);
            prop_assert_eq!(cobs_decode(&encoded), Some(bytes));
        }
    }

    #[test]
    fn cobs_at_the_block_borders() {
        for n in [0, 1, 253, 254, 255, 508, 509] {
            for tail in [&[][..], &[0], &[0, 0], &[7]] {
                let bytes = [&vec![1_u8; n][..], tail].concat();
                assert_eq!(cobs_decode(&cobs_encode(&bytes)), Some(bytes), "{n} ones and {tail:?}");
            }
        }
        assert_eq!(cobs_encode(&[1; 254]).len(), 255, "a full last block needs no empty one behind it");
        assert_eq!(cobs_decode(&[5, 1, 2]), None);
        assert_eq!(cobs_decode(&[0]), None);
    }

    #[test]
    fn crc_of_the_check_string_and_residue() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let mut framed = b"123456789".to_vec();
        framed.extend_from_slice(&crc32(b"123456789").to_le_bytes());
        assert_eq!(framed.iter().fold(u32::MAX, |crc, &b| crc32_step(crc, b)), CRC_RESIDUE);
    }
}
