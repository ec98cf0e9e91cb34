//! Waves of a VCD or FST file, drawn in characters: the same in the window and in a terminal.

mod drawing;
mod mark;
mod pane;
mod phases;

pub use mark::{Mark, Towards};
pub use pane::WavePane;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use wellen::simple::Waveform;
use wellen::{SignalRef, SignalValue};

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
    // A signal stands under its shortest name first; its other names come behind all signals.
    let mut seen = HashSet::new();
    let (mut variables, others): (Vec<_>, Vec<_>) = variables.into_iter().partition(|one: &Variable| seen.insert(one.signal));
    variables.extend(others);
    let unit = hierarchy.timescale().map_or("units".into(), |scale| unit_of(&scale));
    let end = wave.time_table().last().copied().unwrap_or(0);
    let mut wave = Wave { path: path.into(), wave, variables, end, unit, phases: Vec::new() };
    wave.find_phases();
    (0..wave.variables.len().min(FIRST_SHOWN)).for_each(|number| wave.show(number));
    Ok(wave)
}

/// A unit of times, as it stands behind a number.
fn unit_of(scale: &wellen::Timescale) -> String {
    use wellen::TimescaleUnit::{FemtoSeconds, MicroSeconds, MilliSeconds, NanoSeconds, PicoSeconds, Seconds};
    let name = match scale.unit {
        FemtoSeconds => "fs",
        PicoSeconds => "ps",
        NanoSeconds => "ns",
        MicroSeconds => "us",
        MilliSeconds => "ms",
        Seconds => "s",
        _ => "units",
    };
    if scale.factor == 1 { name.into() } else { format!("x {} {name}", scale.factor) }
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
