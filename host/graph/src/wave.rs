//! Waves: which variables there are, and how their values change. VCD is text; FST is read by the crate fst-reader, which trusts what it
//! reads: whoever reads a stranger's FST does that in a process with limits of its own.

use crate::facts::{Facts, Kind, Symbol};
use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalHandle, FstSignalValue, ReadSignalsError};
use std::collections::HashMap;
use std::io::Cursor;
use std::ops::RangeInclusive;

/// The first bytes of an FST: a header block, and its length.
const FST_HEAD: [u8; 9] = [0, 0, 0, 0, 0, 0, 0, 1, 0x49];
/// A block that says that all of the file is compressed once more; a damaged one is never at its end.
const FST_WRAPPED: u8 = 254;

/// Why a file shows no waves.
#[derive(Debug, thiserror::Error)]
pub enum WaveError {
    /// It is in neither format.
    #[error("it is neither a VCD, which is text with $enddefinitions, nor an FST")]
    Format,
    /// It is an FST in a wrapper.
    #[error("it is an FST that is compressed as a whole; write it without that, or as a VCD")]
    Wrapped,
    /// It is a damaged FST.
    #[error("the FST is damaged: {0}")]
    Damaged(String),
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The instances that it is in, from the outermost, joined by dots.
    pub scope: String,
    /// Its name, without a range.
    pub name: String,
    /// What its values are filed under: several variables may be one signal.
    code: String,
}

impl Variable {
    /// Scope and name.
    pub fn path(&self) -> String {
        if self.scope.is_empty() { self.name.clone() } else { format!("{}.{}", self.scope, self.name) }
    }
}

/// A value that a variable takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When, in the file's unit.
    pub time: u64,
    /// The variable's number in [`Waves::variables`].
    pub variable: usize,
    /// Bits (0, 1, x, z), the first the heaviest; or a number.
    pub value: String,
}

enum Body<'b> {
    Vcd(&'b str),
    Fst(Box<FstReader<Cursor<&'b [u8]>>>),
}

/// A file's waves.
pub struct Waves<'b> {
    variables: Vec<Variable>,
    unit: String,
    body: Body<'b>,
}

impl<'b> Waves<'b> {
    /// Whether these bytes begin as an FST does, whose reader is to be held in a process of its own.
    pub fn is_fst(bytes: &[u8]) -> bool {
        bytes.starts_with(&FST_HEAD)
    }

    /// Reads the head of a VCD or an FST.
    ///
    /// # Errors
    /// Another format, or an FST that is damaged or wrapped.
    pub fn open(bytes: &'b [u8]) -> Result<Waves<'b>, WaveError> {
        if Self::is_fst(bytes) {
            return guarded(|| fst(bytes));
        }
        if bytes.first() == Some(&FST_WRAPPED) {
            return Err(WaveError::Wrapped);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| WaveError::Format)?;
        let (head, body) = text.split_once("$enddefinitions").ok_or(WaveError::Format)?;
        Ok(Waves { variables: variables(head), unit: unit(head), body: Body::Vcd(body) })
    }

    /// All variables, in the order of the file.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The unit of times, such as `1 ps`; empty if the file does not say it.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// What some variables change to within a span of times, at most `most` changes; and whether there are more.
    ///
    /// # Errors
    /// An FST that is damaged.
    pub fn changes(&mut self, chosen: &[usize], span: RangeInclusive<u64>, most: usize) -> Result<(Vec<Change>, bool), WaveError> {
        let mut by_code: HashMap<&str, Vec<usize>> = HashMap::new();
        for number in chosen {
            by_code.entry(&self.variables[*number].code).or_default().push(*number);
        }
        let mut found = Found { changes: Vec::new(), most, more: false };
        match &mut self.body {
            Body::Vcd(body) => vcd_changes(body, &by_code, span, &mut found),
            Body::Fst(reader) => guarded(|| fst_changes(reader, &by_code, span, &mut found))?,
        }
        Ok((found.changes, found.more))
    }
}

/// Changes as they are found.
struct Found {
    changes: Vec<Change>,
    most: usize,
    more: bool,
}

impl Found {
    /// Takes a value for all variables that it is of; breaks if there is no room.
    fn take(&mut self, time: u64, variables: &[usize], value: &str) -> Result<(), Full> {
        for variable in variables {
            if self.changes.len() >= self.most {
                self.more = true;
                return Err(Full);
            }
            self.changes.push(Change { time, variable: *variable, value: value.into() });
        }
        Ok(())
    }
}

/// There is no room for more changes.
struct Full;

/// The variables of a VCD's head.
fn variables(head: &str) -> Vec<Variable> {
    let (mut found, mut scopes) = (Vec::new(), Vec::new());
    let mut words = head.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word {
            "$scope" => scopes.extend(words.nth(1)),
            "$upscope" => _ = scopes.pop(),
            "$var" => {
                // Type, width, code, name.
                let (code, name) = (words.nth(2).unwrap_or(""), words.next().unwrap_or(""));
                found.push(Variable { scope: scopes.join("."), name: name.into(), code: code.into() });
            }
            _ => {}
        }
    }
    found
}

/// A VCD's unit of time.
fn unit(head: &str) -> String {
    let said = head.split_once("$timescale").and_then(|(_, rest)| rest.split_once("$end"));
    let unit = said.map_or_else(String::new, |(unit, _)| unit.split_ascii_whitespace().collect::<String>());
    let at = unit.find(|c: char| !c.is_ascii_digit()).unwrap_or(unit.len());
    let (number, name) = unit.split_at(at);
    if number.is_empty() || name.is_empty() { unit } else { format!("{number} {name}") }
}

fn vcd_changes(body: &str, by_code: &HashMap<&str, Vec<usize>>, span: RangeInclusive<u64>, found: &mut Found) {
    let mut time = 0;
    let mut words = body.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let (value, code) = match word.as_bytes()[0] {
            b'#' => {
                time = word[1..].parse().unwrap_or(time);
                if time > *span.end() {
                    found.more = true;
                    return;
                }
                continue;
            }
            b'b' | b'B' | b'r' | b'R' => (&word[1..], words.next().unwrap_or("")),
            b'0' | b'1' | b'x' | b'X' | b'z' | b'Z' => word.split_at(1),
            _ => continue,
        };
        let variables = by_code.get(code).filter(|_| span.contains(&time));
        if variables.is_some_and(|variables| found.take(time, variables, value).is_err()) {
            return;
        }
    }
}

/// What the reader makes of bytes: it checks some of its assumptions by panics.
fn guarded<T>(read: impl FnOnce() -> Result<T, WaveError>) -> Result<T, WaveError> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
    result.unwrap_or_else(|_| Err(WaveError::Damaged("its parts contradict each other".into())))
}

fn fst(bytes: &[u8]) -> Result<Waves<'_>, WaveError> {
    let damaged = |e: fst_reader::ReaderError| WaveError::Damaged(e.to_string());
    let mut reader = FstReader::open(Cursor::new(bytes)).map_err(damaged)?;
    let (mut variables, mut scopes) = (Vec::new(), Vec::<String>::new());
    let take = |entry: FstHierarchyEntry| match entry {
        FstHierarchyEntry::Scope { name, .. } => scopes.push(name),
        FstHierarchyEntry::UpScope => _ = scopes.pop(),
        FstHierarchyEntry::Var { name, handle, .. } => {
            // A range stands behind a blank.
            let name = name.split(' ').next().unwrap_or("").to_owned();
            variables.push(Variable { scope: scopes.join("."), name, code: handle.get_index().to_string() });
        }
        _ => {}
    };
    reader.read_hierarchy(take).map_err(damaged)?;
    let exponent = reader.get_header().timescale_exponent;
    Ok(Waves { variables, unit: unit_of(exponent), body: Body::Fst(Box::new(reader)) })
}

/// Ten to a power of seconds, as a VCD would say it.
fn unit_of(exponent: i8) -> String {
    const NAMES: [(i8, &str); 6] = [(0, "s"), (-3, "ms"), (-6, "us"), (-9, "ns"), (-12, "ps"), (-15, "fs")];
    let of = NAMES.iter().find(|(power, _)| (0..3).contains(&(i16::from(exponent) - i16::from(*power))));
    of.map_or_else(|| format!("1e{exponent} s"), |(power, name)| format!("1{} {name}", "0".repeat((exponent - power) as usize)))
}

fn fst_changes(
    reader: &mut FstReader<Cursor<&[u8]>>,
    by_code: &HashMap<&str, Vec<usize>>,
    span: RangeInclusive<u64>,
    found: &mut Found,
) -> Result<(), WaveError> {
    let by_index: HashMap<usize, &Vec<usize>> =
        by_code.iter().filter_map(|(code, variables)| Some((code.parse().ok()?, variables))).collect();
    if by_index.is_empty() {
        return Ok(());
    }
    let signals = by_index.keys().map(|index| FstSignalHandle::from_index(*index)).collect();
    let last = reader.get_header().end_time;
    let filter = FstFilter::new(*span.start(), *span.end().min(&last), signals);
    let read = reader.read_signals(&filter, |time, handle, value| {
        let variables = by_index.get(&handle.get_index()).filter(|_| span.contains(&time));
        let value = match value {
            FstSignalValue::String(bits) => String::from_utf8_lossy(bits).into_owned(),
            FstSignalValue::Real(number) => number.to_string(),
        };
        variables.map_or(Ok(()), |variables| found.take(time, variables, &value))
    });
    match read {
        Err(ReadSignalsError::ReadError(e)) => Err(WaveError::Damaged(e.to_string())),
        Err(ReadSignalsError::CallbackError(Full)) => Ok(()),
        Ok(()) => {
            found.more |= last > *span.end();
            Ok(())
        }
    }
}

/// Variables as the graph has them.
pub fn symbols<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Facts {
    let mut facts = Facts::default();
    for (scope, name) in variables {
        facts.add(Symbol::new(Kind::Wave, name, scope, 0));
    }
    facts
}

/// The head of a VCD. Values are not read.
pub(crate) fn facts(text: &str) -> Facts {
    let head = text.split_once("$enddefinitions").map_or(text, |(head, _)| head);
    symbols(variables(head).iter().map(|variable| (variable.scope.as_str(), variable.name.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "$date x $end $timescale 1 ps $end $scope module top $end $var wire 1 ! clock $end $scope module array $end
        $var reg 24 \" result [23:0] $end $var wire 1 ! clk $end $upscope $end $upscope $end $enddefinitions $end
        #0 1! bx \" #5 0! #10 1! b101 \" #20 0!";

    #[test]
    fn variables_have_their_scopes_and_values_their_times() {
        let mut waves = Waves::open(TEXT.as_bytes()).unwrap();
        let told: Vec<_> = waves.variables().iter().map(Variable::path).collect();
        assert_eq!((told, waves.unit()), (vec!["top.clock".into(), "top.array.result".into(), "top.array.clk".to_owned()], "1 ps"));
        let change = |time, variable, value: &str| Change { time, variable, value: value.into() };
        let (changes, more) = waves.changes(&[1, 2], 1..=10, 10).unwrap();
        assert_eq!((changes, more), (vec![change(5, 2, "0"), change(10, 2, "1"), change(10, 1, "101")], true));
        let (changes, more) = waves.changes(&[0], 0..=u64::MAX, 2).unwrap();
        assert_eq!((changes.len(), more), (2, true));
        assert!(!waves.changes(&[1], 0..=u64::MAX, 2).unwrap().1);
    }

    #[test]
    fn units_are_said_as_in_a_vcd() {
        let said = ["$timescale 1ps $end", "$timescale\n 10 ns\n$end", "$timescale $end", "none"].map(unit);
        assert_eq!(said, ["1 ps", "10 ns", "", ""]);
        assert_eq!(
            [0, -1, -2, -9, -10, -12, -15, -16, 3].map(unit_of),
            ["1 s", "100 ms", "10 ms", "1 ns", "100 ps", "1 ps", "1 fs", "1e-16 s", "1e3 s"]
        );
    }

    #[test]
    fn what_is_no_wave_is_said_so() {
        assert!(matches!(Waves::open(b"no wave"), Err(WaveError::Format)));
        assert!(matches!(Waves::open(&[0xff, 0xfe]), Err(WaveError::Format)));
        assert!(matches!(Waves::open(&[254, 0, 0]), Err(WaveError::Wrapped)));
        assert!(matches!(Waves::open(&FST_HEAD), Err(WaveError::Damaged(_))));
    }
}
