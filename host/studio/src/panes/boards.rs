//! The boards that the command knows.

use super::run::Output;
use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use serde_json::Value;

/// What the command says of boards and devices.
#[derive(Debug, Clone, Default)]
pub struct Boards {
    /// `nda devices --json`, with `--probe` if it was asked for.
    pub devices: Value,
    /// What went wrong.
    pub error: Option<String>,
    /// Whether an answer is awaited.
    pub is_asking: bool,
    /// What a flash or a reading of counters says, as it comes.
    pub log: Output,
}

impl Boards {
    /// The entries that have a name, group by group, in the order of the command's answer.
    fn entries(&self) -> Vec<Entry> {
        let mut all = Vec::new();
        for (group, value) in self.devices.as_object().into_iter().flatten() {
            for one in value.as_array().into_iter().flatten() {
                let Some(name) = ["backend", "name"].iter().find_map(|key| one[*key].as_str()) else { continue };
                let board = one["board"]["name"].as_str().map(str::to_owned);
                // The simulator of a configuration is the device, not the configuration.
                let device = one["simulated"][0].as_str().unwrap_or(name).to_owned();
                all.push(Entry { group: group.clone(), name: name.to_owned(), device, board, more: described(one) });
            }
        }
        all
    }

    /// A row for each.
    pub fn rows(&self) -> Vec<Row> {
        if let Some(error) = &self.error {
            return error.lines().map(|line| Row::new(line, Ink::Fault)).collect();
        }
        if self.is_asking {
            return vec![Row::new("asking 'nda devices' ...", Ink::Dim)];
        }
        let row = |one: Entry| {
            let board = one.board.map_or(String::new(), |board| format!("{board}  "));
            Row::new(format!("{:<16}", one.group), Ink::Dim)
                .and(format!("{:<22}", one.name), Ink::Accent)
                .and(board, Ink::Green)
                .and(one.more, Ink::Text)
        };
        self.entries().into_iter().map(row).chain(self.log.rows()).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        if is(key, 'p') {
            return Some(Act::Probe);
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
    group: String,
    name: String,
    /// What the command takes as a back end.
    device: String,
    /// The board behind it, if it was asked and has answered.
    board: Option<String>,
    more: String,
}

/// The plain fields of an entry but its name.
fn described(one: &Value) -> String {
    let fields = one.as_object().into_iter().flatten().filter(|(key, _)| !["name", "backend"].contains(&key.as_str()));
    let told = fields.filter_map(|(key, value)| match value {
        Value::String(text) if text.len() < 60 => Some(text.clone()),
        Value::Number(number) => Some(format!("{key} {number}")),
        Value::Bool(true) => Some(key.clone()),
        _ => None,
    });
    told.take(6).collect::<Vec<_>>().join("  ")
}
