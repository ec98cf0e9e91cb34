"""The array on AXI-Stream, driven by cocotbext-axi: exact sums, under pauses on every side, and faults that are told."""

import itertools
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource
from products import Product, cases

ROWS, COLS = int(os.environ["ARRAY_ROWS"]), int(os.environ["ARRAY_COLS"])


class Bench:
    def __init__(self, dut):
        self.dut = dut
        cocotb.start_soon(Clock(dut.clock, 10, units="ns").start())
        dut.aresetn.value = 0
        dut.ternary.value = 0
        # Whether they are in reset is told below.
        stream = lambda kind, prefix: kind(AxiStreamBus.from_prefix(dut, prefix), dut.clock)
        self.x, self.w = stream(AxiStreamSource, "s_axis_x"), stream(AxiStreamSource, "s_axis_w")
        self.y = stream(AxiStreamSink, "m_axis_y")

    async def reset(self):
        self.dut.aresetn.value = 0
        [stream.assert_reset(True) for stream in (self.x, self.w, self.y)]
        await ClockCycles(self.dut.clock, 40)
        self.dut.aresetn.value = 1
        [stream.assert_reset(False) for stream in (self.x, self.w, self.y)]
        await ClockCycles(self.dut.clock, 2)

    def pauses(self, seed):
        """Random gaps on all three streams."""
        for k, stream in enumerate((self.x, self.w, self.y)):
            draw = random.Random(seed + k)
            stream.set_pause_generator(iter(lambda draw=draw: draw.random() < 0.4, None))

    async def product(self, case):
        self.dut.ternary.value = int(case.code == "ternary")
        await self.x.send(case.vector_bytes())
        await self.w.send(case.weight_bytes())
        frame = await with_timeout(self.y.recv(), 1, "ms")
        found = [int.from_bytes(frame.tdata[at : at + 4], "little", signed=True) for at in range(0, len(frame.tdata), 4)]
        assert found == case.expected(), f"{case.groups} x {case.beats}, {case.code}"


@cocotb.test()
async def sums_are_exact_and_a_weight_beat_is_taken_per_cycle(dut):
    bench = Bench(dut)
    await bench.reset()
    for case in cases(ROWS, COLS):
        await bench.product(case)
    case = Product(7, ROWS, COLS, 8, 32, "quaternary", "random")
    await bench.x.send(case.vector_bytes())
    await bench.w.send(case.weight_bytes())
    taken = []
    for cycle in itertools.count():
        await RisingEdge(dut.clock)
        if dut.s_axis_w_tvalid.value and dut.s_axis_w_tready.value:
            taken.append(cycle)
        if len(taken) == 8 * 32:
            break
    assert taken[-1] - taken[0] == 8 * 32 - 1, "no gap"


@cocotb.test()
async def sums_are_exact_under_pauses_on_every_stream(dut):
    bench = Bench(dut)
    await bench.reset()
    bench.pauses(1)
    for case in cases(ROWS, COLS):
        await bench.product(case)


@cocotb.test()
async def a_vector_too_long_and_a_matrix_cut_short_are_told_and_give_no_sum(dut):
    bench = Bench(dut)
    for vector, weights in ((257, 0), (2, 3)):
        await bench.reset()
        assert dut.error.value == 0
        await bench.x.send(bytes(vector * COLS))
        if weights:
            await bench.w.send(bytes(weights * ROWS * COLS // 4))
        await ClockCycles(dut.clock, 400)
        assert dut.error.value == 1 and not bench.y.count() and dut.m_axis_y_tvalid.value == 0
        # Whatever else comes is taken, so nobody upstream hangs.
        await with_timeout(bench.x.send(bytes(300 * COLS)), 1, "ms")
        await with_timeout(bench.x.wait(), 1, "ms")
        await with_timeout(bench.w.send(bytes(20 * ROWS * COLS // 4)), 1, "ms")
        await with_timeout(bench.w.wait(), 1, "ms")
    await bench.reset()
    await bench.product(Product(3, ROWS, COLS, 3, 2, "ternary", "random"))


@cocotb.test()
async def a_reset_in_the_midst_leaves_nothing_behind(dut):
    bench = Bench(dut)
    for cycles in (3, 17, 31, 60):
        await bench.reset()
        case = Product(cycles, ROWS, COLS, 20, 2, "quaternary", "random")
        await bench.x.send(case.vector_bytes())
        await bench.w.send(case.weight_bytes())
        await ClockCycles(dut.clock, cycles)
        await bench.reset()
        for stream in (bench.x, bench.w, bench.y):
            stream.clear()
        await bench.product(Product(9, ROWS, COLS, 3, 2, "ternary", "random"))
