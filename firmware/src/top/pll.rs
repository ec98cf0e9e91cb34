//! The PLL of a board: from `oscillator` to `fast`, with `locked`.

use nda_boards::{Board, Pll};
use nda_spec::Config;

/// The instance, with a comment that says what it makes.
pub(super) fn text(board: &Board, pll: &Pll, config: &Config) -> String {
    let input_mhz = f64::from(board.oscillator.hz) / 1e6;
    let output_mhz = pll.output(board.oscillator.hz).map_or(0.0, |f| f.mhz());
    match *pll {
        Pll::Ehxplll { clki_div, clkfb_div, clkop_div } => ehxplll([clki_div, clkfb_div, clkop_div], input_mhz, output_mhz),
        Pll::SbPll40Core { divr, divf, divq } => format!(
            "    // {output_mhz} MHz of {input_mhz} MHz, twice the system clock.\n\
             \x20   SB_PLL40_CORE #(.FEEDBACK_PATH(\"SIMPLE\"), .DIVR({divr}), .DIVF({divf}), .DIVQ({divq}), .FILTER_RANGE({}))\n\
             \x20       pll(.REFERENCECLK(oscillator), .PLLOUTGLOBAL(fast), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0));\n",
            pll.filter_range(board.oscillator.hz),
        ),
        Pll::SbPll40TwoPad { divr, divf, divq } => format!(
            "    // {output_mhz} MHz of {input_mhz} MHz, twice the system clock. Output A is the pad's clock as it is.\n\
             \x20   SB_PLL40_2_PAD #(.FEEDBACK_PATH(\"SIMPLE\"), .DIVR({divr}), .DIVF({divf}), .DIVQ({divq}), .FILTER_RANGE({}))\n\
             \x20       pll(.PACKAGEPIN({}), .PLLOUTGLOBALA(oscillator), .PLLOUTGLOBALB(fast), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0));\n",
            pll.filter_range(board.oscillator.hz),
            board.oscillator.port,
        ),
        Pll::Rpll { idiv_sel, fbdiv_sel, odiv_sel } => format!(
            "    // {output_mhz} MHz of {input_mhz} MHz, twice the system clock of {} MHz.\n\
             \x20   rPLL #(.FCLKIN(\"{input_mhz}\"), .DEVICE(\"{}\"), .IDIV_SEL({idiv_sel}), .FBDIV_SEL({fbdiv_sel}), .ODIV_SEL({odiv_sel}),\n\
             \x20       .DYN_IDIV_SEL(\"false\"), .DYN_FBDIV_SEL(\"false\"), .DYN_ODIV_SEL(\"false\"), .PSDA_SEL(\"0000\"), .DUTYDA_SEL(\"1000\"),\n\
             \x20       .DYN_DA_EN(\"false\"), .CLKFB_SEL(\"internal\"), .CLKOUT_BYPASS(\"false\"), .CLKOUTP_BYPASS(\"false\"),\n\
             \x20       .CLKOUTD_BYPASS(\"false\"), .DYN_SDIV_SEL(2), .CLKOUTD_SRC(\"CLKOUT\"), .CLKOUTD3_SRC(\"CLKOUT\"))\n\
             \x20       pll(.CLKIN(oscillator), .CLKOUT(fast), .LOCK(locked), .CLKFB(1'b0), .RESET(1'b0), .RESET_P(1'b0), .FBDSEL(6'b0),\n\
             \x20       .IDSEL(6'b0), .ODSEL(6'b0), .DUTYDA(4'b0), .PSDA(4'b0), .FDLY(4'b0));\n",
            f64::from(config.clk_hz) / 1e6,
            rpll_device(&board.part),
        ),
        Pll::Plla { idiv_sel, mdiv_sel, odiv_sel } => plla([idiv_sel, mdiv_sel, odiv_sel], input_mhz, output_mhz),
    }
}

fn ehxplll([clki_div, clkfb_div, clkop_div]: [u32; 3], input_mhz: f64, output_mhz: f64) -> String {
    format!(
        "    // {output_mhz} MHz of {input_mhz} MHz; the VCO is at {} MHz.\n\
         \x20   (* FREQUENCY_PIN_CLKI = \"{input_mhz}\", FREQUENCY_PIN_CLKOP = \"{output_mhz}\", ICP_CURRENT = \"12\", LPF_RESISTOR = \"8\",\n\
         \x20      MFG_ENABLE_FILTEROPAMP = \"1\", MFG_GMCREF_SEL = \"2\" *)\n\
         \x20   EHXPLLL #(.PLLRST_ENA(\"DISABLED\"), .INTFB_WAKE(\"DISABLED\"), .STDBY_ENABLE(\"DISABLED\"), .DPHASE_SOURCE(\"DISABLED\"),\n\
         \x20       .OUTDIVIDER_MUXA(\"DIVA\"), .OUTDIVIDER_MUXB(\"DIVB\"), .OUTDIVIDER_MUXC(\"DIVC\"), .OUTDIVIDER_MUXD(\"DIVD\"),\n\
         \x20       .FEEDBK_PATH(\"CLKOP\"), .CLKI_DIV({clki_div}), .CLKFB_DIV({clkfb_div}), .CLKOP_ENABLE(\"ENABLED\"), .CLKOP_DIV({clkop_div}),\n\
         \x20       .CLKOP_CPHASE({}), .CLKOP_FPHASE(0)) pll(.CLKI(oscillator), .CLKFB(fast), .CLKOP(fast), .LOCK(locked), .RST(1'b0),\n\
         \x20       .STDBY(1'b0), .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1),\n\
         \x20       .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0));\n",
        output_mhz * f64::from(clkop_div),
        clkop_div - 1,
    )
}

/// What the rPLL calls its device.
fn rpll_device(part: &str) -> &'static str {
    if part.starts_with("GW2AR") { "GW2AR-18C" } else { "GW1NR-9C" }
}

/// The packer cannot read its own defaults of this primitive's numbers, so all that it reads are given.
fn plla([idiv_sel, mdiv_sel, odiv_sel]: [u32; 3], input_mhz: f64, output_mhz: f64) -> String {
    let unused: String = (1..=6).map(|k| format!(".ODIV{k}_SEL(8), .CLKOUT{k}_EN(\"FALSE\"), ")).collect();
    let steps: String = (0..=3).map(|k| format!(".CLKOUT{k}_DT_DIR(1'b1), .CLKOUT{k}_DT_STEP(4'b0), ")).collect();
    format!(
        "    // {output_mhz:.4} MHz of {input_mhz} MHz, twice the system clock.\n\
         \x20   PLLA #(.FCLKIN(\"{input_mhz}\"), .IDIV_SEL({idiv_sel}), .FBDIV_SEL(1), .MDIV_SEL({mdiv_sel}), .MDIV_FRAC_SEL(0),\n\
         \x20       .ODIV0_SEL({odiv_sel}), .ODIV0_FRAC_SEL(0), .CLKOUT0_EN(\"TRUE\"), {unused}\n\
         \x20       {steps}.CLKFB_SEL(\"INTERNAL\"))\n\
         \x20       pll(.CLKIN(oscillator), .CLKOUT0(fast), .LOCK(locked), .CLKFB(1'b0), .RESET(1'b0), .PLLPWD(1'b0), .RESET_I(1'b0),\n\
         \x20       .RESET_O(1'b0), .PSSEL(3'b0), .PSDIR(1'b0), .PSPULSE(1'b0), .SSCPOL(1'b0), .SSCON(1'b0), .SSCMDSEL(7'b0),\n\
         \x20       .SSCMDSEL_FRAC(3'b0), .MDCLK(1'b0), .MDOPC(2'b0), .MDAINC(1'b0), .MDWDI(8'b0));\n",
    )
}
