//! The boards that the command knows.

use super::run::Output;
use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use serde_json::Value;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

/// What the lines begin with in which the command counts while a model speaks.
const COUNTERS: &str = "counters: ";

/// A command that works on a board.
pub type Job = Arc<Mutex<Child>>;

/// What the command says of boards and devices.
#[derive(Debug, Clone, Default)]
pub struct Boards {
    /// `nda devices --json`, with `--probe` if it was asked for.
    pub devices: Value,
    /// What went wrong.
    pub error: Option<String>,
    /// Whether an answer is awaited.
    pub is_asking: bool,
    /// What a flash says, or a model, as it comes.
    pub log: Output,
    /// The job that goes on, to be stopped.
    pub job: Option<Job>,
    /// What was counted by the newest token.
    pub counters: Option<String>,
    /// A line of remarks that has not ended yet.
    remark: String,
}

impl Boards {
    /// The entries that have a name, group by group, in the order of the command's answer.
    fn entries(&self) -> Vec<Entry> {
        let mut all = Vec::new();
        for (group, value) in self.devices.as_object().into_iter().flatten() {
            for one in value.as_array().into_iter().flatten() {
                all.extend(self.entry(group, one));
            }
        }
        all
    }

    fn entry(&self, group: &str, one: &Value) -> Option<Entry> {
        let name = ["backend", "name"].iter().find_map(|key| one[*key].as_str())?.to_owned();
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| one[key].as_u64().unwrap_or_default();
        let entry = Entry { group: "device", device: Some(name.clone()), board: None, more: text("what"), name };
        Some(match group {
            "boards" => {
                // An image of earlier cores was routed, so one of today's can be tried.
                let (is_routed, status) = match text("status").as_str() {
                    "stale" => (true, "routed (stale)".into()),
                    other => (other == "routed", other.to_owned()),
                };
                let board = is_routed.then(|| entry.name.clone());
                let image = format!("{}, {}, {status}", text("title"), text("configuration"));
                Entry { group: "board", device: None, board, more: image, ..entry }
            }
            "configurations" => {
                // The simulator of a configuration is the device, not the configuration.
                let device = one["simulated"][0].as_str().map(str::to_owned);
                let simulated = if device.is_some() { ", simulated" } else { "" };
                let (lanes, weights, mhz) = (number("lanes"), number("weights"), number("clk_hz") / 1_000_000);
                Entry { group: "config", device, more: format!("{lanes} lanes, {weights} weights, {mhz} MHz{simulated}"), ..entry }
            }
            "serial_ports" => {
                let (board, image) = self.found(&one["board"]);
                Entry { group: "port", board, more: [image, entry.more].join("  ").trim().into(), ..entry }
            }
            "cpu" => Entry { group: "cpu", more: if one["best"] == true { "what 'cpu' uses".into() } else { String::new() }, ..entry },
            _ => entry,
        })
    }

    /// The board that has answered behind a port, as it is flashed, and what it has said.
    fn found(&self, one: &Value) -> (Option<String>, String) {
        if let Some(error) = one["error"].as_str() {
            return (None, error.into());
        }
        let Some(title) = one["name"].as_str() else { return (None, String::new()) };
        let rows = self.devices["boards"].as_array();
        let row = rows.into_iter().flatten().find(|row| row["title"] == title || row["name"] == title);
        let board = row.map_or(title, |row| row["name"].as_str().unwrap_or(title));
        let facts = ["configuration", "bitstream"].iter().filter_map(|key| one[*key].as_str());
        (Some(board.into()), [title].into_iter().chain(facts).collect::<Vec<_>>().join(", "))
    }

    /// A row for each, what a job says, and what it has counted, in these columns.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        if let Some(error) = &self.error {
            return error.lines().map(|line| Row::new(line, Ink::Fault)).collect();
        }
        if self.is_asking {
            return vec![Row::new("asking 'nda devices' ...", Ink::Dim)];
        }
        let row = |one: Entry| {
            let name = Row::new(format!("{:<7}", one.group), Ink::Dim).and(format!("{:<16} ", one.name), Ink::Accent);
            name.and(one.more, if one.board.is_some() { Ink::Green } else { Ink::Text })
        };
        let mut counters = Output::default();
        self.counters.iter().for_each(|said| counters.add(&format!("{COUNTERS}{said}"), Ink::Number));
        self.entries().into_iter().map(row).chain(self.log.wrapped(columns)).chain(counters.wrapped(columns)).collect()
    }

    /// A job begins.
    pub fn begin(&mut self, command: &str) {
        self.log.add(&format!("{command}\n"), Ink::Dim);
        (self.counters, self.remark) = (None, String::new());
    }

    /// What a job says.
    pub fn add(&mut self, text: &str, ink: Ink) {
        if ink != Ink::Comment {
            return self.log.add(text, ink);
        }
        self.remark.push_str(text);
        while let Some(end) = self.remark.find('\n') {
            let line: String = self.remark.drain(..=end).collect();
            match line.trim_end().strip_prefix(COUNTERS) {
                Some(counters) => self.counters = Some(counters.into()),
                None => self.log.add_line(line.trim_end(), ink),
            }
        }
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        if is(key, 'p') {
            return Some(Act::Probe);
        }
        if is(key, 'k') {
            // One that has ended is gone by itself.
            let _ = self.job.take()?.lock().unwrap_or_else(PoisonError::into_inner).kill();
            return None;
        }
        let one = self.entries().into_iter().nth(chosen)?;
        match key {
            Key::Enter => one.board.map(Act::Flash),
            key if is(key, 'l') => Some(Act::Counters(one.device)),
            _ => None,
        }
    }
}

/// A device.
struct Entry {
    group: &'static str,
    name: String,
    /// What the command takes as a back end, if a model can speak there.
    device: Option<String>,
    /// The board that is flashed, if one can be.
    board: Option<String>,
    more: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_board_is_flashed_by_the_name_of_its_row_whatever_it_says_of_itself() {
        let devices = json!({
            "boards": [
                { "name": "ulx3s-85f", "title": "ULX3S 85F", "part": "p", "configuration": "c", "status": "stale" },
                { "name": "orangecrab", "title": "OrangeCrab", "part": "p", "configuration": "c", "status": "constraints" },
            ],
            "serial_ports": [{ "backend": "serial:/dev/ttyUSB0", "what": "FT231X", "board": { "name": "ULX3S 85F" } }],
        });
        let mut boards = Boards { devices, ..Boards::default() };
        let flash = |boards: &mut Boards, chosen| boards.press(Key::Enter, chosen);
        assert_eq!(flash(&mut boards, 0), Some(Act::Flash("ulx3s-85f".into())));
        assert_eq!(flash(&mut boards, 1), None, "its image is not routed");
        assert_eq!(flash(&mut boards, 2), Some(Act::Flash("ulx3s-85f".into())));
        assert_eq!(boards.press(Key::Char('l'), 2), Some(Act::Counters(Some("serial:/dev/ttyUSB0".into()))));
        assert_eq!(boards.press(Key::Char('l'), 0), Some(Act::Counters(None)));
    }

    #[test]
    fn what_is_counted_is_told_in_a_row_of_its_own_however_it_comes() {
        let mut boards = Boards::default();
        boards.begin("nda run");
        boards.add("Th", Ink::Text);
        ["counters: 1 to", "ken\nnote: x\ncoun", "ters: 2 tokens\n"].iter().for_each(|text| boards.add(text, Ink::Comment));
        boards.add("e", Ink::Text);
        assert_eq!(boards.counters.as_deref(), Some("2 tokens"));
        let rows: Vec<String> = boards.rows(80).iter().map(|row| row.pieces.iter().map(|(text, _)| text.as_str()).collect()).collect();
        assert_eq!(rows, ["nda run", "note: x", "The", "counters: 2 tokens"], "a remark does not part the text");
    }
}
