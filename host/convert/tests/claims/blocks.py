"""Writes blocks.bin: random blocks of every GGUF type that is read, and the floats that the package gguf 0.19.0 makes
of them. Run it again only to change the types: python blocks.py > blocks.bin

Each entry: type number, bytes of the blocks, count of floats (u32 each), the blocks, the floats' bits (f32), all little endian.
"""

import sys

import gguf
import numpy as np

BLOCKS = 4
# Offsets of a block's numbers of 16 bits: these must be finite, all other bits are random.
HALVES = {
    "F16": [0], "BF16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q8_0": [0],
    "Q4_K": [0, 2], "Q6_K": [208], "TQ1_0": [52], "TQ2_0": [64],
    "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108], "Q5_K": [0, 2], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}

draw = np.random.default_rng(20261121)
for name, offsets in {"F32": [], **HALVES}.items():
    kind = gguf.GGMLQuantizationType[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    count = BLOCKS if values > 1 else 16
    blocks = draw.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in offsets:
        # The highest exponent is infinity's and NaN's: clear one of its bits.
        blocks[:, offset + 1] &= 0xBF
    if name == "F32":
        blocks[:, 3] &= 0xBF
    floats = np.ascontiguousarray(gguf.quants.dequantize(blocks, kind).reshape(-1), dtype="<f4")
    assert np.isfinite(floats).all(), name
    header = np.array([int(kind), blocks.size, floats.size], dtype="<u4")
    sys.stdout.buffer.write(header.tobytes() + blocks.tobytes() + floats.tobytes())
