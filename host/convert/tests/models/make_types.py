"""Writes types/: one small Llama per type of weights with the package gguf, and types.json: what llama.cpp says of the same numbers as F32;
and structure/: the Llama in F16 with tensors at other places of the file.

    python make_types.py    (gguf 0.19.0, numpy, xllamacpp 2026.10)

The package quantizes some types itself. Of the others it reads the blocks alone: theirs are drawn, with scales that make the weights as
large as they should be. It knows no numbers of Q1_0 and Q2_0, whose blocks are a scale of 16 bits and a code a weight: weight = (code - 1)
* scale, in Q1_0 code 0 or 2. All matrices with enough columns have the type; the two with 32 columns have Q4_0 where blocks are longer.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

import make

HERE = Path(__file__).parent
PIECES = [*"abcdefghijklmnopqrstuvwxyz\u0120,.", "th"]
PROMPT = "she was seven years old in june, and it is not what they said."
HEAD_DIM, HEADS, KV_HEADS, FF, NARROW = 16, 2, 1, 32, 32

# Bytes of a block's first number of 16 bits and of its second; what the second is to the first, so that weights are around 0.
DRAWN = {
    "Q2_K": ([80, 82], 1.5), "Q3_K": ([108], 0), "Q4_K": ([0, 2], 7.5), "Q5_K": ([0, 2], 15.5), "Q6_K": ([208], 0),
    "IQ4_NL": ([0], 0), "IQ4_XS": ([0], 0),
}
# The number, values of a block, and bits of a code.
CODES = {"Q1_0": (41, 128, 1), "Q2_0": (42, 64, 2), "Q2_0-128": (42, 128, 2)}
QUANTIZED = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4", "TQ1_0", "TQ2_0", "F16", "BF16"]
NAMES = [*QUANTIZED, *DRAWN, *CODES]


def block_values(name):
    return CODES[name][1] if name in CODES else gguf.GGML_QUANT_SIZES[T[name]][0]


def drawn(name, rows, cols, spread, r):
    """Blocks of random bits, and their floats."""
    kind = T[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = r.integers(0, 256, (rows * cols // values, size), dtype=np.uint8)
    (places, ratio), number = DRAWN[name], lambda value: np.array([value], "<f2").view(np.uint8)
    factors = 0.5 + r.random(len(blocks))

    def scaled(unit):
        for block, factor in zip(blocks, factors):
            for place, own in zip(places, (1, ratio)):
                block[place : place + 2] = number(unit * factor * own)
        return quants.dequantize(blocks, kind)

    floats = scaled(spread / scaled(1.0).std())
    return blocks.reshape(rows, -1), floats.reshape(rows, cols).astype(np.float32)


def coded(name, rows, cols, spread, r):
    """Codes behind their scale, the lowest bits first, and their floats."""
    number, values, bits = CODES[name]
    codes = r.integers(0, 2**bits, (rows * cols // values, values))
    scales = (spread * (0.5 + r.random((len(codes), 1)))).astype("<f2")
    per_byte = 8 // bits
    packed = sum(codes[:, i::per_byte] << bits * i for i in range(per_byte)).astype(np.uint8)
    blocks = np.concatenate([scales.view(np.uint8).reshape(-1, 2), packed], axis=1)
    weights = codes * 2 - 1 if bits == 1 else codes - 1
    return blocks.reshape(rows, -1), (weights * scales.astype(np.float32)).reshape(rows, cols).astype(np.float32)


def stored(name, rows, cols, gain, r):
    """Blocks, the number of their type, and their floats; of values that are quantized, if the package does that."""
    spread = gain / math.sqrt(cols)
    if block_values(name) > cols:
        name = "Q4_0"
    if name in CODES:
        return (*coded(name, rows, cols, spread, r), CODES[name][0])
    if name in DRAWN:
        return (*drawn(name, rows, cols, spread, r), T[name])
    values = (spread * r.standard_normal((rows, cols))).astype(np.float32)
    if name == "F16":
        return values.astype(np.float16), values.astype(np.float16).astype(np.float32), T.F16
    blocks = quants.quantize(values, T[name])
    return blocks, quants.dequantize(blocks, T[name]).astype(np.float32), T[name]


def model(name, seed):
    """Tensors of the file, and as F32."""
    r = np.random.default_rng(seed)
    # A row of codes has two blocks, so that its scales are the blocks' own.
    d = max(NARROW, block_values(name) * (2 if name in CODES or name.startswith("TQ") else 1))
    norm = lambda size: (1 + 0.1 * r.standard_normal(size)).astype(np.float32)
    shapes = {
        "token_embd": (len(PIECES) + len(make.SPECIALS), d, 0.2 * math.sqrt(d)),
        "blk.0.attn_q": (HEADS * HEAD_DIM, d, 3),
        "blk.0.attn_k": (KV_HEADS * HEAD_DIM, d, 3),
        "blk.0.attn_v": (KV_HEADS * HEAD_DIM, d, 2),
        "blk.0.attn_output": (d, HEADS * HEAD_DIM, 4),
        "blk.0.ffn_gate": (FF, d, 2),
        "blk.0.ffn_up": (FF, d, 2),
        "blk.0.ffn_down": (d, FF, 3),
    }
    own, floats = {}, {}
    for tensor, shape in shapes.items():
        blocks, values, kind = stored(name, *shape, r)
        own[tensor + ".weight"], floats[tensor + ".weight"] = (blocks, kind), (values, None)
    for tensor in ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"]:
        own[tensor + ".weight"] = floats[tensor + ".weight"] = (norm(d), None)
    return d, own, floats


def write_shape(w, d, heads):
    w.add_name("a tiny model of our own")
    w.add_block_count(1)
    w.add_context_length(256)
    w.add_embedding_length(d)
    w.add_feed_forward_length(FF)
    w.add_head_count(heads)
    w.add_head_count_kv(KV_HEADS)
    w.add_key_length(HEAD_DIM)
    w.add_value_length(HEAD_DIM)
    w.add_rope_dimension_count(HEAD_DIM)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(10000.0)


def write_tokens(w, pre):
    tokens = PIECES + make.SPECIALS
    w.add_vocab_size(len(tokens))
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types([1] * len(PIECES) + [3] * len(make.SPECIALS))
    w.add_token_merges(["t h"])
    w.add_bos_token_id(len(PIECES))
    w.add_eos_token_id(len(tokens) - 1)
    w.add_add_bos_token(False)


def write(path, d, tensors, alignment=None):
    w = gguf.GGUFWriter(path, "llama")
    if alignment:
        w.add_custom_alignment(alignment)
    write_shape(w, d, HEADS)
    write_tokens(w, "llama-bpe")
    for name, (values, kind) in tensors.items():
        w.add_tensor(name, values, raw_dtype=kind if values.dtype == np.uint8 else None)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    (HERE / "types").mkdir(exist_ok=True)
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed, name in enumerate(NAMES, 1):
            d, own, floats = model(name, seed)
            if name in CODES:
                # The package asks this table alone what a block is; two types of one number need it one after the other.
                number, values, bits = CODES[name]
                gguf.GGML_QUANT_SIZES[number] = (values, 2 + values * bits // 8)
            write(HERE / "types" / f"{name}.gguf", d, own)
            write(Path(folder) / "case.gguf", d, floats)
            expected[name] = make.ask(Path(folder) / "case.gguf", PROMPT, len(PIECES) + len(make.SPECIALS))
            print(name, expected[name]["greedy"], file=sys.stderr)
            if name == "F16":
                (HERE / "structure").mkdir(exist_ok=True)
                for alignment in (64, 4096):
                    write(HERE / "structure" / f"alignment-{alignment}.gguf", d, own, alignment)
                write(HERE / "structure" / "reversed.gguf", d, dict(reversed(own.items())))
    (HERE / "types.json").write_text(json.dumps(expected, separators=(",", ":")).replace("]},", "]},\n") + "\n")
