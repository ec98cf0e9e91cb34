"""Compares a converted model with llama.cpp (the packages llama-cpp-python, gguf, numpy) on the same GGUF file.

    python peer.py f32 IN.gguf OUT.gguf        the file with every tensor dequantized to F32
    python peer.py text OUT.txt                a text of 1 MB with all scripts, emoji and odd spaces
    python peer.py tokens IN.gguf TEXT.txt OUT the tokens of each piece of the text, one line a piece
    python peer.py logits F32.gguf TOKENS OURS the largest difference of the logits behind TOKENS, relative to the
                                               largest logit; OURS is what the example 'logits' wrote
"""

import random
import sys
import unicodedata

import numpy as np

PIECE = 400  # characters of a piece: a difference is found without reading a megabyte
CHARACTERS = 500_000  # a little more than a megabyte of UTF-8


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


def scripts() -> list[list[str]]:
    """Letters, marks, numbers, signs of every block of 128 code points that has any."""
    blocks = []
    for start in range(0x20, 0x32000, 128):
        block = [chr(c) for c in range(start, start + 128) if unicodedata.category(chr(c))[0] in "LMNPS"]
        if block:
            blocks.append(block)
    return blocks


def text(target: str) -> None:
    draw = random.Random(20261121)
    blocks = scripts()
    spaces = [" "] * 12 + ["  ", "\n", "\n\n", "\t", " \n ", "\r\n", "\u00a0", "\u3000", "\u2003", "      ", "\n\n\n\t"]
    emoji = ["\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f", "1\ufe0f\u20e3"]
    plain = "don't I'll WE'VE it's can't 3.14159 10000 2nd x=y+1; foo_bar() http://a.b/c?d=e%20 naïve façade Straße".split()
    pieces = []
    size = 0
    while size < CHARACTERS:
        block = draw.choice(blocks)
        word = "".join(draw.choice(block) for _ in range(draw.randint(1, 8)))
        kind = draw.random()
        if kind < 0.3:
            word = draw.choice(plain)
        elif kind < 0.35:
            word = draw.choice(emoji)
        elif kind < 0.4:
            word = str(draw.randint(0, 10**9))
        pieces.append(word + draw.choice(spaces))
        size += len(pieces[-1])
    with open(target, "w", encoding="utf-8", newline="") as file:
        file.write("".join(pieces))


def tokens(model: str, source: str, target: str) -> None:
    import llama_cpp

    peer = llama_cpp.Llama(model, vocab_only=True, verbose=False)
    with open(source, encoding="utf-8", newline="") as file:
        whole = file.read()
    with open(target, "w") as out:
        for at in range(0, len(whole), PIECE):
            ids = peer.tokenize(whole[at : at + PIECE].encode(), add_bos=False, special=False)
            out.write(" ".join(map(str, ids)) + "\n")


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
    {"f32": dequantize, "text": text, "tokens": tokens, "logits": logits}[sys.argv[1]](*sys.argv[2:])
