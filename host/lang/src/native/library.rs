//! Functions of the mathematics library that the code calls: the very functions that the other tiers call.

use crate::signature::Builtin;

/// A function of the mathematics library, called by the code: the very function that the other tiers call.
pub(super) struct Helper {
    pub name: &'static str,
    /// The builtin that it stands for; `None`: the operator `%` of floats.
    pub builtin: Option<Builtin>,
    pub function: Mathematics,
}

pub(super) enum Mathematics {
    One(extern "C" fn(f64) -> f64),
    Two(extern "C" fn(f64, f64) -> f64),
}

impl Helper {
    pub fn address(&self) -> *const u8 {
        match self.function {
            Mathematics::One(function) => function as *const u8,
            Mathematics::Two(function) => function as *const u8,
        }
    }
}

macro_rules! helper {
    ($name:ident($($arg:ident),*) $value:expr) => {
        extern "C" fn $name($($arg: f64),*) -> f64 {
            $value
        }
    };
}

helper!(nda_exp(x) x.exp());
helper!(nda_ln(x) x.ln());
helper!(nda_sin(x) x.sin());
helper!(nda_cos(x) x.cos());
helper!(nda_floor(x) x.floor());
helper!(nda_pow(x, y) x.powf(y));
helper!(nda_remainder(x, y) x % y);

pub(super) const HELPERS: [Helper; 7] = [
    Helper { name: "nda_exp", builtin: Some(Builtin::Exp), function: Mathematics::One(nda_exp) },
    Helper { name: "nda_ln", builtin: Some(Builtin::Ln), function: Mathematics::One(nda_ln) },
    Helper { name: "nda_sin", builtin: Some(Builtin::Sin), function: Mathematics::One(nda_sin) },
    Helper { name: "nda_cos", builtin: Some(Builtin::Cos), function: Mathematics::One(nda_cos) },
    Helper { name: "nda_floor", builtin: Some(Builtin::Floor), function: Mathematics::One(nda_floor) },
    Helper { name: "nda_pow", builtin: Some(Builtin::Pow), function: Mathematics::Two(nda_pow) },
    Helper { name: "nda_remainder", builtin: None, function: Mathematics::Two(nda_remainder) },
];

/// Where in [`HELPERS`] the function of a builtin is, or of the operator `%`.
pub(super) fn helper_of(builtin: Option<Builtin>) -> usize {
    HELPERS.iter().position(|helper| helper.builtin == builtin).expect("every function has its helper")
}
