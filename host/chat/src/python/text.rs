//! Values as Python's `str` and `repr` write them.

use super::operators::refused;
use crate::dumps;
use minijinja::Error;
use minijinja::value::{Value, ValueKind};

/// What Python calls a value, for a refusal.
pub fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "what is not defined",
        ValueKind::None => "none",
        ValueKind::Bool => "a truth value",
        ValueKind::Number if value.is_integer() => "a whole number",
        ValueKind::Number => "a float",
        ValueKind::String => "a text",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq if value.is_tuple() => "a tuple",
        ValueKind::Seq => "a list",
        ValueKind::Map => "a dictionary",
        ValueKind::Iterable => "a generator",
        _ => "an object",
    }
}

/// `str(value)`.
pub fn python_text(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Ok(String::new()),
        ValueKind::String => Ok(value.as_str().unwrap_or_default().to_owned()),
        _ => {
            let mut text = String::new();
            repr(value, &mut text)?;
            Ok(text)
        }
    }
}

/// `str(value)` of what a filter changes. Jinja2 keeps a mark of safety through it and escapes what is joined to it; here that is refused.
pub fn plain_text(value: &Value) -> Result<String, Error> {
    if value.is_safe() { Err(refused("a filter on a text that is marked as safe")) } else { python_text(value) }
}

/// `repr(value)` behind what there is.
pub fn repr(value: &Value, out: &mut String) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::String if value.is_safe() => return Err(refused("a text marked as safe within a list or dictionary")),
        ValueKind::String => quoted(value.as_str().unwrap_or_default(), out),
        ValueKind::Number => match dumps::float(value) {
            Some(number) => out.push_str(&dumps::repr(number)),
            None => out.push_str(&value.to_string()),
        },
        ValueKind::None | ValueKind::Bool => out.push_str(&value.to_string()),
        ValueKind::Seq => {
            let is_tuple = value.is_tuple();
            out.push(if is_tuple { '(' } else { '[' });
            let mut count = 0;
            for item in value.try_iter()? {
                out.push_str(if count == 0 { "" } else { ", " });
                repr(&item, out)?;
                count += 1;
            }
            out.push_str(match (is_tuple, count) {
                (true, 1) => ",)",
                (true, _) => ")",
                _ => "]",
            });
        }
        ValueKind::Map => {
            out.push('{');
            for (at, key) in value.try_iter()?.enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                repr(&key, out)?;
                out.push_str(": ");
                repr(&value.get_item(&key)?, out)?;
            }
            out.push('}');
        }
        // Python writes an address in memory.
        _ => return Err(refused(format!("{} ({value}) has no text; Python writes where in memory it is", type_name(value)))),
    }
    Ok(())
}

/// Whether Python's `repr` writes a character as it is. Characters for private use on the last plane are left alone: they may stand for what
/// must not become a control token (`crate::disguise`).
fn is_printable(c: char) -> bool {
    let is_separator =
        matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
    let is_format = matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{13438}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}');
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{fffff}');
    !(c.is_control() || is_separator || is_format || is_private)
}

fn quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xff => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push(quote);
}
