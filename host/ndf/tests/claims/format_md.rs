//! FORMAT.md's example is what the writer writes.

use std::fmt::Write;

use nda_ndf::{
    AlignedBytes, Document, DocumentWriter, Granularity, MatrixContent, Outliers, TileBuffer, Tokenizer, VectorContent, VectorShape,
};
use nda_spec::WeightCode;

/// The document of the example in FORMAT.md.
fn example() -> Vec<u8> {
    let mut writer = DocumentWriter::new();
    writer.metadata().set("name", "example");
    writer.set_tokenizer(Tokenizer::Bytes).unwrap();
    let tiles = TileBuffer::from_values(2, 3, WeightCode::Quaternary, &[-2, -1, 1, 2, 1, -1]).unwrap();
    let (granularity, outliers) = (Granularity::Row, Outliers { rows: &[1], cols: &[2], values: &[8.0] });
    writer.add_matrix(&MatrixContent { name: "w", granularity, scales: &[0.5, 0.25], stacks: &[tiles.matrix()], outliers }).unwrap();
    writer.add_vector(&VectorContent { name: "v", shape: VectorShape::Vector(2), values: &[1.0, -2.0] }).unwrap();
    writer.finish().unwrap()
}

/// Sixteen bytes a line; lines of zeros are left out.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate().filter(|(_, chunk)| chunk.iter().any(|byte| *byte != 0)) {
        write!(text, "{:04x} ", line * 16).unwrap();
        chunk.iter().for_each(|byte| write!(text, " {byte:02x}").unwrap());
        text.push('\n');
    }
    text
}

const MARKS: (&str, &str) =
    ("<!-- example: written by the test `the_example_in_format_md_is_what_the_writer_writes` -->\n```text\n", "```\n");

#[test]
fn the_example_in_format_md_is_what_the_writer_writes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/FORMAT.md");
    let text = std::fs::read_to_string(path).unwrap();
    let start = text.find(MARKS.0).expect("FORMAT.md has the example's mark") + MARKS.0.len();
    let end = start + text[start..].find(MARKS.1).expect("the example ends");
    let expected = dump(&example());
    if std::env::var_os("NDA_UPDATE_FORMAT").is_some() {
        std::fs::write(path, [&text[..start], &expected, &text[end..]].concat()).unwrap();
        return;
    }
    assert_eq!(&text[start..end], expected, "run with NDA_UPDATE_FORMAT=1 after a change of the format");
}

#[test]
fn the_example_in_format_md_is_a_document_again() {
    // The dump read back, with its zeros: the file that a reader of FORMAT.md would type.
    let text = include_str!("../../FORMAT.md");
    let start = text.find(MARKS.0).unwrap() + MARKS.0.len();
    let block = &text[start..start + text[start..].find(MARKS.1).unwrap()];
    let mut bytes = AlignedBytes::zeroed(example().len());
    for line in block.lines() {
        let (offset, rest) = line.split_once(' ').unwrap();
        let offset = usize::from_str_radix(offset, 16).unwrap();
        for (place, byte) in rest.split_whitespace().enumerate() {
            bytes[offset + place] = u8::from_str_radix(byte, 16).unwrap();
        }
    }
    let document = Document::open(&bytes).unwrap();
    crate::definition::compare(&bytes, &document);
    assert_eq!(document.matrix("w").unwrap().weight(1, 2), 8.0 - 0.25);
}
