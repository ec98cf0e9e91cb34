//! Reading a GGUF file's structure, and its tensors one by one, out of bytes that may hold anything.

use super::fault::GgufFault;
use super::kind::Kind;
use super::value::{Keys, Value};
use crate::error::ConvertError;
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Most keys, and most tensors: a file with more is damaged.
const MAX_ENTRIES: u64 = 1 << 20;
/// Most values in all keys together. The largest vocabularies have a quarter of a million tokens, and as many merges.
const MAX_VALUES: u64 = 1 << 23;
/// Longest text: a chat template, a licence.
const MAX_TEXT_BYTES: u64 = 1 << 24;
/// Deepest nesting of arrays.
pub(super) const MAX_DEPTH: usize = 4;
/// Most dimensions of a tensor.
const MAX_DIMENSIONS: u32 = 4;
/// The tensors' alignment unless a key says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;
/// The key that says otherwise.
const ALIGNMENT_KEY: &str = "general.alignment";

/// Where a tensor stands in the file, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// The numbers' type.
    pub kind: Kind,
    /// Rows; none of a vector.
    pub rows: Option<usize>,
    /// Columns.
    pub cols: usize,
    /// Its first byte in the file.
    pub start: u64,
    /// Bytes that it takes.
    pub bytes: u64,
}

/// A GGUF file: its keys and its tensors' places, checked; the tensors are read when they are asked for.
#[derive(Debug)]
pub struct GgufFile<R> {
    input: BufReader<R>,
    keys: Keys,
    tensors: BTreeMap<String, StoredTensor>,
}

impl<R: Read + Seek> GgufFile<R> {
    /// Reads the structure and checks it against the file's length.
    ///
    /// # Errors
    /// [`ConvertError::Gguf`] with the place, or [`ConvertError::Io`] with `path`.
    pub fn open(path: &Path, input: R) -> Result<Self, ConvertError> {
        let mut input = BufReader::new(input);
        let length = input.seek(SeekFrom::End(0)).map_err(|error| ConvertError::io("read", path, error))?;
        input.rewind().map_err(|error| ConvertError::io("read", path, error))?;
        let mut cursor = Cursor { input: &mut input, path, at: 0, length, values: 0 };
        let (keys, tensors) = cursor.structure()?;
        Ok(GgufFile { input, keys, tensors })
    }

    /// The keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The tensors, by name.
    pub fn tensors(&self) -> &BTreeMap<String, StoredTensor> {
        &self.tensors
    }

    /// The stored bytes of a tensor.
    ///
    /// # Errors
    /// A missing tensor, or the system's answer.
    pub fn read(&mut self, path: &Path, name: &str) -> Result<Vec<u8>, ConvertError> {
        let tensor = self.tensors.get(name).ok_or_else(|| ConvertError::MissingTensor { name: name.into() })?;
        // The place was checked against the file's length, so this much is there to be read.
        let mut bytes = vec![0; tensor.bytes as usize];
        let read = self.input.seek(SeekFrom::Start(tensor.start)).and_then(|_| self.input.read_exact(&mut bytes));
        read.map_err(|error| ConvertError::io("read", path, error))?;
        Ok(bytes)
    }
}

/// A tensor's place before the alignment is known.
struct Announced {
    name: String,
    /// Where its description begins.
    at: u64,
    dimensions: Vec<u64>,
    number: u32,
    offset: u64,
}

struct Cursor<'r, R> {
    input: &'r mut BufReader<R>,
    path: &'r Path,
    at: u64,
    length: u64,
    /// Values read so far, over all keys.
    values: u64,
}

fn fault<T>(offset: u64, fault: GgufFault) -> Result<T, ConvertError> {
    Err(ConvertError::Gguf { offset, fault })
}

impl<R: Read + Seek> Cursor<'_, R> {
    fn structure(&mut self) -> Result<(Keys, BTreeMap<String, StoredTensor>), ConvertError> {
        let magic = self.array::<4>("the magic")?;
        if magic != super::MAGIC {
            return fault(0, GgufFault::Magic { found: magic.to_vec() });
        }
        let version = self.u32("the version")?;
        if !(2..=3).contains(&version) {
            return fault(4, GgufFault::Version { found: version });
        }
        let tensor_count = self.count("tensors", MAX_ENTRIES)?;
        let key_count = self.count("keys", MAX_ENTRIES)?;
        let keys = self.keys(key_count)?;
        let announced = (0..tensor_count).map(|_| self.announced()).collect::<Result<Vec<_>, _>>()?;
        let alignment = keys.size(ALIGNMENT_KEY)?.map_or(DEFAULT_ALIGNMENT, |alignment| alignment as u64);
        if !alignment.is_power_of_two() || !(8..=65536).contains(&alignment) {
            return fault(self.at, GgufFault::Alignment { found: alignment });
        }
        let data = self.at.next_multiple_of(alignment);
        let usual = self.all_placed(&announced, data, alignment, Kind::from_number);
        let tensors = match usual {
            // A type whose blocks have been of two sizes: the one is right with which all tensors fit.
            Err(error) => match self.all_placed(&announced, data, alignment, |number| Kind::from_number(number)?.other_blocks()) {
                Ok(tensors) => tensors,
                Err(_) => return Err(error),
            },
            Ok(tensors) => tensors,
        };
        Ok((keys, tensors))
    }

    /// The places of all tensors; `kind_of` is asked for what a number stands for.
    fn all_placed(
        &self,
        announced: &[Announced],
        data: u64,
        alignment: u64,
        kind_of: impl Fn(u32) -> Option<Kind>,
    ) -> Result<BTreeMap<String, StoredTensor>, ConvertError> {
        let (mut tensors, mut order) = (BTreeMap::new(), Vec::new());
        for tensor in announced {
            let placed = self.placed(tensor, data, alignment, kind_of(tensor.number).or(Kind::from_number(tensor.number)))?;
            order.push((placed.start, placed.start + placed.bytes, tensor));
            if tensors.insert(tensor.name.clone(), placed).is_some() {
                return fault(tensor.at, GgufFault::Twice { what: "tensor", name: tensor.name.clone() });
            }
        }
        order.sort_by_key(|(start, end, _)| (*start, *end));
        match order.windows(2).find(|pair| pair[0].1 > pair[1].0) {
            Some(pair) => {
                let (first, second) = (pair[0].2.name.clone(), pair[1].2.name.clone());
                fault(pair[1].2.at, GgufFault::Overlap { first, second })
            }
            None => Ok(tensors),
        }
    }

    fn keys(&mut self, count: u64) -> Result<Keys, ConvertError> {
        let mut keys = Keys::default();
        for _ in 0..count {
            let at = self.at;
            let key = self.text("a key")?;
            let number = self.u32("a value's type")?;
            let value = self.value(number, 0)?;
            if keys.entries.insert(key.clone(), value).is_some() {
                return fault(at, GgufFault::Twice { what: "key", name: key });
            }
        }
        Ok(keys)
    }

    /// A value of the type that `number` stands for.
    fn value(&mut self, number: u32, depth: usize) -> Result<Value, ConvertError> {
        let at = self.at;
        self.values += 1;
        if self.values > MAX_VALUES {
            return fault(at, GgufFault::Count { what: "values", found: self.values, most: MAX_VALUES });
        }
        Ok(match number {
            0 => Value::Unsigned(self.array::<1>("a value")?[0].into()),
            1 => Value::Signed(i8::from_le_bytes(self.array("a value")?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array("a value")?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array("a value")?).into()),
            4 => Value::Unsigned(self.u32("a value")?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array("a value")?).into()),
            6 => Value::F32(f32::from_le_bytes(self.array("a value")?)),
            7 => match self.array::<1>("a value")?[0] {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                found => return fault(at, GgufFault::Flag { found }),
            },
            8 => Value::Text(self.text("a value")?),
            9 => self.values(depth)?,
            10 => Value::Unsigned(self.u64("a value")?),
            11 => Value::Signed(i64::from_le_bytes(self.array("a value")?)),
            12 => Value::F64(f64::from_le_bytes(self.array("a value")?)),
            found => return fault(at, GgufFault::ValueType { found }),
        })
    }

    fn values(&mut self, depth: usize) -> Result<Value, ConvertError> {
        if depth == MAX_DEPTH {
            return fault(self.at, GgufFault::Depth);
        }
        let number = self.u32("a value's type")?;
        let count = self.count("values", MAX_VALUES)?;
        (0..count).map(|_| self.value(number, depth + 1)).collect::<Result<_, _>>().map(Value::Array)
    }

    fn announced(&mut self) -> Result<Announced, ConvertError> {
        let at = self.at;
        let name = self.text("a tensor's name")?;
        let count_at = self.at;
        let count = self.u32("a tensor's dimensions")?;
        if count > MAX_DIMENSIONS {
            let (found, most) = (count.into(), MAX_DIMENSIONS.into());
            return fault(count_at, GgufFault::Count { what: "dimensions", found, most });
        }
        let dimensions = (0..count).map(|_| self.u64("a tensor's dimension")).collect::<Result<_, _>>()?;
        Ok(Announced { name, at, dimensions, number: self.u32("a tensor's type")?, offset: self.u64("a tensor's offset")? })
    }

    /// Checks a tensor's type, shape and place.
    fn placed(&self, tensor: &Announced, data: u64, alignment: u64, kind: Option<Kind>) -> Result<StoredTensor, ConvertError> {
        let name = || tensor.name.clone();
        let Some(kind) = kind else {
            return fault(tensor.at, GgufFault::Kind { name: name(), number: tensor.number });
        };
        let (cols, rows) = match tensor.dimensions.as_slice() {
            [cols] => (*cols, None),
            // Dimensions of 1 behind the rows mean nothing.
            [cols, rows, rest @ ..] if rest.iter().all(|extent| *extent == 1) => (*cols, Some(*rows)),
            _ => (0, None),
        };
        let bytes = kind.tensor_bytes(rows.unwrap_or(1), cols);
        let size = |extent: u64| usize::try_from(extent).ok();
        let (Some(bytes), Some(cols), Ok(rows)) = (bytes, size(cols), rows.map(usize::try_from).transpose()) else {
            let fault_of = GgufFault::Dimensions { name: name(), dimensions: tensor.dimensions.clone(), kind: kind.name() };
            return fault(tensor.at, fault_of);
        };
        let start = data.checked_add(tensor.offset);
        let end = start.and_then(|start| start.checked_add(bytes)).filter(|end| *end <= self.length);
        match (start, end) {
            (Some(start), Some(_)) if tensor.offset.is_multiple_of(alignment) => Ok(StoredTensor { kind, rows, cols, start, bytes }),
            (start, _) => {
                let start = start.unwrap_or(u64::MAX);
                fault(tensor.at, GgufFault::Range { name: name(), start, bytes, length: self.length })
            }
        }
    }

    /// A count with its bound. Each of what it counts takes at least a byte, so what is left of the file bounds it too.
    fn count(&mut self, what: &'static str, most: u64) -> Result<u64, ConvertError> {
        let at = self.at;
        let found = self.u64(what)?;
        let left = self.length - self.at;
        if found > most {
            return fault(at, GgufFault::Count { what, found, most });
        }
        if found > left {
            return fault(at, GgufFault::Truncated { what, needed: found, left });
        }
        Ok(found)
    }

    fn text(&mut self, what: &'static str) -> Result<String, ConvertError> {
        let at = self.at;
        let count = self.u64(what)?;
        let left = self.length - self.at;
        if count > left {
            return fault(at, GgufFault::Truncated { what, needed: count, left });
        }
        if count > MAX_TEXT_BYTES {
            return fault(at, GgufFault::Count { what: "bytes of text", found: count, most: MAX_TEXT_BYTES });
        }
        let mut bytes = vec![0; count as usize];
        self.take(&mut bytes, what)?;
        String::from_utf8(bytes).or_else(|_| fault(at, GgufFault::NotUtf8 { what }))
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, ConvertError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &'static str) -> Result<u64, ConvertError> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ConvertError> {
        let mut bytes = [0; N];
        self.take(&mut bytes, what)?;
        Ok(bytes)
    }

    fn take(&mut self, bytes: &mut [u8], what: &'static str) -> Result<(), ConvertError> {
        let (needed, left) = (bytes.len() as u64, self.length - self.at);
        if needed > left {
            return fault(self.at, GgufFault::Truncated { what, needed, left });
        }
        self.input.read_exact(bytes).map_err(|error: io::Error| ConvertError::io("read", self.path, error))?;
        self.at += needed;
        Ok(())
    }
}
