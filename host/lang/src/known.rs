//! Operations on values that are known before a run: what a tracer shares with the tiers, to the bit and to the error.

use crate::ast::{BinaryOp, Type, UnaryOp};
use crate::builtin::{Context, call};
use crate::host::{Attention, Builtins, Document, HostError, Input};
use crate::ops::Turns;
use crate::scalar;
use crate::signature::Builtin;
use crate::state::{element, metadata, store_element};
use crate::trap::{Limits, Trap};
use crate::value::{Heap, Object, Value, Vector};
use std::rc::Rc;

/// Evaluates operators and builtins one by one, with a run's memory and its limit.
#[derive(Debug)]
pub struct Known {
    heap: Heap,
    turns: Turns,
    tensors: Vec<Option<Vector>>,
}

impl Known {
    /// With no memory in use yet.
    pub fn new(limits: Limits) -> Known {
        let mut heap = Heap::default();
        heap.set_limit(limits.memory_bytes);
        Known { heap, turns: Turns::default(), tensors: Vec::new() }
    }

    /// An operator on one value of a checked program.
    ///
    /// # Errors
    /// An overflow.
    pub fn unary(&self, op: UnaryOp, value: &Value) -> Result<Value, Trap> {
        scalar::unary(op, value)
    }

    /// An operator on two values of a checked program; `&&` and `||` are the caller's.
    ///
    /// # Errors
    /// An overflow, a division by zero.
    pub fn binary(&self, op: BinaryOp, left: &Value, right: &Value) -> Result<Value, Trap> {
        scalar::binary(op, left, right)
    }

    /// A builtin on arguments of a checked program; not one on metadata, and none that [`Builtin::needs_run`]. `linked` is
    /// what its tensor names lead to.
    ///
    /// # Errors
    /// What a run would end in; every builtin that needs one.
    pub fn call(&mut self, document: &dyn Document, builtin: Builtin, args: &mut [Value], linked: usize) -> Result<Value, Trap> {
        if builtin.is_scalar() {
            return scalar::builtin(builtin, args);
        }
        let Known { heap, turns, tensors } = self;
        call(&mut Context { host: &mut NoRun(document), heap, turns, tensors }, builtin, args, linked)
    }

    /// A number of the metadata.
    ///
    /// # Errors
    /// A key that is missing or not such a number.
    pub fn metadata(&self, document: &dyn Document, key: &str, of: Type) -> Result<Value, Trap> {
        metadata(document, key, of)
    }

    /// A text.
    ///
    /// # Errors
    /// No memory left.
    pub fn text(&self, text: String) -> Result<Value, Trap> {
        Ok(Value::Object(self.heap.text(text)?))
    }

    /// `vector[index]`.
    ///
    /// # Errors
    /// An index outside of the vector.
    pub fn element(&self, vector: &Value, index: i64) -> Result<Value, Trap> {
        match vector {
            Value::Object(object) => element(object, index),
            _ => Ok(Value::Unit),
        }
    }

    /// `vector[index] = value`, in a copy if the vector is shared.
    ///
    /// # Errors
    /// An index outside of the vector, no memory left for the copy.
    pub fn store_element(&mut self, vector: &mut Value, index: i64, value: f64) -> Result<(), Trap> {
        match vector {
            Value::Object(object) => store_element(&mut self.heap, object, index, value),
            _ => Ok(()),
        }
    }

    /// The tensor whose values a vector holds unchanged, as [`crate::Links::tensors`] numbers them.
    pub fn tensor_of(&self, value: &Value) -> Option<usize> {
        let Value::Object(Object::Vector(vector)) = value else { return None };
        self.tensors.iter().position(|known| known.as_ref().is_some_and(|known| Rc::ptr_eq(known, vector)))
    }
}

/// A document before any run.
struct NoRun<'d>(&'d dyn Document);

fn no_run<T>() -> Result<T, HostError> {
    Err("this is known only in a run".into())
}

impl Builtins for NoRun<'_> {
    fn document(&self) -> &dyn Document {
        self.0
    }

    fn print(&mut self, _: &str) {}

    fn gemv(&mut self, _: usize, _: Input<'_>, _: &mut [f32]) -> Result<(), HostError> {
        no_run()
    }

    fn attend(&mut self, _: i64, _: [&[f32]; 3], _: Attention, _: &mut [f32]) -> Result<(), HostError> {
        no_run()
    }
}
