//! Methods of Python's texts, lists and dictionaries.

use super::format;
use super::lazy::{View, iterated};
use super::operators::{Number, as_key, is_equal, refused};
use super::text::{python_text, type_name};
use minijinja::value::{Kwargs, Tuple, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

/// Where Python's `str.splitlines` cuts.
const LINE_ENDS: [char; 10] = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
/// Characters that a text may be padded to.
const MOST_WIDTH: usize = 1_000_000;

/// The lines of a text without their ends, as Python counts them.
pub fn lines(text: &str) -> Vec<&str> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(LINE_ENDS) {
        lines.push(&rest[..at]);
        let end = if rest[at..].starts_with("\r\n") { 2 } else { rest[at..].chars().next().map_or(1, char::len_utf8) };
        rest = &rest[at + end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// What Python's `str.isspace` holds for.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
    Both,
}

/// A text of at most that many characters; `side` is where the rest goes.
pub fn padded(text: &str, width: usize, fill: char, side: Side) -> Result<String, Error> {
    if width > MOST_WIDTH {
        return Err(refused(format!("a width of more than {MOST_WIDTH}")));
    }
    let rest = width.saturating_sub(text.chars().count());
    let left = match side {
        Side::Left => rest,
        Side::Right => 0,
        // As CPython divides an odd rest.
        Side::Both => rest / 2 + (rest & width & 1),
    };
    let fills = |count: usize| std::iter::repeat_n(fill, count);
    Ok(fills(left).chain(text.chars()).chain(fills(rest - left)).collect())
}

/// A text without some characters at its ends: `None` are blanks.
pub fn stripped<'t>(text: &'t str, characters: Option<&str>, side: Side) -> &'t str {
    let is_cut = |c: char| characters.map_or_else(|| is_space(c), |characters| characters.contains(c));
    let text = if side == Side::Right { text } else { text.trim_start_matches(is_cut) };
    if side == Side::Left { text } else { text.trim_end_matches(is_cut) }
}

/// A character at the beginning of a word. Most are their capital; of a capital that is several letters the first alone is one.
fn title_case(c: char) -> Result<String, Error> {
    Ok(match c {
        'Ǆ' | 'ǅ' | 'ǆ' => "ǅ".into(),
        'Ǉ' | 'ǈ' | 'ǉ' => "ǈ".into(),
        'Ǌ' | 'ǋ' | 'ǌ' => "ǋ".into(),
        'Ǳ' | 'ǲ' | 'ǳ' => "ǲ".into(),
        'ŉ' => "ʼN".into(),
        '\u{1f80}'..='\u{1fff}' if c.to_uppercase().count() > 1 => return Err(refused(format!("'{c}' at the beginning of a word"))),
        c => {
            let mut capitals = c.to_uppercase();
            capitals.next().into_iter().chain(capitals.flat_map(char::to_lowercase)).collect()
        }
    })
}

pub fn capitalized(text: &str) -> Result<String, Error> {
    let mut rest = text.chars();
    rest.next().map_or_else(|| Ok(String::new()), |first| Ok(title_case(first)? + &rest.as_str().to_lowercase()))
}

/// Keys and values of a dictionary, as tuples.
pub fn pairs(value: &Value) -> Result<Vec<Value>, Error> {
    if value.kind() != ValueKind::Map {
        return Err(refused(format!("{} has no pairs of keys and values", type_name(value))));
    }
    iterated(value)?.map(|key| Ok(Tuple::from([key.clone(), value.get_item(&key)?]).into())).collect()
}

/// Calls a method; what Python's values have no method of is an error.
pub fn method(_: &mut State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let (items, named): (&[Value], Kwargs) = from_args(args)?;
    if value.is_safe() {
        return Err(refused(format!("{name}() of a text that is marked as safe")));
    }
    if named.args().next().is_some() && name != "format" {
        return of_names(value, name, items, &named);
    }
    let unknown = || Error::new(ErrorKind::UnknownMethod, format!("{} has no method {name} that is known here", type_name(value)));
    match value.kind() {
        ValueKind::String => of_text(value.as_str().unwrap_or_default(), name, items, &named)?.ok_or_else(unknown),
        ValueKind::Map => of_map(value, name, items)?.ok_or_else(unknown),
        ValueKind::Seq => of_list(value, name, items)?.ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

/// The few methods that are called with names of arguments.
fn of_names(value: &Value, name: &str, items: &[Value], named: &Kwargs) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return Err(refused(format!("{name}() with names of arguments"))) };
    let all: Vec<Value> = match name {
        "split" | "rsplit" => {
            let separator = items.first().cloned().map_or_else(|| named.get::<Option<Value>>("sep"), |value| Ok(Some(value)))?;
            vec![separator.unwrap_or_else(|| ().into()), named.get::<Option<Value>>("maxsplit")?.unwrap_or_else(|| (-1).into())]
        }
        "splitlines" => vec![named.get::<Value>("keepends")?],
        _ => return Err(refused(format!("{name}() with names of arguments"))),
    };
    named.assert_all_used()?;
    of_text(text, name, &all, &super::filters::none()?)?.ok_or_else(|| refused(name))
}

fn of_map(value: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match (name, args) {
        ("keys", []) => View::of(iterated(value)?.collect()),
        ("values", []) => View::of(iterated(value)?.map(|key| value.get_item(&key)).collect::<Result<_, _>>()?),
        ("items", []) => View::of(pairs(value)?),
        ("get", [key] | [key, _]) => {
            as_key(key)?;
            let has_key = iterated(value)?.any(|other| is_equal(&other, key));
            if has_key { value.get_item(key)? } else { args.get(1).cloned().unwrap_or_else(|| ().into()) }
        }
        ("copy", []) => {
            let all = iterated(value)?.map(|key| Ok((key.clone(), value.get_item(&key)?)));
            Value::from_pairs(all.collect::<Result<Vec<_>, Error>>()?)
        }
        _ => return Ok(None),
    }))
}

fn of_list(value: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match (name, args) {
        ("count", [what]) => iterated(value)?.filter(|item| is_equal(item, what)).count().into(),
        ("index", [what]) => {
            iterated(value)?.position(|item| is_equal(&item, what)).ok_or_else(|| refused("index() of what is not in the list"))?.into()
        }
        ("copy", []) if !value.is_tuple() => iterated(value)?.collect::<Vec<_>>().into(),
        _ => return Ok(None),
    }))
}

/// `None` for a method that is not one of these, or takes other arguments.
fn of_text(text: &str, name: &str, args: &[Value], named: &Kwargs) -> Result<Option<Value>, Error> {
    let word = |at: usize| match args.get(at) {
        Some(value) => value.as_str().ok_or_else(|| refused(format!("{name}() takes a text, not {}", type_name(value)))),
        None => Err(refused(format!("{name}() takes an argument"))),
    };
    let width = || match args.first().and_then(Number::of) {
        Some(Number::Integer(width)) => Ok(usize::try_from(width.max(0)).unwrap_or(usize::MAX)),
        _ => Err(refused(format!("{name}() takes a width"))),
    };
    let fill = || args.get(1).and_then(Value::as_str).and_then(|fill| fill.chars().next()).unwrap_or(' ');
    let found = |at: Option<usize>| at.map(|at| text[..at].chars().count());
    let side = |side| -> Result<Value, Error> {
        let is_given = args.first().is_some_and(|value| !value.is_none());
        Ok(stripped(text, if is_given { Some(word(0)?) } else { None }, side).into())
    };
    Ok(Some(match (name, args.len()) {
        ("strip", 0 | 1) => side(Side::Both)?,
        ("lstrip", 0 | 1) => side(Side::Left)?,
        ("rstrip", 0 | 1) => side(Side::Right)?,
        ("upper", 0) => text.to_uppercase().into(),
        ("lower", 0) => text.to_lowercase().into(),
        ("casefold", 0) if text.is_ascii() => text.to_ascii_lowercase().into(),
        ("capitalize", 0) => capitalized(text)?.into(),
        ("title", 0) => titled(text)?.into(),
        ("swapcase", 0) => swapped(text).into(),
        ("split", 0..=2) => split(text, args)?.into(),
        ("rsplit", 0..=2) => rsplit(text, args)?.into(),
        ("splitlines", 0) => lines(text).into_iter().map(Value::from).collect(),
        ("splitlines", 1) => whole_lines(text, if args[0].is_true() { LineEnds::Kept } else { LineEnds::Cut }).into(),
        ("join", 1) => joined(text, &args[0])?.into(),
        ("replace", 2 | 3) => replaced(text, word(0)?, word(1)?, args.get(2))?.into(),
        ("startswith" | "endswith" | "find" | "rfind" | "index" | "rindex" | "count", 2 | 3) => return within(text, name, args).map(Some),
        ("startswith", 1) => ends(text, &args[0], |text, part| text.starts_with(part))?.into(),
        ("endswith", 1) => ends(text, &args[0], |text, part| text.ends_with(part))?.into(),
        ("count", 1) => (if word(0)?.is_empty() { text.chars().count() + 1 } else { text.matches(word(0)?).count() }).into(),
        ("find", 1) => found(text.find(word(0)?)).map_or_else(|| Value::from(-1), Value::from),
        ("rfind", 1) => found(text.rfind(word(0)?)).map_or_else(|| Value::from(-1), Value::from),
        ("index", 1) => found(text.find(word(0)?)).ok_or_else(|| refused("substring not found"))?.into(),
        ("rindex", 1) => found(text.rfind(word(0)?)).ok_or_else(|| refused("substring not found"))?.into(),
        ("removeprefix", 1) => text.strip_prefix(word(0)?).unwrap_or(text).into(),
        ("removesuffix", 1) => text.strip_suffix(word(0)?).unwrap_or(text).into(),
        ("partition" | "rpartition", 1) if !word(0)?.is_empty() => Tuple::from(parted(text, word(0)?, name)).into(),
        ("ljust", 1 | 2) => padded(text, width()?, fill(), Side::Right)?.into(),
        ("rjust", 1 | 2) => padded(text, width()?, fill(), Side::Left)?.into(),
        ("center", 1 | 2) => padded(text, width()?, fill(), Side::Both)?.into(),
        ("zfill", 1) => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            format!("{sign}{}", padded(digits, width()?.saturating_sub(sign.len()), '0', Side::Left)?).into()
        }
        ("format", _) => {
            let names: Vec<(&str, Value)> = named.args().map(|name| Ok((name, named.get::<Value>(name)?))).collect::<Result<_, Error>>()?;
            format::braces(text, args, Some(&Value::from_pairs(names)))?.into()
        }
        _ => return asked(text, name, args),
    }))
}

/// A method that looks at a part of the text alone: from a character on, up to another.
fn within(text: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    let len = text.chars().count() as i128;
    let bound = |at: usize, usual: i128| match args.get(at).filter(|value| !value.is_none()).map(|value| (value, Number::of(value))) {
        None => Ok(usual),
        Some((_, Some(Number::Integer(bound)))) => Ok((if bound < 0 { bound + len } else { bound }).max(0)),
        Some((value, _)) => Err(refused(format!("{name}() from or to {}", type_name(value)))),
    };
    let (start, end) = (bound(1, 0)?, bound(2, len)?.min(len));
    if start > end {
        // Nothing is found there, not even an empty text.
        return match name {
            "startswith" | "endswith" => Ok(false.into()),
            "count" => Ok(0.into()),
            "find" | "rfind" => Ok((-1).into()),
            _ => Err(refused("substring not found")),
        };
    }
    let part: String = text.chars().skip(start as usize).take((end - start) as usize).collect();
    let found = of_text(&part, name, &args[..1], &super::filters::none()?)?.unwrap_or_default();
    match (name, Number::of(&found)) {
        ("find" | "rfind" | "index" | "rindex", Some(Number::Integer(at))) if at >= 0 => Ok(Number::Integer(at + start).value()),
        _ => Ok(found),
    }
}

/// Questions about a text's characters.
fn asked(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    if !args.is_empty() {
        return Ok(None);
    }
    let all = |is: fn(char) -> bool| !text.is_empty() && text.chars().all(is);
    Ok(Some(Value::from(match name {
        "isspace" => all(is_space),
        "isascii" => text.is_ascii(),
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        "istitle" => text.chars().any(char::is_alphabetic) && titled(text)? == text,
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        // Which characters count differs between the three; the tables are Python's.
        "isdigit" | "isdecimal" | "isnumeric" if text.chars().any(|c| !c.is_ascii() && c.is_numeric()) => {
            return Err(refused(format!("{name}() of digits that are not ASCII")));
        }
        "isdigit" | "isdecimal" | "isnumeric" => all(|c| c.is_ascii_digit()),
        _ => return Ok(None),
    })))
}

fn swapped(text: &str) -> String {
    let swap = |c: char| if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() };
    text.chars().map(swap).collect()
}

fn joined(between: &str, items: &Value) -> Result<String, Error> {
    let text = |item: Value| match item.as_str() {
        Some(_) => python_text(&item),
        None => Err(refused(format!("join() takes texts, not {}", type_name(&item)))),
    };
    Ok(iterated(items)?.map(text).collect::<Result<Vec<_>, _>>()?.join(between))
}

/// How many times, at most; a negative number means no limit.
fn bound(value: Option<&Value>) -> Result<Option<usize>, Error> {
    match value.map(|value| (value, Number::of(value))) {
        None => Ok(None),
        Some((_, Some(Number::Integer(count)))) => Ok(usize::try_from(count).ok()),
        Some((value, _)) => Err(refused(format!("a count is a whole number, not {}", type_name(value)))),
    }
}

fn replaced(text: &str, old: &str, new: &str, count: Option<&Value>) -> Result<String, Error> {
    Ok(match bound(count)? {
        Some(count) => text.replacen(old, new, count),
        None => text.replace(old, new),
    })
}

fn ends(text: &str, parts: &Value, has: fn(&str, &str) -> bool) -> Result<bool, Error> {
    if let Some(part) = parts.as_str() {
        return Ok(has(text, part));
    }
    if !parts.is_tuple() {
        return Err(refused(format!("a text begins or ends with a text or a tuple of them, not {}", type_name(parts))));
    }
    Ok(iterated(parts)?.any(|part| part.as_str().is_some_and(|part| has(text, part))))
}

/// What becomes of a line's end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnds {
    Kept,
    Cut,
}

fn whole_lines(text: &str, ends: LineEnds) -> Vec<String> {
    let (mut all, mut rest) = (Vec::new(), text);
    for line in lines(text) {
        let after = &rest[line.len()..];
        let end = if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(0, char::len_utf8) };
        all.push(rest[..line.len() + if ends == LineEnds::Kept { end } else { 0 }].to_owned());
        rest = &rest[line.len() + end..];
    }
    all
}

/// The separator of a split; none for blanks.
fn separator(args: &[Value]) -> Result<Option<&str>, Error> {
    match args.first().filter(|value| !value.is_none()) {
        None => Ok(None),
        Some(value) => match value.as_str() {
            Some("") => Err(refused("an empty separator")),
            Some(separator) => Ok(Some(separator)),
            None => Err(refused(format!("a separator is a text, not {}", type_name(value)))),
        },
    }
}

fn split(text: &str, args: &[Value]) -> Result<Vec<String>, Error> {
    let most = bound(args.get(1))?.unwrap_or(usize::MAX - 1);
    if let Some(separator) = separator(args)? {
        return Ok(text.splitn(most + 1, separator).map(str::to_owned).collect());
    }
    let (mut parts, mut rest) = (Vec::new(), text.trim_start_matches(is_space));
    while !rest.is_empty() {
        let end = if parts.len() < most { rest.find(is_space).unwrap_or(rest.len()) } else { rest.len() };
        parts.push(rest[..end].to_owned());
        rest = rest[end..].trim_start_matches(is_space);
    }
    Ok(parts)
}

/// A capital after everything that is not a letter, as Python has it.
fn titled(text: &str) -> Result<String, Error> {
    let mut is_inside = false;
    let mut title = String::with_capacity(text.len());
    for c in text.chars() {
        let is_within = std::mem::replace(&mut is_inside, c.is_lowercase() || c.is_uppercase());
        if is_within { title.extend(c.to_lowercase()) } else { title.push_str(&title_case(c)?) }
    }
    Ok(title)
}

fn rsplit(text: &str, args: &[Value]) -> Result<Vec<String>, Error> {
    let most = bound(args.get(1))?.unwrap_or(usize::MAX - 1);
    let mut parts: Vec<String> = match separator(args)? {
        Some(separator) => text.rsplitn(most + 1, separator).map(str::to_owned).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_end_matches(is_space);
            while parts.len() < most && rest.contains(is_space) {
                let at = rest.rfind(is_space).unwrap_or(0);
                parts.push(rest[at..].trim_start_matches(is_space).to_owned());
                rest = rest[..at].trim_end_matches(is_space);
            }
            parts.extend(Some(rest.to_owned()).filter(|rest| !rest.is_empty()));
            parts
        }
    };
    parts.reverse();
    Ok(parts)
}

fn parted(text: &str, separator: &str, name: &str) -> Vec<Value> {
    let found = if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
    match (found, name) {
        (Some((before, after)), _) => [before, separator, after],
        (None, "partition") => [text, "", ""],
        (None, _) => ["", "", text],
    }
    .map(Value::from)
    .into()
}
