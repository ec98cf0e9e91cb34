//! Filters that pick from items: by an attribute, a filter or a test. Jinja2 computes them later, so each gives a generator.

use super::filters::{given, is_set, some};
use super::lazy::{Generator, iterated};
use super::operators::{Number, as_key, is_equal, refused};
use super::text::type_name;
use minijinja::value::{Kwargs, Rest, Value, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, State};

/// Items of a batch, or slices, at most.
const MOST: i128 = 100_000;

pub fn extend(environment: &mut Environment<'_>) {
    environment.add_filter("map", map);
    for (name, has_attribute, is_kept) in
        [("select", false, true), ("reject", false, false), ("selectattr", true, true), ("rejectattr", true, false)]
    {
        let pick = move |state: &mut State<'_, '_>, value: &Value, args: Rest<ValueOrKwargs>| -> Result<Value, Error> {
            let args = args.into_values();
            let (attribute, test) = if has_attribute {
                let (first, rest) = args.split_first().ok_or_else(|| refused(format!("{name} takes the name of an attribute")))?;
                (Some(first), rest)
            } else {
                (None, &args[..])
            };
            let passed = passing(state, value, attribute, test)?;
            Ok(Generator::of(passed.into_iter().filter(|(_, passes)| *passes == is_kept).map(|(item, _)| item)))
        };
        environment.add_filter(name, pick);
    }
    environment.add_filter("batch", batch);
    environment.add_filter("slice", slice);
    environment.add_filter("unique", unique);
}

/// The steps to an attribute: its number, or names and numbers between dots.
pub fn path(attribute: Option<&Value>) -> Result<Vec<Value>, Error> {
    let Some(attribute) = attribute.filter(|value| !value.is_none()) else { return Ok(Vec::new()) };
    let step = |part: &str| part.parse::<u64>().map_or_else(|_| Value::from(part), Value::from);
    match (attribute.as_str(), Number::of(attribute)) {
        (Some(text), _) => Ok(text.split('.').map(step).collect()),
        (None, Some(Number::Integer(_))) => Ok(vec![attribute.clone()]),
        _ => Err(refused(format!("an attribute is a name or a number, not {}", type_name(attribute)))),
    }
}

/// What an item has at the end of a path; `default` stands for what is not defined.
pub fn found(item: Value, path: &[Value], default: Option<&Value>) -> Result<Value, Error> {
    path.iter().try_fold(item, |item, step| {
        let value = item.get_item(step)?;
        Ok(match default {
            Some(default) if value.is_undefined() => default.clone(),
            _ => value,
        })
    })
}

/// Whether capitals are other letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Counts,
    Ignored,
}

impl Case {
    /// By the argument `case_sensitive`.
    pub fn of(flag: Option<Value>) -> Case {
        if is_set(flag) { Case::Counts } else { Case::Ignored }
    }
}

/// A text in small letters, unless case counts.
pub fn folded(value: Value, case: Case) -> Value {
    match value.as_str() {
        Some(text) if case == Case::Ignored => text.to_lowercase().into(),
        _ => value,
    }
}

fn map(state: &mut State<'_, '_>, value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let args = args.into_values();
    let (items, options): (&[Value], Kwargs) = from_args(&args)?;
    if !value.is_true() {
        return Ok(Generator::of([]));
    }
    if items.is_empty() && options.has("attribute") {
        let path = path(Some(&options.get::<Value>("attribute")?))?;
        let default = options.get::<Option<Value>>("default")?.filter(|value| !value.is_none());
        options.assert_all_used()?;
        let all = iterated(value)?.map(|item| found(item, &path, default.as_ref())).collect::<Result<Vec<_>, _>>()?;
        return Ok(Generator::of(all));
    }
    let (name, rest) = args.split_first().ok_or_else(|| refused("map takes a filter or an attribute"))?;
    let name = name.as_str().ok_or_else(|| refused("a filter is named by a text"))?;
    let mut all = Vec::new();
    for item in iterated(value)? {
        let args: Vec<Value> = std::iter::once(item).chain(rest.iter().cloned()).collect();
        all.push(state.apply_filter(name, &args)?);
    }
    Ok(Generator::of(all))
}

/// Each item, and whether it, or its attribute, passes a test; without a test, whether it is true.
fn passing(state: &mut State<'_, '_>, value: &Value, attribute: Option<&Value>, test: &[Value]) -> Result<Vec<(Value, bool)>, Error> {
    let path = path(attribute)?;
    let mut all = Vec::new();
    // What is false is not looked into, whatever it is.
    if !value.is_true() {
        return Ok(all);
    }
    for item in iterated(value)? {
        let seen = found(item.clone(), &path, None)?;
        let passes = match test.split_first() {
            None => seen.is_true(),
            Some((name, rest)) => {
                let name = name.as_str().ok_or_else(|| refused("a test is named by a text"))?;
                let args: Vec<Value> = std::iter::once(seen).chain(rest.iter().cloned()).collect();
                state.perform_test(name, &args)?
            }
        };
        all.push((item, passes));
    }
    Ok(all)
}

fn count(value: &Value) -> Result<usize, Error> {
    match Number::of(value) {
        Some(Number::Integer(count)) if (1..=MOST).contains(&count) => Ok(count as usize),
        _ => Err(refused(format!("a number of items is 1 to {MOST}"))),
    }
}

fn batch(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [size, fill] = given(args, ["linecount", "fill_with"])?;
    let (size, fill) = (count(&size.unwrap_or_default())?, some(fill));
    let items: Vec<Value> = iterated(value)?.collect();
    let filled = |part: &[Value]| {
        let rest = size - part.len();
        let fills = fill.iter().flat_map(|fill| std::iter::repeat_n(fill.clone(), rest));
        part.iter().cloned().chain(fills).collect::<Vec<Value>>().into()
    };
    Ok(Generator::of(items.chunks(size).map(filled).collect::<Vec<Value>>()))
}

fn slice(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [slices, fill] = given(args, ["slices", "fill_with"])?;
    let (slices, fill) = (count(&slices.unwrap_or_default())?, some(fill));
    let mut items: Vec<Value> = iterated(value)?.collect();
    let (size, longer) = (items.len() / slices, items.len() % slices);
    let part = |number: usize| {
        let rest = items.split_off(size + usize::from(number < longer));
        let mut part = std::mem::replace(&mut items, rest);
        part.extend(fill.clone().filter(|_| number >= longer));
        Value::from(part)
    };
    Ok(Generator::of((0..slices).map(part).collect::<Vec<Value>>()))
}

fn unique(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [case, attribute] = given(args, ["case_sensitive", "attribute"])?;
    let (case, path) = (Case::of(case), path(attribute.as_ref())?);
    let (mut seen, mut all): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for item in iterated(value)? {
        let key = folded(found(item.clone(), &path, None)?, case);
        as_key(&key)?;
        if !seen.iter().any(|other| is_equal(other, &key)) {
            seen.push(key);
            all.push(item);
        }
    }
    Ok(Generator::of(all))
}
