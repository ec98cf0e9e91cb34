"""Writes the small models beside this file with the package gguf, and what llama.cpp (the package xllamacpp) says of them.

    python make.py    (gguf 0.19.0, numpy, xllamacpp 2026.10)

All weights are drawn here. They are stored as Q8_0; llama.cpp is asked about the same numbers as F32, with a cache of F32, so that only
the order of additions differs. expected.json: for every case its file, the keys that the test adds to it, the prompt's tokens, the eight
likeliest tokens that follow one after another, and the logarithms of all probabilities behind the prompt.
"""

import json
import math
import sys
import tempfile
import urllib.request
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

HERE = Path(__file__).parent
D, HEAD_DIM, FF, CONTEXT = 32, 16, 64, 256
# Query heads and key heads; only a qwen3's are wider together than its residuals.
HEADS = {"llama": (2, 1), "qwen2": (2, 1), "qwen3": (4, 2), "gemma3": (2, 1)}
# A Gemma 3 has one block in six that attends to all positions.
BLOCKS = {"gemma3": 6}
SPECIALS = ["<|begin|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY = 135
PROMPT = "She was 1234567 years old in 1999, and it is not what they said."


def vocabulary():
    """The bytes of ASCII in GPT-2's alphabet, a few merges, three control tokens: every token is a whole character, as the server
    gives probabilities of whole characters alone."""
    odd = iter(range(256, 512))
    tokens = [chr(byte) if 33 <= byte < 127 else chr(next(odd)) for byte in range(128)]
    tokens += ["er", "as", "in", "th"] + SPECIALS
    return tokens, [1] * 132 + [3] * 3, ["e r", "a s", "i n", "t h"]


def permuted(rows, heads):
    """Rows as the llama architecture keeps them: the two of every rotated pair side by side."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def draw(seed, arch, features):
    heads, kv = HEADS[arch]
    r = np.random.default_rng(seed)
    matrix = lambda rows, cols, gain: (gain * r.standard_normal((rows, cols)) / math.sqrt(cols)).astype(np.float32)
    norm = lambda size: (1 + 0.1 * r.standard_normal(size)).astype(np.float32)
    tensors = {"token_embd.weight": matrix(VOCABULARY, D, math.sqrt(D))}
    for i in range(BLOCKS.get(arch, 1)):
        p = f"blk.{i}."
        tensors |= {
            p + "attn_norm.weight": norm(D),
            p + "attn_q.weight": matrix(heads * HEAD_DIM, D, 3),
            p + "attn_k.weight": matrix(kv * HEAD_DIM, D, 3),
            p + "attn_v.weight": matrix(kv * HEAD_DIM, D, 2),
            p + "attn_output.weight": matrix(D, heads * HEAD_DIM, 2),
            p + "ffn_norm.weight": norm(D),
            p + "ffn_gate.weight": matrix(FF, D, 1),
            p + "ffn_up.weight": matrix(FF, D, 1),
            p + "ffn_down.weight": matrix(D, FF, 1),
        }
        if "biases" in features:
            sizes = {"attn_q": heads * HEAD_DIM, "attn_k": kv * HEAD_DIM, "attn_v": kv * HEAD_DIM}
            if "output bias" in features:
                sizes["attn_output"] = D
            tensors |= {f"{p}{name}.bias": r.standard_normal(size).astype(np.float32) for name, size in sizes.items()}
        if "head norms" in features:
            tensors |= {p + "attn_q_norm.weight": norm(HEAD_DIM) * 2, p + "attn_k_norm.weight": norm(HEAD_DIM) * 2}
        if "outer norms" in features:
            tensors |= {p + "post_attention_norm.weight": norm(D), p + "post_ffw_norm.weight": norm(D)}
    tensors["output_norm.weight"] = norm(D)
    return tensors


def add_shape(w, arch, d, ff, heads, kv, head_dim, blocks):
    w.add_name("a tiny model of our own")
    w.add_block_count(blocks)
    w.add_context_length(CONTEXT)
    w.add_embedding_length(d)
    w.add_feed_forward_length(ff)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_key_length(head_dim)
    w.add_value_length(head_dim)
    w.add_rope_dimension_count(head_dim)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_rope_freq_base(1000000.0 if arch == "gemma3" else 10000.0)
    if arch == "gemma3":
        w.add_sliding_window(16)


def write(path, arch, tensors, keys, as_f32, **split):
    w = gguf.GGUFWriter(path, arch, **split)
    add_shape(w, arch, D, FF, *HEADS[arch], HEAD_DIM, BLOCKS.get(arch, 1))
    tokens, kinds, merges = vocabulary()
    w.add_vocab_size(len(tokens))
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2" if arch.startswith("qwen") else "llama-bpe")
    w.add_token_list(tokens)
    w.add_token_types(kinds)
    w.add_token_merges(merges)
    w.add_bos_token_id(132)
    w.add_eos_token_id(134)
    w.add_add_bos_token(False)
    for name, value in keys:
        (w.add_string if isinstance(value, str) else w.add_uint32 if isinstance(value, int) else w.add_float32)(f"{arch}.{name}", value)
    for name, values in tensors.items():
        if values.ndim == 1:
            w.add_tensor(name, values)
            continue
        blocks = quants.quantize(values, T.Q8_0)
        if as_f32:
            w.add_tensor(name, quants.dequantize(blocks, T.Q8_0).astype(np.float32))
        else:
            w.add_tensor(name, blocks, raw_dtype=T.Q8_0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def llama3_frequencies(base=10000.0, factor=8.0, low=1.0, high=4.0, original=64):
    """As `LlamaModel.generate_extra_tensors` of llama.cpp's converter."""
    out = []
    for i in range(HEAD_DIM // 2):
        wavelength = 2 * math.pi * base ** (2 * i / HEAD_DIM)
        if wavelength < original / high:
            out.append(1.0)
        elif wavelength > original / low:
            out.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(out, np.float32)


def ask(path, text=PROMPT, vocabulary=VOCABULARY):
    import xllamacpp as x

    p = x.CommonParams()
    p.model.path = str(path)
    p.n_ctx, p.n_parallel, p.warmup, p.port, p.verbosity, p.fit_params = CONTEXT, 1, False, 18970, -1, False
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    p.cache_type_k = p.cache_type_v = x.ggml_type.GGML_TYPE_F32
    p.flash_attn_type = x.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = x.Server(p)

    def post(route, body):
        request = urllib.request.Request(server.listening_address + route, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.loads(urllib.request.urlopen(request).read())

    prompt = post("/tokenize", {"content": text, "add_special": True, "parse_special": True})["tokens"]
    taken, logs = list(prompt), None
    for _ in range(8):
        found = post("/completion", {"prompt": taken, "n_predict": 1, "temperature": 0, "n_probs": vocabulary, "cache_prompt": False})
        if "completion_probabilities" not in found:
            sys.exit(f"no probabilities: {found}")
        top = found["completion_probabilities"][0]["top_logprobs"]
        logs = logs or {entry["id"]: entry["logprob"] for entry in top}
        taken.append(max(top, key=lambda entry: entry["logprob"])["id"])
    assert len(logs) == vocabulary, len(logs)
    return {"prompt": prompt, "greedy": taken[len(prompt) :], "logs": [float(f"{logs[at]:.6g}") for at in range(vocabulary)]}


def llama(tensors):
    rows = dict(zip(("attn_q", "attn_k"), HEADS["llama"]))
    heads = lambda name: rows.get(name.split(".")[2] if name.startswith("blk") and "norm" not in name else "", 0)
    return {name: permuted(values, heads(name)) if heads(name) else values for name, values in tensors.items()}


def pieces():
    """A vocabulary of SentencePiece's, and what the package sentencepiece makes of some texts."""
    import io

    import sentencepiece

    corpus = [PROMPT, "Stra\u00dfe, na\u00efve caf\u00e9", "def add(a, b):\n    return a + b", "the quick brown fox jumps over the lazy dog"] * 8
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus), model_writer=out, vocab_size=340, model_type="bpe", byte_fallback=True, character_coverage=1.0,
        hard_vocab_limit=False, minloglevel=2, normalization_rule_name="identity", remove_extra_whitespaces=False,
    )
    (HERE / "tokenizer.model").write_bytes(out.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    texts = [PROMPT, "  two  spaces ", "caf\u00e9 \u00df", "\u4f60\u597d \U0001f600", "a\n\tb", "don't", "<s> is text", " "]
    entries = [{"text": text, "tokens": processor.encode(text)} for text in texts]
    (HERE / "pieces.json").write_text(json.dumps({"count": processor.get_piece_size(), "texts": entries}) + "\n")


FILES = {
    "llama": ("llama", llama(draw(1, "llama", []))),
    "llama-biases": ("llama", llama(draw(2, "llama", ["biases", "output bias"]))),
    "llama-frequencies": ("llama", llama(draw(1, "llama", [])) | {"rope_freqs.weight": llama3_frequencies()}),
    "qwen2": ("qwen2", draw(3, "qwen2", ["biases"])),
    "qwen3": ("qwen3", draw(4, "qwen3", ["head norms"])),
    "gemma3": ("gemma3", draw(5, "gemma3", ["head norms", "outer norms"])),
}
YARN = [("rope.scaling.type", "yarn"), ("rope.scaling.factor", 4.0), ("rope.scaling.original_context_length", 64)]
CASES = {
    "llama": ("llama", []),
    "llama-biases": ("llama-biases", []),
    "llama-frequencies": ("llama-frequencies", []),
    "qwen2": ("qwen2", []),
    "qwen3": ("qwen3", []),
    "linear": ("llama", [("rope.scaling.type", "linear"), ("rope.scaling.factor", 4.0)]),
    "a factor without a type": ("llama", [("rope.scaling.factor", 4.0)]),
    "the old key of a factor": ("llama", [("rope.scale_linear", 4.0)]),
    "a factor of 1": ("llama", [("rope.scaling.type", "linear"), ("rope.scaling.factor", 1.0)]),
    "the type none": ("llama", [("rope.scaling.type", "none"), ("rope.scaling.factor", 4.0)]),
    "scores that grow": ("llama", [("rope.scaling.attn_factor", 1.3)]),
    "yarn": ("llama", YARN),
    "yarn and scores that grow": ("qwen3", YARN + [("rope.scaling.attn_factor", 1.1), ("rope.scaling.yarn_beta_fast", 8.0)]),
    "gemma3": ("gemma3", []),
    "gemma3, stretched": ("gemma3", [("rope.scaling.type", "linear"), ("rope.scaling.factor", 8.0)]),
    "frequencies and a factor": ("llama-frequencies", [("rope.scaling.type", "linear"), ("rope.scaling.factor", 2.0)]),
}

if __name__ == "__main__":
    for name, (arch, tensors) in FILES.items():
        write(HERE / f"{name}.gguf", arch, tensors, [], as_f32=False)
    # The first part holds the keys alone; the package numbers the parts in the names.
    arch, tensors = FILES["llama"]
    write(HERE / "parts.gguf", arch, tensors, [], as_f32=False, split_max_tensors=6, small_first_shard=True)
    pieces()
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, keys) in CASES.items():
            arch, tensors = FILES[file]
            path = Path(folder) / "case.gguf"
            write(path, arch, tensors, keys, as_f32=True)
            expected[name] = {"file": file, "keys": [[f"{arch}.{key}", value] for key, value in keys]} | ask(path)
            print(name, expected[name]["greedy"], file=sys.stderr)
    (HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")).replace('"},"', '"},\n"').replace("]},", "]},\n") + "\n")
