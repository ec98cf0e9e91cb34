//! Python's operators on a template's values: what Python refuses is refused, by the operator's name and what stood beside it.

use super::text::{python_text, type_name};
use crate::dumps::float;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use std::cmp::Ordering;

// Names of filters that no template can spell.
pub const ADD: &str = "+";
pub const SUBTRACT: &str = "-";
pub const MULTIPLY: &str = "*";
pub const DIVIDE: &str = "/";
pub const FLOOR_DIVIDE: &str = "//";
pub const REMAINDER: &str = "%";
pub const POWER: &str = "**";
pub const JOIN: &str = "~";
pub const EQUAL: &str = "==";
pub const UNEQUAL: &str = "!=";
pub const LESS: &str = "<";
pub const AT_MOST: &str = "<=";
pub const GREATER: &str = ">";
pub const AT_LEAST: &str = ">=";
pub const IN: &str = "in?";
pub const NEGATIVE: &str = "-x";
pub const ITERATED: &str = "for?";
pub const REFUSED: &str = "!";

/// Bytes of a text that a multiplication may make, and items of a list.
const MOST_BYTES: usize = 10_000_000;
const MOST_ITEMS: usize = 1_000_000;

/// What a number is to Python; `true` is 1.
#[derive(Clone, Copy)]
pub enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    pub fn of(value: &Value) -> Option<Number> {
        match value.kind() {
            ValueKind::Bool => Some(Number::Integer(i128::from(value.is_true()))),
            ValueKind::Number => match float(value) {
                Some(number) => Some(Number::Float(number)),
                None => i128::try_from(value.clone()).ok().map(Number::Integer),
            },
            _ => None,
        }
    }

    pub fn float(self) -> f64 {
        match self {
            Number::Integer(number) => number as f64,
            Number::Float(number) => number,
        }
    }

    pub fn value(self) -> Value {
        match self {
            Number::Integer(number) => i64::try_from(number).map_or_else(|_| Value::from(number), Value::from),
            Number::Float(number) => number.into(),
        }
    }
}

pub fn refused(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

fn unfit(operator: &str, a: &Value, b: &Value) -> Error {
    refused(format!("'{operator}' is not for {} and {}", type_name(a), type_name(b)))
}

/// Operators and loops as filters.
pub fn extend(environment: &mut Environment<'_>) {
    for (name, operate) in ARITHMETIC {
        environment.add_filter(*name, move |a: &Value, b: &Value| arithmetic(name, *operate, a, b));
    }
    environment.add_filter(ADD, add);
    environment.add_filter(MULTIPLY, multiply);
    environment.add_filter(REMAINDER, |a: &Value, b: &Value| match a.as_str().filter(|_| a.kind() == ValueKind::String) {
        Some(format) => super::format::percent(format, b).map(Value::from),
        None => arithmetic(REMAINDER, remainder, a, b),
    });
    environment.add_filter(JOIN, |a: &Value, b: &Value| -> Result<String, Error> { Ok(python_text(a)? + &python_text(b)?) });
    environment.add_filter(EQUAL, |a: &Value, b: &Value| is_equal(a, b));
    environment.add_filter(UNEQUAL, |a: &Value, b: &Value| !is_equal(a, b));
    environment.add_filter(LESS, |a: &Value, b: &Value| Ok::<_, Error>(order(LESS, a, b)? == Some(Ordering::Less)));
    environment.add_filter(AT_MOST, |a: &Value, b: &Value| Ok::<_, Error>(order(AT_MOST, a, b)?.is_some_and(Ordering::is_le)));
    environment.add_filter(GREATER, |a: &Value, b: &Value| Ok::<_, Error>(order(GREATER, a, b)? == Some(Ordering::Greater)));
    environment.add_filter(AT_LEAST, |a: &Value, b: &Value| Ok::<_, Error>(order(AT_LEAST, a, b)?.is_some_and(Ordering::is_ge)));
    environment.add_filter(IN, |item: &Value, container: &Value| is_in(item, container));
    environment.add_filter(NEGATIVE, |value: &Value| match Number::of(value) {
        Some(Number::Integer(number)) => number.checked_neg().map(|number| Number::Integer(number).value()).ok_or_else(too_large),
        Some(Number::Float(number)) => Ok(Value::from(-number)),
        None => Err(refused(format!("'-' is not for {}", type_name(value)))),
    });
    environment.add_filter(ITERATED, super::lazy::for_loop);
    environment.add_filter(REFUSED, |what: &str| Err::<Value, _>(refused(what)));
}

type Operate = fn(Number, Number) -> Result<Number, Error>;

const ARITHMETIC: &[(&str, Operate)] = &[
    (SUBTRACT, |a, b| both(a, b, i128::checked_sub, |a, b| a - b)),
    (DIVIDE, |a, b| if b.float() == 0.0 { Err(by_zero()) } else { Ok(Number::Float(a.float() / b.float())) }),
    (FLOOR_DIVIDE, |a, b| Ok(floor_division(a, b)?.0)),
    (POWER, power),
];

fn too_large() -> Error {
    refused("a whole number of more than 128 bits")
}

fn by_zero() -> Error {
    refused("division by zero")
}

fn both(a: Number, b: Number, whole: fn(i128, i128) -> Option<i128>, real: fn(f64, f64) -> f64) -> Result<Number, Error> {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => whole(a, b).map(Number::Integer).ok_or_else(too_large),
        _ => Ok(Number::Float(real(a.float(), b.float()))),
    }
}

fn arithmetic(name: &str, operate: Operate, a: &Value, b: &Value) -> Result<Value, Error> {
    match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => operate(a, b).map(Number::value),
        _ => Err(unfit(name, a, b)),
    }
}

pub fn remainder(a: Number, b: Number) -> Result<Number, Error> {
    Ok(floor_division(a, b)?.1)
}

/// Quotient and remainder; the remainder has the divisor's sign (CPython's `float_divmod` for floats).
fn floor_division(a: Number, b: Number) -> Result<(Number, Number), Error> {
    if b.float() == 0.0 {
        return Err(by_zero());
    }
    if let (Number::Integer(a), Number::Integer(b)) = (a, b) {
        let (quotient, rest) = a.checked_div(b).zip(a.checked_rem(b)).ok_or_else(too_large)?;
        let is_off = rest != 0 && (rest < 0) != (b < 0);
        return Ok((Number::Integer(quotient - i128::from(is_off)), Number::Integer(if is_off { rest + b } else { rest })));
    }
    let (a, b) = (a.float(), b.float());
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (rest < 0.0) != (b < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    let floored = if quotient == 0.0 {
        0.0_f64.copysign(a / b)
    } else {
        let floored = quotient.floor();
        if quotient - floored > 0.5 { floored + 1.0 } else { floored }
    };
    Ok((Number::Float(floored), Number::Float(rest)))
}

fn power(a: Number, b: Number) -> Result<Number, Error> {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) if b >= 0 => {
            u32::try_from(b).ok().and_then(|b| a.checked_pow(b)).map(Number::Integer).ok_or_else(too_large)
        }
        _ if a.float() == 0.0 && b.float() < 0.0 => Err(by_zero()),
        _ if a.float() < 0.0 && b.float().fract() != 0.0 => Err(refused("a complex number")),
        _ => {
            let power = a.float().powf(b.float());
            if power.is_infinite() && a.float().is_finite() {
                Err(refused("a number too large for a float"))
            } else {
                Ok(Number::Float(power))
            }
        }
    }
}

/// A list or tuple.
pub fn is_list(value: &Value) -> bool {
    value.kind() == ValueKind::Seq
}

/// The items of several lists, as a list or a tuple.
pub fn collected(of: &Value, items: impl Iterator<Item = Value>) -> Value {
    let items: Vec<Value> = items.collect();
    if of.is_tuple() { minijinja::value::Tuple::from(items).into() } else { items.into() }
}

pub fn add(a: &Value, b: &Value) -> Result<Value, Error> {
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b)) {
        return both(a, b, i128::checked_add, |a, b| a + b).map(Number::value);
    }
    if let (Some(left), Some(right)) = (a.as_str(), b.as_str()) {
        if a.is_safe() || b.is_safe() {
            return Err(refused("'+' on a text that is marked as safe; Jinja2 escapes the other"));
        }
        return Ok([left, right].concat().into());
    }
    if is_list(a) && is_list(b) && a.is_tuple() == b.is_tuple() {
        return Ok(collected(a, a.try_iter()?.chain(b.try_iter()?)));
    }
    Err(unfit(ADD, a, b))
}

fn multiply(a: &Value, b: &Value) -> Result<Value, Error> {
    let (many, count) = match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => return both(a, b, i128::checked_mul, |a, b| a * b).map(Number::value),
        (None, Some(Number::Integer(count))) => (a, count),
        (Some(Number::Integer(count)), None) => (b, count),
        _ => return Err(unfit(MULTIPLY, a, b)),
    };
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    let bounded = |len: usize, most: usize| match len.checked_mul(count) {
        Some(len) if len <= most => Ok(()),
        _ => Err(refused(format!("a repetition of more than {most}"))),
    };
    if let Some(text) = many.as_str() {
        bounded(text.len(), MOST_BYTES)?;
        return Ok(text.repeat(count).into());
    }
    if !is_list(many) {
        return Err(unfit(MULTIPLY, a, b));
    }
    let items: Vec<Value> = many.try_iter()?.collect();
    bounded(items.len(), MOST_ITEMS)?;
    // Nothing is nothing, however often.
    let count = if items.is_empty() { 0 } else { count };
    Ok(collected(many, std::iter::repeat_n(items, count).flatten()))
}

/// Equality; values of several kinds are not equal.
pub fn is_equal(a: &Value, b: &Value) -> bool {
    match (Number::of(a), Number::of(b)) {
        // Value compares whole numbers with floats exactly.
        (Some(a), Some(b)) => a.value() == b.value(),
        (None, None) => a == b,
        _ => false,
    }
}

/// The order of two values; none beside a NaN.
pub fn order(operator: &str, a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        let is_nan = x.float().is_nan() || y.float().is_nan();
        return Ok((!is_nan).then(|| x.value().cmp(&y.value())));
    }
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(Some(a.cmp(b)));
    }
    if !(is_list(a) && is_list(b) && a.is_tuple() == b.is_tuple()) {
        return Err(unfit(operator, a, b));
    }
    let (mut left, mut right) = (a.try_iter()?, b.try_iter()?);
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if is_equal(&a, &b) => {}
            (Some(a), Some(b)) => return order(operator, &a, &b),
            (a, b) => return Ok(Some(a.is_some().cmp(&b.is_some()))),
        }
    }
}

/// Whether a value can be a key: Python has no hash of what may change.
pub fn as_key(value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map if !value.is_tuple() => Err(refused(format!("{} cannot be a key", type_name(value)))),
        _ => Ok(()),
    }
}

pub fn is_in(item: &Value, container: &Value) -> Result<bool, Error> {
    if let Some(text) = container.as_str() {
        let part = item.as_str().ok_or_else(|| refused(format!("'in' a text looks for a text, not for {}", type_name(item))))?;
        return Ok(text.contains(part));
    }
    match container.kind() {
        ValueKind::Undefined => Ok(false),
        ValueKind::Iterable if container.downcast_object_ref::<super::lazy::View>().is_some() => {
            as_key(item)?;
            Ok(container.try_iter()?.any(|other| is_equal(item, &other)))
        }
        ValueKind::Seq | ValueKind::Iterable => Ok(container.try_iter()?.any(|other| is_equal(item, &other))),
        ValueKind::Map => {
            as_key(item)?;
            Ok(container.try_iter()?.any(|key| is_equal(item, &key)))
        }
        _ => Err(refused(format!("'in' is not for {}", type_name(container)))),
    }
}
