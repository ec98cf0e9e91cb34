//! `.ndf` documents: every byte as its frames say.

use nda_guard::{Gate, Seen, Verdict};
use nda_ndf::{AlignedBytes, Document};

/// The gate of documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Documents;

impl Gate for Documents {
    fn name(&self) -> &str {
        "ndf"
    }

    fn judge(&self, seen: &Seen<'_>) -> Verdict {
        let documents = seen.files.iter().filter(|file| file.path.name().ends_with(b".ndf"));
        let mut any = false;
        for (file, after) in documents.filter_map(|file| Some((file, file.after?))) {
            any = true;
            let bytes = AlignedBytes::from(after.bytes.as_slice());
            if let Err(error) = Document::open(&bytes) {
                return Verdict::Fails(format!("{}: {error}", file.path));
            }
        }
        if any { Verdict::Holds } else { Verdict::NotConcerned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nda_guard::{FileState, RelPath, Written};

    #[test]
    fn a_document_with_one_changed_byte_fails() {
        let good = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf")).unwrap();
        let judge = |bytes: Vec<u8>| {
            let (path, after) = (RelPath::new("m.ndf").unwrap(), FileState::plain(bytes));
            Documents.judge(&Seen { root: std::path::Path::new("/"), files: &[Written { path: &path, before: None, after: Some(&after) }] })
        };
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        assert_eq!(judge(good), Verdict::Holds);
        assert!(matches!(judge(bad), Verdict::Fails(text) if text.starts_with("m.ndf: ")));
    }
}
