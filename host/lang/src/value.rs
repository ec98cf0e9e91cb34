//! Values at run time, and the memory that they may take.

use crate::ast::Type;
use nda_spec::ActivationCode;
use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Elements of a vector that `print` shows.
const SHOWN: usize = 16;

/// Bytes in use by a run's texts and vectors, and how many there may be.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub used: Cell<usize>,
    pub limit: Cell<usize>,
}

/// Data that counts against a run's memory as long as it lives.
#[derive(Debug)]
pub struct Metered<T> {
    data: T,
    bytes: usize,
    meter: Rc<Meter>,
}

impl<T> Deref for Metered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> DerefMut for Metered<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}

impl<T> Drop for Metered<T> {
    fn drop(&mut self) {
        self.meter.used.set(self.meter.used.get() - self.bytes);
    }
}

/// A quantized vector: `codes[i] * scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    /// What the codes are.
    pub code: ActivationCode,
    /// What a code of 1 stands for.
    pub scale: f32,
    /// One code an element.
    pub values: Vec<i8>,
}

/// A vector of f32 that may be shared; it is copied before a change that others would see.
pub type Vector = Rc<Metered<Vec<f32>>>;

/// What is not one machine word.
#[derive(Debug, Clone, Default)]
pub enum Object {
    /// Nothing yet.
    #[default]
    None,
    /// A text.
    Text(Rc<Metered<String>>),
    /// A vector of f32.
    Vector(Vector),
    /// A vector of ints.
    Ints(Rc<Metered<Vec<i64>>>),
    /// A quantized vector.
    Codes(Rc<Metered<Codes>>),
}

/// Any value.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// What a function returns that returns nothing.
    #[default]
    Unit,
    /// An int.
    Int(i64),
    /// A float.
    Float(f64),
    /// A bool.
    Bool(bool),
    /// A text or a vector.
    Object(Object),
}

impl Value {
    /// Its type.
    pub fn of(&self) -> Type {
        match self {
            Value::Unit | Value::Object(Object::None) => Type::Unit,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::Bool(_) => Type::Bool,
            Value::Object(Object::Text(_)) => Type::Str,
            Value::Object(Object::Vector(_)) => Type::Vec,
            Value::Object(Object::Ints(_)) => Type::Ints,
            Value::Object(Object::Codes(codes)) => match codes.code {
                ActivationCode::A8 => Type::A8,
                ActivationCode::A4 => Type::A4,
                ActivationCode::A2 => Type::A2,
            },
        }
    }

    /// The scalar as a slot holds it.
    pub(crate) fn bits(&self) -> u64 {
        match self {
            Value::Int(value) => *value as u64,
            Value::Float(value) => value.to_bits(),
            Value::Bool(value) => u64::from(*value),
            Value::Unit | Value::Object(_) => 0,
        }
    }

    /// The scalar of a type from its slot.
    pub(crate) fn from_bits(of: Type, bits: u64) -> Value {
        match of {
            Type::Int => Value::Int(bits as i64),
            Type::Float => Value::Float(f64::from_bits(bits)),
            Type::Bool => Value::Bool(bits != 0),
            _ => Value::Unit,
        }
    }

    /// The vector, if it is one.
    pub fn vector(&self) -> Option<&[f32]> {
        match self {
            Value::Object(Object::Vector(vector)) => Some(vector),
            _ => None,
        }
    }
}

fn list<T: fmt::Debug>(f: &mut fmt::Formatter<'_>, values: &[T]) -> fmt::Result {
    write!(f, "[")?;
    for (index, value) in values.iter().take(SHOWN).enumerate() {
        write!(f, "{}{value:?}", if index == 0 { "" } else { ", " })?;
    }
    if values.len() > SHOWN {
        write!(f, ", ... {} more", values.len() - SHOWN)?;
    }
    write!(f, "]")
}

/// As `print` shows it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unit | Value::Object(Object::None) => Ok(()),
            Value::Int(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Object(Object::Text(text)) => write!(f, "{}", text.as_str()),
            Value::Object(Object::Vector(vector)) => list(f, vector),
            Value::Object(Object::Ints(ints)) => list(f, ints),
            Value::Object(Object::Codes(codes)) => {
                write!(f, "{:?} * ", codes.scale)?;
                list(f, &codes.values)
            }
        }
    }
}

/// A run's memory: what is in use, and vectors that can be used again.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    meter: Rc<Meter>,
    free: Vec<Vector>,
}

/// Vectors kept for another use; more are given back to the system.
const MAX_FREE: usize = 32;
/// Elements of the largest vector that is kept: what is kept counts for nobody.
const MAX_FREE_LEN: usize = 1 << 18;

/// Not enough memory for this many bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OutOfMemory {
    /// The run's limit is reached.
    Limit { wanted: usize, limit: usize },
    /// The limit allows it, and the system has not got it.
    System { wanted: usize },
}

/// Elements that are zero, or nothing where the system has no memory for them: the usual ways would end the process.
fn zeroed<T: Clone + Default>(len: usize) -> Option<Vec<T>> {
    let mut elements = Vec::new();
    elements.try_reserve_exact(len).ok()?;
    elements.resize(len, T::default());
    Some(elements)
}

/// Adds a piece to a text in the making.
pub(crate) fn append(text: &mut String, piece: &dyn fmt::Display) -> Result<(), OutOfMemory> {
    struct Growing<'t> {
        text: &'t mut String,
        refused: usize,
    }
    impl fmt::Write for Growing<'_> {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            if self.text.try_reserve(piece.len()).is_err() {
                self.refused = piece.len();
                return Err(fmt::Error);
            }
            self.text.push_str(piece);
            Ok(())
        }
    }
    let mut growing = Growing { text, refused: 0 };
    fmt::write(&mut growing, format_args!("{piece}")).map_err(|_| OutOfMemory::System { wanted: growing.refused })
}

impl Heap {
    pub fn set_limit(&mut self, bytes: usize) {
        self.meter.limit.set(bytes);
    }

    /// Refuses a text that is larger than all memory, before it is counted.
    pub fn check_len(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let limit = self.meter.limit.get();
        if bytes > limit { Err(OutOfMemory::Limit { wanted: bytes, limit }) } else { Ok(()) }
    }

    fn take(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let (used, limit) = (self.meter.used.get(), self.meter.limit.get());
        match used.checked_add(bytes).filter(|sum| *sum <= limit) {
            Some(sum) => {
                self.meter.used.set(sum);
                Ok(())
            }
            None => Err(OutOfMemory::Limit { wanted: bytes, limit }),
        }
    }

    fn metered<T>(&self, bytes: usize, make: impl FnOnce() -> Option<T>) -> Result<Rc<Metered<T>>, OutOfMemory> {
        self.take(bytes)?;
        let Some(data) = make() else {
            self.meter.used.set(self.meter.used.get() - bytes);
            return Err(OutOfMemory::System { wanted: bytes });
        };
        Ok(Rc::new(Metered { data, bytes, meter: Rc::clone(&self.meter) }))
    }

    /// A vector that nobody shares, for its maker to write every element of: its memory, and what stands in it, is a
    /// used one's if there is one.
    pub fn vector(&mut self, len: usize) -> Result<Vector, OutOfMemory> {
        let bytes = len.saturating_mul(size_of::<f32>());
        let Some(mut vector) = self.free.pop() else {
            return self.metered(bytes, || zeroed(len));
        };
        self.take(bytes)?;
        let inner = Rc::get_mut(&mut vector).expect("what is free is not shared");
        inner.bytes = bytes;
        // Dropped, the vector gives back what it took.
        inner.data.try_reserve_exact(len.saturating_sub(inner.data.len())).map_err(|_| OutOfMemory::System { wanted: bytes })?;
        inner.data.resize(len, 0.0);
        Ok(vector)
    }

    /// Gives a value up; a vector that nobody else has is kept for the next one.
    pub fn release(&mut self, object: Object) {
        let Object::Vector(mut vector) = object else { return };
        if self.free.len() >= MAX_FREE || vector.capacity() > MAX_FREE_LEN {
            return;
        }
        if let Some(inner) = Rc::get_mut(&mut vector) {
            inner.meter.used.set(inner.meter.used.get() - inner.bytes);
            inner.bytes = 0;
            self.free.push(vector);
        }
    }

    /// The vector's elements for a change: itself if nobody else has it, else a copy.
    pub fn unshared<'v>(&mut self, vector: &'v mut Vector) -> Result<&'v mut Vec<f32>, OutOfMemory> {
        if Rc::get_mut(vector).is_none() {
            let mut copy = self.vector(vector.len())?;
            Rc::get_mut(&mut copy).expect("a new vector is not shared").copy_from_slice(vector);
            *vector = copy;
        }
        Ok(&mut Rc::get_mut(vector).expect("nobody else has it").data)
    }

    pub fn text(&self, text: String) -> Result<Object, OutOfMemory> {
        self.metered(text.len(), || Some(text)).map(Object::Text)
    }

    /// A vector of ints of this length, filled only if there is room.
    pub fn ints(&self, len: usize, fill: impl FnOnce(&mut [i64])) -> Result<Object, OutOfMemory> {
        let make = || {
            let mut values = zeroed(len)?;
            fill(&mut values);
            Some(values)
        };
        self.metered(len.saturating_mul(size_of::<i64>()), make).map(Object::Ints)
    }

    /// The codes of a vector of this length, filled only if there is room; `fill` gives their scale.
    pub fn codes(&self, code: ActivationCode, len: usize, fill: impl FnOnce(&mut [i8]) -> f32) -> Result<Object, OutOfMemory> {
        let make = || {
            let mut values = zeroed(len)?;
            let scale = fill(&mut values);
            Some(Codes { code, scale, values })
        };
        self.metered(len, make).map(Object::Codes)
    }
}
