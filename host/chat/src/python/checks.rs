//! Jinja2's tests (`is odd`), where minijinja's own differ from them or are missing.

use super::access;
use super::lazy::{View, iterated};
use super::operators::{self, Number, is_equal, order, refused};
use super::text::{python_text, type_name};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error};
use std::cmp::Ordering;

/// What minijinja has and Jinja2 has not.
const FOREIGN: [&str; 3] = ["startingwith", "endingwith", "int"];

type Compared = fn(Ordering) -> bool;

pub fn extend(environment: &mut Environment<'_>) {
    FOREIGN.iter().for_each(|name| environment.remove_test(name));
    for name in ["eq", "equalto", "=="] {
        environment.add_test(name, is_equal);
    }
    for name in ["ne", "!="] {
        environment.add_test(name, |a: &Value, b: &Value| !is_equal(a, b));
    }
    let orders: [(&'static [&'static str], Compared); 4] = [
        (&["lt", "lessthan", "<"], Ordering::is_lt),
        (&["le", "<="], Ordering::is_le),
        (&["gt", "greaterthan", ">"], Ordering::is_gt),
        (&["ge", ">="], Ordering::is_ge),
    ];
    for (names, is) in orders {
        for name in names {
            let name = *name;
            environment.add_test(name, move |a: &Value, b: &Value| Ok::<_, Error>(order(name, a, b)?.is_some_and(is)));
        }
    }
    environment.add_test("in", operators::is_in);
    environment.add_test("odd", |value: &Value| rest(value, 2).map(|rest| rest == 1.0));
    environment.add_test("even", |value: &Value| rest(value, 2).map(|rest| rest == 0.0));
    environment.add_test("divisibleby", |value: &Value, by: i128| rest(value, by).map(|rest| rest == 0.0));
    environment.add_test("number", |value: &Value| Number::of(value).is_some());
    environment.add_test("integer", |value: &Value| value.kind() == ValueKind::Number && value.is_integer());
    environment.add_test("float", |value: &Value| value.kind() == ValueKind::Number && !value.is_integer());
    environment.add_test("lower", |value: &Value| cased(value, char::is_lowercase, char::is_uppercase));
    environment.add_test("upper", |value: &Value| cased(value, char::is_uppercase, char::is_lowercase));
    environment.add_test("mapping", access::is_dictionary);
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    environment.add_test("sameas", same);
    // Jinja2 asks for a length and for items by their number or key: a text has them, and nothing has none.
    environment.add_test("sequence", |value: &Value| match value.kind() {
        ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map => true,
        // A range.
        ValueKind::Iterable => value.len().is_some() && value.downcast_object_ref::<View>().is_none(),
        _ => false,
    });
    environment.add_test("iterable", |value: &Value| iterated(value).is_ok());
}

/// The rest of a division, with the divisor's sign.
fn rest(value: &Value, by: i128) -> Result<f64, Error> {
    match Number::of(value) {
        Some(number) => Ok(operators::remainder(number, Number::Integer(by))?.float()),
        None => Err(refused(format!("{} is not a number to be divided by {by}", type_name(value)))),
    }
}

fn cased(value: &Value, is: fn(char) -> bool, is_other: fn(char) -> bool) -> Result<bool, Error> {
    let text = python_text(value)?;
    Ok(text.chars().any(is) && !text.chars().any(is_other))
}

/// Python's `is` says of texts and numbers whatever its memory holds; of what there is once, it is equality.
fn same(value: &Value, other: &Value) -> Result<bool, Error> {
    let is_single = |value: &Value| matches!(value.kind(), ValueKind::None | ValueKind::Bool);
    if is_single(value) || is_single(other) {
        return Ok(value.kind() == other.kind() && is_equal(value, other));
    }
    Err(refused(format!("'sameas' of {} and {}", type_name(value), type_name(other))))
}
