"""Compares a converted model with llama.cpp (the packages llama-cpp-python, gguf, numpy) on the same GGUF file.

    python peer.py f32 IN.gguf OUT.gguf        the file with every tensor dequantized to F32
    python peer.py reference F32.gguf TEXT OUT.json EVERY
                                               what the tests of real models compare with: every so manieth logit behind each
                                               prompt, and a hash of the tokens of TEXT
    python peer.py tokens IN.gguf TEXT OUT     the tokens of each piece of the text, one line a piece
    python peer.py logits F32.gguf TOKENS OURS the largest difference of the logits behind TOKENS, relative to the
                                               largest logit; OURS is what the example 'logits' wrote

TEXT is what `cargo run --release -p nda-convert --example tokens -- TEXT` writes.
"""

import json
import sys

import numpy as np

PIECE = 400  # characters of a piece: a difference is found without reading a megabyte
PROMPTS = [
    "The capital of France is",
    "def add(a, b):\n    return",
    "Once upon a time there was a little girl who lived in a village near the forest. Every day she went to see her",
]


def dequantize(source: str, target: str) -> None:
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        sub = field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)
    for tensor in reader.tensors:
        shape = tuple(int(n) for n in reversed(tensor.shape))
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
        writer.add_tensor(tensor.name, np.ascontiguousarray(values, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def fnv(ids: list[int]) -> str:
    """FNV-1a of 64 bits over the numbers as 32 bits, little endian."""
    value = 0xCBF29CE484222325
    for byte in np.asarray(ids, dtype="<u4").tobytes():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def pieces(source: str) -> list[bytes]:
    with open(source, encoding="utf-8", newline="") as file:
        whole = file.read()
    return [whole[at : at + PIECE].encode() for at in range(0, len(whole), PIECE)]


def tokens(model: str, source: str, target: str) -> None:
    import llama_cpp

    peer = llama_cpp.Llama(model, vocab_only=True, verbose=False)
    with open(target, "w") as out:
        for piece in pieces(source):
            ids = peer.tokenize(piece, add_bos=False, special=False)
            out.write(" ".join(map(str, ids)) + "\n")


def reference(model: str, source: str, target: str, every: str) -> None:
    """What the tests of real models compare with: some of the logits behind each prompt, and the tokens of a text."""
    import llama_cpp

    f32 = 0  # GGML_TYPE_F32: the cache is half precision unless told otherwise
    peer = llama_cpp.Llama(model, n_ctx=512, logits_all=True, verbose=False, n_threads=2, type_k=f32, type_v=f32, flash_attn=False)
    found = {"made_by": f"llama-cpp-python {llama_cpp.__version__}, weights dequantized to F32, cache in F32", "every": int(every)}
    found["prompts"] = []
    for prompt in PROMPTS:
        ids = peer.tokenize(prompt.encode(), add_bos=False, special=False)
        peer.reset()
        peer.eval(ids)
        scores = np.array(peer.scores[len(ids) - 1], dtype=np.float32)
        some = [float(f"{value:.7g}") for value in scores[:: int(every)]]
        likeliest = int(scores.argmax())
        largest = float(f"{np.abs(scores).max():.7g}")
        found["prompts"].append({"text": prompt, "tokens": ids, "likeliest": likeliest, "largest": largest, "logits": some})
    ids = [n for piece in pieces(source) for n in peer.tokenize(piece, add_bos=False, special=False)]
    found["text_tokens"], found["text_fnv"] = len(ids), fnv(ids)
    with open(target, "w", encoding="utf-8") as out:
        json.dump(found, out, ensure_ascii=False, separators=(",", ":"))
        out.write("\n")


def logits(model: str, ids: str, ours: str) -> None:
    import llama_cpp

    f32 = 0  # GGML_TYPE_F32: the cache is half precision unless told otherwise
    peer = llama_cpp.Llama(model, n_ctx=512, logits_all=True, verbose=False, n_threads=2, type_k=f32, type_v=f32, flash_attn=False)
    prompt = [int(n) for n in ids.split()]
    peer.eval(prompt)
    theirs = np.array(peer.scores[len(prompt) - 1], dtype=np.float64)
    mine = np.fromfile(ours, dtype="<f4").astype(np.float64)
    largest = np.abs(theirs).max()
    difference = np.abs(theirs - mine).max()
    print(f"{len(prompt)} tokens, {len(mine)} logits, largest {largest:.4f}, difference {difference:.2e}, relative {difference / largest:.2e}")
    print("likeliest:", int(theirs.argmax()), int(mine.argmax()))
    sys.exit(int(difference > 1e-3 * largest))


if __name__ == "__main__":
    {"f32": dequantize, "tokens": tokens, "logits": logits, "reference": reference}[sys.argv[1]](*sys.argv[2:])
