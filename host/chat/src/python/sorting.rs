//! Filters that order items: what Python cannot order is refused.

use super::filters::{given, is_set, some};
use super::lazy::iterated;
use super::methods::pairs;
use super::operators::{LESS, is_equal, order, refused};
use super::picking::{Case, folded, found, path};
use minijinja::value::{Enumerator, Object, ObjectRepr, Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error};
use std::cmp::Ordering;
use std::sync::Arc;

pub fn extend(environment: &mut Environment<'_>) {
    environment.add_filter("sort", sort);
    environment.add_filter("dictsort", dictsort);
    environment.add_filter("groupby", groupby);
    environment.add_filter("min", |value: &Value, args: Rest<ValueOrKwargs>| extreme(value, args, Ordering::Less));
    environment.add_filter("max", |value: &Value, args: Rest<ValueOrKwargs>| extreme(value, args, Ordering::Greater));
}

type Keyed = Vec<(Value, Value)>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    /// By the argument `reverse`.
    fn of(flag: Option<Value>) -> Direction {
        if is_set(flag) { Direction::Down } else { Direction::Up }
    }
}

/// Stable, smallest key first (or last, where equal keys stay in their order too).
fn sorted(mut items: Keyed, direction: Direction) -> Result<Keyed, Error> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = sorted(items.split_off(items.len() / 2), direction)?;
    let left = sorted(items, direction)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let is_right_first = if direction == Direction::Down { order(LESS, a, b)? } else { order(LESS, b, a)? } == Some(Ordering::Less);
        merged.extend(if is_right_first { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

fn sort(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    let [reverse, case, attribute] = given(args, ["reverse", "case_sensitive", "attribute"])?;
    let (direction, case, attribute) = (Direction::of(reverse), Case::of(case), some(attribute));
    let parts: Vec<Value> = match attribute.as_ref().and_then(Value::as_str) {
        Some(text) => text.split(',').map(Value::from).collect(),
        None => attribute.into_iter().collect(),
    };
    let paths = parts.iter().map(|part| path(Some(part))).collect::<Result<Vec<_>, _>>()?;
    let key = |item: &Value| -> Result<Value, Error> {
        if paths.is_empty() {
            return Ok(folded(item.clone(), case));
        }
        let keys = paths.iter().map(|path| Ok(folded(found(item.clone(), path, None)?, case)));
        Ok(keys.collect::<Result<Vec<_>, Error>>()?.into())
    };
    let keyed = iterated(value)?.map(|item| Ok((key(&item)?, item))).collect::<Result<Keyed, Error>>()?;
    Ok(sorted(keyed, direction)?.into_iter().map(|(_, item)| item).collect())
}

fn dictsort(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    let [case, by, reverse] = given(args, ["case_sensitive", "by", "reverse"])?;
    let (case, direction) = (Case::of(case), Direction::of(reverse));
    let place = match by.as_ref().map_or(Some("key"), Value::as_str) {
        Some("key") => 0,
        Some("value") => 1,
        _ => return Err(refused("dictsort sorts by 'key' or 'value'")),
    };
    let keyed = pairs(value)?.into_iter().map(|pair| Ok((folded(pair.get_item_by_index(place)?, case), pair)));
    Ok(sorted(keyed.collect::<Result<Keyed, Error>>()?, direction)?.into_iter().map(|(_, pair)| pair).collect())
}

/// Pairs of a key, as the first of its items has it, and those items.
fn groupby(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    let [attribute, default, case] = given(args, ["attribute", "default", "case_sensitive"])?;
    let attribute = attribute.ok_or_else(|| refused("groupby takes an attribute"))?;
    let (default, case) = (some(default), Case::of(case));
    let path = path(Some(&attribute))?;
    let key = |item: &Value| found(item.clone(), &path, default.as_ref());
    let keyed = iterated(value)?.map(|item| Ok((folded(key(&item)?, case), item))).collect::<Result<Keyed, Error>>()?;
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in sorted(keyed, Direction::Up)? {
        match groups.last_mut() {
            Some((last, items)) if is_equal(last, &key) => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    groups.into_iter().map(|(_, items)| Ok(Group::of(key(&items[0])?, items))).collect()
}

/// What `groupby` gives: a pair that can be asked by name too.
#[derive(Debug)]
struct Group(Value, Vec<Value>);

impl Group {
    fn of(grouper: Value, list: Vec<Value>) -> Value {
        Value::from_object(Group(grouper, list))
    }
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_usize(), key.as_str()) {
            (Some(0), _) | (_, Some("grouper")) => Some(self.0.clone()),
            (Some(1), _) | (_, Some("list")) => Some(self.1.clone().into()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }
}

/// The first of the smallest, or of the largest.
fn extreme(value: &Value, args: Rest<ValueOrKwargs>, wanted: Ordering) -> Result<Value, Error> {
    let [case, attribute] = given(args, ["case_sensitive", "attribute"])?;
    let (case, path) = (Case::of(case), path(attribute.as_ref())?);
    let mut best: Option<(Value, Value)> = None;
    for item in iterated(value)? {
        let key = folded(found(item.clone(), &path, None)?, case);
        let is_better = match &best {
            None => true,
            Some((other, _)) => order(LESS, &key, other)? == Some(wanted),
        };
        if is_better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Value::UNDEFINED, |(_, item)| item))
}
