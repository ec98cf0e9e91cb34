//! Another reader: thirty lines of Python, written from FORMAT.md alone.

use crate::sample;
use nda_ndf::{AlignedBytes, Document};
use nda_spec::wire::crc32;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/thirty_lines.py");

/// What the script should print: name, shape and the CRC-32 of every row, as floats of 32 bits.
fn expected(bytes: &[u8]) -> String {
    let aligned = AlignedBytes::from(bytes);
    let document = Document::open(&aligned).unwrap();
    let line = |name: &str, rows: usize, cols: usize, at: &dyn Fn(usize, usize) -> f32| {
        let row = |r: usize| crc32(&(0..cols).flat_map(|c| at(r, c).to_le_bytes()).collect::<Vec<u8>>()).to_string();
        format!("{name} {rows} {cols} {}\n", (0..rows).map(row).collect::<Vec<_>>().join(" "))
    };
    let frames = document.frames().filter_map(|frame| {
        if let Ok(matrix) = document.matrix(frame.name) {
            return Some(line(frame.name, matrix.rows(), matrix.cols(), &|r, c| matrix.weight(r, c)));
        }
        let vector = document.vector(frame.name).ok()?;
        let rows: Vec<&[f32]> = (0..).map_while(|row| vector.row(row)).collect();
        Some(line(frame.name, rows.len(), rows[0].len(), &|r, c| rows[r][c]))
    });
    frames.collect()
}

#[test]
fn thirty_lines_of_python_written_from_format_md_read_every_weight() {
    let text = std::fs::read_to_string(SCRIPT).unwrap();
    let code = text.split("\"\"\"").nth(2).unwrap().lines().filter(|line| !line.is_empty() && !line.starts_with("import")).count();
    assert!(code <= 30, "{code} lines");
    let folder = tempfile::tempdir().unwrap();
    let tiny = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf")).unwrap();
    for (name, bytes) in [("sample", sample::document()), ("tiny", tiny)] {
        let file = folder.path().join(name);
        std::fs::write(&file, &bytes).unwrap();
        let output = match Command::new("python3").arg(SCRIPT).arg(&file).output() {
            Ok(output) => output,
            Err(error) => return nda_tests::skip("another reader", format_args!("it is a script of python3: {error}")),
        };
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let (found, wanted) = (String::from_utf8(output.stdout).unwrap(), expected(&bytes));
        for (line, wanted) in found.lines().zip(wanted.lines()) {
            assert_eq!(line, wanted, "{name}");
        }
        assert_eq!(found.lines().count(), wanted.lines().count(), "{name}");
    }
}
