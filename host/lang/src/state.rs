//! What a run changes: slots, memory, limits, and the error that ends it.

use crate::ast::{Span, Type};
use crate::builtin::{Context, call};
use crate::closure::Compiled;
use crate::host::{Builtins, Document};
use crate::link::Links;
use crate::module::{Frame, Slot};
use crate::ops::Turns;
use crate::signature::Builtin;
use crate::trap::{Limits, Trap};
use crate::value::{Heap, Object, Value, Vector, append};

/// A run ended in an error, which [`State`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Halt;

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Return,
    Halt,
}

/// Stack that one call of a program's function may take at most, in any tier: at most [`crate::ast::MAX_NESTING`] nested
/// levels, each a few frames of a few hundred bytes. Rows of operators and chains of `else if` run in loops.
const RED_ZONE_BYTES: usize = 256 << 10;
/// Stack that is added when it runs out.
const SEGMENT_BYTES: usize = 4 << 20;

/// Stack for a walk over a tree of [`crate::ast::MAX_HEIGHT`] levels and its nesting: some 7 KiB per level. Pages that are not
/// touched cost nothing.
const TREE_STACK_BYTES: usize = 32 << 20;

/// Walks over a whole tree on a stack that is large enough for any.
pub(crate) fn with_tree_stack<R>(walk: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(TREE_STACK_BYTES, 2 * TREE_STACK_BYTES, walk)
}

/// Runs `run`, on a new stack segment if little is left of this one.
#[inline]
pub fn with_stack<R>(run: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE_BYTES, SEGMENT_BYTES, run)
}

/// What outlives a run: the memory of its slots, and the globals.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub slots: Vec<u64>,
    pub objects: Vec<Object>,
    pub globals: Vec<u64>,
    pub object_globals: Vec<Object>,
    pub heap: Heap,
    pub turns: Turns,
    pub tensors: Vec<Option<Vector>>,
}

/// A run in progress. Everything borrowed lives as long as the run, so one compiled program serves any number of them.
pub(crate) struct State<'a> {
    pub memory: Memory,
    /// Where the running function's scalars begin.
    pub base: usize,
    /// Where the running function's objects begin.
    pub object_base: usize,
    pub compiled: &'a Compiled,
    pub links: &'a Links,
    pub host: &'a mut dyn Builtins,
    pub limits: Limits,
    pub steps_left: u64,
    pub depth_left: u32,
    /// A scalar that a function returns.
    pub returned: u64,
    /// An object that a function returns.
    pub returned_object: Object,
    pub trap: Option<(Trap, Span)>,
}

impl<'a> State<'a> {
    #[cold]
    pub fn fail(&mut self, trap: impl Into<Trap>, span: Span) -> Halt {
        self.trap = Some((trap.into(), span));
        Halt
    }

    #[inline]
    pub fn load(&self, index: usize) -> u64 {
        self.memory.slots[self.base + index]
    }

    #[inline]
    pub fn store(&mut self, index: usize, bits: u64) {
        self.memory.slots[self.base + index] = bits;
    }

    /// An object's value, shared.
    #[inline]
    pub fn object(&self, slot: Slot) -> Object {
        if slot.is_global {
            self.memory.object_globals[slot.index].clone()
        } else {
            self.memory.objects[self.object_base + slot.index].clone()
        }
    }

    /// A new value for an object; the old one is given up.
    #[inline]
    pub fn store_object(&mut self, index: usize, object: Object) {
        let old = std::mem::replace(&mut self.memory.objects[self.object_base + index], object);
        self.memory.heap.release(old);
    }

    /// Gives up the objects of a scope.
    pub fn clear_objects(&mut self, range: std::ops::Range<usize>) {
        for index in range {
            self.store_object(index, Object::None);
        }
    }

    /// Makes room for a frame that begins at the current bases.
    #[inline]
    pub fn ensure_frame(&mut self, frame: Frame) {
        let (scalars, objects) = (self.base + frame.scalars, self.object_base + frame.objects);
        if self.memory.slots.len() < scalars {
            self.memory.slots.resize(scalars, 0);
        }
        if self.memory.objects.len() < objects {
            self.memory.objects.resize(objects, Object::None);
        }
    }

    /// Counts a step.
    #[inline]
    pub fn step(&mut self, span: Span) -> Result<(), Halt> {
        if self.steps_left == 0 {
            let limit = self.limits.steps;
            return Err(self.fail(Trap::Steps { limit }, span));
        }
        self.steps_left -= 1;
        Ok(())
    }

    /// Opens a call: its depth first, then its step.
    #[inline]
    pub fn open_call(&mut self, span: Span) -> Result<(), Halt> {
        if self.depth_left == 0 {
            let limit = self.limits.depth;
            return Err(self.fail(Trap::Depth { limit }, span));
        }
        self.step(span)?;
        self.depth_left -= 1;
        Ok(())
    }

    /// Runs a builtin on vectors, texts or the document, and gives its arguments up.
    pub fn builtin(&mut self, builtin: Builtin, args: &mut [Value], linked: usize, span: Span) -> Result<Value, Halt> {
        let Memory { heap, turns, tensors, .. } = &mut self.memory;
        let result = call(&mut Context { host: self.host, heap, turns, tensors }, builtin, args, linked);
        for arg in args {
            if let Value::Object(object) = std::mem::take(arg) {
                self.memory.heap.release(object);
            }
        }
        result.map_err(|trap| self.fail(trap, span))
    }

    /// The error that names the tensor that is missing.
    pub fn no_tensor(&mut self, names: Vec<String>, span: Span) -> Halt {
        let name = self.links.missing(names);
        self.fail(Trap::NoTensor { name }, span)
    }

    /// A number of the metadata.
    pub fn metadata(&mut self, key: &str, of: Type, span: Span) -> Result<Value, Halt> {
        metadata(self.host.document(), key, of).map_err(|trap| self.fail(trap, span))
    }

    /// Adds a piece to a text in the making, which may not outgrow the memory before it is counted.
    pub fn append(&mut self, text: &mut String, piece: &dyn std::fmt::Display, span: Span) -> Result<(), Halt> {
        append(text, piece).map_err(|full| self.fail(full, span))?;
        let limit = self.limits.memory_bytes;
        if text.len() > limit {
            return Err(self.fail(Trap::Memory { wanted: text.len(), limit }, span));
        }
        Ok(())
    }

    /// A new text.
    pub fn text(&mut self, text: String, span: Span) -> Result<Object, Halt> {
        self.memory.heap.text(text).map_err(|full| self.fail(full, span))
    }

    /// `vector[index]`: a float of a vec, a code of a quantized one.
    pub fn element(&mut self, object: &Object, index: i64, span: Span) -> Result<Value, Halt> {
        element(object, index).map_err(|trap| self.fail(trap, span))
    }

    /// `vector[index] = value`, in a copy if somebody else has the vector too.
    pub fn store_element(&mut self, object: &mut Object, index: i64, value: f64, span: Span) -> Result<(), Halt> {
        store_element(&mut self.memory.heap, object, index, value).map_err(|trap| self.fail(trap, span))
    }
}

/// A number of the metadata.
pub(crate) fn metadata(document: &dyn Document, key: &str, of: Type) -> Result<Value, Trap> {
    let found = match of {
        Type::Int => document.metadata_int(key).map(Value::Int),
        _ => document.metadata_float(key).map(Value::Float),
    };
    found.ok_or_else(|| Trap::NoMetadata { key: key.into(), of: of.name() })
}

/// `vector[index]`: a float of a vec, an int of ints, a code of a quantized vector.
pub(crate) fn element(object: &Object, index: i64) -> Result<Value, Trap> {
    let at = usize::try_from(index).ok();
    let (found, len) = match object {
        Object::Vector(vector) => (at.and_then(|at| vector.get(at)).map(|v| Value::Float(f64::from(*v))), vector.len()),
        Object::Ints(ints) => (at.and_then(|at| ints.get(at)).map(|v| Value::Int(*v)), ints.len()),
        Object::Codes(codes) => (at.and_then(|at| codes.values.get(at)).map(|v| Value::Int(i64::from(*v))), codes.values.len()),
        _ => (None, 0),
    };
    found.ok_or(Trap::Index { index, len })
}

/// `vector[index] = value`, in a copy if somebody else has the vector too.
pub(crate) fn store_element(heap: &mut Heap, object: &mut Object, index: i64, value: f64) -> Result<(), Trap> {
    let Object::Vector(vector) = object else { return Ok(()) };
    let len = vector.len();
    let at = usize::try_from(index).ok().filter(|at| *at < len).ok_or(Trap::Index { index, len })?;
    heap.unshared(vector)?[at] = crate::builtin::narrow(value);
    Ok(())
}
