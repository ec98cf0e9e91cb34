//! Python's two ways of formatting: `'%5s' % x` and `'{:>5}'.format(x)`.

use super::operators::{Number, refused};
use super::spec::{Half, Spec};
use super::text::{python_text, repr, type_name};
use minijinja::Error;
use minijinja::value::{Value, ValueKind};
use std::iter::Peekable;
use std::str::Chars;

/// Characters that a width or precision may ask for.
const MOST_WIDTH: usize = 10_000;

fn digits(rest: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, Error> {
    let mut number = None;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        rest.next();
        let next = number.unwrap_or(0) * 10 + digit as usize;
        if next > MOST_WIDTH {
            return Err(refused(format!("a width of more than {MOST_WIDTH}")));
        }
        number = Some(next);
    }
    Ok(number)
}

/// `format % given`.
pub fn percent(format: &str, given: &Value) -> Result<String, Error> {
    let is_many = given.is_tuple();
    let items: Vec<Value> = if is_many { given.try_iter()?.collect() } else { vec![given.clone()] };
    // Only these may stay unused.
    let is_mapping = !is_many && matches!(given.kind(), ValueKind::Map | ValueKind::Seq);
    let (mut out, mut used, mut rest) = (String::new(), 0, format.chars().peekable());
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let named = named(&mut rest, given)?;
        let mut next = || {
            used += 1;
            items.get(used - 1).cloned().ok_or_else(|| refused("not enough values for the format"))
        };
        let mut spec = flags(&mut rest);
        spec.width = width(&mut rest, &mut next, &mut spec)?.unwrap_or(0);
        if rest.next_if_eq(&'.').is_some() {
            spec.precision = Some(width(&mut rest, &mut next, &mut Spec::default())?.unwrap_or(0));
        }
        let kind = rest.next().ok_or_else(|| refused("the format ends within a value's place"))?;
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = named.map_or_else(next, Ok)?;
        out.push_str(&converted(spec, kind, &value)?);
    }
    if used < items.len() && !is_mapping { Err(refused("not all values are used by the format")) } else { Ok(out) }
}

/// The value of `%(name)s`.
fn named(rest: &mut Peekable<Chars<'_>>, given: &Value) -> Result<Option<Value>, Error> {
    if rest.next_if_eq(&'(').is_none() {
        return Ok(None);
    }
    let name: String = rest.by_ref().take_while(|c| *c != ')').collect();
    if given.kind() != ValueKind::Map {
        return Err(refused("a format with names takes a dictionary"));
    }
    let value = given.get_item(&Value::from(name.as_str()))?;
    if value.is_undefined() { Err(refused(format!("the format's '{name}' is not given"))) } else { Ok(Some(value)) }
}

fn flags(rest: &mut Peekable<Chars<'_>>) -> Spec {
    let mut spec = Spec::default();
    let mut is_left = false;
    while let Some(flag) = rest.next_if(|c| ['-', '+', ' ', '#', '0'].contains(c)) {
        match flag {
            '-' => is_left = true,
            '+' => spec.sign = Some('+'),
            ' ' => spec.sign = spec.sign.or(Some(' ')),
            '#' => spec.is_alternate = true,
            _ => (spec.fill, spec.align) = ('0', Some('=')),
        }
    }
    if is_left {
        (spec.fill, spec.align) = (' ', Some('<'));
    }
    spec
}

fn width(rest: &mut Peekable<Chars<'_>>, next: &mut impl FnMut() -> Result<Value, Error>, spec: &mut Spec) -> Result<Option<usize>, Error> {
    if rest.next_if_eq(&'*').is_none() {
        return digits(rest);
    }
    let Some(Number::Integer(width)) = Number::of(&next()?) else { return Err(refused("'*' takes a whole number")) };
    if width < 0 {
        (spec.fill, spec.align) = (' ', Some('<'));
    }
    usize::try_from(width.unsigned_abs()).ok().filter(|width| *width <= MOST_WIDTH).map(Some).ok_or_else(|| refused("a width too large"))
}

fn converted(mut spec: Spec, kind: char, value: &Value) -> Result<String, Error> {
    let text = match kind {
        's' => Some(python_text(value)?),
        'r' => Some(representation(value)?),
        'c' => return Err(refused("the format '%c'")),
        _ => None,
    };
    if let Some(text) = text {
        // Texts are filled with blanks, on the left unless asked otherwise.
        spec.fill = ' ';
        spec.align = Some(spec.align.filter(|align| *align == '<').unwrap_or('>'));
        return Ok(spec.text(&text));
    }
    let number = Number::of(value).ok_or_else(|| refused(format!("'%{kind}' takes a number, not {}", type_name(value))))?;
    match (kind, number) {
        ('d' | 'i' | 'u', number) => {
            let number = match number {
                Number::Integer(number) => number,
                Number::Float(number) if number.is_finite() && number.abs() < 1e38 => number.trunc() as i128,
                Number::Float(_) => return Err(refused("'%d' of a number too large")),
            };
            let least = spec.precision.take().unwrap_or(0);
            Ok(spec.number(Half::of(number), "", &format!("{:0>least$}", number.unsigned_abs())))
        }
        ('x' | 'X' | 'o', Number::Integer(number)) if spec.precision.is_none() => {
            spec.kind = Some(kind);
            spec.whole(number)
        }
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', number) => {
            spec.kind = Some(kind);
            match number {
                Number::Integer(number) => spec.real(number as f64),
                Number::Float(number) if number.is_finite() => spec.real(number),
                Number::Float(_) => Err(refused("a number that is not finite in a format")),
            }
        }
        _ => Err(refused(format!("the format '%{kind}' of {}", type_name(value)))),
    }
}

fn representation(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    repr(value, &mut text)?;
    Ok(text)
}

/// `format.format(*items, **named)`.
pub fn braces(format: &str, items: &[Value], named: Option<&Value>) -> Result<String, Error> {
    let (mut out, mut next, mut rest) = (String::new(), 0, format.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '{' if rest.next_if_eq(&'{').is_some() => out.push('{'),
            '}' if rest.next_if_eq(&'}').is_some() => out.push('}'),
            '}' => return Err(refused("a single '}' in a format")),
            '{' => {
                let field: String = rest.by_ref().take_while(|c| *c != '}').collect();
                if field.contains('{') {
                    return Err(refused("a format within a format"));
                }
                let (name, spec) = field.split_once(':').unwrap_or((&field, ""));
                let (name, conversion) = name.split_once('!').map_or((name, None), |(name, conversion)| (name, Some(conversion)));
                let value = found(name, items, named, &mut next)?;
                let value = match conversion {
                    None => value,
                    Some("s") => python_text(&value)?.into(),
                    Some("r") => representation(&value)?.into(),
                    Some(other) => return Err(refused(format!("the conversion '!{other}' in a format"))),
                };
                out.push_str(&formatted(&value, spec)?);
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

/// The value of a field: `0`, `name`, or nothing for the next one, with `.attribute` and `[key]` behind it.
fn found(name: &str, items: &[Value], named: Option<&Value>, next: &mut usize) -> Result<Value, Error> {
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, mut path) = name.split_at(end);
    let mut value = match first.parse::<usize>() {
        _ if first.is_empty() => {
            *next += 1;
            items.get(*next - 1).cloned()
        }
        Ok(at) => items.get(at).cloned(),
        Err(_) => named.and_then(|named| named.get_item(&Value::from(first)).ok()).filter(|value| !value.is_undefined()),
    };
    while let (Some(from), false) = (&value, path.is_empty()) {
        let (key, rest) = match path.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or_else(|| refused("a format's '[' is not closed"))?,
            None => {
                let inside = &path[1..];
                inside.split_at(inside.find(['.', '[']).unwrap_or(inside.len()))
            }
        };
        let key = key.parse::<usize>().map_or_else(|_| Value::from(key), Value::from);
        value = Some(from.get_item(&key)?).filter(|value| !value.is_undefined());
        path = rest;
    }
    value.ok_or_else(|| refused(format!("the format's '{{{name}}}' is not given")))
}

fn formatted(value: &Value, text: &str) -> Result<String, Error> {
    if text.is_empty() {
        return python_text(value);
    }
    let spec = parsed(text)?;
    match (value.kind(), Number::of(value)) {
        (ValueKind::String, _) => {
            let is_for_numbers = spec.sign.is_some() || spec.is_alternate || spec.grouping.is_some() || spec.align == Some('=');
            if is_for_numbers || !matches!(spec.kind, None | Some('s')) {
                return Err(spec.unfit(value));
            }
            Ok(spec.text(value.as_str().unwrap_or_default()))
        }
        (_, Some(Number::Integer(number))) => spec.whole(number),
        (_, Some(Number::Float(number))) => spec.real(number),
        _ => Err(spec.unfit(value)),
    }
}

fn parsed(text: &str) -> Result<Spec, Error> {
    let (mut spec, mut rest) = (Spec::default(), text.chars().peekable());
    let is_align = |c: &char| ['<', '>', '^', '='].contains(c);
    let mut ahead = text.chars();
    if let (Some(fill), Some(align)) = (ahead.next(), ahead.next().filter(is_align)) {
        (spec.fill, spec.align) = (fill, Some(align));
        rest.nth(1);
    } else {
        spec.align = rest.next_if(is_align);
    }
    spec.sign = rest.next_if(|c| ['+', '-', ' '].contains(c)).filter(|sign| *sign != '-');
    spec.is_alternate = rest.next_if_eq(&'#').is_some();
    if rest.next_if_eq(&'0').is_some() && spec.align.is_none() {
        (spec.fill, spec.align) = ('0', Some('='));
    }
    spec.width = digits(&mut rest)?.unwrap_or(0);
    spec.grouping = rest.next_if(|c| [',', '_'].contains(c));
    // Zeros that fill are grouped too.
    if spec.grouping.is_some() && spec.fill == '0' && spec.align == Some('=') {
        return Err(refused("groups of digits filled with zeros"));
    }
    if rest.next_if_eq(&'.').is_some() {
        spec.precision = Some(digits(&mut rest)?.ok_or_else(|| refused("a format's precision is missing"))?);
    }
    spec.kind = rest.next();
    match rest.next() {
        Some(_) => Err(refused(format!("the format '{text}' is not one of Python's"))),
        None => Ok(spec),
    }
}
