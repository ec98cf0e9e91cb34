//! Places: the protocol counts lines and UTF-16 units, the analysis bytes. And files: it names them by addresses.

use lsp_types::{Position, Range, Uri};
use nda_analysis::Span;
use nda_text::Snapshot;
use std::path::PathBuf;

/// The protocol's position of a byte.
pub fn position(text: &Snapshot, byte: usize) -> Position {
    let at = text.position(byte.min(text.bytes()));
    Position { line: at.line as u32, character: at.column as u32 }
}

/// The byte at a position; a column behind a line's end is its end.
pub fn byte(text: &Snapshot, at: Position) -> usize {
    text.byte_at(nda_text::Position { line: at.line as usize, column: at.character as usize })
}

/// The protocol's range of a span. A fault's span may point behind the text.
pub fn range(text: &Snapshot, span: Span) -> Range {
    Range { start: position(text, span.start as usize), end: position(text, span.end as usize) }
}

/// The file of an address; none if it is of another kind.
pub fn path(uri: &Uri) -> Option<PathBuf> {
    let path = uri.as_str().strip_prefix("file://")?;
    // A host name before the path is this machine's.
    let path = &path[path.find('/')?..];
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn addresses_name_files_with_any_letters() {
        let file = |address: &str| path(&Uri::from_str(address).unwrap());
        assert_eq!(file("file:///a%20b/%C3%A4%2541/x"), Some("/a b/ä%41/x".into()));
        assert_eq!((file("file://host/a"), file("untitled:a")), (Some("/a".into()), None));
    }
}
