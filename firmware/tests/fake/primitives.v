// What the tops' primitives do, as far as clocks go; the bench drives the PLL.
`timescale 1ns / 1ps

module SB_PLL40_CORE #(parameter FEEDBACK_PATH = "", DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0)
    (input REFERENCECLK, output PLLOUTGLOBAL, output LOCK, input RESETB, BYPASS);
    assign PLLOUTGLOBAL = bench.pll_clock;
    assign LOCK = bench.pll_locked;
endmodule

module SB_PLL40_2_PAD #(parameter FEEDBACK_PATH = "", DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0)
    (input PACKAGEPIN, output PLLOUTGLOBALA, PLLOUTGLOBALB, output LOCK, input RESETB, BYPASS);
    assign PLLOUTGLOBALA = PACKAGEPIN;
    assign PLLOUTGLOBALB = bench.pll_clock;
    assign LOCK = bench.pll_locked;
endmodule

module EHXPLLL #(parameter PLLRST_ENA = "", INTFB_WAKE = "", STDBY_ENABLE = "", DPHASE_SOURCE = "", OUTDIVIDER_MUXA = "",
    OUTDIVIDER_MUXB = "", OUTDIVIDER_MUXC = "", OUTDIVIDER_MUXD = "", FEEDBK_PATH = "", CLKI_DIV = 0, CLKFB_DIV = 0, CLKOP_ENABLE = "",
    CLKOP_DIV = 0, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0)
    (input CLKI, CLKFB, output CLKOP, LOCK, input RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC, ENCLKOP);
    assign CLKOP = bench.pll_clock;
    assign LOCK = bench.pll_locked;
endmodule

module rPLL #(parameter FCLKIN = "", DEVICE = "", IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 0, DYN_IDIV_SEL = "", DYN_FBDIV_SEL = "",
    DYN_ODIV_SEL = "", PSDA_SEL = "", DUTYDA_SEL = "", DYN_DA_EN = "", CLKFB_SEL = "", CLKOUT_BYPASS = "", CLKOUTP_BYPASS = "",
    CLKOUTD_BYPASS = "", DYN_SDIV_SEL = 0, CLKOUTD_SRC = "", CLKOUTD3_SRC = "")
    (input CLKIN, CLKFB, RESET, RESET_P, input [5:0] FBDSEL, IDSEL, ODSEL, input [3:0] DUTYDA, PSDA, FDLY, output CLKOUT, LOCK);
    assign CLKOUT = bench.pll_clock;
    assign LOCK = bench.pll_locked;
endmodule

module PLLA #(parameter FCLKIN = "", IDIV_SEL = 0, FBDIV_SEL = 0, MDIV_SEL = 0, MDIV_FRAC_SEL = 0, ODIV0_FRAC_SEL = 0, CLKFB_SEL = "",
    ODIV0_SEL = 0, ODIV1_SEL = 0, ODIV2_SEL = 0, ODIV3_SEL = 0, ODIV4_SEL = 0, ODIV5_SEL = 0, ODIV6_SEL = 0,
    CLKOUT0_EN = "", CLKOUT1_EN = "", CLKOUT2_EN = "", CLKOUT3_EN = "", CLKOUT4_EN = "", CLKOUT5_EN = "", CLKOUT6_EN = "",
    CLKOUT0_DT_DIR = 0, CLKOUT0_DT_STEP = 0, CLKOUT1_DT_DIR = 0, CLKOUT1_DT_STEP = 0, CLKOUT2_DT_DIR = 0, CLKOUT2_DT_STEP = 0, CLKOUT3_DT_DIR = 0, CLKOUT3_DT_STEP = 0)
    (input CLKIN, CLKFB, RESET, PLLPWD, RESET_I, RESET_O, PSDIR, PSPULSE, SSCPOL, SSCON, MDCLK, MDAINC, input [2:0] PSSEL, SSCMDSEL_FRAC,
    input [6:0] SSCMDSEL, input [1:0] MDOPC, input [7:0] MDWDI, output CLKOUT0, LOCK);
    assign CLKOUT0 = bench.pll_clock;
    assign LOCK = bench.pll_locked;
endmodule

// Passes whole pulses only: the enable is taken while the clock is low.
module DCCA(input CLKI, CE, output CLKO);
    reg enable = 0;
    always @* if (!CLKI) enable = CE;
    assign CLKO = CLKI && enable;
endmodule

module SB_GB(input USER_SIGNAL_TO_GLOBAL_BUFFER, output GLOBAL_BUFFER_OUTPUT);
    assign GLOBAL_BUFFER_OUTPUT = USER_SIGNAL_TO_GLOBAL_BUFFER;
endmodule

module BUFG(input I, output O);
    assign O = I;
endmodule

module IBUF(input I, output O);
    assign O = I;
endmodule

module OBUF(input I, output O);
    assign O = I;
endmodule

module board(input clock, rx, output tx, link, busy, fault);
    assign tx = !rx;
    assign link = 1;
    assign busy = 0;
    assign fault = 1;
endmodule
