"""The GEMV array in a LiteX SoC: litex_gemv.py VERILOG BUILD writes a SoC's Verilog with the array as a peripheral.

VERILOG is gemv_wb.v of 'nda emit --bus wishbone'. The SoC has no CPU but a bridge of Wishbone over UART, so a host reads and writes the array's
registers; with a CPU the registers are at the same place in its memory map. It was elaborated, never run on a board."""

import sys

from litex.build.generic_platform import Pins, Subsignal
from litex.build.lattice import LatticePlatform
from litex.gen import ClockSignal, LiteXModule, ResetSignal
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from migen import ClockDomain, Instance

# Where the registers lie, and how many bytes of them.
ORIGIN, SIZE = 0x9000_0000, 64
# A board of the project's own list: the iCE40HX8K-B-EVN.
PINS = [("clk12", 0, Pins("J3")), ("serial", 0, Subsignal("rx", Pins("B10")), Subsignal("tx", Pins("B12")))]


class Gemv(LiteXModule):
    """The array behind a Wishbone interface of bytes."""

    def __init__(self):
        self.bus = bus = wishbone.Interface(data_width=32, address_width=32, addressing="byte")
        names = {"cyc": "i_wb_cyc_i", "stb": "i_wb_stb_i", "we": "i_wb_we_i", "dat_w": "i_wb_dat_i", "dat_r": "o_wb_dat_o", "ack": "o_wb_ack_o", "err": "o_wb_err_o"}
        ports = {port: getattr(bus, signal) for signal, port in names.items()}
        self.specials += Instance("gemv_wb", i_clock=ClockSignal("sys"), i_wb_rst_i=ResetSignal("sys"), i_wb_adr_i=bus.adr[:6], **ports)


class Soc(SoCMini):
    def __init__(self, platform, verilog):
        super().__init__(platform, int(12e6), ident="nda in LiteX")
        self.cd_sys = ClockDomain("sys", reset_less=False)
        self.comb += self.cd_sys.clk.eq(platform.request("clk12"))
        self.add_uartbone(baudrate=115_200)
        platform.add_source(verilog)
        self.gemv = Gemv()
        self.bus.add_slave("gemv", self.gemv.bus, SoCRegion(origin=ORIGIN, size=SIZE, cached=False))


def main(verilog, build):
    platform = LatticePlatform("ice40-hx8k-ct256", PINS, toolchain="icestorm")
    Builder(Soc(platform, verilog), output_dir=build, compile_software=False, compile_gateware=False).build(build_name="soc")


main(*sys.argv[1:])
