//! Mapping files and replacing them.

use std::fs;
use std::path::Path;

use nda_files::{FilesError, Found};
use nda_ndf::{AlignedBytes, Document, DocumentWriter, Fault, MappedDocument, NdfError, VectorContent, VectorShape};

use crate::sample;

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_written_file_is_mapped_and_used_from_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ndf");
    sample::writer().write_to(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), sample::document());
    for mapped in [MappedDocument::open(&path).unwrap(), MappedDocument::open_structure(&path).unwrap()] {
        mapped.document().check().unwrap();
        let matrix = mapped.document().matrix("blk.0.q").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(matrix.scales(), mapped.document().matrix("blk.0.q").unwrap().scales()));
            }
        });
    }
}

#[test]
fn a_file_is_replaced_whole_and_an_old_mapping_keeps_the_old_document() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ndf");
    sample::writer().write_to(&path).unwrap();
    let old = MappedDocument::open(&path).unwrap();
    let mut writer = DocumentWriter::new();
    writer.add_vector(&VectorContent { name: "v", shape: VectorShape::Vector(1), values: &[1.0] }).unwrap();
    writer.write_to(&path).unwrap();
    old.document().check().unwrap();
    assert_eq!(old.document().frames().count(), 7);
    assert_eq!(MappedDocument::open(&path).unwrap().document().frames().count(), 2);
    assert_eq!(entries(folder.path()), ["model.ndf"]);
}

#[test]
fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ndf");
    sample::writer().write_to(&path).unwrap();
    let mut bad = sample::writer();
    bad.metadata().set("", "no key");
    assert!(matches!(bad.write_to(&path), Err(NdfError::Unwritable { .. })));
    let directory = folder.path().join("taken");
    fs::create_dir(&directory).unwrap();
    assert!(matches!(sample::writer().write_to(&directory), Err(NdfError::File(FilesError::Target { found: Found::Folder, .. }))));
    assert!(matches!(sample::writer().write_to(folder.path().join("absent/model.ndf")), Err(NdfError::File(_))));
    assert_eq!(entries(folder.path()), ["model.ndf", "taken"]);
    assert_eq!(fs::read(&path).unwrap(), sample::document());
}

#[cfg(unix)]
#[test]
fn a_written_file_is_readable_by_others_as_the_mask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, plain) = (folder.path().join("model.ndf"), folder.path().join("plain"));
    sample::writer().write_to(&path).unwrap();
    fs::write(&plain, b"").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}

#[test]
fn what_is_no_document_is_an_error_that_names_the_file_or_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ndf");
    let error = MappedDocument::open(&path).unwrap_err();
    assert!(matches!(error, NdfError::File(_)) && error.to_string().contains("model.ndf"), "{error}");
    assert!(matches!(MappedDocument::open(folder.path()), Err(NdfError::File(FilesError::Source { found: Found::Folder, .. }))));
    fs::write(&path, b"").unwrap();
    let error = MappedDocument::open(&path).unwrap_err();
    assert!(matches!(error.fault(), Some(Fault::Truncated { found: 0, .. })), "{error}");
    let mut damaged = sample::document();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = MappedDocument::open(&path).unwrap_err();
    assert!(matches!(error.fault(), Some(Fault::Hash { .. })), "{error}");
    assert_eq!(error.to_string(), Document::open(&AlignedBytes::from(damaged.as_slice())).unwrap_err().to_string());
}
