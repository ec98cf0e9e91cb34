//! The tile store and the token machine's program memory behind it: writes, seals, digests.

use super::{Answer, ModelDevice};
use nda_spec::wire::{PageDigest, Request, SEAL_BYTES, Status, crc32};

impl ModelDevice {
    /// Whether pages are sealed, and with the contents that a digest names.
    ///
    /// # Errors
    /// The refusal of the first thing that is wrong.
    pub(super) fn check_pages(&self, mut pages: impl Iterator<Item = usize> + Clone, digest: u32) -> Result<(), Answer> {
        if let Some(page) = pages.clone().find(|&page| self.seals[page].is_none()) {
            return Err((Status::TileDirty, page as u32, Vec::new()));
        }
        let found = PageDigest::of(pages.by_ref().filter_map(|page| self.seals[page]));
        if found == digest { Ok(()) } else { Err((Status::OtherPages, found, Vec::new())) }
    }

    pub(super) fn write(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let word_bytes = g.tile_word_bytes();
        if payload.is_empty() || !payload.len().is_multiple_of(word_bytes) {
            return (Status::BadLen, 0, Vec::new());
        }
        let (first, words) = (request.addr as usize, payload.len() / word_bytes);
        // A write lies in one of the two memories.
        if first + words > if first < g.tile_words { g.tile_words } else { self.words() } {
            return (Status::Range, 0, Vec::new());
        }
        self.tiles[first * word_bytes..(first + words) * word_bytes].copy_from_slice(payload);
        self.seals[first / g.page_words..=(first + words - 1) / g.page_words].fill(None);
        (Status::Ok, request.addr, Vec::new())
    }

    pub(super) fn seal(&mut self, request: &Request, payload: &[u8]) -> Answer {
        let g = self.geometry();
        let Ok(expected) = <[u8; SEAL_BYTES]>::try_from(payload) else { return (Status::BadLen, 0, Vec::new()) };
        let page = request.addr as usize;
        if page >= self.seals.len() {
            return (Status::Range, 0, Vec::new());
        }
        let page_bytes = g.page_words * g.tile_word_bytes();
        let found = crc32(&self.tiles[page * page_bytes..(page + 1) * page_bytes]);
        self.cycles += page_bytes as u64;
        self.seals[page] = (found == u32::from_le_bytes(expected)).then_some(found);
        let status = if self.seals[page].is_some() { Status::Ok } else { Status::CrcMismatch };
        (status, found, Vec::new())
    }
}
