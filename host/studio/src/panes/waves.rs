//! Waves of a VCD or FST file, drawn in characters: the same in the window and in a terminal.

mod mark;

pub use mark::{Mark, Towards};

use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use std::path::{Path, PathBuf};
use wellen::simple::Waveform;
use wellen::{SignalRef, SignalValue};

/// Columns of a name.
const NAME_COLUMNS: usize = 26;
/// Columns that a step in time or scale reckons with.
const TYPICAL_COLUMNS: usize = 90;
/// Rows before the variables: the file, times, phases.
const HEADS: usize = 3;
/// Variables that are drawn when a wave is opened.
const FIRST_SHOWN: usize = 24;

/// A variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name with its scopes.
    pub name: String,
    /// Bits; none for texts and reals.
    pub bits: Option<u32>,
    /// Whether it is drawn.
    pub is_shown: bool,
    signal: SignalRef,
    /// Times and values, once they were needed.
    changes: Option<Vec<(u64, String)>>,
}

/// A wave.
pub struct Wave {
    /// The file.
    pub path: PathBuf,
    wave: Waveform,
    /// Its variables.
    pub variables: Vec<Variable>,
    /// The last time.
    pub end: u64,
    /// The unit of times, in words.
    pub unit: String,
    /// Phases of the job: from a time on, a name.
    pub phases: Vec<(u64, String)>,
}

/// Reads a wave.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn read(path: &Path) -> Result<Wave, String> {
    // One thread: a pool of them would keep more memory than a wave.
    let options = wellen::LoadOptions { multi_thread: false, ..Default::default() };
    let wave =
        wellen::simple::read_with_options(path, &options).map_err(|error| format!("'{}' cannot be read: {error}", path.display()))?;
    let hierarchy = wave.hierarchy();
    let variable = |var: &wellen::Var| Variable {
        name: var.full_name(hierarchy),
        bits: var.length(),
        is_shown: false,
        signal: var.signal_ref(),
        changes: None,
    };
    let mut variables: Vec<Variable> = hierarchy.iter_vars().map(variable).collect();
    variables.sort_by(|a, b| (a.name.matches('.').count(), &a.name).cmp(&(b.name.matches('.').count(), &b.name)));
    variables.dedup_by(|a, b| a.name == b.name);
    let unit = hierarchy.timescale().map_or("units".into(), |scale| format!("{} {:?}", scale.factor, scale.unit));
    let end = wave.time_table().last().copied().unwrap_or(0);
    let mut wave = Wave { path: path.into(), wave, variables, end, unit, phases: Vec::new() };
    (0..wave.variables.len().min(FIRST_SHOWN)).for_each(|number| wave.show(number));
    wave.phases = wave.find_phases();
    Ok(wave)
}

/// Scopes and names of a wave's variables, of which the head alone is read.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn names(path: &Path) -> Result<Vec<(String, String)>, String> {
    let options = wellen::LoadOptions { multi_thread: false, ..Default::default() };
    // Its reader checks some of its assumptions by panics.
    let read = std::panic::catch_unwind(|| wellen::viewers::read_header_from_file(path, &options));
    let header = read.map_err(|_| "its parts contradict each other".to_owned())?.map_err(|error| error.to_string())?;
    let hierarchy = &header.hierarchy;
    let named = hierarchy.iter_vars().map(|var| {
        let (whole, name) = (var.full_name(hierarchy), var.name(hierarchy));
        (whole.strip_suffix(name).unwrap_or_default().trim_end_matches('.').to_owned(), name.to_owned())
    });
    Ok(named.collect())
}

impl Wave {
    /// Draws a variable, or draws it no longer.
    pub fn show(&mut self, number: usize) {
        let Some(variable) = self.variables.get_mut(number) else { return };
        variable.is_shown = !variable.is_shown;
        self.know(number);
    }

    /// Times and values of a variable.
    fn know(&mut self, number: usize) -> &[(u64, String)] {
        let variable = &mut self.variables[number];
        variable.changes.get_or_insert_with(|| changes(&mut self.wave, variable.signal))
    }

    /// The value of a variable at a time.
    pub fn value(&self, number: usize, time: u64) -> Option<&str> {
        let changes = self.variables.get(number)?.changes.as_ref()?;
        let at = changes.partition_point(|(change, _)| *change <= time);
        changes.get(at.checked_sub(1)?).map(|(_, value)| value.as_str())
    }

    /// What the board does when: a variable whose name says that something is busy or valid, by its own name, where it rises.
    fn find_phases(&mut self) -> Vec<(u64, String)> {
        const WORDS: [(&str, &str); 4] = [("rx_valid", "in"), ("array_busy", "array"), ("run_busy", "run"), ("tx_valid", "out")];
        let mut phases = Vec::new();
        for (ending, phase) in WORDS {
            let Some(number) = self.variables.iter().position(|one| one.bits == Some(1) && one.name.ends_with(ending)) else { continue };
            let changes = changes(&mut self.wave, self.variables[number].signal);
            phases.extend(changes.into_iter().filter(|(_, value)| value == "1").map(|(time, _)| (time, phase.to_owned())));
        }
        phases.sort();
        phases.dedup_by(|next, last| next.1 == last.1);
        phases
    }
}

fn changes(wave: &mut Waveform, signal: SignalRef) -> Vec<(u64, String)> {
    wave.load_signals(&[signal]);
    let times = wave.time_table();
    let told = wave.get_signal(signal).map(|signal| {
        let one = |(at, value): (u32, SignalValue<'_>)| (times[at as usize], said(&value));
        signal.iter_changes().map(one).collect()
    });
    told.unwrap_or_default()
}

/// A value: a bit, hexadecimal digits, or what it is in words.
fn said(value: &SignalValue<'_>) -> String {
    let Some(bits) = value.to_bit_string() else { return value.to_string() };
    if bits.len() == 1 || !bits.bytes().all(|bit| bit == b'0' || bit == b'1') {
        return bits;
    }
    let padded = format!("{}{bits}", "0".repeat((4 - bits.len() % 4) % 4));
    let digits = padded.as_bytes().chunks(4).map(|four| four.iter().fold(0, |n, bit| 2 * n + u32::from(bit - b'0')));
    let text: String = digits.filter_map(|digit| char::from_digit(digit, 16)).collect();
    let short = text.trim_start_matches('0');
    if short.is_empty() { "0".into() } else { short.into() }
}

/// The pane.
#[derive(Default)]
pub struct WavePane {
    /// The wave.
    pub wave: Option<Wave>,
    /// What went wrong.
    pub error: Option<String>,
    /// The time of the first column.
    pub from: u64,
    /// Times in a column; 0: the whole wave fits.
    pub scale: u64,
    /// The variable that is looked for once the wave is read.
    pub wanted: Option<String>,
    /// What is looked at.
    pub mark: Option<Mark>,
}

/// Columns before a mark.
const BEFORE_MARK: u64 = 8;
/// Cycles that are shown around a mark, about.
const CYCLES_AROUND: u64 = 32;

impl WavePane {
    /// Takes a wave that was read, and looks for what is wanted; what comes back is the row of it.
    pub fn take(&mut self, mut wave: Wave) -> Option<usize> {
        self.mark = self.wanted.take().and_then(|name| wave.mark(&name));
        if let Some(mark) = self.mark {
            if !wave.variables[mark.variable].is_shown {
                wave.show(mark.variable);
            }
            let cycle = mark.cycle.filter(|cycle| *cycle > 0).map_or(wave.end, |cycle| mark.time / cycle as u64);
            self.scale = (cycle * CYCLES_AROUND / TYPICAL_COLUMNS as u64).max(1);
        }
        (self.wave, self.error) = (Some(wave), None);
        self.go_to_mark()
    }

    fn go_to_mark(&mut self) -> Option<usize> {
        let mark = self.mark?;
        self.from = mark.time.saturating_sub(BEFORE_MARK * self.scale(TYPICAL_COLUMNS));
        Some(mark.variable + HEADS)
    }

    fn step(&mut self, towards: Towards) {
        let (Some(mark), Some(wave)) = (self.mark, &mut self.wave) else { return };
        self.mark = wave.next_mark(mark, towards).or(self.mark);
        self.go_to_mark();
    }

    /// What is looked at, in words.
    fn said(&self, wave: &Wave) -> Option<String> {
        let mark = self.mark?;
        let cycle = mark.cycle.map_or(String::new(), |cycle| format!(", cycle {cycle}"));
        let value = wave.value(mark.variable, mark.time).unwrap_or("x");
        Some(format!("\u{25c6} {} = {value} at {}{cycle}   ", wave.variables[mark.variable].name, mark.time))
    }

    fn scale(&self, columns: usize) -> u64 {
        let room = columns.saturating_sub(NAME_COLUMNS).max(1) as u64;
        let end = self.wave.as_ref().map_or(0, |wave| wave.end);
        if self.scale > 0 { self.scale } else { end.div_ceil(room).max(1) }
    }

    /// Rows that stay above the variables.
    pub fn heads(&self) -> usize {
        if self.error.is_none() && self.wave.is_some() { HEADS } else { 0 }
    }

    /// The time line, the phases, and a row for each variable.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        if let Some(error) = &self.error {
            return vec![Row::new(error.clone(), Ink::Fault)];
        }
        let Some(wave) = &self.wave else { return vec![Row::new("open a VCD or FST file: ctrl+o", Ink::Dim)] };
        let (scale, room) = (self.scale(columns), columns.saturating_sub(NAME_COLUMNS));
        let head = format!("{}: {} variables, {} of {}", wave.path.display(), wave.variables.len(), wave.end, wave.unit);
        let times = axis(self.from, scale, room, |time| Some(time.to_string()));
        let mut phases = axis_of(&wave.phases, self.from, scale, room);
        if let Some(column) = self.mark.and_then(|mark| mark.time.checked_sub(self.from)).map(|time| (time / scale) as usize) {
            phases = with_mark(&phases, column, room);
        }
        let blank = " ".repeat(NAME_COLUMNS);
        let heads: [Row; HEADS] = [
            Row::new(self.said(wave).unwrap_or_default(), Ink::Green).and(head, Ink::Accent),
            Row::new(blank.clone(), Ink::Dim).and(times, Ink::Dim),
            Row::new(blank, Ink::Dim).and(phases, Ink::Accent),
        ];
        let variables = wave.variables.iter().map(|one| {
            let mark = if one.is_shown { '\u{25cf}' } else { ' ' };
            let name: String = one.name.chars().rev().take(NAME_COLUMNS - 3).collect::<Vec<_>>().into_iter().rev().collect();
            let row = Row::new(format!("{mark} {name:<width$}", width = NAME_COLUMNS - 2), Ink::Keyword);
            match one.changes.as_ref().filter(|_| one.is_shown) {
                Some(changes) => row.and(drawn(changes, one.bits, self.from, scale, room), Ink::Green),
                None => row,
            }
        });
        heads.into_iter().chain(variables).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        let scale = self.scale(TYPICAL_COLUMNS);
        match key {
            Key::Left => self.from = self.from.saturating_sub(8 * scale),
            Key::Right => self.from = (self.from + 8 * scale).min(self.wave.as_ref().map_or(0, |wave| wave.end)),
            Key::Char('+') => self.scale = (scale / 2).max(1),
            Key::Char('-') => self.scale = scale.saturating_mul(2),
            Key::Char('0') => (self.scale, self.from) = (0, 0),
            Key::Enter => return chosen.checked_sub(HEADS).map(Act::Signal),
            key if is(key, 'n') => self.step(Towards::End),
            key if is(key, 'N') => self.step(Towards::Start),
            key if is(key, 's') => return self.wave.as_ref().map(|wave| Act::Surfer(wave.path.clone())),
            _ => {}
        }
        None
    }
}

/// Texts at every tenth column.
fn axis(from: u64, scale: u64, room: usize, said: impl Fn(u64) -> Option<String>) -> String {
    let mut line = String::new();
    for column in (0..room).step_by(12) {
        let Some(text) = said(from + column as u64 * scale) else { continue };
        line.push_str(&" ".repeat(column.saturating_sub(line.chars().count())));
        line.push_str(&format!("\u{2502}{text}").chars().take(11).collect::<String>());
    }
    line
}

/// Names where they begin, as far as they have room.
fn axis_of(names: &[(u64, String)], from: u64, scale: u64, room: usize) -> String {
    let mut line = String::new();
    for (time, name) in names {
        let Some(column) = time.checked_sub(from).map(|time| (time / scale) as usize) else { continue };
        let used = line.chars().count();
        if column >= room || (used > 0 && column <= used) {
            continue;
        }
        line.push_str(&" ".repeat(column - used));
        line.push_str(&format!("\u{25b8}{name}"));
    }
    line.chars().take(room).collect()
}

/// The line with a mark in this column, over whatever stands there.
fn with_mark(line: &str, column: usize, room: usize) -> String {
    let mut signs: Vec<char> = line.chars().collect();
    if column < room {
        signs.resize(signs.len().max(column + 1), ' ');
        signs[column] = '\u{25c6}';
    }
    signs.into_iter().collect()
}

/// A variable over time: a line for a bit, values between bars for several.
fn drawn(changes: &[(u64, String)], bits: Option<u32>, from: u64, scale: u64, room: usize) -> String {
    let mut line = String::with_capacity(room * 3);
    let mut at = changes.partition_point(|(time, _)| *time <= from);
    let mut value = at.checked_sub(1).map_or("x", |at| changes[at].1.as_str());
    let mut pending: Vec<char> = value.chars().collect();
    for column in 0..room as u64 {
        let end = from.saturating_add((column + 1).saturating_mul(scale));
        let before = at;
        while changes.get(at).is_some_and(|(time, _)| *time < end && (column > 0 || *time > from)) {
            value = &changes[at].1;
            at += 1;
        }
        let has_changed = at > before;
        line.push(match (bits, has_changed) {
            (Some(1), true) if at - before > 1 => '\u{2503}',
            (Some(1), true) => {
                if value == "1" {
                    '\u{2571}'
                } else {
                    '\u{2572}'
                }
            }
            (Some(1), false) => match value {
                "1" => '\u{2594}',
                "0" => '\u{2581}',
                _ => '\u{2573}',
            },
            (_, true) => {
                pending = value.chars().collect();
                '\u{2502}'
            }
            (_, false) if pending.is_empty() => '\u{2500}',
            (_, false) => pending.remove(0),
        });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_lines_and_words_are_values_between_bars() {
        let changes = |all: &[(u64, &str)]| all.iter().map(|(time, value)| (*time, (*value).to_owned())).collect::<Vec<_>>();
        let bit = changes(&[(0, "0"), (3, "1"), (6, "0"), (7, "1")]);
        assert_eq!(drawn(&bit, Some(1), 0, 1, 9), "\u{2581}\u{2581}\u{2581}\u{2571}\u{2594}\u{2594}\u{2572}\u{2571}\u{2594}");
        assert_eq!(drawn(&bit, Some(1), 0, 4, 3), "\u{2571}\u{2503}\u{2594}", "several changes in a column are told");
        let word = changes(&[(0, "a"), (4, "1f")]);
        assert_eq!(drawn(&word, Some(8), 0, 1, 9), "a\u{2500}\u{2500}\u{2500}\u{2502}1f\u{2500}\u{2500}");
        assert_eq!(axis_of(&[(2, "in".into()), (3, "out".into()), (9, "end".into())], 0, 1, 20), "  \u{25b8}in    \u{25b8}end");
    }
}
