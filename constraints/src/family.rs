//! The families of parts: what their tools call their files, and how they are clocked and synthesised.

use serde::Deserialize;

/// Which tools and which primitives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Lattice iCE40 HX and UltraPlus.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
    /// Gowin LittleBee, Arora and Arora V.
    Gowin,
    /// Cologne Chip GateMate.
    Gatemate,
}

/// Yosys's command for an ECP5, as every bitstream, netlist under test and cost of this project uses it.
///
/// Wide multiplexers of LUTs (PFUMX) make control logic three times as big; read and write of one address in one cycle never
/// happen, so nothing has to decide between them. ABC's `flow2` maps what decides in seven LUTs where its default takes eight,
/// with fewer of them: on `table256` 109 instead of 97 and 106 MHz for the Colorlight i5's first two seeds.
pub const ECP5_SYNTHESIS: &str = "scratchpad -copy abc9.script.flow2 abc9.script; synth_ecp5 -nowidelut -no-rw-check";

impl Family {
    /// How a pin file's name ends.
    pub const fn pin_extension(self) -> &'static str {
        match self {
            Family::Ice40 => "pcf",
            Family::Ecp5 => "lpf",
            Family::Gowin => "cst",
            Family::Gatemate => "ccf",
        }
    }

    /// How a bitstream's name ends.
    pub const fn bitstream_extension(self) -> &'static str {
        match self {
            Family::Ice40 => "bin",
            Family::Ecp5 | Family::Gatemate => "bit",
            Family::Gowin => "fs",
        }
    }

    /// Cycles of the PLL's clock in one of the system clock.
    ///
    /// An ECP5 gates the PLL's clock with a primitive that is made for it. The others divide it by two in a flip-flop
    /// that does not toggle before the start: an output of a flip-flop has no glitch whatever its enable does.
    pub const fn pll_cycles(self) -> u32 {
        match self {
            Family::Ecp5 => 1,
            Family::Ice40 | Family::Gowin | Family::Gatemate => 2,
        }
    }
}
