"""The array behind registers, driven by cocotbext-wishbone: exact sums by reads and writes alone, and no access that waits."""

import os

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.wishbone.driver import WBOp, WishboneMaster
from products import cases

ROWS, COLS = int(os.environ["ARRAY_ROWS"]), int(os.environ["ARRAY_COLS"])
ID, SHAPE, CONTROL, STATUS, X, X_LAST, W, W_LAST, Y = range(0, 0x24, 4)
NAMES = {"cyc": "wb_cyc_i", "stb": "wb_stb_i", "we": "wb_we_i", "adr": "wb_adr_i", "datwr": "wb_dat_i", "datrd": "wb_dat_o", "ack": "wb_ack_o", "err": "wb_err_o"}
# Accesses until something that is promised has come.
PATIENCE = 500


class Bench:
    def __init__(self, dut):
        self.dut = dut
        cocotb.start_soon(Clock(dut.clock, 10, units="ns").start())
        dut.wb_rst_i.value = 1
        self.bus = WishboneMaster(dut, "", dut.clock, width=32, timeout=10, signals_dict=NAMES)

    async def reset(self):
        self.dut.wb_rst_i.value = 1
        await ClockCycles(self.dut.clock, 40)
        self.dut.wb_rst_i.value = 0
        await ClockCycles(self.dut.clock, 2)

    async def access(self, address, data=None):
        """The answer: whether it is good, and what was read."""
        [answer] = await self.bus.send_cycle([WBOp(address, data)])
        assert answer.ack in (1, 2), f"one answer: {answer.ack}"
        return answer.ack == 1, int(answer.datrd) if data is None and answer.ack == 1 else None

    async def until(self, bit):
        for _ in range(PATIENCE):
            good, status = await self.access(STATUS)
            assert good and not status & 1, f"status {status:#x}"
            if status >> bit & 1:
                return
        raise AssertionError(f"bit {bit} of the status never came")

    async def write_all(self, bit, address, data):
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        for k, word in enumerate(words):
            await self.until(bit)
            good, _ = await self.access(address + 4 * (k + 1 == len(words)), word)
            assert good, f"word {k}"


@cocotb.test()
async def registers_say_what_is_there(dut):
    bench = Bench(dut)
    await bench.reset()
    assert await bench.access(ID) == (True, 0x4147444E)
    assert await bench.access(SHAPE) == (True, ROWS | COLS << 8 | 256 << 16)
    assert (await bench.access(Y))[0] is False, "no sum is there, and nobody waits for one"
    assert (await bench.access(ID, 1))[0] is False and (await bench.access(0x24))[0] is False
    for value in (1, 0):
        assert (await bench.access(CONTROL, value))[0] and await bench.access(CONTROL) == (True, value)


@cocotb.test()
async def sums_are_exact(dut):
    bench = Bench(dut)
    await bench.reset()
    for case in cases(ROWS, COLS):
        if case.groups > 8 or case.beats > 8:
            continue
        assert (await bench.access(CONTROL, int(case.code == "ternary")))[0]
        await bench.write_all(1, X, case.vector_bytes())
        await bench.write_all(2, W, case.weight_bytes())
        found = []
        for _ in range(case.groups * ROWS):
            await bench.until(3)
            good, value = await bench.access(Y)
            assert good
            found.append(value - (value >> 31 << 32))
        assert found == case.expected(), f"{case.groups} x {case.beats}, {case.code}"


@cocotb.test()
async def an_access_that_has_no_room_is_an_error_and_changes_nothing(dut):
    bench = Bench(dut)
    await bench.reset()
    [case] = [case for case in cases(ROWS, COLS) if (case.groups, case.beats, case.code) == (40, 1, "ternary")][:1]
    assert (await bench.access(CONTROL, 1))[0]
    await bench.write_all(1, X, case.vector_bytes())
    data, sent, refused = case.weight_bytes(), 0, 0
    # Nothing is read: at 16 results and a word, writes are refused, again and again.
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    while refused < 20:
        good, _ = await bench.access(W_LAST if sent + 1 == len(words) else W, words[sent])
        sent, refused = (sent + 1, 0) if good else (sent, refused + 1)
    found = []
    while len(found) < 40 * ROWS:
        good, value = await bench.access(Y)
        if good:
            found.append(value - (value >> 31 << 32))
        if sent < len(words):
            good, _ = await bench.access(W_LAST if sent + 1 == len(words) else W, words[sent])
            sent += good
    assert found == case.expected()
    # Bit 1 of CONTROL is a reset.
    assert (await bench.access(CONTROL, 2))[0]
    await ClockCycles(dut.clock, 40)
    assert (await bench.access(CONTROL, 0))[0] and await bench.access(STATUS) == (True, 0b0110)
