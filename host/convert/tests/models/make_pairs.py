"""Writes pairs/: one small model per architecture and type of weights with the package gguf, and pairs.json: what llama.cpp says of the
same numbers as F32. types/ has the same of a Llama.

    python make_pairs.py    (gguf 0.19.0, numpy, xllamacpp 2026.10)

A type's matrices are drawn by the type's own seed: models of one type have many blocks in common, and git stores them once.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

import make
import make_cases
import make_types

HERE = Path(__file__).parent
# Keys beside those of a Llama; the rule that splits text; heads as wide together as the residuals, as llama.cpp wants them.
ARCHITECTURES = {
    "qwen2": ([], "qwen2", True),
    "qwen3": ([], "qwen2", False),
    "gemma3": ([("attention.sliding_window", 16)], "llama-bpe", False),
    "bitnet": (make_cases.KEYS["bitnet"], "llama-bpe", True),
}
NAMES = [*make_types.NAMES, "I2_S"]
HEAD_DIM, KV_HEADS, FF = make_types.HEAD_DIM, make_types.KV_HEADS, make_types.FF


def stored(name, rows, cols, gain, r):
    if name == "I2_S" and cols % 128 == 0:
        return (*make_cases.i2s(rows, cols, gain / math.sqrt(cols), r), make_cases.I2_S)
    return make_types.stored("Q4_0" if name == "I2_S" else name, rows, cols, gain, r)


def model(arch, name, seed):
    """Width and heads, the tensors of the file, and as F32."""
    _, _, is_square = ARCHITECTURES[arch]
    d = 128 if name == "I2_S" else max(make_types.NARROW, make_types.block_values(name))
    heads = d // HEAD_DIM if is_square else make_types.HEADS
    # Rows of the matrices, columns, what a row adds: less in a Gemma, for llama.cpp looks its GELU up in a table of 16-bit floats.
    gate, added = (1, 0.5) if arch == "gemma3" else (2, 3)
    shapes = {
        "token_embd": (len(make_types.PIECES) + len(make.SPECIALS), d, 0.2 * math.sqrt(d)),
        "blk.0.attn_k": (KV_HEADS * HEAD_DIM, d, 3),
        "blk.0.attn_v": (KV_HEADS * HEAD_DIM, d, 2),
        "blk.0.ffn_gate": (FF, d, gate),
        "blk.0.ffn_up": (FF, d, 2),
        "blk.0.ffn_down": (d, FF, added),
        "blk.0.attn_q": (heads * HEAD_DIM, d, 3),
        "blk.0.attn_output": (d, heads * HEAD_DIM, added),
    }
    own, floats = {}, {}
    for at, (tensor, shape) in enumerate(shapes.items()):
        blocks, values, kind = stored(name, *shape, np.random.default_rng([seed, at]))
        own[tensor + ".weight"], floats[tensor + ".weight"] = (blocks, kind), (values, None)
    r = np.random.default_rng(seed)
    norms = {"output_norm": d, "blk.0.attn_norm": d, "blk.0.ffn_norm": d}
    if arch in ("qwen3", "gemma3"):
        norms |= {"blk.0.attn_q_norm": HEAD_DIM, "blk.0.attn_k_norm": HEAD_DIM}
    if arch == "gemma3":
        norms |= {"blk.0.post_attention_norm": d, "blk.0.post_ffw_norm": d}
    if arch == "bitnet":
        norms |= {"blk.0.attn_sub_norm": heads * HEAD_DIM, "blk.0.ffn_sub_norm": FF}
    for tensor, size in norms.items():
        # What stands behind this norm carries those roundings.
        mean = 0.25 if tensor == "blk.0.post_ffw_norm" else 1
        own[tensor + ".weight"] = floats[tensor + ".weight"] = ((mean + 0.1 * r.standard_normal(size)).astype(np.float32), None)
    if arch == "qwen2":
        for tensor, size in {"attn_q": heads * HEAD_DIM, "attn_k": KV_HEADS * HEAD_DIM, "attn_v": KV_HEADS * HEAD_DIM}.items():
            own[f"blk.0.{tensor}.bias"] = floats[f"blk.0.{tensor}.bias"] = (r.standard_normal(size).astype(np.float32), None)
    return d, heads, {tensor: shape[:2] for tensor, shape in shapes.items()}, own, floats


def write(path, arch, d, heads, shapes, tensors):
    keys, pre, _ = ARCHITECTURES[arch]
    w = make_cases.Writer(path, arch)
    make_types.write_shape(w, d, heads)
    for name, value in keys:
        add = w.add_string if isinstance(value, str) else w.add_uint32 if isinstance(value, int) else w.add_float32
        add(f"{arch}.{name}", value)
    make_types.write_tokens(w, pre)
    for name, (values, kind) in tensors.items():
        if kind == make_cases.I2_S:
            w.add_i2s(name, values, shapes[name.removesuffix(".weight")])
        else:
            w.add_tensor(name, values, raw_dtype=kind if values.dtype == np.uint8 else None)
    make_cases.finish(w)


def main():
    (HERE / "pairs").mkdir(exist_ok=True)
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.gguf"
        for arch in ARCHITECTURES:
            for seed, name in enumerate(NAMES, 100):
                d, heads, shapes, own, floats = model(arch, name, seed)
                if name in make_types.CODES:
                    # The package asks this table alone what a block is; two types of one number need it one after the other.
                    number, values, bits = make_types.CODES[name]
                    gguf.GGML_QUANT_SIZES[number] = (values, 2 + values * bits // 8)
                pair = f"{arch}-in-{name}"
                write(HERE / "pairs" / f"{pair}.gguf", arch, d, heads, shapes, own)
                write(case, arch, d, heads, shapes, floats)
                expected[pair] = {"architecture": arch, "type": name} | make.ask(case, make_types.PROMPT, 33)
                print(pair, expected[pair]["greedy"], file=sys.stderr)
    (HERE / "pairs.json").write_text(json.dumps(expected, separators=(",", ":")).replace("]},", "]},\n") + "\n")


if __name__ == "__main__":
    main()
