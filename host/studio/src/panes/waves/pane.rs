//! The pane of waves: what is shown of a wave, and what keys do there.

use super::drawing::{axis, drawn, phase_line, with_mark};
use super::{Mark, Towards, Wave};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use crate::panes::{Act, is};

/// Columns of a name.
const NAME_COLUMNS: usize = 30;
/// Columns that a step in time or scale reckons with.
const TYPICAL_COLUMNS: usize = 90;
/// Rows before the variables: the file, times, phases; one more for a mark.
const HEADS: usize = 3;
/// Characters of a mark's name and value that are shown.
const MARK_CHARS: (usize, usize) = (24, 13);

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
    /// Words that the names of the listed variables have.
    pub filter: String,
    /// The phase that was gone to.
    phase: Option<u64>,
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
        self.row_of(mark.variable)
    }

    /// The numbers of the variables that are listed.
    fn listed(&self) -> Vec<usize> {
        let Some(wave) = &self.wave else { return Vec::new() };
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let has_all = |name: &str| words.is_empty() || words.iter().all(|word| name.to_lowercase().contains(word));
        (0..wave.variables.len()).filter(|number| has_all(&wave.variables[*number].name)).collect()
    }

    fn row_of(&self, variable: usize) -> Option<usize> {
        self.listed().binary_search(&variable).ok().map(|place| place + self.heads())
    }

    /// Goes to the next phase, or to the previous one.
    fn go_to_phase(&mut self, towards: Towards) {
        let (scale, here) = (self.scale(TYPICAL_COLUMNS), self.phase.unwrap_or(self.from));
        let Some(wave) = &self.wave else { return };
        let mut times = wave.phases.iter().map(|(time, _)| *time);
        let there = match towards {
            Towards::End => times.find(|time| *time > here),
            Towards::Start => times.rfind(|time| *time < here),
        };
        if let Some(time) = there {
            (self.phase, self.from) = (Some(time), time.saturating_sub(BEFORE_MARK * scale));
        }
    }

    /// Shows more or less of the time; what stands where a mark or phase would stays there.
    fn zoom(&mut self, scale: u64) {
        let before = self.scale(TYPICAL_COLUMNS);
        if self.from > 0 {
            self.from = (self.from + BEFORE_MARK * before).saturating_sub(BEFORE_MARK * scale);
        }
        self.scale = scale;
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
        let name = end_of(&wave.variables[mark.variable].name, MARK_CHARS.0);
        let value = ends_of(wave.value(mark.variable, mark.time).unwrap_or("x"), MARK_CHARS.1);
        Some(format!("\u{25c6} {name} = {value} at {}{cycle}", mark.time))
    }

    fn scale(&self, columns: usize) -> u64 {
        let room = columns.saturating_sub(NAME_COLUMNS).max(1) as u64;
        let end = self.wave.as_ref().map_or(0, |wave| wave.end);
        if self.scale > 0 { self.scale } else { end.div_ceil(room).max(1) }
    }

    /// Rows that stay above the variables.
    pub fn heads(&self) -> usize {
        if self.error.is_none() && self.wave.is_some() { HEADS + usize::from(self.mark.is_some()) } else { 0 }
    }

    /// The time line, the phases, and a row for each variable.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        if let Some(error) = &self.error {
            return vec![Row::new(error.clone(), Ink::Fault)];
        }
        let Some(wave) = &self.wave else { return vec![Row::new("open a VCD or FST file: ctrl+o", Ink::Dim)] };
        let (scale, room) = (self.scale(columns), columns.saturating_sub(NAME_COLUMNS));
        let listed = self.listed();
        let count = match self.filter.as_str() {
            "" => format!("{} variables", wave.variables.len()),
            filter => format!("{} of {} variables have '{filter}'", listed.len(), wave.variables.len()),
        };
        let head = format!("{}: {count}, {} {}", wave.path.display(), wave.end, wave.unit);
        let times = axis(self.from, scale, room, |time| Some(time.to_string()));
        let mut phases = phase_line(&wave.phases, self.from, scale, room);
        if let Some(column) = self.mark.and_then(|mark| mark.time.checked_sub(self.from)).map(|time| (time / scale) as usize) {
            phases = with_mark(&phases, column, room);
        }
        let blank = " ".repeat(NAME_COLUMNS);
        let mark = self.said(wave).map(|said| Row::new(said, Ink::Green));
        let heads: [Row; HEADS] = [
            Row::new(head, Ink::Accent),
            Row::new(blank.clone(), Ink::Dim).and(times, Ink::Dim),
            Row::new(blank, Ink::Dim).and(phases, Ink::Accent),
        ];
        let variables = listed.into_iter().map(|number| {
            let one = &wave.variables[number];
            let mark = if one.is_shown { '\u{25cf}' } else { ' ' };
            let name = end_of(&one.name, NAME_COLUMNS - 3);
            let row = Row::new(format!("{mark} {name:<width$}", width = NAME_COLUMNS - 2), Ink::Keyword);
            match one.changes.as_ref().filter(|_| one.is_shown) {
                Some(changes) => row.and(drawn(changes, one.bits, self.from, scale, room), Ink::Green),
                None => row,
            }
        });
        mark.into_iter().chain(heads).chain(variables).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        let scale = self.scale(TYPICAL_COLUMNS);
        match key {
            Key::Left => (self.phase, self.from) = (None, self.from.saturating_sub(8 * scale)),
            Key::Right => {
                (self.phase, self.from) = (None, (self.from + 8 * scale).min(self.wave.as_ref().map_or(0, |wave| wave.end)));
            }
            Key::Char('+') => self.zoom((scale / 2).max(1)),
            Key::Char('-') => self.zoom(scale.saturating_mul(2)),
            Key::Char('0') => (self.scale, self.from, self.phase) = (0, 0, None),
            Key::Char('/') => return Some(Act::Filter),
            Key::Enter => return self.listed().get(chosen.checked_sub(self.heads())?).copied().map(Act::Signal),
            key if is(key, 'p') => self.go_to_phase(Towards::End),
            key if is(key, 'P') => self.go_to_phase(Towards::Start),
            key if is(key, 'n') => self.step(Towards::End),
            key if is(key, 'N') => self.step(Towards::Start),
            key if is(key, 's') => return self.wave.as_ref().map(|wave| Act::Surfer(wave.path.clone())),
            _ => {}
        }
        None
    }
}

/// The end of a name that has no more room than these columns: its last scopes, whole if there are any.
fn end_of(name: &str, columns: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= columns {
        return name.to_owned();
    }
    let end = &letters[letters.len() + 1 - columns..];
    let whole = end.iter().position(|c| ['.', '$'].contains(c)).map_or(0, |at| at + 1);
    format!("\u{2026}{}", end[whole..].iter().collect::<String>())
}

/// Begin and end of a value that has no more room than these columns.
fn ends_of(value: &str, columns: usize) -> String {
    let letters: Vec<char> = value.chars().collect();
    if letters.len() <= columns {
        return value.to_owned();
    }
    let half = columns / 2;
    let text = |letters: &[char]| letters.iter().collect::<String>();
    format!("{}\u{2026}{}", text(&letters[..columns - half - 1]), text(&letters[letters.len() - half..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_scopes_and_values_their_middle() {
        assert_eq!(end_of("TOP.board.engine$refused", 23), "\u{2026}board.engine$refused");
        assert_eq!(end_of("TOP.board.engine.sequencer$running", 23), "\u{2026}sequencer$running");
        assert_eq!((end_of("a.b", 3).as_str(), end_of("abcdef", 3).as_str()), ("a.b", "\u{2026}ef"));
        assert_eq!((ends_of("123456789", 5).as_str(), ends_of("12345", 5).as_str()), ("12\u{2026}89", "12345"));
    }
}
