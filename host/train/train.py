"""Train the tiny model and its fp32 twin side by side on the same windows.

Every variant sees the same batch at every step, starts from the same seed and follows the same
schedule, so their difference is the price of the number format alone. The cosine schedule is
driven by elapsed time (`--seconds`) or by a step count (`--steps`), whichever is given.

    python3 train.py --corpus DIR --out DIR --seconds 540
"""
import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open

from model import Config, Llama, bits_per_byte

# variant -> (weights, head)
VARIANTS = {
    "quaternary": ("quaternary", "quaternary"),
    "fp32": ("float", "float"),
    "quaternary_float_head": ("quaternary", "float"),
    "ternary": ("ternary", "ternary"),
}
# What is measured at the end: a 128 KiB sample of the validation text, a book never seen, all of
# the validation text.
TEXTS = {"sample": "val_sample.txt", "heldout": "heldout.bin", "validation": "val.bin"}
CLIP = 1.0
BETAS = (0.9, 0.95)
# Steps between two readings of the clock: reading it makes the processor wait for the GPU.
CLOCK_STRIDE = 50


class Windows:
    """Batches of training windows (B, context + 1), documents drawn by their manifest weight."""

    def __init__(self, corpus, context, batch, seed, device):
        manifest = json.loads((corpus / "manifest.json").read_text())
        rows = [r for r in manifest["documents"] if r["train_bytes"] > context + 1]
        self.data = load(corpus / "train.bin").to(device)
        self.first = torch.tensor([r["train_offset"] for r in rows], device=device)
        self.span = torch.tensor([r["train_bytes"] - context - 1 for r in rows], dtype=torch.float64, device=device)
        weight = torch.tensor([r["weight"] for r in rows], dtype=torch.float64, device=device)
        self.cdf = (weight.cumsum(0) / weight.sum()).clamp(max=1)
        self.step = torch.arange(context + 1, device=device)
        self.batch, self.device = batch, device
        self.generator = torch.Generator(device=device).manual_seed(seed)

    def next(self):
        u = torch.rand(2, self.batch, dtype=torch.float64, device=self.device, generator=self.generator)
        document = torch.searchsorted(self.cdf, u[0]).clamp(max=len(self.cdf) - 1)
        start = self.first[document] + (u[1] * self.span[document]).long()
        return self.data[start[:, None] + self.step].long()


def load(path):
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)


def start_from(model, path):
    """Takes the weights of a checkpoint or of an exported model; the mean of the heads of keys and values that become one."""
    if path.suffix == ".pt":
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["state"])
        return
    with safe_open(path, "pt") as file:
        names = set(file.keys())
        for name, parameter in model.named_parameters():
            at = name.removesuffix("weight")
            value = file.get_tensor(name) if name in names else file.get_tensor(at + "code").float() * file.get_tensor(at + "scale")[:, None]
            if value.shape != parameter.shape:
                head_dim, cols = model.config.d_model // model.config.n_heads, value.shape[1]
                value = value.view(model.config.n_kv_heads, -1, head_dim, cols).mean(1).reshape(-1, cols)
            with torch.no_grad():
                parameter.copy_(value)


class Trainer:
    """One variant: model, optimizer and, on a GPU, the whole step captured as one graph."""

    def __init__(self, name, args, device):
        torch.manual_seed(args.seed)
        weights, head = VARIANTS[name]
        self.name = name
        self.model = Llama(Config(weights=weights, head=head, context=args.context)).to(device)
        if args.start_from:
            start_from(self.model, args.start_from)
        named = list(self.model.named_parameters())
        decay = [p for n, p in named if p.dim() > 1 and "embed" not in n]
        rest = [p for n, p in named if p.dim() <= 1 or "embed" in n]
        gpu = device.type == "cuda"
        # On a GPU the rate is a tensor, so that a captured step can be replayed with another one.
        adamw = dict(lr=torch.tensor(args.lr, device=device), fused=True, capturable=True) if gpu else dict(lr=args.lr, fused=True)
        self.optimizer = torch.optim.AdamW([dict(params=decay, weight_decay=args.weight_decay), dict(params=rest, weight_decay=0.0)],
                                           betas=BETAS, **adamw)
        self.peak = args.lr
        self.device, self.graph, self.x = device, None, None
        # A sum over the steps since the last reading: one GPU scalar, no wait a step.
        self.loss_sum = torch.zeros((), device=device)
        loss = self.loss_mixed if args.mixed else self.loss
        self.compiled = torch.compile(loss) if args.compile and gpu else loss
        if args.compile and not gpu:
            # Block by block: one block's code serves all of them, and takes a fifth of the time to compile.
            for layer in self.model.model.layers:
                layer.compile()

    def loss_mixed(self, window):
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            return self.loss(window)

    def loss(self, window):
        """Mean cross entropy in nats of windows (B, T + 1); int8 codes are exact in bf16 as well."""
        logits = self.model(window[:, :-1])
        return F.cross_entropy(logits.float().flatten(0, 1), window[:, 1:].flatten())

    def one(self, window):
        self.model.zero_grad(set_to_none=True)
        loss = self.compiled(window)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP, foreach=True)
        self.optimizer.step()
        self.loss_sum += loss.detach()

    def capture(self, window):
        """Compile and capture the step, then put weights and optimizer back to their start."""
        start = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.x = window.clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(4):
                self.one(self.x)
        torch.cuda.current_stream().wait_stream(stream)
        self.model.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.one(self.x)
        self.graph = graph
        with torch.no_grad():
            for n, p in self.model.named_parameters():
                p.copy_(start[n])
            for state in self.optimizer.state.values():
                for value in state.values():
                    value.zero_()
            self.loss_sum.zero_()

    def step(self, window, share):
        """One step at `share` of the peak learning rate."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(self.peak * share)
            else:
                group["lr"] = self.peak * share
        if self.graph is None:
            self.one(window)
        else:
            self.x.copy_(window)
            self.graph.replay()

    def take_loss(self, steps):
        """Mean training loss in bits a byte over the `steps` steps since the last call."""
        value = self.loss_sum.item() / max(steps, 1) / math.log(2)
        self.loss_sum.zero_()
        return value


def schedule(progress, step, args):
    """Share of the peak learning rate: linear warm-up over steps, then cosine to `final`."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return min(1.0, (step + 1) / args.warmup) * (args.final + (1 - args.final) * cosine)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variants", default="quaternary,fp32", help=", ".join(VARIANTS))
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument("--seconds", type=float, help="wall-clock budget of the training loop, compilation not counted")
    limit.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=128, help="windows a step")
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--start-from", type=Path, help="VARIANT.pt or a model.safetensors: take its weights, not its optimizer")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--mixed", action=argparse.BooleanOptionalAction, default=True, help="products in bfloat16, in which codes are exact")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--final", type=float, default=0.02)
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--texts", default=",".join(TEXTS), help="texts measured at the end")
    parser.add_argument("--evaluate-seconds", type=float, default=30.0)
    args = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if args.threads:
        torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    log_file = open(args.out / "log.jsonl", "w")

    def log(**row):
        line = json.dumps(row)
        print(line, flush=True)
        log_file.write(line + "\n")
        log_file.flush()

    facts = {k: (str(v) if isinstance(v, Path) else v) for k, v in vars(args).items() if k not in ("corpus", "out", "start_from")}
    facts["started_from_weights"] = args.start_from is not None
    log(event="start", device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu", torch=torch.__version__, **facts)
    began = time.time()
    windows = Windows(args.corpus, args.context, args.batch, args.seed, device)
    sample = load(args.corpus / "val_sample.txt")
    # Progress is read on a part of the sample, one context in eight, so that it costs the run little.
    progress_sample = torch.cat(sample.split(args.context)[::8])
    trainers = [Trainer(name, args, device) for name in args.variants.split(",")]
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        window = windows.next()
        for trainer in trainers:
            trainer.capture(window)
        windows.generator.manual_seed(args.seed)
        torch.cuda.synchronize()
    elif args.compile:
        # Outside the clock, and with a generator that is put back: the schedule is of training alone.
        window = windows.next()
        for trainer in trainers:
            trainer.compiled(window).backward()
            trainer.model.zero_grad(set_to_none=True)
        windows.generator.manual_seed(args.seed)
    log(event="ready", seconds=round(time.time() - began, 1), parameters=sum(p.numel() for p in trainers[0].model.parameters()),
        coded=sum(m.weight.numel() for _, m in trainers[0].model.coded_layers()))

    def save(step):
        for t in trainers:
            path = args.out / f"{t.name}.pt"
            torch.save(dict(state=t.model.state_dict(), config=t.model.config.dict(), step=step, arguments=facts,
                            tokens=step * args.batch * args.context), str(path) + ".part")
            Path(str(path) + ".part").replace(path)

    start = last_evaluation = time.time()
    elapsed, rate, clock_step, step, logged_step = 0.0, 0.0, 0, 0, 0
    while True:
        if args.steps:
            progress = step / args.steps
        else:
            # Between two clock readings the elapsed time is extrapolated at the last known rate.
            progress = (elapsed + (step - clock_step) * rate) / args.seconds
        if (args.steps and step >= args.steps) or (not args.steps and elapsed >= args.seconds):
            break
        share = schedule(progress, step, args)
        window = windows.next()
        for trainer in trainers:
            trainer.step(window, share)
        step += 1
        if step % CLOCK_STRIDE == 0:
            if device.type == "cuda":
                torch.cuda.synchronize()
            now = time.time() - start
            rate, elapsed, clock_step = (now - elapsed) / CLOCK_STRIDE, now, step
            if time.time() - last_evaluation > args.evaluate_seconds:
                scores = {}
                for t in trainers:
                    value = bits_per_byte(t.model, progress_sample, 32, args.mixed)[0]
                    scores[t.name] = dict(train=round(t.take_loss(step - logged_step), 4), validation=round(value, 4))
                log(event="step", step=step, seconds=round(elapsed, 1), milliseconds_a_step=round(rate * 1e3, 3), share=round(share, 4), **scores)
                save(step)
                last_evaluation, logged_step = time.time(), step
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.set_float32_matmul_precision("highest")
    spent = time.time() - start
    save(step)
    for name in args.texts.split(","):
        data = load(args.corpus / TEXTS[name])
        scores = {}
        for t in trainers:
            value, count = bits_per_byte(t.model, data)
            scores[t.name] = round(value, 4)
        log(event="final", text=name, bytes=count, precision="fp32 arithmetic, exact codes", **scores)
    log(event="end", step=step, seconds=round(spent, 1), tokens=step * args.batch * args.context)


if __name__ == "__main__":
    main()
