//! What is read from a value: `value[a:b]`, `value.name`, `value[key]`, and dictionaries as they are written.

use super::lazy::iterated;
use super::operators::{Number, as_key, collected, is_equal, is_list, refused};
use super::text::type_name;
use minijinja::value::{Object, ObjectRepr, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use std::sync::Arc;

// Names of filters that no template can spell.
pub const SLICE: &str = "[:]";
pub const ATTRIBUTE: &str = ".x";
pub const ITEM: &str = "[x]";
pub const DICTIONARY: &str = "{}";

pub fn extend(environment: &mut Environment<'_>) {
    environment.add_filter(SLICE, slice);
    environment.add_filter(ATTRIBUTE, attribute);
    environment.add_filter(ITEM, item);
    environment.add_filter(DICTIONARY, dictionary);
}

/// `value[start:stop:step]`, as CPython's `PySlice_AdjustIndices` counts.
fn slice(value: &Value, start: &Value, stop: &Value, step: &Value) -> Result<Value, Error> {
    let bound = |bound: &Value| match Number::of(bound) {
        _ if bound.is_none() => Ok(None),
        Some(Number::Integer(number)) => Ok(Some(number)),
        _ => Err(refused(format!("a slice's bounds are whole numbers or none, not {}", type_name(bound)))),
    };
    let step = bound(step)?.unwrap_or(1);
    if step == 0 {
        return Err(refused("a slice's step is not 0"));
    }
    let picked = |len: usize| -> Result<Vec<usize>, Error> {
        let len = len as i128;
        let (least, most) = if step < 0 { (-1, len - 1) } else { (0, len) };
        let within = |at: i128| (if at < 0 { at + len } else { at }).clamp(least, most);
        let (first, last) = if step < 0 { (most, least) } else { (least, most) };
        let (start, stop) = (bound(start)?.map_or(first, within), bound(stop)?.map_or(last, within));
        let mut picked = Vec::new();
        let mut at = start;
        while if step < 0 { at > stop } else { at < stop } {
            picked.push(at as usize);
            at = at.saturating_add(step);
        }
        Ok(picked)
    };
    if let Some(text) = value.as_str() {
        let characters: Vec<char> = text.chars().collect();
        return Ok(picked(characters.len())?.into_iter().map(|at| characters[at]).collect::<String>().into());
    }
    if !is_list(value) {
        return Err(refused(format!("{} cannot be sliced", type_name(value))));
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    Ok(collected(value, picked(items.len())?.into_iter().map(|at| items[at].clone())))
}

/// Methods of Python's texts, lists and dictionaries.
const OF_TEXTS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
const OF_LISTS: &[&str] = &["copy", "count", "index"];
const OF_TUPLES: &[&str] = &["count", "index"];
const OF_MAPS: &[&str] = &["copy", "fromkeys", "get", "items", "keys", "values"];
/// Methods that change a list or dictionary: in the sandbox they are not defined.
const CHANGING: &[&str] = &["append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"];

/// Whether a name is a method of anything.
pub fn is_method(name: &str) -> bool {
    [OF_TEXTS, OF_LISTS, OF_MAPS, CHANGING].iter().any(|names| names.contains(&name))
}

/// A method that is read and not called: true, and nothing else can be done with it.
#[derive(Debug)]
struct Method(String);

impl Object for Method {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Whoever prints it is refused: `text::repr` knows no text of it.
        write!(f, "<method {}>", self.0)
    }
}

/// The filter `attr`: what an object has by itself, never what is in it.
pub fn own_attribute(value: &Value, name: &str) -> Result<Value, Error> {
    let is_object =
        value.as_object().is_some_and(|object| !matches!(object.repr(), ObjectRepr::Seq | ObjectRepr::Iterable)) && !is_dictionary(value);
    if is_method(name) || is_object || value.is_undefined() { attribute(value, name) } else { Ok(Value::UNDEFINED) }
}

/// A dictionary, and not a namespace, which reads like one.
pub fn is_dictionary(value: &Value) -> bool {
    value.kind() == ValueKind::Map && value.as_object().is_some_and(|object| !object.type_name().contains("Namespace"))
}

/// `value.name` of a name that is a method's: Python finds the method before the key.
fn attribute(value: &Value, name: &str) -> Result<Value, Error> {
    let methods = match value.kind() {
        ValueKind::String => OF_TEXTS,
        ValueKind::Seq if value.is_tuple() => OF_TUPLES,
        ValueKind::Seq => OF_LISTS,
        ValueKind::Map if is_dictionary(value) => OF_MAPS,
        ValueKind::Undefined => return Err(Error::new(ErrorKind::UndefinedError, format!("nothing is defined that has '.{name}'"))),
        _ => &[],
    };
    let is_collection = value.kind() == ValueKind::Seq || is_dictionary(value);
    if is_collection && CHANGING.contains(&name) {
        return Ok(Value::UNDEFINED);
    }
    if methods.contains(&name) { Ok(Value::from_object(Method(name.to_owned()))) } else { value.get_attr(name) }
}

/// A dictionary of keys and values in turns: of keys that are equal the first stays, with the last one's value.
fn dictionary(items: &Value) -> Result<Value, Error> {
    let items: Vec<Value> = items.try_iter()?.collect();
    let mut all: Vec<(Value, Value)> = Vec::new();
    for pair in items.chunks_exact(2) {
        as_key(&pair[0])?;
        match all.iter_mut().find(|(key, _)| is_equal(key, &pair[0])) {
            Some((_, value)) => *value = pair[1].clone(),
            None => all.push((pair[0].clone(), pair[1].clone())),
        }
    }
    Ok(Value::from_pairs(all))
}

/// `value[key]`: a list has no item of a broken number, a dictionary finds 1 by 1.0 and by true, and what is missing may be a method.
fn item(value: &Value, key: &Value) -> Result<Value, Error> {
    let found = match (value.kind(), Number::of(key)) {
        (ValueKind::Map, Some(_)) => {
            let same = iterated(value)?.find(|other| is_equal(other, key));
            same.map_or(Ok(Value::UNDEFINED), |same| value.get_item(&same))?
        }
        (ValueKind::Seq | ValueKind::String, Some(Number::Integer(at))) => value.get_item(&Number::Integer(at).value())?,
        (ValueKind::Seq | ValueKind::String, Some(Number::Float(_))) => Value::UNDEFINED,
        _ => value.get_item(key)?,
    };
    match key.as_str() {
        Some(name) if found.is_undefined() && is_method(name) => attribute(value, name),
        _ => Ok(found),
    }
}
