"""Writes cases/: architectures and types of weights together, and the shape of the smallest public Llama, with the package gguf; and
cases.json: what llama.cpp says of the same numbers as F32.

    python make_cases.py    (gguf 0.19.0, numpy, sentencepiece 0.2.3, xllamacpp 2026.10)

llama.cpp knows neither I2_S (bitnet.cpp's ternary codes, number 36) nor the architecture 'bitnet-b1.58': it is asked about the floats, and
about 'bitnet', whose gate is the same where the file says so. Byte tokens are plain texts for it, because its server gives no
probability of a token that is half a character.
"""

import io
import json
import math
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import sentencepiece

import make
import make_types

HERE = Path(__file__).parent
I2_S = 36
KEYS = {
    "bitnet": [("rope.scaling.type", "linear"), ("rope.scaling.factor", 1.0)],
    "bitnet-b1.58": [("hidden_activation", "silu")],
}
# Architecture, type of the matrices, columns; features of the architecture, the rule that splits text.
CASES = {
    "qwen3 in Q1_0": ("qwen3", "Q1_0", 256, ["head norms"], "qwen2"),
    "qwen3 in Q2_0": ("qwen3", "Q2_0", 128, ["head norms"], "qwen2"),
    "qwen3 in Q2_0, blocks of 128": ("qwen3", "Q2_0-128", 256, ["head norms"], "qwen2"),
    "qwen3 in Q4_K": ("qwen3", "Q4_K", 256, ["head norms"], "qwen2"),
    "qwen2 in Q1_0": ("qwen2", "Q1_0", 128, ["biases"], "qwen2"),
    "qwen2 in IQ4_NL": ("qwen2", "IQ4_NL", 32, ["biases"], "qwen2"),
    "llama with frequencies in Q1_0": ("llama", "Q1_0", 128, ["frequencies"], "llama-bpe"),
    "llama with frequencies in IQ4_XS": ("llama", "IQ4_XS", 256, ["frequencies"], "llama-bpe"),
    "gemma3 in Q2_0": ("gemma3", "Q2_0", 64, ["head norms", "outer norms"], "llama-bpe"),
    "gemma3 in MXFP4": ("gemma3", "MXFP4", 32, ["head norms", "outer norms"], "llama-bpe"),
    "bitnet in TQ1_0": ("bitnet", "TQ1_0", 256, ["sub norms", "scales"], "llama-bpe"),
    "bitnet in TQ2_0": ("bitnet", "TQ2_0", 256, ["sub norms", "scales"], "llama-bpe"),
    "bitnet-b1.58 in I2_S": ("bitnet-b1.58", "I2_S", 128, ["sub norms"], "llama-bpe"),
    "falcon-e in I2_S": ("llama", "I2_S", 128, [], "falcon_e"),
}


def i2s(rows, cols, spread, r):
    """Codes of a whole matrix, the first 32 of 128 in the highest bits; one scale behind."""
    codes = r.integers(-1, 2, (rows, cols))
    quarters = (codes.reshape(-1, 4, 32) + 1).astype(np.uint8)
    packed = quarters[:, 0] << 6 | quarters[:, 1] << 4 | quarters[:, 2] << 2 | quarters[:, 3]
    tail = np.concatenate([np.array([spread], "<f4").view(np.uint8), np.zeros(28, np.uint8)])
    return np.concatenate([packed.astype(np.uint8).ravel(), tail]), (codes * np.float32(spread)).astype(np.float32)


class Writer(gguf.GGUFWriter):
    """The package knows no I2_S: its bytes go in as they are, with the shape beside them."""

    def add_i2s(self, name, data, shape):
        self.add_tensor_info(name, shape, np.dtype(np.float32), data.nbytes, raw_dtype=I2_S)
        self.tensors[-1][name].tensor = data


def numbers(path, arch, d, ff, heads, kv, head_dim, blocks, keys):
    w = Writer(path, arch)
    make.add_shape(w, arch, d, ff, heads, kv, head_dim, blocks)
    for name, value in keys:
        (w.add_string if isinstance(value, str) else w.add_float32)(f"{arch}.{name}", value)
    return w


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def byte_pairs(w, pre):
    tokens, kinds, merges = make.vocabulary()
    w.add_vocab_size(len(tokens))
    w.add_tokenizer_model("gpt2")
    if pre:
        w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types(kinds)
    w.add_token_merges(merges)
    w.add_bos_token_id(132)
    w.add_eos_token_id(134)
    w.add_add_bos_token(False)


class Leaning:
    """Codes of two bits around 0, and few of the fourth value: else all weights lean to one side, and so do the tokens."""

    def __init__(self, r):
        self.r = r

    def random(self, shape):
        return self.r.random(shape)

    def integers(self, low, high, shape):
        return self.r.choice(4, shape, p=[0.35, 0.3, 0.3, 0.05])


def stored(kind, rows, cols, gain, r):
    if kind.startswith("Q2_0") and cols % make_types.CODES[kind][1] == 0:
        return make_types.stored(kind, rows, cols, gain, Leaning(r))
    if kind == "I2_S":
        blocks, floats = i2s(rows, cols, gain / math.sqrt(cols), r)
        return blocks, floats, I2_S
    return make_types.stored(kind, rows, cols, gain, r)


def tensors_of(arch, kind, d, features, seed):
    """By name: what the file stores and of which type, and the floats."""
    family = "llama" if arch.startswith("bitnet") else arch
    make.D, make.FF = d, 128 if kind == "I2_S" else 64
    # In llama.cpp's qwen2 and bitnet the heads are as wide together as the residuals; I2_S wants rows of 128.
    make.HEADS["qwen2"] = (d // make.HEAD_DIM, 1)
    make.HEADS["llama"] = make.HEADS["qwen2"] if arch.startswith("bitnet") or kind == "I2_S" else (2, 1)
    shapes = make.draw(seed, family, features)
    heads, _ = make.HEADS[family]
    r, own, floats = np.random.default_rng(seed), {}, {}
    if "sub norms" in features:
        norm = lambda size: (1 + 0.1 * r.standard_normal(size)).astype(np.float32)
        shapes |= {"blk.0.attn_sub_norm.weight": norm(heads * make.HEAD_DIM), "blk.0.ffn_sub_norm.weight": norm(make.FF)}
    if "frequencies" in features:
        shapes["rope_freqs.weight"] = make.llama3_frequencies()
    for name, values in shapes.items():
        if values.ndim == 1:
            own[name] = floats[name] = (values, None)
            continue
        as_codes = "token_embd" not in name or kind != "I2_S"
        # Less of the token itself in a tied head, more of what the block adds: else a token follows itself.
        share = 0.2 if "embd" in name else 4 if "output" in name or "down" in name else 1
        if arch == "gemma3":
            # llama.cpp looks GELU up in a table of 16-bit floats: the more a block adds, the more its roundings do.
            share = 1
        gain = share * float(values.std() * math.sqrt(values.shape[1]))
        blocks, same, number = stored(kind if as_codes else "Q4_0", *values.shape, gain, r)
        own[name], floats[name] = (blocks, number), (same, None)
        if "scales" in features and name.startswith("blk."):
            own[name.replace(".weight", ".scale")] = floats[name.replace(".weight", ".scale")] = (np.array([1.25], np.float32), None)
    return own, floats


def write(path, arch, d, tensors, keys, pre):
    family = "llama" if arch.startswith("bitnet") else arch
    w = numbers(path, arch, d, make.FF, *make.HEADS[family], make.HEAD_DIM, make.BLOCKS.get(arch, 1), keys)
    byte_pairs(w, pre)
    for name, (values, kind) in tensors.items():
        if kind == I2_S:
            # All columns are 128, those of the residuals, the heads and the feed-forward part.
            w.add_i2s(name, values, ((values.size - 32) * 4 // 128, 128))
        else:
            w.add_tensor(name, values, raw_dtype=kind if values.dtype == np.uint8 else None)
    finish(w)


def stories():
    """The shape of karpathy's stories260K: 64 wide, 5 blocks, 8 heads and 4 of keys, 172 and 512 tokens."""
    d, ff, heads, kv, head_dim, blocks, count = 64, 172, 8, 4, 8, 5, 512
    corpus = ["once upon a time there was a little girl named lily. she loved to play with her red ball in the park.", make.PROMPT] * 8
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_writer=out, vocab_size=360, model_type="bpe", byte_fallback=True, character_coverage=1.0,
        hard_vocab_limit=False, minloglevel=2, normalization_rule_name="identity", remove_extra_whitespaces=False,
    )
    p = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    texts = [p.id_to_piece(i) for i in range(p.get_piece_size())]
    kinds = [2 if p.is_unknown(i) else 3 if p.is_control(i) else 6 if p.is_byte(i) else 1 for i in range(len(texts))]
    scores = [p.get_score(i) for i in range(len(texts))]
    while len(texts) < count:
        scores.append(float(-len(texts)))
        texts.append(f"\u2581q{len(texts)}")
        kinds.append(1)
    r = np.random.default_rng(260)
    norm = lambda: (1 + 0.1 * r.standard_normal(d)).astype(np.float32)
    shapes = {"attn_q": (heads * head_dim, d), "attn_k": (kv * head_dim, d), "attn_v": (kv * head_dim, d), "attn_output": (d, heads * head_dim)}
    shapes |= {"ffn_gate": (ff, d), "ffn_up": (ff, d), "ffn_down": (d, ff)}
    own, floats = {}, {}

    def add(name, rows, cols, gain):
        blocks, same, kind = make_types.stored("Q4_0" if cols % 32 == 0 else "F16", rows, cols, gain, r)
        own[name], floats[name] = (blocks, kind), (same, None)

    add("token_embd.weight", count, d, 0.2 * math.sqrt(d))
    for block in range(blocks):
        for name, (rows, cols) in shapes.items():
            add(f"blk.{block}.{name}.weight", rows, cols, 3 if name in ("attn_output", "ffn_down") else 2)
        for name in ["attn_norm", "ffn_norm"]:
            own[f"blk.{block}.{name}.weight"] = floats[f"blk.{block}.{name}.weight"] = (norm(), None)
    own["output_norm.weight"] = floats["output_norm.weight"] = (norm(), None)

    def to(path, tensors, kinds):
        w = numbers(path, "llama", d, ff, heads, kv, head_dim, blocks, [])
        w.add_vocab_size(count)
        w.add_tokenizer_model("llama")
        w.add_token_list(texts)
        w.add_token_scores(scores)
        w.add_token_types(kinds)
        w.add_bos_token_id(1)
        w.add_eos_token_id(2)
        for name, (values, kind) in tensors.items():
            w.add_tensor(name, values, raw_dtype=kind if values.dtype == np.uint8 else None)
        finish(w)

    return own, floats, kinds, to


def main():
    (HERE / "cases").mkdir(exist_ok=True)
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.gguf"
        own, floats, kinds, to = stories()
        to(HERE / "cases" / "stories260k.gguf", own, kinds)
        to(case, floats, [1 if kind == 6 else kind for kind in kinds])
        text = "once upon a time there was a red ball"
        expected["stories260k"] = {"file": "stories260k", "text": text} | make.ask(case, text, len(kinds))
        for seed, (name, (arch, kind, d, features, pre)) in enumerate(CASES.items(), 40):
            own, floats = tensors_of(arch, kind, d, features, seed)
            if kind in make_types.CODES:
                number, values, bits = make_types.CODES[kind]
                gguf.GGML_QUANT_SIZES[number] = (values, 2 + values * bits // 8)
            file = name.replace(" ", "-").replace(",", "")
            # What bitnet.cpp's converter leaves out.
            write(HERE / "cases" / f"{file}.gguf", arch, d, own, KEYS.get(arch, []), pre)
            known = "bitnet" if arch.startswith("bitnet") else arch
            write(case, known, d, floats, KEYS.get(arch, []) if known == arch else [], "llama-bpe" if pre == "falcon_e" else pre)
            found = {"file": file, "text": make.PROMPT, "architecture": arch, "type": kind.removesuffix("-128")}
            expected[name] = found | make.ask(case, make.PROMPT, make.VOCABULARY)
            print(name, expected[name]["greedy"], file=sys.stderr)
    (HERE / "cases.json").write_text(json.dumps(expected, separators=(",", ":")).replace("]},", "]},\n") + "\n")


if __name__ == "__main__":
    main()
