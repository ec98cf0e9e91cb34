//! What a request says of the pages that it needs: one number for all of them.

use super::frame::crc32_step;

/// The digest of pages: the CRC-32 of their CRC-32s, four bytes each, in the order of the pages.
///
/// A seal says that a page holds what a `SEAL` said; a digest says that it is what this request means. So a `WRITE` and a
/// `SEAL` that the link doubled and delayed bring an older content back, sealed, and the next request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageDigest(u32);

impl Default for PageDigest {
    fn default() -> PageDigest {
        PageDigest(u32::MAX)
    }
}

impl PageDigest {
    /// The digest of pages with these CRC-32s.
    pub fn of(page_crcs: impl IntoIterator<Item = u32>) -> u32 {
        let mut digest = PageDigest::default();
        page_crcs.into_iter().for_each(|crc| digest.add(crc));
        digest.finish()
    }

    /// Takes the next page's CRC-32.
    pub fn add(&mut self, page_crc: u32) {
        self.0 = page_crc.to_le_bytes().into_iter().fold(self.0, crc32_step);
    }

    /// The digest of the pages taken.
    pub fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::crc32;

    #[test]
    fn a_digest_is_the_crc_of_the_pages_crcs_and_knows_their_order() {
        assert_eq!(PageDigest::of([]), crc32(&[]));
        assert_eq!(PageDigest::of([0x3433_3231, 0x3837_3635]), crc32(b"12345678"));
        assert_ne!(PageDigest::of([1, 2]), PageDigest::of([2, 1]));
        assert_ne!(PageDigest::of([1]), PageDigest::of([1, 1]));
    }
}
