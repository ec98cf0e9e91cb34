"""Writes families.json: what the public implementations make of a text in the vocabularies that './tools.sh tokenizers' fetches.

    python families.py FOLDER TEXT OUT.json    (gguf 0.19.0, numpy, protobuf, sentencepiece 0.2.3, tokenizers 0.23.3, xllamacpp 2026.10)

FOLDER is .tools/tokenizers; TEXT is what `cargo run --release -p nda-convert --example tokens -- TEXT` writes. "tokenizers" is the package of
that name with the vocabulary's own tokenizer.json, control tokens taken as text. "llama.cpp" has the same vocabulary as a GGUF file, as its
converter writes it (`keys`, which families.rs repeats); it does not compose accents as Qwen's own file asks, so it is given composed text.
"sentencepiece" is that package with Llama 2's pieces and scores. All take the text piece by piece.
"""

import json
import sys
import tempfile
import unicodedata
import urllib.request
from pathlib import Path

import gguf
import numpy as np
import tokenizers
from peer import fnv, pieces

# The name of the rule that splits text in llama.cpp; none of SentencePiece, whose scores fall with the number of the piece.
FAMILIES = {"llama2": None, "llama3": "llama-bpe", "qwen3": "qwen2", "gemma3": None}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def keys(vocabulary: dict, pieces_alone: bool) -> tuple[list[str], list[int], list[float], list[str]]:
    """Tokens, their types, scores and merges, as llama.cpp's converter writes them."""
    tokens = dict(vocabulary["model"]["vocab"]) | {token["content"]: token["id"] for token in vocabulary["added_tokens"]}
    special = {token["content"]: token["special"] for token in vocabulary["added_tokens"]}
    texts = sorted(tokens, key=tokens.get)
    assert [tokens[text] for text in texts] == list(range(len(texts))), "numbers without a token"

    def kind(text: str) -> int:
        if pieces_alone and text == "<unk>":
            return UNKNOWN
        if text in special:
            return CONTROL if special[text] else USER_DEFINED
        return BYTE if pieces_alone and len(text) == 6 and text.startswith("<0x") else NORMAL

    kinds = [kind(text) for text in texts]
    first = kinds.index(NORMAL)
    # As in Llama's own tokenizer.model: by number, and runs of spaces behind all others.
    score = lambda at: -1e9 if len(texts[at]) > 1 and not texts[at].strip("\u2581") else float(first - at)
    scores = [score(at) if kind == NORMAL else 0.0 for at, kind in enumerate(kinds)]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in vocabulary["model"]["merges"]]
    return texts, kinds, scores, merges


def by_tokenizers(path: Path, texts: list[bytes]) -> list[int]:
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return [n for text in texts for n in tokenizer.encode(text.decode(), add_special_tokens=False).ids]


def by_llama_cpp(path: Path, pre: str | None, texts: list[bytes]) -> list[int]:
    import xllamacpp as x

    tokens, kinds, scores, merges = keys(json.loads(path.read_text()), pre is None)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.gguf"
        d, w = 32, gguf.GGUFWriter(model, "llama")
        w.add_block_count(1)
        w.add_context_length(64)
        w.add_embedding_length(d)
        w.add_feed_forward_length(d)
        w.add_head_count(1)
        w.add_layer_norm_rms_eps(1e-6)
        w.add_tokenizer_model("gpt2" if pre else "llama")
        if pre:
            w.add_tokenizer_pre(pre)
            w.add_token_merges(merges)
        else:
            w.add_token_scores(scores)
        w.add_token_list(tokens)
        w.add_token_types(kinds)
        w.add_add_bos_token(False)
        w.add_tensor("token_embd.weight", np.zeros((len(tokens), d), np.float16))
        for name in ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]:
            w.add_tensor(f"blk.0.{name}.weight", np.zeros((d, d), np.float32))
        for name in ["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"]:
            w.add_tensor(f"{name}.weight", np.ones(d, np.float32))
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        p = x.CommonParams()
        p.model.path = str(model)
        p.n_ctx, p.n_parallel, p.warmup, p.port, p.verbosity, p.fit_params = 64, 1, False, 18972, -1, False
        server, found = x.Server(p), []
        for text in texts:
            body = json.dumps({"content": text.decode(), "add_special": False, "parse_special": False}).encode()
            request = urllib.request.Request(server.listening_address + "/tokenize", body, {"Content-Type": "application/json"})
            found += json.loads(urllib.request.urlopen(request).read())["tokens"]
        return found


def by_sentencepiece(path: Path, texts: list[bytes]) -> list[int]:
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    tokens, kinds, scores, _ = keys(json.loads(path.read_text()), True)
    for token, kind, score in zip(tokens, kinds, scores):
        model.pieces.add(piece=token, score=score, type=kind)
    model.trainer_spec.MergeFrom(type(model.trainer_spec)(model_type=2, byte_fallback=True, vocab_size=len(tokens)))
    model.normalizer_spec.MergeFrom(type(model.normalizer_spec)(name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False))
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
    return [n for text in texts for n in processor.encode(text.decode())]


def main(folder: str, text: str, out: str) -> None:
    texts, all_found = pieces(text), {}
    for name, pre in FAMILIES.items():
        path = Path(folder) / f"{name}.json"
        found = {"tokenizers": by_tokenizers(path, texts)}
        # A Gemma's pieces have scores of their own, which are in a GGUF file alone; real.rs takes one.
        if name != "gemma3":
            composed = [unicodedata.normalize("NFC", text.decode()).encode() for text in texts] if name == "qwen3" else texts
            found["llama.cpp"] = by_llama_cpp(path, pre, composed)
        if name == "llama2":
            found["sentencepiece"] = by_sentencepiece(path, texts)
        all_found[name] = {who: {"tokens": len(ids), "fnv": fnv(ids)} for who, ids in found.items()}
        print(name, all_found[name], file=sys.stderr)
    Path(out).write_text(json.dumps(all_found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
