//! Registers whose next value several rules say: the last rule that holds wins, and where none holds the value stays.

use crate::netlist::{Module, Stage, Value};
use std::cell::RefCell;

/// A register and its rules.
pub(crate) struct Kept<'m> {
    stage: Stage<'m>,
    /// What it holds.
    pub q: Value<'m>,
    rules: RefCell<Vec<(Value<'m>, Value<'m>)>>,
}

impl<'m> Kept<'m> {
    /// A register that keeps its value.
    pub fn new(m: &'m Module, name: &str, bits: usize) -> Kept<'m> {
        Kept::from(m, name, bits, 0)
    }

    /// The same that powers up as a number.
    pub fn from(m: &'m Module, name: &str, bits: usize, number: u64) -> Kept<'m> {
        let stage = m.always(name);
        Kept { stage, q: stage.declare(name, bits, number), rules: RefCell::default() }
    }

    /// What it takes when a flag stands.
    #[track_caller]
    pub fn when(&self, flag: Value<'m>, value: Value<'m>) {
        assert_eq!((flag.bits, value.bits), (1, self.q.bits), "a rule of a register of {} bits", self.q.bits);
        self.rules.borrow_mut().push((flag, value));
    }

    /// One more when a flag stands.
    #[track_caller]
    pub fn count(&self, flag: Value<'m>) {
        self.when(flag, self.q.next());
    }

    /// Takes the rules.
    pub fn close(self) {
        let next = self.rules.into_inner().into_iter().fold(self.q, |next, (flag, value)| flag.mux(value.unsigned(), next));
        self.stage.take(self.q, next);
    }
}
