//! The native tier of a build without the feature `native`: it compiles nothing and says so.

use crate::ast::Span;
use crate::closure::Step;
use crate::module::Module;

/// Machine code that this build cannot make: there is no value of this type.
pub(crate) enum Native {}

impl Native {
    /// Refuses every program.
    pub fn compile(_: &Module) -> Result<Native, String> {
        Err("this build has no native tier; build with the feature 'native'".into())
    }

    /// How many functions and loops are machine code.
    pub fn parts(&self) -> (usize, usize) {
        match *self {}
    }

    /// A function's body, if it is machine code.
    pub fn function_step(&self, _: usize, _: impl FnOnce() -> Step) -> Option<Step> {
        match *self {}
    }

    /// A loop, if it is machine code.
    pub fn region_step(&self, _: usize, _: Span, _: impl FnOnce() -> Step) -> Option<Step> {
        match *self {}
    }
}
