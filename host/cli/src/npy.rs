//! NumPy's array files, of the two kinds that `nda gemv` takes and gives: vectors of int8 and of int32.
//!
//! Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays". The reader is strict:
//! one dimension, C order, little endian, nothing before and nothing after. No crate: those that read the
//! whole format bring a parser generator for its Python literal, of which a vector needs one line.

/// First bytes of every such file.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The data begin at a multiple of this.
const ALIGN: usize = 64;

/// Why a file is no vector of int8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NpyError {
    /// Another kind of file.
    #[error("it does not begin as a NumPy file does")]
    Magic,
    /// An unknown version of the format.
    #[error("its format version is {0}.{1}; 1.0, 2.0 and 3.0 are read")]
    Version(u8, u8),
    /// The file ends early.
    #[error("it ends after {found} of {expected} bytes")]
    Truncated {
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
    /// Bytes after the data.
    #[error("{0} bytes follow its data")]
    Trailing(usize),
    /// The header is not the dictionary that NumPy writes.
    #[error("its header is not one that NumPy writes: {0}")]
    Header(String),
    /// Another type of number.
    #[error("its dtype is '{0}', but must be '|i1' (int8)")]
    Type(String),
    /// Not a vector.
    #[error("its shape is ({0}), but must be one dimension")]
    Shape(String),
}

/// The values of a file that holds one vector of int8.
///
/// # Errors
/// [`NpyError`] says what was found instead.
pub fn read_i8(bytes: &[u8]) -> Result<Vec<i8>, NpyError> {
    if !bytes.starts_with(MAGIC) {
        return Err(NpyError::Magic);
    }
    let need = |expected: usize| if bytes.len() < expected { Err(NpyError::Truncated { expected, found: bytes.len() }) } else { Ok(()) };
    need(10)?;
    let (header_at, header_bytes) = match (bytes[6], bytes[7]) {
        (1, 0) => (10, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
        (2 | 3, 0) => {
            need(12)?;
            (12, u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize)
        }
        (major, minor) => return Err(NpyError::Version(major, minor)),
    };
    let data_at = header_at + header_bytes;
    need(data_at)?;
    let header = String::from_utf8_lossy(&bytes[header_at..data_at]);
    let count = read_header(header.trim())?;
    let end = data_at.checked_add(count).ok_or(NpyError::Truncated { expected: usize::MAX, found: bytes.len() })?;
    need(end)?;
    match bytes.len() - end {
        0 => Ok(bytes[data_at..].iter().map(|&b| b as i8).collect()),
        extra => Err(NpyError::Trailing(extra)),
    }
}

/// The length that a header of a one-dimensional int8 array gives.
fn read_header(header: &str) -> Result<usize, NpyError> {
    let bad = || NpyError::Header(header.to_string());
    let after = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start()).ok_or_else(bad);
    let descr = after("descr")?;
    let dtype = descr.strip_prefix('\'').and_then(|d| d.split_once('\'')).map(|(d, _)| d).ok_or_else(bad)?;
    if !matches!(dtype, "|i1" | "<i1" | ">i1" | "=i1") {
        return Err(NpyError::Type(dtype.to_string()));
    }
    let order = after("fortran_order")?;
    if !order.starts_with("False") && !order.starts_with("True") {
        return Err(bad());
    }
    let shape = after("shape")?.strip_prefix('(').and_then(|s| s.split_once(')')).map(|(s, _)| s).ok_or_else(bad)?;
    match shape.trim().strip_suffix(',') {
        // A comma inside means a second dimension; a vector has one at its end alone.
        Some(one) if !one.contains(',') => one.trim().parse().map_err(|_| NpyError::Shape(shape.to_string())),
        _ => Err(NpyError::Shape(shape.to_string())),
    }
}

/// A file of version 1.0 that holds one vector of int32.
pub fn write_i32(values: &[i32]) -> Vec<u8> {
    write_vector("<i4", values.len(), values.iter().flat_map(|v| v.to_le_bytes()))
}

fn write_vector(dtype: &str, count: usize, data: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({count},), }}");
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(ALIGN) - unpadded));
    header.push('\n');
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    // Two lines of text: far below the 65,535 bytes that the field holds.
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.bytes());
    out.extend(data);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn int8(values: &[i8]) -> Vec<u8> {
        write_vector("|i1", values.len(), values.iter().map(|v| *v as u8))
    }

    proptest! {
        #[test]
        fn a_vector_survives_its_file(values in prop::collection::vec(any::<i8>(), 0..300)) {
            prop_assert_eq!(read_i8(&int8(&values)), Ok(values));
        }

        #[test]
        fn any_bytes_give_an_answer_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            let _ = read_i8(&bytes);
            let file = int8(&[1, 2, 3]);
            let mut mixed = file[..cut.min(file.len())].to_vec();
            mixed.extend(bytes);
            let _ = read_i8(&mixed);
        }
    }

    #[test]
    fn the_file_is_what_numpy_writes() {
        let file = write_i32(&[1, -2]);
        assert_eq!(file.len(), 128 + 8);
        assert_eq!(&file[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert!(file[10..128].starts_with(b"{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }  "));
        assert_eq!(file[127], b'\n');
        assert_eq!(file[128..], [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF]);
    }

    #[test]
    fn what_was_found_instead_is_said() {
        let good = int8(&[1, 2, 3]);
        let text = |from: &str, to: &str| {
            let at = good.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            let mut bytes = good.clone();
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
            read_i8(&bytes)
        };
        assert_eq!(text("|i1", "<f4"), Err(NpyError::Type("<f4".into())));
        assert_eq!(text("(3,)", "(3 )"), Err(NpyError::Shape("3 ".into())));
        assert_eq!(text("(3,), ", "(3,1,)"), Err(NpyError::Shape("3,1,".into())));
        assert!(matches!(text("'shape'", "'chape'"), Err(NpyError::Header(_))));
        assert_eq!(read_i8(b"\x89PNG"), Err(NpyError::Magic));
        assert_eq!(read_i8(&good[..good.len() - 1]), Err(NpyError::Truncated { expected: 131, found: 130 }));
        assert_eq!(read_i8(&[&good[..], &[0]].concat()), Err(NpyError::Trailing(1)));
        assert_eq!(read_i8(b"\x93NUMPY\x09\x00\x00\x00"), Err(NpyError::Version(9, 0)));
    }
}
