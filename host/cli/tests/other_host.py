"""Another host, written from PROTOCOL.md alone: makes a board hold pages, and asks it for a text.

other_host.py PORT PAGES FIRST COUNT CYCLES INVERSE SEED MOST TOKEN...
PAGES is a file: pages of the tile store from FIRST on, COUNT of them, then all of the program memory's. Prints the tokens.
WIRE_LOG in the environment names a file for the frames with which the text was asked for and told.
"""

import json
import os
import select
import struct
import sys
import time
import tty
import zlib

VERSION = 2
SYNC, IDENT, WRITE, SEAL, GENERATE, TOKENS = 0x01, 0x02, 0x10, 0x11, 0x50, 0x51
OK, DUP = 0x00, 0x03
PATIENCE_S = 60.0


def cobs(data):
    blocks = []
    for part in data.split(b"\0"):
        while len(part) >= 254:
            blocks.append(b"\xff" + part[:254])
            part = part[254:]
        blocks.append(bytes([len(part) + 1]) + part)
    # A last block of exactly 254 bytes has no empty block behind it.
    if blocks[-1] == b"\x01" and len(blocks) > 1 and blocks[-2][0] == 255 and not data.endswith(b"\0"):
        blocks.pop()
    return b"".join(blocks)


def uncobs(frame):
    out, at = b"", 0
    while at < len(frame):
        code = frame[at]
        out += frame[at + 1 : at + code]
        at += code
        if code < 255 and at < len(frame):
            out += b"\0"
    return out


class Board:
    def __init__(self, path):
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port)
        self.seq, self.held, self.frames = 0, b"", []
        os.write(self.port, b"\0")
        # What an earlier host left in the link.
        while select.select([self.port], [], [], 0.2)[0]:
            os.read(self.port, 4096)

    def frame(self, until):
        while b"\0" not in self.held:
            if not select.select([self.port], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            self.held += os.read(self.port, 4096)
        frame, self.held = self.held.split(b"\0", 1)
        return frame

    def send(self, data):
        while data:
            data = data[os.write(self.port, data[:1024]) :]

    def ask(self, op, addr=0, payload=b"", arg=0):
        self.seq = (self.seq + 1) % 65536
        body = struct.pack("<BBHI", op, arg, self.seq, addr) + payload
        asked = b"\0" + cobs(body + struct.pack("<I", zlib.crc32(body))) + b"\0"
        self.send(asked)
        until = time.monotonic() + PATIENCE_S
        while (frame := self.frame(until)) is not None:
            body = uncobs(frame)
            if len(body) < 12 or zlib.crc32(body[:-4]) != struct.unpack("<I", body[-4:])[0]:
                continue
            answered, status, seq, aux = struct.unpack("<BBHI", body[:8])
            if answered == op + 0x80 and seq == self.seq:
                if op in (GENERATE, TOKENS):
                    self.frames += [asked.hex(), (b"\0" + frame + b"\0").hex()]
                return status, aux, body[8:-4]
        sys.exit(f"no answer to {op:#x}")

    def want(self, *request, **more):
        status, aux, payload = self.ask(*request, **more)
        if status not in (OK, DUP):
            sys.exit(f"{request[0]:#x} is refused: {status:#x}, {aux:#x}")
        return payload


def main(path, pages, first, count, cycles, inverse, seed, most, prompt):
    board = Board(path)
    board.want(SYNC, 0x1234_5678, arg=VERSION)
    page = board.want(IDENT)
    rows, cols, _, page_words, tile_words = struct.unpack("<HHHHI", page[8:20])
    mtu, word = struct.unpack("<H", page[24:26])[0], rows * cols // 4
    if page[:5] != b"2BPG" + bytes([VERSION]):
        sys.exit("another protocol")
    width = board.want(IDENT, 1)[0]
    contents = [pages[at : at + page_words * word] for at in range(0, len(pages), page_words * word)]
    numbers = [*range(first, first + count), *(tile_words // page_words + k for k in range(len(contents) - count))]
    for number, content in zip(numbers, contents):
        step = mtu // word * word
        for at in range(0, len(content), step):
            board.want(WRITE, number * page_words + at // word, content[at : at + step])
        board.want(SEAL, number, struct.pack("<I", zlib.crc32(content)))
    digest = zlib.crc32(b"".join(struct.pack("<I", zlib.crc32(content)) for content in contents))
    ident = 7
    head = struct.pack("<HHHHHBBIIIIQ", ident, ident, first, count, len(prompt), 0, 0, most, digest, cycles, inverse, seed)
    board.want(GENERATE, 0, head + b"".join(token.to_bytes(width, "little") for token in prompt))
    made, state = [], 0
    while state == 0:
        index = len(made)
        told = board.want(TOKENS, ident << 16 | index & 0xFFFF, struct.pack("<BBH", 64, 50, index >> 16))
        state, tokens = told[0], told[1:]
        made += [int.from_bytes(tokens[at : at + width], "little") for at in range(0, len(tokens), width)]
    if log := os.environ.get("WIRE_LOG"):
        with open(log, "w") as file:
            json.dump({"frames": board.frames}, file, indent=1)
            file.write("\n")
    print(state, *made)


if __name__ == "__main__":
    port, file, *numbers = sys.argv[1:]
    first, count, cycles, inverse, seed, most, *prompt = map(int, numbers)
    with open(file, "rb") as pages:
        main(port, pages.read(), first, count, cycles, inverse, seed, most, prompt)
