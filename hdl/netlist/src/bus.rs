//! Values that travel together: a word of named fields, delayed as one.

use super::{Module, Value};
use std::rc::Rc;

/// A word and where in it what stands. What nobody reads of a delayed word is left out by synthesis.
#[derive(Clone)]
pub struct Bus<'m> {
    word: Value<'m>,
    fields: Rc<Vec<(String, usize, usize)>>,
}

impl<'m> Bus<'m> {
    /// These values, under these names.
    pub fn of(module: &'m Module, name: &str, values: &[(&str, Value<'m>)]) -> Bus<'m> {
        let mut at = 0;
        let mut fields = Vec::new();
        for (field, value) in values {
            fields.push(((*field).to_string(), at, value.bits));
            at += value.bits;
        }
        let parts: Vec<Value> = values.iter().rev().map(|(_, value)| value.unsigned()).collect();
        Bus { word: module.concat(&parts).named(name), fields: Rc::new(fields) }
    }

    /// A field.
    #[track_caller]
    pub fn get(&self, field: &str) -> Value<'m> {
        let (_, low, bits) = self.fields.iter().find(|(name, ..)| name == field).unwrap_or_else(|| panic!("no field '{field}'"));
        self.word.slice(*low, *bits)
    }

    /// The same word with another value in a field.
    pub fn with(&self, module: &'m Module, name: &str, field: &str, value: Value<'m>) -> Bus<'m> {
        let get = |of: &str| if of == field { value } else { self.get(of) };
        let parts: Vec<Value> = self.fields.iter().rev().map(|(of, ..)| get(of)).collect();
        Bus { word: module.concat(&parts).named(name), fields: self.fields.clone() }
    }

    /// One of two words with the same fields.
    pub fn choose(name: &str, flag: Value<'m>, then: &Bus<'m>, otherwise: &Bus<'m>) -> Bus<'m> {
        Bus { word: flag.mux(then.word, otherwise.word).named(name), fields: then.fields.clone() }
    }

    /// The word a cycle later.
    pub fn later(&self, module: &'m Module, name: &str) -> Bus<'m> {
        Bus { word: module.always(name).register(name, self.word), fields: self.fields.clone() }
    }

    /// The word in each of this many cycles, this one first.
    pub fn stages(&self, module: &'m Module, name: &str, count: usize) -> Vec<Bus<'m>> {
        let mut all = vec![self.clone()];
        for k in 1..=count {
            all.push(all[k - 1].later(module, &format!("{name}_{k}")));
        }
        all
    }
}
