//! Jinja2's filters, where minijinja's own differ from them or are missing.

use super::access;
use super::format;
use super::lazy::{Generator, iterated};
use super::methods::{self, Side, is_space, lines};
use super::operators::{self, Number, refused};
use super::text::{plain_text, python_text, type_name};
use super::{picking, sorting};
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error};

/// What minijinja has and Jinja2 has not: a template that Jinja2 refuses is refused.
const FOREIGN: [&str; 6] = ["bool", "split", "lines", "chain", "zip", "pprint"];

pub fn extend(environment: &mut Environment<'_>) {
    FOREIGN.iter().for_each(|name| environment.remove_filter(name));
    environment.add_filter("string", python_text);
    environment.add_filter("upper", |value: &Value| plain_text(value).map(|text| text.to_uppercase()));
    environment.add_filter("lower", |value: &Value| plain_text(value).map(|text| text.to_lowercase()));
    environment.add_filter("capitalize", |value: &Value| methods::capitalized(&plain_text(value)?));
    environment.add_filter("title", |value: &Value| plain_text(value).map(|text| minijinja::filters::title(text.into())));
    for name in ["e", "escape"] {
        environment.add_filter(name, |value: &Value| if value.is_safe() { Ok(value.clone()) } else { escaped(value) });
    }
    environment.add_filter("forceescape", escaped);
    environment.add_filter("trim", trim);
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter("indent", indent);
    environment.add_filter("wordcount", |value: &Value| -> Result<usize, Error> {
        let is_inside = |c: char| c.is_alphanumeric() || c == '_';
        Ok(plain_text(value)?.split(|c| !is_inside(c)).filter(|word| !word.is_empty()).count())
    });
    environment.add_filter("center", |value: &Value, args: Rest<ValueOrKwargs>| -> Result<String, Error> {
        let [width] = given(args, ["width"])?;
        let width = width.map_or(Ok(80), |width| whole(&width))?;
        methods::padded(&plain_text(value)?, usize::try_from(width.max(0)).unwrap_or(usize::MAX), ' ', Side::Both)
    });
    environment.add_filter("format", printf);
    for name in ["length", "count"] {
        environment.add_filter(name, length);
    }
    environment.add_filter("first", |value: &Value| iterated(value).map(|mut items| items.next().unwrap_or_default()));
    environment.add_filter("last", last);
    environment.add_filter("list", |value: &Value| iterated(value).map(Iterator::collect::<Vec<_>>));
    environment.add_filter("reverse", reverse);
    environment.add_filter("items", items);
    environment.add_filter("sum", sum);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("abs", |value: &Value| match number(value)? {
        Number::Integer(number) => Ok(Number::Integer(number.wrapping_abs()).value()),
        Number::Float(number) => Ok::<_, Error>(number.abs().into()),
    });
    environment.add_filter("round", round);
    environment.add_filter("attr", |value: &Value, name: &str| access::own_attribute(value, name));
    picking::extend(environment);
    sorting::extend(environment);
}

/// A filter's arguments by their places or names; nothing is left over.
pub fn given<const N: usize>(args: Rest<ValueOrKwargs>, names: [&str; N]) -> Result<[Option<Value>; N], Error> {
    let args = args.into_values();
    let (items, options): (&[Value], Kwargs) = minijinja::value::from_args(&args)?;
    if items.len() > N {
        return Err(refused(format!("{} arguments, where there are {N} at most: {}", items.len(), names.join(", "))));
    }
    let mut all = [const { None }; N];
    for (at, name) in names.into_iter().enumerate() {
        let by_name = options.has(name).then(|| options.get::<Value>(name)).transpose()?;
        all[at] = match (items.get(at), by_name) {
            (Some(_), Some(_)) => return Err(refused(format!("'{name}' is given twice"))),
            (item, by_name) => item.cloned().or(by_name),
        };
    }
    options.assert_all_used()?;
    Ok(all)
}

pub fn is_set(flag: Option<Value>) -> bool {
    flag.is_some_and(|flag| flag.is_true())
}

/// What is given and not none.
pub fn some(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !value.is_none())
}

/// No arguments by name.
pub fn none() -> Result<Kwargs, Error> {
    minijinja::value::from_args::<(Kwargs,)>(&[]).map(|(none,)| none)
}

fn number(value: &Value) -> Result<Number, Error> {
    Number::of(value).ok_or_else(|| refused(format!("{} is not a number", type_name(value))))
}

fn whole(value: &Value) -> Result<i128, Error> {
    match Number::of(value) {
        Some(Number::Integer(number)) => Ok(number),
        _ => Err(refused(format!("{} is not a whole number", type_name(value)))),
    }
}

/// As markupsafe escapes.
fn escaped(value: &Value) -> Result<Value, Error> {
    let mut text = String::new();
    for c in python_text(value)?.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\'' => text.push_str("&#39;"),
            '"' => text.push_str("&#34;"),
            c => text.push(c),
        }
    }
    Ok(Value::from_safe_string(text))
}

fn trim(value: &Value, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [characters] = given(args, ["chars"])?;
    let characters = some(characters);
    let characters = characters.as_ref().map(|value| value.as_str().ok_or_else(|| refused("trim takes a text"))).transpose()?;
    Ok(methods::stripped(&plain_text(value)?, characters, Side::Both).to_owned())
}

fn replace(value: &Value, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [old, new, count] = given(args, ["old", "new", "count"])?;
    let (Some(old), Some(new)) = (old, new) else { return Err(refused("replace takes an old text and a new one")) };
    let (text, old, new) = (plain_text(value)?, plain_text(&old)?, plain_text(&new)?);
    match some(count).as_ref().map(whole).transpose()?.map(usize::try_from) {
        Some(Ok(count)) => Ok(text.replacen(&old, &new, count)),
        _ => Ok(text.replace(&old, &new)),
    }
}

fn join(value: &Value, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [between, attribute] = given(args, ["d", "attribute"])?;
    let between = between.map_or_else(|| Ok(String::new()), |value| plain_text(&value))?;
    let path = picking::path(attribute.as_ref())?;
    let texts = iterated(value)?.map(|item| plain_text(&picking::found(item, &path, None)?)).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join(&between))
}

/// Jinja2's own: it keeps a line end at the end.
fn indent(value: &Value, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let [width, first, blank] = given(args, ["width", "first", "blank"])?;
    let (first, blank) = (is_set(first), is_set(blank));
    let margin = match &width {
        None => " ".repeat(4),
        Some(width) => match width.as_str() {
            Some(margin) => margin.to_owned(),
            None => methods::padded("", usize::try_from(whole(width)?.max(0)).unwrap_or(usize::MAX), ' ', Side::Left)?,
        },
    };
    if value.kind() != ValueKind::String {
        return Err(refused(format!("indent takes a text, not {}", type_name(value))));
    }
    let text = plain_text(value)? + "\n";
    let mut out = String::new();
    for (number, line) in lines(&text).into_iter().enumerate() {
        let is_indented = if number == 0 { first } else { blank || !line.is_empty() };
        out.push_str(if number == 0 { "" } else { "\n" });
        out.push_str(if is_indented { &margin } else { "" });
        out.push_str(line);
    }
    Ok(out)
}

fn printf(value: &Value, args: Rest<ValueOrKwargs>) -> Result<String, Error> {
    let args = args.into_values();
    let (items, named): (&[Value], Kwargs) = minijinja::value::from_args(&args)?;
    let names: Vec<&str> = named.args().collect();
    let given = match (items.is_empty(), names.is_empty()) {
        (false, false) => return Err(refused("format takes values or names, not both")),
        (true, false) => {
            Value::from_pairs(names.iter().map(|name| Ok((*name, named.get::<Value>(name)?))).collect::<Result<Vec<_>, Error>>()?)
        }
        _ => minijinja::value::Tuple::from(items).into(),
    };
    format::percent(&plain_text(value)?, &given)
}

fn length(value: &Value) -> Result<usize, Error> {
    match value.len() {
        _ if value.is_undefined() => Ok(0),
        Some(len) => Ok(len),
        None => Err(refused(format!("{} has no length", type_name(value)))),
    }
}

fn last(value: &Value) -> Result<Value, Error> {
    if value.downcast_object_ref::<Generator>().is_some() {
        return Err(refused("a generator has no last item"));
    }
    Ok(iterated(value)?.last().unwrap_or_default())
}

fn reverse(value: &Value) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.chars().rev().collect::<String>().into());
    }
    let mut items: Vec<Value> = iterated(value)?.collect();
    items.reverse();
    let is_read_once = value.downcast_object_ref::<Generator>().is_some();
    Ok(if is_read_once || value.is_undefined() { items.into() } else { Generator::of(items) })
}

fn items(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Undefined => Ok(Generator::of([])),
        ValueKind::Map => Ok(Generator::of(methods::pairs(value)?)),
        _ => Err(refused(format!("{} has no pairs of keys and values", type_name(value)))),
    }
}

fn sum(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [attribute, start] = given(args, ["attribute", "start"])?;
    let path = picking::path(attribute.as_ref())?;
    let mut sum = start.unwrap_or_else(|| 0.into());
    if sum.kind() == ValueKind::String {
        return Err(refused("texts are joined, not summed"));
    }
    for item in iterated(value)? {
        sum = operators::add(&sum, &picking::found(item, &path, None)?)?;
    }
    Ok(sum)
}

/// Digits as Python takes them: blanks around, single underscores between.
fn digits(text: &str) -> Option<String> {
    let text = text.trim_matches(is_space);
    let is_split = |at: usize, c: char| {
        c != '_'
            || (at > 0 && text[..at].ends_with(|c: char| c.is_alphanumeric()) && text[at + 1..].starts_with(|c: char| c.is_alphanumeric()))
    };
    text.char_indices().all(|(at, c)| is_split(at, c)).then(|| text.replace('_', ""))
}

fn unless_foreign(text: &str) -> Result<(), Error> {
    if text.is_ascii() { Ok(()) } else { Err(refused("digits that are not ASCII")) }
}

fn int(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [default, base] = given(args, ["default", "base"])?;
    let (default, base) = (default.unwrap_or_else(|| 0.into()), base.map_or(Ok(10), |base| whole(&base))?);
    let cut = |number: f64| match number.is_finite() {
        true if number.abs() < 1e38 => Ok(Number::Integer(number.trunc() as i128).value()),
        true => Err(refused("a whole number of more than 128 bits")),
        false => Ok(default.clone()),
    };
    match (value.as_str(), Number::of(value)) {
        (Some(text), _) => {
            unless_foreign(text)?;
            let Some(text) = digits(text) else { return Ok(default) };
            match parsed(&text, base)? {
                Some(number) => Ok(Number::Integer(number).value()),
                None => text.parse::<f64>().map_or_else(|_| Ok(default.clone()), cut),
            }
        }
        (None, Some(Number::Integer(number))) => Ok(Number::Integer(number).value()),
        (None, Some(Number::Float(number))) => cut(number),
        _ if value.is_undefined() => Err(refused("int of what is not defined")),
        _ => Ok(default),
    }
}

/// `int(text, base)`; none if it is not a number.
fn parsed(text: &str, base: i128) -> Result<Option<i128>, Error> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |rest| (true, rest));
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        16 => "0x",
        3..=36 => "",
        _ => return Err(refused(format!("numbers of base {base}"))),
    };
    let lower = text.to_ascii_lowercase();
    let bare = if prefix.is_empty() { &lower } else { lower.strip_prefix(prefix).unwrap_or(&lower) };
    if bare.is_empty() || !bare.chars().all(|c| c.is_digit(base as u32)) {
        return Ok(None);
    }
    let number = i128::from_str_radix(bare, base as u32).map_err(|_| refused("a whole number of more than 128 bits"))?;
    Ok(Some(if is_negative { -number } else { number }))
}

fn float(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [default] = given(args, ["default"])?;
    let default = default.unwrap_or_else(|| 0.0.into());
    match (value.as_str(), Number::of(value)) {
        (Some(text), _) => {
            unless_foreign(text)?;
            Ok(digits(text).and_then(|text| text.parse::<f64>().ok()).map_or(default, Value::from))
        }
        (None, Some(number)) => Ok(number.float().into()),
        _ if value.is_undefined() => Err(refused("float of what is not defined")),
        _ => Ok(default),
    }
}

/// Halves go to the even neighbour; `ceil` and `floor` give floats whatever they get.
fn round(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let [precision, method] = given(args, ["precision", "method"])?;
    let precision = precision.map_or(Ok(0), |precision| whole(&precision))?;
    let method = method.as_ref().map_or(Some("common"), Value::as_str).unwrap_or_default();
    let number = number(value)?;
    let places = i32::try_from(precision).map_err(|_| refused("a precision too large"))?;
    match (method, number) {
        ("common", Number::Integer(_)) if places >= 0 => Ok(number.value()),
        ("common", _) => minijinja::filters::round(number.value(), Some(places), None, none()?),
        ("ceil" | "floor", _) if places >= 0 => {
            let factor = 10.0_f64.powi(places);
            let scaled = number.float() * factor;
            if !scaled.is_finite() {
                return Err(refused("a number too large to be rounded"));
            }
            let rounded = if method == "ceil" { scaled.ceil() } else { scaled.floor() };
            Ok(((rounded + 0.0) / factor).into())
        }
        _ => Err(refused(format!("round by '{method}' to {precision} places"))),
    }
}
