"""Reads an .ndf document, by FORMAT.md alone: every matrix and vector as floats. thirty_lines.py FILE prints each one's shape and the CRC-32
of its rows."""

import struct
import sys
import zlib

VALUES = {1: (0, -1, 2, 1), 2: (-2, 1, -1, 2), 3: (0, -1, 2, 1), 4: (-1, 1)}  # by plane 0 + 2 * plane 1


def frames(data):
    at = 64
    for _ in range(struct.unpack_from("<I", data, 12)[0]):
        kind, _, size, name = struct.unpack_from("<IIQI", data, at + 64)
        yield kind, data[at + 96 : at + 96 + name].decode(), data[at + 192 : at + 192 + size]
        at += -(-(192 + size) // 64) * 64


def matrix(payload):
    rows, cols, code, stacks, granularity, outliers = struct.unpack_from("<6I", payload)
    group, words, planes = (cols, cols, 32, 64)[granularity], -(-cols // 64), 1 if code == 4 else 2
    groups, per_stack = -(-cols // group), 32 * planes * -(-rows // 32) * words
    scales = struct.unpack_from(f"<{stacks * (1 if granularity == 0 else rows * groups)}f", payload, 64)
    at = 64 + -(-4 * len(scales) // 64) * 64
    tiles = struct.unpack_from(f"<{stacks * per_stack}Q", payload, at)
    places = [at + 8 * len(tiles) + k * -(-4 * outliers // 64) * 64 for k in range(3)]
    extra = zip(*(struct.unpack_from(f"<{outliers}{kind}", payload, place) for kind, place in zip("IIf", places)))
    bit = lambda k, r, c, p: tiles[k * per_stack + (r // 32 * words + c // 64) * 32 * planes + r % 32 // 8 * 8 * planes + p * 8 + r % 8] >> c % 64 & 1
    scale = lambda k, r, c: scales[k * (len(scales) // stacks) + (r * groups + c // group if granularity else 0)]
    weight = lambda k, r, c: scale(k, r, c) * VALUES[code][sum(bit(k, r, c, p) << p for p in range(planes))]
    found = [[sum(weight(k, r, c) for k in range(stacks)) for c in range(cols)] for r in range(rows)]
    for row, col, value in extra:
        found[row][col] += value
    return found


def vector(payload):
    _, rows, cols = struct.unpack_from("<3I", payload)
    return [list(struct.unpack_from(f"<{cols}f", payload, 64 + 4 * cols * row)) for row in range(rows)]


for kind, name, payload in frames(open(sys.argv[1], "rb").read()):
    if kind in (16, 17):
        found = (matrix if kind == 16 else vector)(payload)
        print(name, len(found), len(found[0]), *(zlib.crc32(struct.pack(f"<{len(row)}f", *row)) for row in found))
