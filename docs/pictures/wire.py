"""A text on the wire, and waves of the array: out of what the tests recorded of the simulated board."""

import zlib

from svg import Picture, records

EXCHANGE = "docs/pictures/exchange.json"
NAMES = {0x01: "SYNC", 0x02: "IDENT", 0x10: "WRITE", 0x11: "SEAL", 0x50: "GENERATE", 0x51: "TOKENS"}
STATES = {0: "more will come", 1: "a stop token", 2: "as many as were wanted", 3: "ended by the host", 4: "given up"}


def uncobs(frame):
    out, at = b"", 0
    while at < len(frame):
        code = frame[at]
        out += frame[at + 1 : at + code]
        at += code
        if code < 255 and at < len(frame):
            out += b"\0"
    return out


def told(op, is_answer, payload, width=1):
    """What a frame says, for a person: only what its own bytes say."""
    name = NAMES[op]
    if name == "GENERATE" and not is_answer:
        count, most = int.from_bytes(payload[8:10], "little"), int.from_bytes(payload[12:16], "little")
        return f"prompt of {count}: {payload[36:].decode('ascii')!r}, at most {most} tokens"
    if name == "TOKENS" and not is_answer:
        return f"up to {payload[0]} tokens, wait {payload[1]} × 2¹⁴ cycles"
    if name == "TOKENS":
        return f"{len(payload) - 1} tokens: {payload[1:].decode('ascii')!r}"
    return "taken"


def exchange():
    frames = [bytes.fromhex(frame) for frame in records(EXCHANGE)["frames"]]
    height = 122 + 74 * len(frames)
    picture = Picture(900, height, "A text on the wire", f"simulated: frames between a host written from PROTOCOL.md and the emitted Verilog; {EXCHANGE}")
    for x, name in ((110, "host"), (790, "board")):
        picture.text(x, 82, name, "ink b", 14, "middle")
        picture.line([(x, 90), (x, height - 20)], "edge", 2)
    for k, frame in enumerate(frames):
        body = uncobs(frame.strip(b"\0"))
        assert zlib.crc32(body[:-4]) == int.from_bytes(body[-4:], "little"), "a recorded frame has a right CRC"
        is_answer, op = body[0] >= 0x80, body[0] & 0x7F
        y = 134 + 74 * k
        ends = [(790, y), (110, y)] if is_answer else [(110, y), (790, y)]
        picture.line(ends, "two" if is_answer else "one", 1.8, arrow=True)
        spelled = frame.hex(" ")
        spelled = spelled if len(spelled) <= 94 else spelled[:80] + " … " + spelled[-11:]
        what = told(op, is_answer, body[8:-4])
        what = what if len(what) < 92 else what[:88] + "…'"
        picture.text(130, y - 9, NAMES[op] + (f", status {body[1]:#04x}" if is_answer else ""), "ink b", 12.5)
        picture.text(770, y - 9, f"{len(frame)} bytes", "soft", 12, "end")
        picture.text(130, y + 16, what, "ink", 12)
        picture.text(130, y + 32, spelled, "soft m", 10.5)
    return picture


PICTURES = {"exchange.svg": exchange}
