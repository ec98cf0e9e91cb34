//! JSON and numbers as Python writes them.

use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Error, ErrorKind};

/// How `json.dumps` is to write.
struct Style {
    /// What one level is indented by; none writes all in one line.
    indent: Option<String>,
    /// Between items, and behind a key.
    separators: (String, String),
    escapes: Escapes,
    order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// Controls, quotes and backslashes.
    Needed,
    /// Whatever is not ASCII too.
    Ascii,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Kept,
    Sorted,
}

/// The filter `tojson` with the arguments that transformers gives it: `ensure_ascii`, `indent`, `separators`, `sort_keys`.
pub(crate) fn to_json(value: &Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    type Given = (Option<Value>, Option<Value>, Option<Value>, Option<Value>, Kwargs);
    let args = args.into_values();
    let (ascii, indent, separators, sorted, options): Given = from_args(&args)?;
    let or = |given: Option<Value>, name: &str| given.map_or_else(|| options.get::<Option<Value>>(name), |given| Ok(Some(given)));
    let (ascii, indent) = (or(ascii, "ensure_ascii")?, or(indent, "indent")?.filter(|indent| !indent.is_none()));
    let (separators, sorted) = (or(separators, "separators")?.filter(|pair| !pair.is_none()), or(sorted, "sort_keys")?);
    options.assert_all_used()?;
    let indent = match indent {
        None => None,
        Some(indent) => Some(match indent.as_str() {
            Some(indent) => indent.to_owned(),
            None => " ".repeat(usize::try_from(indent)?),
        }),
    };
    let separators = match separators {
        Some(pair) => (pair.get_item_by_index(0)?.to_string(), pair.get_item_by_index(1)?.to_string()),
        None => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
    };
    let is_asked = |flag: Option<Value>| flag.is_some_and(|flag| flag.is_true());
    let escapes = if is_asked(ascii) { Escapes::Ascii } else { Escapes::Needed };
    let order = if is_asked(sorted) { Order::Sorted } else { Order::Kept };
    let mut text = String::new();
    Style { indent, separators, escapes, order }.write(value, 0, &mut text)?;
    Ok(Value::from(text))
}

impl Style {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::Seq => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.enclose("[]", &items, depth, out, |item, out| self.write(item, depth + 1, out))
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.order == Order::Sorted {
                    keys.sort();
                }
                self.enclose("{}", &keys, depth, out, |key, out| {
                    match key.as_str() {
                        Some(text) => self.quote(text, out),
                        None => self.quote(&scalar(key)?, out),
                    }
                    out.push_str(&self.separators.1);
                    self.write(&value.get_item(key)?, depth + 1, out)
                })
            }
            ValueKind::String => {
                self.quote(value.as_str().unwrap_or_default(), out);
                Ok(())
            }
            _ => {
                out.push_str(&scalar(value)?);
                Ok(())
            }
        }
    }

    fn enclose(
        &self,
        brackets: &str,
        items: &[Value],
        depth: usize,
        out: &mut String,
        mut write: impl FnMut(&Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push_str(&brackets[..1]);
        for (at, item) in items.iter().enumerate() {
            out.push_str(if at == 0 { "" } else { &self.separators.0 });
            self.line(depth + 1, out);
            write(item, out)?;
        }
        if !items.is_empty() {
            self.line(depth, out);
        }
        out.push_str(&brackets[1..]);
        Ok(())
    }

    /// Begins a line, where there are lines.
    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    fn quote(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if c < ' ' || (self.escapes == Escapes::Ascii && !(' '..='~').contains(&c)) => {
                    c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

/// What is neither text nor list nor object, in JSON.
fn scalar(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::None => "null".to_owned(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::Number => match float(value) {
            Some(number) if number.is_nan() => "NaN".to_owned(),
            Some(number) if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            Some(number) => repr(number),
            None => value.to_string(),
        },
        kind => return Err(Error::new(ErrorKind::BadSerialization, format!("{kind} is not JSON serializable"))),
    })
}

/// A number that is no integer.
pub(crate) fn float(value: &Value) -> Option<f64> {
    (value.is_number() && !value.is_integer()).then(|| f64::try_from(value.clone()).ok()).flatten()
}

/// A float as Python's `repr` writes it: the shortest digits that are this number, with an exponent below 1e-4 and from 1e16 on.
pub(crate) fn repr(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "nan"
        } else if number > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match exponent {
        -4..16 => format!("{number:?}"),
        _ => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::Environment;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e20, "1.25e+20"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.5e-7, "-1.5e-07"),
            (1e-300, "1e-300"),
            (123_456_789.123, "123456789.123"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(repr(number), expected);
        }
    }

    /// Each by Python 3.11's `json.dumps`.
    #[test]
    fn json_is_written_as_python_writes_it() {
        let mut environment = Environment::new();
        environment.add_filter("tojson", to_json);
        for (source, expected) in [
            ("{'b': 1, 'a': 'é'} | tojson(sort_keys=true)", "{\"a\": \"é\", \"b\": 1}"),
            ("[1, 'é😀\\x7f'] | tojson(ensure_ascii=true)", "[1, \"\\u00e9\\ud83d\\ude00\\u007f\"]"),
            ("['é'] | tojson(true)", "[\"\\u00e9\"]"),
            ("{'a': [1, 2]} | tojson(separators=(',', ':'))", "{\"a\":[1,2]}"),
            (
                "{'a': [1, {'b': 2}], 'c': {}, 'd': []} | tojson(indent=1)",
                "{\n \"a\": [\n  1,\n  {\n   \"b\": 2\n  }\n ],\n \"c\": {},\n \"d\": []\n}",
            ),
            ("{true: 1, none: 2, 3: 4} | tojson", "{\"true\": 1, \"null\": 2, \"3\": 4}"),
            ("[1.5e-7, 1e20, 0.00001, 1.0, -3] | tojson", "[1.5e-07, 1e+20, 1e-05, 1.0, -3]"),
            ("'<a>\\'&\\x01' | tojson", "\"<a>'&\\u0001\""),
        ] {
            assert_eq!(environment.render_str(&format!("{{{{ {source} }}}}"), ()).unwrap(), expected, "{source}");
        }
        assert!(environment.render_str("{{ nothing | tojson }}", ()).is_err());
        assert!(environment.render_str("{{ 1 | tojson(other=2) }}", ()).is_err());
    }
}
