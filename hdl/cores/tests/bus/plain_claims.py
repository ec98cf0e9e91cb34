"""The array on AXI-Stream without a bus model: one loop sets and reads every pin, which runs under Verilator 5.006 too."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from products import cases

ROWS, COLS = int(os.environ["ARRAY_ROWS"]), int(os.environ["ARRAY_COLS"])


class Source:
    """Words that wait to be taken, with random gaps."""

    def __init__(self, dut, name, words, draw, gaps):
        pin = lambda signal: getattr(dut, f"{name}_{signal}")
        self.valid, self.ready, self.data, self.last = pin("tvalid"), pin("tready"), pin("tdata"), pin("tlast")
        self.words, self.draw, self.gaps, self.stands = list(words), draw, gaps, False

    def before(self):
        """At an edge, on values of before it: what stood and was ready is gone."""
        if self.stands and self.ready.value == 1:
            self.words.pop(0)
            self.stands = False

    def drive(self):
        if not self.stands and self.words and self.draw.random() >= self.gaps:
            self.stands = True
        self.valid.value = int(self.stands)
        if self.words:
            self.data.value = self.words[0]
            self.last.value = int(len(self.words) == 1)


async def product(dut, case, draw, gaps):
    dut.ternary.value = int(case.code == "ternary")
    data = case.vector_bytes()
    beats = [int.from_bytes(data[at : at + COLS], "little") for at in range(0, len(data), COLS)]
    sources = [Source(dut, "s_axis_x", beats, draw, gaps), Source(dut, "s_axis_w", case.weight_words(), draw, gaps)]
    found, is_over, takes = [], False, False
    for _ in range(20_000):
        for source in sources:
            source.drive()
        dut.m_axis_y_tready.value = int(takes := draw.random() >= gaps)
        await RisingEdge(dut.clock)
        for source in sources:
            source.before()
        if takes and dut.m_axis_y_tvalid.value == 1:
            word = int(dut.m_axis_y_tdata.value)
            rows = [word >> 32 * row & 0xFFFF_FFFF for row in range(ROWS)]
            found += [row - (row >> 31 << 32) for row in rows]
            if is_over := dut.m_axis_y_tlast.value == 1:
                break
    assert is_over, "the last sum never came"
    assert found == case.expected(), f"{case.groups} x {case.beats}, {case.code}"


@cocotb.test()
async def sums_are_exact_at_any_pace(dut):
    cocotb.start_soon(Clock(dut.clock, 10, units="ns").start())
    dut.aresetn.value = dut.s_axis_x_tvalid.value = dut.s_axis_w_tvalid.value = 0
    await ClockCycles(dut.clock, 40)
    dut.aresetn.value = 1
    draw = random.Random(1)
    for gaps in (0.0, 0.4):
        for case in cases(ROWS, COLS):
            await product(dut, case, draw, gaps)
    assert dut.error.value == 0
