//! Formats of wave files.

use std::path::Path;

/// A format of wave files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveFormat {
    /// Value change dump (IEEE 1364, section 18): text.
    Vcd,
    /// Fast signal trace, GTKWave's format: a tenth of a VCD's size, read by GTKWave and Surfer.
    Fst,
}

impl WaveFormat {
    /// The format that a file's name asks for: FST for `.fst`, else VCD.
    pub fn of(path: &Path) -> WaveFormat {
        let is_fst = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("fst"));
        if is_fst { WaveFormat::Fst } else { WaveFormat::Vcd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_follows_the_files_name() {
        for (name, format) in [("a.vcd", WaveFormat::Vcd), ("a.fst", WaveFormat::Fst), ("a.FST", WaveFormat::Fst), ("fst", WaveFormat::Vcd)]
        {
            assert_eq!(WaveFormat::of(Path::new(name)), format, "{name}");
        }
    }
}
