//! What templates take from Python and from Jinja2 that minijinja has not.

use crate::dumps;
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, escape_formatter};
use minijinja_contrib::{globals, pycompat};

/// Where Python's `str.splitlines` cuts.
const LINE_ENDS: [char; 10] = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Adds filters, functions and methods to an environment.
pub(crate) fn extend(environment: &mut Environment<'_>) {
    environment.set_unknown_method_callback(method);
    environment.add_filter("indent", indent);
    environment.add_filter("wordcount", |text: String| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).count()
    });
    environment.add_filter("center", |text: String, width: Option<usize>| padded(&text, width.unwrap_or(80), ' ', Side::Both));
    // Jinja2 asks for a length and for items by their number or key: a text has them, and nothing has none.
    environment.add_test("sequence", |value: &Value| match value.kind() {
        ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map => true,
        ValueKind::Iterable => value.len().is_some(),
        _ => false,
    });
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    environment.set_formatter(|out, state, value| match dumps::float(value) {
        Some(number) => Ok(out.write_str(&dumps::repr(number))?),
        None => escape_formatter(out, state, value),
    });
    environment.add_function("joiner", globals::joiner);
    environment.add_function("cycler", |items: Rest<Value>| globals::cycler(items.0));
}

/// The lines of a text without their ends, as Python counts them.
fn lines(text: &str) -> Vec<&str> {
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

/// Jinja2's own: it keeps a line end at the end.
fn indent(text: String, width: Option<Value>, first: Option<bool>, blank: Option<bool>, options: Kwargs) -> Result<String, Error> {
    let width = width.map_or_else(|| options.get::<Option<Value>>("width"), |width| Ok(Some(width)))?;
    let first = first.map_or_else(|| options.get::<Option<bool>>("first"), |first| Ok(Some(first)))?.unwrap_or(false);
    let blank = blank.map_or_else(|| options.get::<Option<bool>>("blank"), |blank| Ok(Some(blank)))?.unwrap_or(false);
    options.assert_all_used()?;
    let margin = match width {
        None => " ".repeat(4),
        Some(width) => match width.as_str() {
            Some(margin) => margin.to_owned(),
            None => " ".repeat(usize::try_from(width)?),
        },
    };
    let text = text + "\n";
    let mut out = String::new();
    for (number, line) in lines(&text).into_iter().enumerate() {
        let is_indented = if number == 0 { first } else { blank || !line.is_empty() };
        out.push_str(if number == 0 { "" } else { "\n" });
        out.push_str(if is_indented { &margin } else { "" });
        out.push_str(line);
    }
    Ok(out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

/// A text of at most that many characters; `side` is where the rest goes.
fn padded(text: &str, width: usize, fill: char, side: Side) -> String {
    let rest = width.saturating_sub(text.chars().count());
    let left = match side {
        Side::Left => rest,
        Side::Right => 0,
        // As CPython divides an odd rest.
        Side::Both => rest / 2 + (rest & width & 1),
    };
    let fills = |count: usize| std::iter::repeat_n(fill, count);
    fills(left).chain(text.chars()).chain(fills(rest - left)).collect()
}

/// Methods that minijinja's own list has not.
fn method(state: &mut State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let known = value.as_str().filter(|_| value.kind() == ValueKind::String).map(|text| of_text(text, name, args));
    match known {
        Some(Ok(Some(value))) => Ok(value),
        Some(Err(error)) => Err(error),
        _ => pycompat::unknown_method_callback(state, value, name, args),
    }
}

/// `None` for a method that is not one of these.
fn of_text(text: &str, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let missing = || Error::new(ErrorKind::MissingArgument, format!("{name}() takes an argument"));
    let word = |at: usize| args.get(at).and_then(Value::as_str).ok_or_else(missing);
    let width = || args.first().cloned().ok_or_else(missing).and_then(usize::try_from);
    let fill = || args.get(1).and_then(Value::as_str).and_then(|fill| fill.chars().next()).unwrap_or(' ');
    Ok(Some(match name {
        "removeprefix" => text.strip_prefix(word(0)?).unwrap_or(text).into(),
        "removesuffix" => text.strip_suffix(word(0)?).unwrap_or(text).into(),
        "rsplit" => rsplit(text, args).into(),
        "splitlines" if args.is_empty() => lines(text).into_iter().map(Value::from).collect(),
        "partition" | "rpartition" => parted(text, word(0)?, name).into(),
        "ljust" => padded(text, width()?, fill(), Side::Right).into(),
        "rjust" => padded(text, width()?, fill(), Side::Left).into(),
        "center" => padded(text, width()?, fill(), Side::Both).into(),
        "zfill" => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            format!("{sign}{}", padded(digits, width()?.saturating_sub(sign.len()), '0', Side::Left)).into()
        }
        "index" => {
            let at = text.find(word(0)?).ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "substring not found"))?;
            text[..at].chars().count().into()
        }
        "isdigit" | "isdecimal" | "isnumeric" => (!text.is_empty() && text.chars().all(char::is_numeric)).into(),
        "title" => titled(text).into(),
        "casefold" => text.to_lowercase().into(),
        "swapcase" => {
            let swapped = |c: char| if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() };
            text.chars().map(swapped).collect::<String>().into()
        }
        _ => return Ok(None),
    }))
}

/// A capital after everything that is not a letter, as Python has it.
fn titled(text: &str) -> String {
    let mut is_inside = false;
    let mut title = String::with_capacity(text.len());
    for c in text.chars() {
        if std::mem::replace(&mut is_inside, c.is_alphabetic()) { title.extend(c.to_lowercase()) } else { title.extend(c.to_uppercase()) }
    }
    title
}

fn rsplit(text: &str, args: &[Value]) -> Vec<String> {
    let most = args.get(1).and_then(Value::as_i64).and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<String> = match args.first().and_then(Value::as_str) {
        Some(separator) => text.rsplitn(most + 1, separator).map(str::to_owned).collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_end();
            while parts.len() < most && rest.contains(char::is_whitespace) {
                let at = rest.rfind(char::is_whitespace).unwrap_or(0);
                parts.push(rest[at..].trim_start().to_owned());
                rest = rest[..at].trim_end();
            }
            parts.extend(Some(rest.to_owned()).filter(|rest| !rest.is_empty()));
            parts
        }
    };
    parts.reverse();
    parts
}

fn parted(text: &str, separator: &str, name: &str) -> Vec<String> {
    let found = if name == "partition" { text.split_once(separator) } else { text.rsplit_once(separator) };
    match (found, name) {
        (Some((before, after)), _) => [before, separator, after],
        (None, "partition") => [text, "", ""],
        (None, _) => ["", "", text],
    }
    .map(str::to_owned)
    .into()
}

/// A template's source with Python's formatting, `'...' % x`, in the words of Jinja, `'...' | format(x)`. The text before the sign
/// must be a literal; minijinja refuses all others.
pub(crate) fn without_percent(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).chain(rest.find("{#")).min() {
        out.push_str(&rest[..at]);
        let close = match &rest[at..at + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let code = &rest[at..];
        let len = if close == "#}" { code.find(close).map_or(code.len(), |end| end + 2) } else { code_len(code, close) };
        let (code, after) = code.split_at(len);
        if close == "#}" {
            out.push_str(code)
        } else {
            rewrite(code, &mut out)
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bytes up to the end of a tag, texts in it skipped.
fn code_len(code: &str, close: &str) -> usize {
    let mut at = 2;
    while at < code.len() && !code[at..].starts_with(close) {
        at += literal(&code[at..]).unwrap_or_else(|| code[at..].chars().next().map_or(1, char::len_utf8));
    }
    (at + 2).min(code.len())
}

/// Bytes of the literal text that begins here.
fn literal(code: &str) -> Option<usize> {
    let quote = code.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let mut is_escaped = false;
    for (at, c) in code.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn rewrite(code: &str, out: &mut String) {
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let Some(len) = literal(rest) else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
        let sign = rest.trim_start();
        let operand = sign.strip_prefix('%').filter(|after| !after.starts_with('}')).map(str::trim_start);
        if let Some(operand) = operand {
            let len = operand_len(operand);
            let inside = match operand[..len].strip_prefix('(').and_then(|inside| inside.strip_suffix(')')) {
                // A tuple's members are arguments; so is what stands in parentheses alone.
                Some(inside) if closing(operand) == Some(len - 1) => inside.trim_end().trim_end_matches(','),
                _ => &operand[..len],
            };
            out.push_str(" | format(");
            rewrite(inside, out);
            out.push(')');
            rest = &operand[len..];
        }
    }
}

/// Where the bracket that opens here is closed.
fn closing(code: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = code[at..].chars().next() {
        if let Some(len) = literal(&code[at..]) {
            at += len;
            continue;
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// Bytes of a value with what is read from it, called on it, and its filters: what binds more than the percent sign.
fn operand_len(code: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &code[at..];
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        at += match rest.chars().next() {
            _ if word > 0 => word,
            Some('\'' | '"') => literal(rest).unwrap_or(rest.len()),
            Some('(' | '[' | '{') => closing(rest).map_or(rest.len(), |end| end + 1),
            Some('-') if at == 0 => {
                at = 1;
                continue;
            }
            _ => return at,
        };
        // On goes a dot, a bracket, or a filter.
        let next = code[at..].trim_start();
        let skipped = code.len() - at - next.len();
        match next.chars().next() {
            Some('.') => at += skipped + 1,
            Some('|') => {
                at += skipped + 1;
                at += code[at..].len() - code[at..].trim_start().len();
            }
            Some('(' | '[') => at += skipped,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_behind_texts_are_rewritten_and_nothing_else() {
        for (source, expected) in [
            ("{{ '%s!' % x }} 5 % 'a'", "{{ '%s!' | format(x) }} 5 % 'a'"),
            ("{{ '%s' % (a, b[1]) ~ 'c' }}", "{{ '%s' | format(a, b[1]) ~ 'c' }}"),
            ("{{ '%s' % (a,) }}", "{{ '%s' | format(a) }}"),
            ("{{ '%s' % m['x'].y(1)|upper + 'z' }}", "{{ '%s' | format(m['x'].y(1)|upper) + 'z' }}"),
            ("{{ '%d' % (a + 1) * 2 }}", "{{ '%d' | format(a + 1) * 2 }}"),
            ("{% set x = 'a' %}{%- if 'b'%}c", "{% set x = 'a' %}{%- if 'b'%}c"),
            ("{# '%s' % x #}{{ 7 % 4 }}{{ '}} %s' % '\\'' }}", "{# '%s' % x #}{{ 7 % 4 }}{{ '}} %s' | format('\\'') }}"),
            ("{{ '%s' % ('%s' % x) }}", "{{ '%s' | format('%s' | format(x)) }}"),
            ("{{ '%s' % -1 }}{{ 'open", "{{ '%s' | format(-1) }}{{ 'open"),
        ] {
            assert_eq!(without_percent(source), expected);
        }
    }

    #[test]
    fn methods_and_filters_are_pythons() {
        let mut environment = Environment::new();
        extend(&mut environment);
        // Each by Python 3.11 and Jinja2 3.1.6.
        for (source, expected) in [
            ("{{ ' a b  c '.rsplit(none, 1) }}{{ 'a,b,c'.rsplit(',') }}", "[' a b', 'c']['a', 'b', 'c']"),
            (
                "{{ 'x=1=2'.partition('=') | list }}{{ 'x=1=2'.rpartition('=') | list }}{{ 'x'.rpartition('=') | list }}",
                "['x', '=', '1=2']['x=1', '=', '2']['', '', 'x']",
            ),
            (
                "{{ '-7'.zfill(4) }}|{{ 'ab'.ljust(4) }}|{{ 'ab'.rjust(4, '*') }}|{{ 'ab'.center(5) }}|{{ 'abc'.center(6) }}|",
                "-007|ab  |**ab|  ab | abc  |",
            ),
            (
                "{{ 'a\r\nb\n\n'.splitlines() }}{{ 'abc'.removesuffix('c') }}{{ 'abc'.index('c') }}{{ 'aB'.swapcase() }}",
                "['a', 'b', '']ab2Ab",
            ),
            ("{{ 'a\n\nb\n' | indent }}|{{ 'a\n\nb' | indent('>', true, blank=true) }}", "a\n\n    b\n|>a\n>\n>b"),
            ("{{ 'one two_three, 4' | wordcount }}", "3"),
            ("{{ none is iterable }}{{ 'a' is iterable }}{{ x is iterable }}{{ 1 is iterable }}", "FalseTrueTrueFalse"),
            ("{{ 'a' is sequence }}{{ range(3) is sequence }}{{ {} is sequence }}{{ none is sequence }}", "TrueTrueTrueFalse"),
            ("{{ 1e20 }} {{ 0.00001 }} {{ 2.0 }} {{ 3 }}", "1e+20 1e-05 2.0 3"),
        ] {
            assert_eq!(environment.render_str(source, ()).unwrap(), expected, "{source}");
        }
    }
}
