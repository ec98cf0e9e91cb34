//! A VCD in the board's time.

use super::{Clock, Line, next_line};
use std::io::{self, BufRead, Write};

/// Copies a VCD of half cycles with its times in picoseconds, the unit that its header names already.
pub(super) fn retime(input: &mut impl BufRead, output: &mut impl Write, clock: Clock) -> io::Result<()> {
    let mut line = Vec::new();
    while next_line(input, &mut line)? {
        match Line::of(line.trim_ascii_end()) {
            Line::Time(half_cycles) => writeln!(output, "#{}", clock.ps(half_cycles))?,
            Line::Change { .. } | Line::Other => output.write_all(&line)?,
        }
        if line.starts_with(b"$timescale") {
            writeln!(output, "$comment clock of {} Hz $end", clock.hz)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::WaveFormat;
    use crate::wave::tests::{recorded, stream};
    use vcd::{Command, Parser, TimescaleUnit};

    #[test]
    fn a_vcd_has_the_period_of_the_clock_and_every_change() {
        let text = recorded(stream(6, 1_000), WaveFormat::Vcd, 24_000_000);
        let mut parser = Parser::new(&text[..]);
        let header = parser.parse_header().unwrap();
        assert_eq!(header.timescale, Some((1, TimescaleUnit::PS)));
        assert!(header.find_var(&["TOP", "board", "count"]).is_some());
        let commands: Vec<Command> = parser.map(Result::unwrap).collect();
        let times: Vec<u64> = commands.iter().filter_map(|c| if let Command::Timestamp(t) = c { Some(*t) } else { None }).collect();
        assert_eq!((times.len(), &times[..3]), (1_000, &[125_000, 145_833, 166_667][..]));
        assert_eq!(commands.len(), 1_000 * 2 + 500);
    }
}
