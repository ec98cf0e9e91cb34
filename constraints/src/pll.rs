//! PLL settings and what comes out of them.

use crate::Family;
use serde::Deserialize;

/// A PLL's settings, as its primitive counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "primitive", deny_unknown_fields)]
pub enum Pll {
    /// ECP5, with the output as feedback: `f = f_in * clkfb_div / clki_div`, VCO at `f * clkop_div`.
    #[serde(rename = "EHXPLLL")]
    Ehxplll {
        /// Divides the input.
        clki_div: u32,
        /// Divides the feedback.
        clkfb_div: u32,
        /// Divides the VCO.
        clkop_div: u32,
    },
    /// iCE40, simple feedback, reference from the fabric: `f = f_in * (divf + 1) / (divr + 1) / 2^divq`.
    #[serde(rename = "SB_PLL40_CORE")]
    SbPll40Core {
        /// Divides the reference.
        divr: u32,
        /// Divides the feedback.
        divf: u32,
        /// Divides the VCO, as a power of two.
        divq: u32,
    },
    /// The same with the reference straight from its pad, which also comes through.
    #[serde(rename = "SB_PLL40_2_PAD")]
    SbPll40TwoPad {
        /// Divides the reference.
        divr: u32,
        /// Divides the feedback.
        divf: u32,
        /// Divides the VCO, as a power of two.
        divq: u32,
    },
    /// Gowin: `f = f_in * (fbdiv_sel + 1) / (idiv_sel + 1)`, VCO at `f * odiv_sel`.
    #[serde(rename = "rPLL")]
    Rpll {
        /// Divides the input.
        idiv_sel: u32,
        /// Divides the feedback.
        fbdiv_sel: u32,
        /// From the output up to the VCO.
        odiv_sel: u32,
    },
    /// Gowin Arora V, fed back from the VCO: `f = f_in * mdiv_sel / idiv_sel / odiv_sel`.
    #[serde(rename = "PLLA")]
    Plla {
        /// Divides the input.
        idiv_sel: u32,
        /// Divides the VCO for the feedback.
        mdiv_sel: u32,
        /// Divides the VCO for the output.
        odiv_sel: u32,
    },
}

/// A frequency as a fraction, so that "exact" means exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequency {
    /// Hz times `divisor`.
    pub dividend: u64,
    /// At least 1.
    pub divisor: u64,
}

impl Frequency {
    /// In MHz, for reports.
    pub fn mhz(self) -> f64 {
        self.dividend as f64 / self.divisor as f64 / 1e6
    }

    fn times(self, factor: u64) -> Option<Frequency> {
        Some(Frequency { dividend: self.dividend.checked_mul(factor)?, ..self })
    }

    fn within(self, low_hz: u64, high_hz: u64) -> bool {
        let at = u128::from(self.dividend);
        at >= u128::from(low_hz) * u128::from(self.divisor) && at <= u128::from(high_hz) * u128::from(self.divisor)
    }
}

/// Why a PLL does not give the clock.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PllError {
    /// A PLL of another family.
    #[error("{primitive} is no PLL of a part '{part}'")]
    Family {
        /// The row's primitive.
        primitive: &'static str,
        /// The row's part.
        part: String,
    },
    /// A divider out of its range.
    #[error("{field} is {value}, but must be {rule}")]
    Divider {
        /// The divider.
        field: &'static str,
        /// Its value.
        value: u32,
        /// What it must be.
        rule: &'static str,
    },
    /// A frequency inside the PLL, or its output, out of the data sheet's range.
    #[error("{what} is {mhz:.3} MHz, but the data sheet allows {low_mhz} to {high_mhz} MHz")]
    Range {
        /// Which frequency.
        what: &'static str,
        /// What it is.
        mhz: f64,
        /// Least.
        low_mhz: f64,
        /// Most.
        high_mhz: f64,
    },
    /// Not the frequency that is needed.
    #[error("the output is {mhz:.4} MHz, but {wanted_mhz:.4} MHz are needed, exactly or within 0.1 %")]
    Output {
        /// What it is.
        mhz: f64,
        /// What it should be.
        wanted_mhz: f64,
    },
}

/// A part's limits in kHz, lowest and highest: phase detector, VCO, output.
struct Limits {
    detector_khz: (u64, u64),
    vco_khz: (u64, u64),
    output_khz: (u64, u64),
}

// Lattice FPGA-DS-02012 (ECP5), sysCLOCK PLL timing.
const ECP5: Limits = Limits { detector_khz: (3_125, 400_000), vco_khz: (400_000, 800_000), output_khz: (3_125, 400_000) };
// Lattice FPGA-DS-02029 (iCE40 LP/HX) and FPGA-DS-02008 (UltraPlus), sysCLOCK PLL timing.
const ICE40: Limits = Limits { detector_khz: (10_000, 133_000), vco_khz: (533_000, 1_066_000), output_khz: (16_000, 275_000) };
// Gowin DS117 (GW1NR), C6/I5.
const GW1NR_9: Limits = Limits { detector_khz: (3_000, 400_000), vco_khz: (400_000, 1_200_000), output_khz: (3_125, 600_000) };
// Gowin DS226 (GW2AR), C8/I7.
const GW2AR_18: Limits = Limits { detector_khz: (3_000, 500_000), vco_khz: (500_000, 1_250_000), output_khz: (3_906, 625_000) };
// Gowin GW5A-25: the VCO's range is what designs for this part state; the other two are ours, well inside what they use.
const GW5A_25: Limits = Limits { detector_khz: (10_000, 400_000), vco_khz: (800_000, 1_600_000), output_khz: (6_250, 800_000) };

/// Values that Gowin's ODIV_SEL has.
const ODIV_SELS: [u32; 11] = [2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128];

impl Pll {
    /// The primitive's name.
    pub const fn primitive(&self) -> &'static str {
        match self {
            Pll::Ehxplll { .. } => "EHXPLLL",
            Pll::SbPll40Core { .. } => "SB_PLL40_CORE",
            Pll::SbPll40TwoPad { .. } => "SB_PLL40_2_PAD",
            Pll::Rpll { .. } => "rPLL",
            Pll::Plla { .. } => "PLLA",
        }
    }

    /// The output for this input, and the frequencies at the phase detector and in the VCO; `None` on overflow or a
    /// divisor of 0, which [`Pll::check`] refuses.
    fn frequencies(&self, input_hz: u32) -> Option<[Frequency; 3]> {
        let ratio = |factor: u64, divisor: u64| {
            let dividend = u64::from(input_hz).checked_mul(factor)?;
            (divisor > 0).then_some(Frequency { dividend, divisor })
        };
        match *self {
            Pll::Ehxplll { clki_div, clkfb_div, clkop_div } => {
                let output = ratio(clkfb_div.into(), clki_div.into())?;
                Some([ratio(1, clki_div.into())?, output.times(clkop_div.into())?, output])
            }
            Pll::SbPll40Core { divr, divf, divq } | Pll::SbPll40TwoPad { divr, divf, divq } => {
                let (r, f) = (u64::from(divr) + 1, u64::from(divf) + 1);
                Some([ratio(1, r)?, ratio(f, r)?, ratio(f, r.checked_mul(1_u64.checked_shl(divq)?)?)?])
            }
            Pll::Rpll { idiv_sel, fbdiv_sel, odiv_sel } => {
                let (i, f) = (u64::from(idiv_sel) + 1, u64::from(fbdiv_sel) + 1);
                let output = ratio(f, i)?;
                Some([ratio(1, i)?, output.times(odiv_sel.into())?, output])
            }
            Pll::Plla { idiv_sel, mdiv_sel, odiv_sel } => {
                let (i, m) = (u64::from(idiv_sel), u64::from(mdiv_sel));
                Some([ratio(1, i)?, ratio(m, i)?, ratio(m, i.checked_mul(odiv_sel.into())?)?])
            }
        }
    }

    /// The output for an input of this frequency; `None` for settings that [`Pll::check`] refuses.
    pub fn output(&self, input_hz: u32) -> Option<Frequency> {
        self.frequencies(input_hz).map(|[_, _, output]| output)
    }

    /// iCE40's FILTER_RANGE, which goes by the frequency at the phase detector (icepll's table).
    pub fn filter_range(&self, input_hz: u32) -> u32 {
        let detector_mhz = self.frequencies(input_hz).map_or(0.0, |[detector, _, _]| detector.mhz());
        [17.0, 26.0, 44.0, 66.0, 101.0].into_iter().filter(|&limit| detector_mhz >= limit).count() as u32 + 1
    }

    fn dividers(&self) -> Vec<(&'static str, u32, bool, &'static str)> {
        let upto = |n: u32, least: u32, most: u32| (least..=most).contains(&n);
        match *self {
            Pll::Ehxplll { clki_div, clkfb_div, clkop_div } => vec![
                ("clki_div", clki_div, upto(clki_div, 1, 128), "1 to 128"),
                ("clkfb_div", clkfb_div, upto(clkfb_div, 1, 128), "1 to 128"),
                ("clkop_div", clkop_div, upto(clkop_div, 1, 128), "1 to 128"),
            ],
            Pll::SbPll40Core { divr, divf, divq } | Pll::SbPll40TwoPad { divr, divf, divq } => vec![
                ("divr", divr, upto(divr, 0, 15), "0 to 15"),
                ("divf", divf, upto(divf, 0, 127), "0 to 127"),
                ("divq", divq, upto(divq, 1, 6), "1 to 6"),
            ],
            Pll::Rpll { idiv_sel, fbdiv_sel, odiv_sel } => vec![
                ("idiv_sel", idiv_sel, upto(idiv_sel, 0, 63), "0 to 63"),
                ("fbdiv_sel", fbdiv_sel, upto(fbdiv_sel, 0, 63), "0 to 63"),
                ("odiv_sel", odiv_sel, ODIV_SELS.contains(&odiv_sel), "2, 4, 8, 16, 32, 48, 64, 80, 96, 112 or 128"),
            ],
            Pll::Plla { idiv_sel, mdiv_sel, odiv_sel } => vec![
                ("idiv_sel", idiv_sel, upto(idiv_sel, 1, 64), "1 to 64"),
                ("mdiv_sel", mdiv_sel, upto(mdiv_sel, 2, 128), "2 to 128"),
                ("odiv_sel", odiv_sel, upto(odiv_sel, 1, 128), "1 to 128"),
            ],
        }
    }

    fn limits(&self, family: Family, part: &str) -> Option<&'static Limits> {
        match (self, family) {
            (Pll::Ehxplll { .. }, Family::Ecp5) => Some(&ECP5),
            (Pll::SbPll40Core { .. } | Pll::SbPll40TwoPad { .. }, Family::Ice40) => Some(&ICE40),
            (Pll::Rpll { .. }, Family::Gowin) if part.starts_with("GW1NR-LV9") => Some(&GW1NR_9),
            (Pll::Rpll { .. }, Family::Gowin) if part.starts_with("GW2AR-LV18") => Some(&GW2AR_18),
            (Pll::Plla { .. }, Family::Gowin) if part.starts_with("GW5A-LV25") => Some(&GW5A_25),
            _ => None,
        }
    }

    /// Whether this PLL makes `wanted_hz` of `input_hz` within the data sheet's limits.
    ///
    /// # Errors
    /// The first divider or frequency that cannot be.
    pub fn check(&self, family: Family, part: &str, input_hz: u32, wanted_hz: u64) -> Result<(), PllError> {
        let limits = self.limits(family, part).ok_or_else(|| PllError::Family { primitive: self.primitive(), part: part.to_string() })?;
        if let Some((field, value, _, rule)) = self.dividers().into_iter().find(|(_, _, good, _)| !good) {
            return Err(PllError::Divider { field, value, rule });
        }
        let wanted_mhz = wanted_hz as f64 / 1e6;
        let Some([detector, vco, output]) = self.frequencies(input_hz) else {
            return Err(PllError::Output { mhz: f64::INFINITY, wanted_mhz });
        };
        for (what, frequency, (low, high)) in [
            ("the phase detector's clock", detector, limits.detector_khz),
            ("the VCO", vco, limits.vco_khz),
            ("the output", output, limits.output_khz),
        ] {
            if !frequency.within(low * 1000, high * 1000) {
                return Err(PllError::Range { what, mhz: frequency.mhz(), low_mhz: low as f64 / 1e3, high_mhz: high as f64 / 1e3 });
            }
        }
        // One part in a thousand each way: a UART leaves room for some percent, and both ends drift.
        if !output.within(wanted_hz - wanted_hz / 1000, wanted_hz + wanted_hz / 1000) {
            return Err(PllError::Output { mhz: output.mhz(), wanted_mhz });
        }
        Ok(())
    }
}
