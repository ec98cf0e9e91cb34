//! A template's source in minijinja's words: line ends, texts in quotes and raw blocks as Jinja2 reads them.

use minijinja::{Error, ErrorKind};

/// The source with every text in quotes as minijinja spells it.
///
/// # Errors
/// A text with an escape that has no meaning here: `\N{NAME}`, or half of a pair of surrogates.
pub fn respelled(source: &str) -> Result<String, Error> {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(source.len());
    let mut rest = source.as_str();
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = if rest.starts_with("{#") {
            rest.find("#}").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = Raw::at(rest) {
            out.push_str(&rest[..raw.begin]);
            // Jinja2 keeps the line end behind the tag; minijinja takes it away.
            out.push_str(if raw.is_trimmed { "\n" } else { "" });
            rest = &rest[raw.begin..];
            raw.inside
        } else {
            let end = tag(rest, &mut out)?;
            rest = &rest[end..];
            continue;
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Ok(out)
}

/// `{% raw %}`, and how far it reaches.
struct Raw {
    begin: usize,
    inside: usize,
    is_trimmed: bool,
}

impl Raw {
    fn at(code: &str) -> Option<Raw> {
        let named = |code: &str, name: &str| -> Option<usize> {
            let rest = code.strip_prefix("{%")?;
            let word = rest.trim_start_matches(['-', '+']).trim_start().strip_prefix(name)?.trim_start();
            let end = word.trim_start_matches(['-', '+']).strip_prefix("%}")?;
            Some(code.len() - end.len())
        };
        let begin = named(code, "raw")?;
        let body = &code[begin..];
        let ends = body.match_indices("{%").find_map(|(at, _)| named(&body[at..], "endraw").map(|len| at + len));
        let is_trimmed = !code[..begin].ends_with("-%}") && body.starts_with('\n');
        Some(Raw { begin, inside: ends.unwrap_or(body.len()), is_trimmed })
    }
}

/// Writes a tag with its texts spelled anew; its length.
fn tag(code: &str, out: &mut String) -> Result<usize, Error> {
    let close = if code.starts_with("{{") { "}}" } else { "%}" };
    let mut at = 2;
    out.push_str(&code[..2]);
    while at < code.len() {
        let rest = &code[at..];
        if rest.starts_with(close) {
            out.push_str(close);
            return Ok(at + 2);
        }
        let len = match literal(rest) {
            Some(len) => {
                spell(&rest[1..len - 1], out)?;
                len
            }
            None => {
                let len = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..len]);
                len
            }
        };
        at += len;
    }
    Ok(at)
}

/// Bytes of the text in quotes that begins here.
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

/// A text as Python's `unicode-escape` reads it, in quotes with the two escapes that both languages share.
fn spell(text: &str, out: &mut String) -> Result<(), Error> {
    out.push('\'');
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let meant = if c == '\\' { escape(&mut rest)? } else { Some(c) };
        match meant {
            Some(c @ ('\\' | '\'')) => out.extend(['\\', c]),
            Some(c) => out.push(c),
            None => {}
        }
    }
    out.push('\'');
    Ok(())
}

/// What stands behind a backslash: a character, or none for a line that goes on. An unknown escape stays with its backslash.
fn escape(rest: &mut std::str::Chars<'_>) -> Result<Option<char>, Error> {
    let refused = |what: String| Error::new(ErrorKind::SyntaxError, format!("the escape '\\{what}' in a text"));
    let behind = rest.as_str();
    let Some(c) = rest.next() else { return Ok(Some('\\')) };
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '0'..='7' => {
            let len = behind.chars().take(3).take_while(|c| c.is_digit(8)).count();
            *rest = behind[len..].chars();
            return Ok(u32::from_str_radix(&behind[..len], 8).ok().and_then(char::from_u32));
        }
        _ => 0,
    };
    if digits > 0 {
        let number = rest.as_str().get(..digits).filter(|text| text.chars().all(|c| c.is_ascii_hexdigit()));
        let meant = number.and_then(|text| u32::from_str_radix(text, 16).ok()).and_then(char::from_u32);
        *rest = rest.as_str().get(digits..).unwrap_or_default().chars();
        return meant.map(Some).ok_or_else(|| refused(behind.chars().take(digits + 1).collect()));
    }
    Ok(match c {
        '\n' => None,
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'v' => Some('\u{b}'),
        '\\' | '\'' | '"' => Some(c),
        'N' => return Err(refused("N".into())),
        _ => {
            // The backslash stays, and the character is read by itself.
            *rest = behind.chars();
            Some('\\')
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spelled_anew_and_nothing_else() {
        for (source, expected) in [
            (r#"a '\/' {{ '\/' ~ "it's" }}{# '\/' #}"#, r#"a '\/' {{ '\\/' ~ 'it\'s' }}{# '\/' #}"#),
            ("{{ '\\x41\\u00e9\\U0001F600\\101\\n\\\\' }}", "{{ 'Aé😀A\n\\\\' }}"),
            (r"{% if '%}' %}{{ '\d' }}", r"{% if '%}' %}{{ '\\d' }}"),
            (r"{% raw %}{{ '\d' }}{% endraw %}{{ 'open", r"{% raw %}{{ '\d' }}{% endraw %}{{ 'open"),
            ("a\r\nb\r{%- raw -%}\n{% endraw %}", "a\nb\n{%- raw -%}\n{% endraw %}"),
            ("{% raw %}\nx{% endraw %}", "{% raw %}\n\nx{% endraw %}"),
        ] {
            assert_eq!(respelled(source).unwrap(), expected);
        }
        assert!(respelled(r"{{ '\N{BULLET}' }}").is_err() && respelled(r"{{ '\ud83d' }}").is_err() && respelled(r"{{ '\x4' }}").is_err());
    }
}
