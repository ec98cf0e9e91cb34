"""Write a trained model as `model.safetensors`, with reference vectors and the validation text.

    python3 export.py --checkpoint DIR/quaternary.pt --corpus DIR --out ../../models

Tensors have Hugging Face's Llama names. A quantized layer X has `X.code` (int8, rows x cols) and
`X.scale` (f32, rows) in place of `X.weight`: the weight is exactly code * scale. The embedding,
the norms and any layer kept in float stay f32 under `X.weight`.

`reference.json` is computed here a second time and without PyTorch, token by token with int32
dot products in NumPy, from the written file alone: it is what another engine has to reproduce.
"""
import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from model import A8_MAX, A8_SMALLEST_ABSMAX, Config, Llama

PROMPTS = [b"She was not ", b"Call me Ishmael. ", b"And the LORD said unto "]
CONTINUATION_BYTES = 32


def tensors_of(model):
    """name -> array, as they are written."""
    coded, out = dict(model.coded_layers()), {}
    for name, value in model.named_parameters():
        layer = coded.get(name.removesuffix(".weight"))
        if layer is None:
            out[name] = value.detach().float().numpy()
            continue
        code, scale = type(layer).code(value.detach().float())
        out[name.removesuffix("weight") + "code"] = code.to(torch.int8).numpy()
        out[name.removesuffix("weight") + "scale"] = scale.squeeze(1).numpy()
    return out


def metadata_of(model, checkpoint, scores):
    c = model.config
    facts = dict(architecture="llama", vocab="bytes", d_model=c.d_model, n_layers=c.n_layers, n_heads=c.n_heads,
                 n_kv_heads=c.n_kv_heads, ff=c.ff, rope_theta=c.rope_theta, rope_form="half-split", rms_eps=c.rms_eps,
                 context=c.context, sliding_window=c.ring, activation="A8", weights=c.weights, head=c.head, scale="per row",
                 training_steps=checkpoint["step"], training_tokens=checkpoint["tokens"],
                 training_arguments=json.dumps(checkpoint["arguments"]), bits_per_byte=json.dumps(scores))
    return {k: str(v) for k, v in facts.items()}


class Reference:
    """The written file run one token at a time in NumPy: f32 outside, int32 inside the products."""

    def __init__(self, path):
        with safe_open(path, "np") as file:
            self.meta = file.metadata()
            self.t = {k: file.get_tensor(k) for k in file.keys()}
        for k, v in self.t.items():
            if k.endswith(".code"):
                self.t[k] = v.astype(np.int32)
        self.heads, self.kv_heads, self.layers = (int(self.meta[k]) for k in ("n_heads", "n_kv_heads", "n_layers"))
        self.ring = int(self.meta["sliding_window"])
        half = int(self.meta["d_model"]) // self.heads // 2
        self.frequency = np.float32(self.meta["rope_theta"]) ** (-np.arange(half, dtype=np.float32) / np.float32(half))
        self.cache = [([], []) for _ in range(self.layers)]

    def linear(self, name, x):
        """x (cols,) f32 -> (rows,) f32: A8, int32 dot, then * scale_row * s_x."""
        if name + ".weight" in self.t:
            return self.t[name + ".weight"] @ x
        s = np.maximum(np.abs(x).max(), np.float32(A8_SMALLEST_ABSMAX)) / np.float32(A8_MAX)
        q = np.clip(np.sign(x) * np.floor(np.abs(x) / s + np.float32(0.5)), -A8_MAX, A8_MAX).astype(np.int32)
        dot = self.t[name + ".code"] @ q
        return dot.astype(np.float32) * self.t[name + ".scale"] * s

    def norm(self, name, x):
        mean = np.mean(x * x, dtype=np.float32) + np.float32(self.meta["rms_eps"])
        return x * (np.float32(1) / np.sqrt(mean)) * self.t[name + ".weight"]

    def rotate(self, x, position):
        angle = np.float32(position) * self.frequency
        cos, sin = np.cos(angle), np.sin(angle)
        a, b = np.split(x.reshape(-1, 2 * len(angle)), 2, axis=1)
        return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=1)

    def token(self, byte):
        """Logits (256,) f32 after one more byte."""
        position = len(self.cache[0][0])
        x = self.t["model.embed_tokens.weight"][byte]
        for i in range(self.layers):
            at = f"model.layers.{i}."
            y = self.norm(at + "input_layernorm", x)
            q, k = (self.rotate(self.linear(at + f"self_attn.{p}_proj", y), position) for p in "qk")
            keys, values = self.cache[i]
            # The newest positions alone, as the program of the document has it.
            keys.append(k)
            values.append(self.linear(at + "self_attn.v_proj", y).reshape(self.kv_heads, -1))
            shared = q.reshape(self.kv_heads, -1, q.shape[1])
            score = np.einsum("hsd,thd->hst", shared, np.stack(keys[-self.ring:])) / np.sqrt(np.float32(q.shape[1]))
            weight = np.exp(score - score.max(-1, keepdims=True))
            weight /= weight.sum(-1, keepdims=True)
            mixed = np.einsum("hst,thd->hsd", weight, np.stack(values[-self.ring:])).reshape(-1)
            x = x + self.linear(at + "self_attn.o_proj", mixed)
            y = self.norm(at + "post_attention_layernorm", x)
            gate, up = self.linear(at + "mlp.gate_proj", y), self.linear(at + "mlp.up_proj", y)
            x = x + self.linear(at + "mlp.down_proj", gate / (np.float32(1) + np.exp(-gate)) * up)
        return self.linear("lm_head", self.norm("model.norm", x))


def generate(path, prompt, count, temperature=0.0, seed=0):
    """(logits after the prompt, continuation): greedy at temperature 0, else sampled."""
    model, rng = Reference(path), np.random.default_rng(seed)
    for byte in prompt:
        logits = model.token(byte)
    first, out = logits, []
    for _ in range(count):
        if temperature == 0:
            byte = int(np.argmax(logits))
        else:
            p = np.exp((logits - logits.max()).astype(np.float64) / temperature)
            byte = int(rng.choice(256, p=p / p.sum()))
        out.append(byte)
        logits = model.token(byte)
    return first, bytes(out)


def reference_vectors(path, model):
    """The prompts' vectors, after a check that PyTorch's parallel forward gives the same logits."""
    rows = []
    for prompt in PROMPTS:
        logits, continuation = generate(path, prompt, CONTINUATION_BYTES)
        with torch.no_grad():
            other = model(torch.tensor([list(prompt)]))[0, -1].numpy()
        worst = float(np.abs(other - logits).max())
        # The integers agree; f32 sums in another order may flip an activation by one code.
        assert worst < 0.25, (prompt, worst)
        rows.append(dict(prompt=list(prompt), prompt_text=prompt.decode(), logits=[float(v) for v in logits],
                         greedy=list(continuation), greedy_text=continuation.decode("ascii", "replace"),
                         worst_difference_to_pytorch=worst))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--log", type=Path, help="the training log, for the scores in the metadata")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="tiny")
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    # The file says nothing of levels: its reference keeps keys and values in floats.
    model = Llama(replace(Config(**checkpoint["config"]), kv="float"))
    model.load_state_dict(checkpoint["state"])
    scores = {}
    if args.log:
        rows = [json.loads(line) for line in args.log.read_text().splitlines()]
        scores = {r["text"]: {k: v for k, v in r.items() if isinstance(v, float)} for r in rows if r["event"] == "final"}
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"{args.name}.safetensors"
    tensors = tensors_of(model)
    save_file(tensors, path, metadata_of(model, checkpoint, scores))
    codes = sum(t.size for n, t in tensors.items() if n.endswith(".code"))
    print(f"{path}: {path.stat().st_size} bytes, {len(tensors)} tensors, {codes} codes")
    rows = reference_vectors(path, model)
    (args.out / "reference.json").write_text(json.dumps(dict(model=path.name, prompts=rows)) + "\n")
    for row in rows:
        print(repr(row["prompt_text"]), "->", repr(row["greedy_text"]), "difference", row["worst_difference_to_pytorch"])
    shutil.copyfile(args.corpus / "val_sample.txt", args.out / "val.txt")
    for temperature in (0.0, 0.8):
        text = generate(path, b"She was not ", 300, temperature)[1].decode("ascii", "replace")
        print(f"temperature {temperature}: She was not {text}")


if __name__ == "__main__":
    main()
