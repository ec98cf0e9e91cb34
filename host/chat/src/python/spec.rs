//! How Python writes one value: width, fill, sign, digits.

use super::operators::refused;
use super::text::type_name;
use minijinja::Error;
use minijinja::value::Value;

/// How one value is to be written (Python's "Format Specification Mini-Language").
#[derive(Clone)]
pub struct Spec {
    pub fill: char,
    /// `<`, `>`, `^`, or `=`: between sign and digits.
    pub align: Option<char>,
    /// `+`, ` `, or none: of negative numbers alone.
    pub sign: Option<char>,
    pub is_alternate: bool,
    pub width: usize,
    pub grouping: Option<char>,
    pub precision: Option<usize>,
    pub kind: Option<char>,
}

/// On which side of zero a number is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Half {
    Positive,
    Negative,
}

impl Half {
    pub fn of(number: i128) -> Half {
        if number < 0 { Half::Negative } else { Half::Positive }
    }
}

/// What becomes of zeros behind the last digit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zeros {
    Kept,
    Cut,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec { fill: ' ', align: None, sign: None, is_alternate: false, width: 0, grouping: None, precision: None, kind: None }
    }
}

impl Spec {
    pub fn unfit(&self, value: &Value) -> Error {
        refused(format!("the format '{}' is not for {}", self.kind.map_or(String::new(), String::from), type_name(value)))
    }

    fn padded(&self, text: &str, usual: char) -> String {
        let rest = self.width.saturating_sub(text.chars().count());
        let before = match self.align.unwrap_or(usual) {
            '<' => 0,
            '^' => rest / 2,
            _ => rest,
        };
        let fill = |count| std::iter::repeat_n(self.fill, count);
        fill(before).chain(text.chars()).chain(fill(rest - before)).collect()
    }

    pub fn text(&self, text: &str) -> String {
        let cut: String = text.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
        self.padded(&cut, '<')
    }

    /// Sign, prefix and digits, with what fills the width between them or around.
    pub fn number(&self, half: Half, prefix: &str, digits: &str) -> String {
        let sign = if half == Half::Negative { "-".to_owned() } else { self.sign.map_or(String::new(), String::from) };
        let digits = self.grouping.map_or_else(|| digits.to_owned(), |mark| grouped(digits, mark, if prefix.is_empty() { 3 } else { 4 }));
        if self.align != Some('=') {
            return self.padded(&format!("{sign}{prefix}{digits}"), '>');
        }
        let rest = self.width.saturating_sub(sign.len() + prefix.len() + digits.chars().count());
        let fill: String = std::iter::repeat_n(self.fill, rest).collect();
        format!("{sign}{prefix}{fill}{digits}")
    }

    pub fn whole(&self, number: i128) -> Result<String, Error> {
        let most = number.unsigned_abs();
        let (digits, prefix) = match self.kind.unwrap_or('d') {
            'd' => (most.to_string(), ""),
            'o' => (format!("{most:o}"), "0o"),
            'x' => (format!("{most:x}"), "0x"),
            'X' => (format!("{most:X}"), "0X"),
            'b' => (format!("{most:b}"), "0b"),
            _ => return self.real(number as f64),
        };
        if self.precision.is_some() {
            return Err(refused("a precision is not for whole numbers"));
        }
        Ok(self.number(Half::of(number), if self.is_alternate { prefix } else { "" }, &digits))
    }

    pub fn real(&self, number: f64) -> Result<String, Error> {
        let (size, precision) = (number.abs(), self.precision.unwrap_or(6));
        let kind = self.kind.unwrap_or(' ');
        let digits = match kind.to_ascii_lowercase() {
            _ if !number.is_finite() => if number.is_nan() { "nan" } else { "inf" }.to_owned(),
            'f' => format!("{size:.precision$}"),
            '%' => format!("{:.precision$}%", size * 100.0),
            'e' => exponential(size, precision),
            'g' => general(size, precision, if self.is_alternate { Zeros::Kept } else { Zeros::Cut }),
            ' ' => match self.precision {
                None => crate::dumps::repr(size),
                // As 'g', but never without a point and one digit behind it.
                Some(precision) => {
                    let text = general(size, precision, Zeros::Cut);
                    let is_whole = !text.contains(['.', 'e']);
                    if !is_whole {
                        text
                    } else if text.len() >= precision.max(1) && precision > 0 && text.len() > 1 {
                        return Err(refused("a float with a precision and no type"));
                    } else {
                        format!("{text}.0")
                    }
                }
            },
            _ => return Err(refused(format!("the format '{kind}' is not for a float"))),
        };
        let digits = if kind.is_ascii_uppercase() { digits.to_ascii_uppercase() } else { digits };
        let half = if number.is_sign_negative() && !number.is_nan() { Half::Negative } else { Half::Positive };
        Ok(self.number(half, "", &digits))
    }
}

/// Digits before the point in groups.
fn grouped(digits: &str, mark: char, size: usize) -> String {
    let end = digits.find(|c: char| !c.is_ascii_hexdigit() || c == 'e').unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(end);
    let mut out = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(size) {
            out.push(mark);
        }
        out.push(c);
    }
    out + rest
}

fn exponential(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `%g`: as many digits as asked for, an exponent where it is shorter (C11, 7.21.6.1).
fn general(size: f64, precision: usize, zeros: Zeros) -> String {
    let precision = precision.max(1);
    let text = exponential(size, precision - 1);
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
    let power: i64 = exponent.parse().unwrap_or(0);
    let is_short = (-4..precision as i64).contains(&power);
    let fixed = if is_short { format!("{size:.*}", (precision as i64 - 1 - power) as usize) } else { digits.to_owned() };
    let cut = if zeros == Zeros::Kept || !fixed.contains('.') { fixed.as_str() } else { fixed.trim_end_matches('0').trim_end_matches('.') };
    if is_short { cut.to_owned() } else { format!("{cut}e{exponent}") }
}
