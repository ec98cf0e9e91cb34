//! What Python computes later: generators, which are read once, and views of a dictionary.

use super::operators::refused;
use super::text::type_name;
use minijinja::Error;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Items that are given once. True, even without any; without a length, a text or items by number.
#[derive(Debug, Clone)]
pub struct Generator(Arc<Mutex<VecDeque<Value>>>);

impl Generator {
    pub fn of(items: impl IntoIterator<Item = Value>) -> Value {
        Value::from_object(Generator(Arc::new(Mutex::new(items.into_iter().collect()))))
    }

    fn left(&self) -> MutexGuard<'_, VecDeque<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for Generator {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let all = self.clone();
        Enumerator::Iter(Box::new(std::iter::from_fn(move || all.left().pop_front())))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a generator")
    }
}

/// What `keys()`, `values()` and `items()` give: a length, but no item by its number.
#[derive(Debug)]
pub struct View(Vec<Value>);

impl View {
    pub fn of(items: Vec<Value>) -> Value {
        Value::from_object(View(items))
    }
}

impl Object for View {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.clone())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a view")
    }
}

/// `iter(value)`: what Python cannot iterate over is refused.
pub fn iterated(value: &Value) -> Result<impl Iterator<Item = Value> + use<>, Error> {
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number => Err(refused(format!("{} cannot be iterated over", type_name(value)))),
        _ => value.try_iter(),
    }
}

/// All items, for a loop, which knows how many there are.
pub fn for_loop(value: &Value) -> Result<Value, Error> {
    let is_lazy = value.downcast_object_ref::<Generator>().is_some() || value.kind() == ValueKind::String;
    let items = iterated(value)?;
    Ok(if is_lazy { items.collect::<Vec<_>>().into() } else { value.clone() })
}
