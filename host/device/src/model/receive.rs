//! Bytes of the link become frames in slots.

use super::{ModelDevice, ModelPort};
use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, cobs_decode, crc32};

impl ModelDevice {
    /// Takes bytes as the port does: drops what finds no room, or lets it wait.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        match self.port {
            ModelPort::Uart => bytes.iter().for_each(|&byte| self.byte(byte)),
            ModelPort::Parallel => {
                self.held.extend(bytes);
                self.admit();
            }
        }
    }

    /// Most COBS bytes of a frame that fits a slot; what is longer is cut off and refused.
    pub(super) fn block_limit(&self) -> usize {
        self.slot_bytes + self.slot_bytes / 254 + 1
    }

    pub(super) fn byte(&mut self, byte: u8) {
        if byte != 0 {
            self.too_long |= self.block.len() >= self.block_limit();
            if !self.too_long {
                self.block.push(byte);
            }
            return;
        }
        let block = std::mem::take(&mut self.block);
        let too_long = std::mem::take(&mut self.too_long);
        if block.is_empty() {
            return;
        }
        if too_long {
            self.stat.overrun += 1;
            return;
        }
        let Some(raw) = cobs_decode(&block) else {
            self.stat.bad_frame += 1;
            return;
        };
        if raw.len() > self.slot_bytes {
            self.stat.overrun += 1;
            return;
        }
        let crc_ok = raw.len() >= HEADER_BYTES + CRC_BYTES
            && raw.split_last_chunk::<CRC_BYTES>().is_some_and(|(body, crc)| crc32(body) == u32::from_le_bytes(*crc));
        if !crc_ok {
            self.stat.bad_crc += 1;
        } else if self.slots.len() >= usize::from(self.ident.slots) {
            self.stat.overrun += 1;
        } else {
            self.slots.push_back(raw[..raw.len() - CRC_BYTES].to_vec());
        }
    }

    /// Moves bytes that waited into free slots.
    pub(super) fn admit(&mut self) {
        while self.slots.len() < usize::from(self.ident.slots) {
            let Some(byte) = self.held.pop_front() else { return };
            self.byte(byte);
        }
    }
}
