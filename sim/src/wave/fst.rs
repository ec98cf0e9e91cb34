//! FST from a VCD stream.
//!
//! Inputs of registers are left out: each is the output one cycle ahead, and those of the free-running counters alone would be
//! half of the file.

use super::{Clock, Line, next_line};
use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection, FstVarType,
    FstWriteError,
};
use std::collections::HashMap;
use std::io::{self, BufRead, Seek, Write};
use vcd::{Header, Parser, ScopeItem, Var};

/// Changes that are kept in memory, in bytes, before a block of them is written.
const BLOCK_BYTES: usize = 64 << 20;
/// Times are picoseconds.
const TIMESCALE_EXPONENT: i8 = -12;

/// Signals by the code that they have in the VCD; `None` is one that is left out.
type Signals = HashMap<Vec<u8>, Option<FstSignalId>>;

/// Makes an FST of a VCD of half cycles.
pub(super) fn convert(input: &mut impl BufRead, output: &mut (impl Write + Seek), clock: Clock) -> io::Result<()> {
    let header = Parser::new(&mut *input).parse_header()?;
    let mut line = Vec::new();
    // The header of an FST has its first time.
    let mut first = None;
    while first.is_none() && next_line(input, &mut line)? {
        if let Line::Time(half_cycles) = Line::of(line.trim_ascii_end()) {
            first = Some(clock.ps(half_cycles));
        }
    }
    let start_time = first.unwrap_or(0);
    let (body, signals) = write_header(&header, start_time, output).map_err(io_error)?;
    write_body(input, body, &signals, start_time, clock)
}

fn write_header<W: Write + Seek>(header: &Header, start_time: u64, output: W) -> Result<(FstBodyWriter<W>, Signals), FstWriteError> {
    let info = FstInfo {
        start_time,
        timescale_exponent: TIMESCALE_EXPONENT,
        version: header.version.clone().unwrap_or_default(),
        date: header.date.clone().unwrap_or_default(),
        file_type: FstFileType::Verilog,
    };
    let mut writer = FstHeaderWriter::new(output, &info)?;
    let mut signals = Signals::new();
    write_items(&header.items, &mut writer, &mut signals)?;
    Ok((writer.finish()?, signals))
}

fn write_items<W: Write + Seek>(items: &[ScopeItem], writer: &mut FstHeaderWriter<W>, signals: &mut Signals) -> Result<(), FstWriteError> {
    for item in items {
        match item {
            ScopeItem::Scope(scope) => {
                writer.scope(&scope.identifier, "", FstScopeType::Module)?;
                write_items(&scope.items, writer, signals)?;
                writer.up_scope()?;
            }
            ScopeItem::Var(var) => {
                let signal = signals.entry(var.code.to_string().into_bytes()).or_default();
                if !is_register_input(&var.reference, items) {
                    let kind = FstSignalType::bit_vec(var.size);
                    *signal = Some(writer.var(name(var), kind, FstVarType::Wire, FstVarDirection::Implicit, *signal)?);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a signal is the input of a register whose output is beside it, as rust-hdl names them: `d` and `q`, `count$d` and `count$q`.
fn is_register_input(name: &str, beside: &[ScopeItem]) -> bool {
    let Some(register) = name.strip_suffix('d').filter(|register| register.is_empty() || register.ends_with('$')) else { return false };
    let output = format!("{register}q");
    beside.iter().any(|item| matches!(item, ScopeItem::Var(var) if var.reference == output))
}

/// A signal's name with its range, as viewers expect it.
fn name(var: &Var) -> String {
    match var.index {
        Some(index) => format!("{} {index}", var.reference),
        None => var.reference.clone(),
    }
}

fn write_body<W: Write + Seek>(
    input: &mut impl BufRead,
    mut body: FstBodyWriter<W>,
    signals: &Signals,
    start_time: u64,
    clock: Clock,
) -> io::Result<()> {
    body.time_change(start_time).map_err(io_error)?;
    let mut line = Vec::new();
    while next_line(input, &mut line)? {
        match Line::of(line.trim_ascii_end()) {
            Line::Time(half_cycles) => {
                if body.size() > BLOCK_BYTES {
                    body.flush().map_err(io_error)?;
                }
                body.time_change(clock.ps(half_cycles)).map_err(io_error)?;
            }
            Line::Change { value, code } => {
                let Some(&signal) = signals.get(code) else {
                    let reason = format!("a value of '{}', which the header does not name", String::from_utf8_lossy(code));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                };
                if let Some(signal) = signal {
                    body.signal_change(signal, value).map_err(io_error)?;
                }
            }
            Line::Other => {}
        }
    }
    body.finish().map(|_| ()).map_err(io_error)
}

fn io_error(error: FstWriteError) -> io::Error {
    match error {
        FstWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::WaveFormat;
    use crate::wave::tests::{recorded, stream};
    use fst_reader::{FstFilter, FstHierarchyEntry, FstReader, FstSignalValue};
    use std::io::Cursor;

    #[test]
    fn inputs_of_registers_are_left_out_unless_something_else_is_the_same_signal() {
        let text = "$timescale 1ps $end\n$scope module TOP $end\n$var wire 4 a count$d [3:0] $end\n$var wire 4 b count$q [3:0] $end\n\
                    $var wire 1 c d $end\n$scope module count $end\n$var wire 4 a d [3:0] $end\n$var wire 4 b q [3:0] $end\n\
                    $upscope $end\n$var wire 1 e x$q $end\n$var wire 1 f x$d $end\n$var wire 1 f next $end\n$upscope $end\n\
                    $enddefinitions $end\n#0\nb0001 a\nb0000 b\n1c\n0e\n0f\n#1\nb0010 a\n";
        let mut reader = FstReader::open(Cursor::new(recorded(text.into(), WaveFormat::Fst, 1))).unwrap();
        let mut names = Vec::new();
        reader
            .read_hierarchy(|entry| {
                if let FstHierarchyEntry::Var { name, .. } = entry {
                    names.push(name);
                }
            })
            .unwrap();
        assert_eq!(names, ["count$q [3:0]", "d", "q [3:0]", "x$q", "next"]);
    }

    #[test]
    fn an_fst_has_the_period_of_the_clock_every_signal_and_every_change() {
        for first_tick in [0, 6] {
            let file = recorded(stream(first_tick, 1_000), WaveFormat::Fst, 24_000_000);
            let mut reader = FstReader::open(Cursor::new(file)).unwrap();
            assert_eq!(reader.get_header().timescale_exponent, -12);
            let mut names = Vec::new();
            reader
                .read_hierarchy(|entry| {
                    if let FstHierarchyEntry::Var { name, handle, .. } = entry {
                        names.push((name, handle.get_index()));
                    }
                })
                .unwrap();
            assert_eq!(names, [("clock".into(), 0), ("clock".into(), 0), ("count [8:0]".into(), 1)]);
            let mut changes: Vec<(u64, usize, String)> = Vec::new();
            reader
                .read_signals(&FstFilter::all(), |time, handle, value| {
                    if let FstSignalValue::String(bits) = value {
                        changes.push((time, handle.get_index(), String::from_utf8(bits.to_vec()).unwrap()));
                    }
                    Ok::<(), ()>(())
                })
                .unwrap();
            let clock: Vec<u64> = changes.iter().filter(|c| c.1 == 0 && c.2 == "1").map(|c| c.0).collect();
            let rise = |n: u64| super::Clock { hz: 24_000_000 }.ps(first_tick + 2 * n + 1);
            assert_eq!(clock, (0..500).map(rise).collect::<Vec<u64>>());
            let counts: Vec<&str> = changes.iter().filter(|c| c.1 == 1 && !c.2.contains('x')).map(|c| c.2.as_str()).collect();
            let expected: Vec<String> = (0..500).map(|n| format!("{:09b}", (first_tick / 2 + n) % 512)).collect();
            assert_eq!(counts, expected);
        }
    }
}
