//! What kind of file some bytes are.

use crate::{LEGACY_MAGIC, MAGIC};

/// The kinds of file that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An `.ndf` document: open it with [`crate::Document`] or [`crate::MappedDocument`].
    Document,
    /// A matrix file of the articles: read it with [`crate::LegacyMatrix`].
    LegacyMatrix,
    /// Neither.
    Unknown,
}

/// The kind of a file by its first bytes; eight are enough. Only the magic is looked at.
pub fn sniff(bytes: &[u8]) -> FileKind {
    if bytes.starts_with(&MAGIC) {
        FileKind::Document
    } else if bytes.starts_with(&LEGACY_MAGIC.to_le_bytes()) {
        FileKind::LegacyMatrix
    } else {
        FileKind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_first_bytes_and_nothing_else_is() {
        assert_eq!(sniff(b"\x89NDF\r\n\x1a\nmore"), FileKind::Document);
        assert_eq!(sniff(&[0x00, 0x41, 0x44, 0x4e, 1, 0]), FileKind::LegacyMatrix);
        for other in [&b""[..], b"\x89NDF\r\n\x1a", b"\x00AD", b"GGUF\x03\0\0\0", b"\x89NDF\n\x1a\n\0"] {
            assert_eq!(sniff(other), FileKind::Unknown, "{other:?}");
        }
    }
}
