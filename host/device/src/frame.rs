//! Framing: `0x00 COBS(header payload crc32) 0x00`, fast; bit-equal to `nda_spec::wire`.

use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, Response, max_wire_bytes};

/// A whole frame as it goes over the wire, delimiters included; equals [`nda_spec::wire::encode_frame`].
pub fn encode_frame(header: &[u8; HEADER_BYTES], payload: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(HEADER_BYTES + payload.len() + CRC_BYTES);
    raw.extend_from_slice(header);
    raw.extend_from_slice(payload);
    raw.extend_from_slice(&crc32fast::hash(&raw).to_le_bytes());
    let mut out = vec![0; max_wire_bytes(payload.len()) + 1];
    let encoded = cobs::encode(&raw, &mut out[1..]);
    out.truncate(1 + encoded);
    out.push(0);
    out
}

/// What the bytes up to a delimiter were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameEvent {
    /// A whole frame: its header and its payload.
    Frame(Response, Vec<u8>),
    /// No frame: not COBS, a wrong CRC, too short or too long.
    Bad,
}

/// Cuts a byte stream into frames.
#[derive(Debug)]
pub struct FrameDecoder {
    block: Vec<u8>,
    limit: usize,
    too_long: bool,
}

impl FrameDecoder {
    /// A decoder that holds at most the wire bytes of a frame with `max_payload` payload bytes.
    pub fn new(max_payload: usize) -> FrameDecoder {
        FrameDecoder { block: Vec::new(), limit: max_wire_bytes(max_payload), too_long: false }
    }

    /// Takes one byte; a delimiter behind other bytes ends a frame. Empty frames are nothing.
    pub fn push(&mut self, byte: u8) -> Option<FrameEvent> {
        if byte != 0 {
            // Noise without a zero must not take memory without end.
            self.too_long |= self.block.len() >= self.limit;
            if !self.too_long {
                self.block.push(byte);
            }
            return None;
        }
        let too_long = std::mem::take(&mut self.too_long);
        if self.block.is_empty() {
            return None;
        }
        let event = if too_long { FrameEvent::Bad } else { decode_block(&mut self.block) };
        self.block.clear();
        Some(event)
    }
}

fn decode_block(block: &mut [u8]) -> FrameEvent {
    let Ok(length) = cobs::decode_in_place(block) else { return FrameEvent::Bad };
    let raw = &block[..length];
    let Some((body, crc)) = raw.split_last_chunk::<CRC_BYTES>() else { return FrameEvent::Bad };
    let Some((header, payload)) = body.split_first_chunk::<HEADER_BYTES>() else { return FrameEvent::Bad };
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return FrameEvent::Bad;
    }
    FrameEvent::Frame(Response::from_bytes(header), payload.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_spec::wire;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![1 => Just(0_u8), 1 => any::<u8>(), 6 => 1_u8..=255], 0..1300)
    }

    proptest! {
        #[test]
        fn frames_equal_those_of_the_spec(header in any::<[u8; HEADER_BYTES]>(), payload in bytes()) {
            prop_assert_eq!(encode_frame(&header, &payload), wire::encode_frame(&header, &payload));
            prop_assert_eq!(crc32fast::hash(&payload), wire::crc32(&payload));
        }

        #[test]
        fn blocks_decode_as_those_of_the_spec(block in prop::collection::vec(prop_oneof![1_u8..6, 1_u8..=255], 1..600)) {
            let mut fast = block.clone();
            let length = cobs::decode_in_place(&mut fast).ok();
            prop_assert_eq!(length.map(|n| fast[..n].to_vec()), wire::cobs_decode(&block));
        }

        #[test]
        fn any_stream_gives_back_the_frames_in_it_and_nothing_else(frames in prop::collection::vec((any::<[u8; 8]>(), bytes()), 1..4)) {
            let stream: Vec<u8> = frames.iter().flat_map(|(header, payload)| encode_frame(header, payload)).collect();
            let mut decoder = FrameDecoder::new(1300);
            let events: Vec<FrameEvent> = stream.iter().filter_map(|&byte| decoder.push(byte)).collect();
            let expected: Vec<FrameEvent> = frames.iter().map(|(header, payload)| FrameEvent::Frame(Response::from_bytes(header), payload.clone())).collect();
            prop_assert_eq!(events, expected);
        }
    }

    #[test]
    fn frames_equal_those_of_the_spec_at_the_block_borders() {
        for n in (230..260).chain(480..520).chain(750..770) {
            for fill in [0, 1, 255] {
                for last in [0, 9] {
                    let mut payload = vec![fill; n];
                    payload[n - 1] = last;
                    assert_eq!(encode_frame(&[1; 8], &payload), wire::encode_frame(&[1; 8], &payload), "{n} x {fill}, then {last}");
                    let raw = [&payload[..], &[7]].concat();
                    assert_eq!(cobs::encode_vec(&raw), wire::cobs_encode(&raw), "{n} x {fill}");
                }
            }
        }
    }

    #[test]
    fn noise_and_long_frames_are_bad_and_the_next_frame_is_whole() {
        let mut decoder = FrameDecoder::new(64);
        let good = encode_frame(&[3; 8], &[5; 64]);
        let mut flipped = good.clone();
        flipped[9] ^= 4;
        let long = encode_frame(&[3; 8], &[5; 400]);
        for (bad, count) in [(flipped, 1), (long, 1), (vec![1, 0], 1), (vec![0, 0, 0], 0), (good[..20].to_vec(), 1)] {
            let events: Vec<FrameEvent> = bad.iter().chain(&good).filter_map(|&byte| decoder.push(byte)).collect();
            assert_eq!(events.len(), count + 1, "{bad:?}");
            assert!(events[..count].iter().all(|e| *e == FrameEvent::Bad));
            assert!(matches!(&events[count], FrameEvent::Frame(_, payload) if payload[..] == [5; 64]));
        }
    }
}
