//! What the element cores say to each other by ready and valid, in the netlist.

use crate::netlist::{Module, Value};

/// The register that says that a result stands: from the cycle after `made` until the result is taken. Declared before `in_ready`,
/// which looks at it, and closed when it is known what makes a result.
pub(crate) struct Standing<'m> {
    m: &'m Module,
    valid: Value<'m>,
    taken: Value<'m>,
}

impl<'m> Standing<'m> {
    /// Adds the ports `out_valid` and `out_ready`.
    pub(crate) fn new(m: &'m Module) -> Standing<'m> {
        let taken = m.input("out_ready", 1);
        let valid = m.always("a result stands").declare("out_valid", 1, 0);
        m.output("out_valid", valid);
        Standing { m, valid, taken }
    }

    /// There is room for a result.
    pub(crate) fn is_free(&self) -> Value<'m> {
        !self.valid | self.taken
    }

    /// Adds the ports `in_valid` and `in_ready`; a beat is taken.
    pub(crate) fn take(&self, ready: Value<'m>) -> Value<'m> {
        let ready = ready.named("in_ready");
        self.m.output("in_ready", ready);
        (self.m.input("in_valid", 1) & ready).named("take")
    }

    /// A result is made in the cycles in which `made` stands.
    pub(crate) fn close(self, made: Value<'m>) {
        self.m.always("until it is taken").take(self.valid, made | (self.valid & !self.taken));
    }
}

/// The beats of vectors that pass twice, first to be measured, then to give results.
pub(crate) struct Passes<'m> {
    /// A beat is taken of the first pass.
    pub(crate) measured: Value<'m>,
    /// A beat is taken of the second one: it gives a result.
    pub(crate) passed: Value<'m>,
    /// A beat is taken that is its pass's last.
    pub(crate) ended: Value<'m>,
    /// The beat is its pass's last.
    pub(crate) last: Value<'m>,
    /// The second pass is taken.
    pub(crate) passing: Value<'m>,
}

impl<'m> Passes<'m> {
    /// Adds the ports of the handshake, `in_last`, `out_last` and `is_measuring`.
    pub(crate) fn new(m: &'m Module) -> Passes<'m> {
        let standing = Standing::new(m);
        let passing = m.always("the pass").declare("passing", 1, 0);
        m.output("is_measuring", !passing);
        let last = m.input("in_last", 1);
        let take = standing.take(!passing | standing.is_free());
        let (measured, passed, ended) =
            ((take & !passing).named("measured"), (take & passing).named("passed"), (take & last).named("ended"));
        standing.close(passed);
        m.stage("the next pass", ended).take(passing, !passing);
        m.output("out_last", m.stage("a vector's last result", passed).register("out_last", last));
        Passes { measured, passed, ended, last, passing }
    }
}
