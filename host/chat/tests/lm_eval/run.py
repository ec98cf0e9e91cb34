"""lm-evaluation-harness against 'nda serve', beside llama.cpp on the same GGUF file.

    python run.py NDA MODEL [--backend BACKEND] [--limit N] [--tolerance NATS]

The harness asks the server for the scores of every choice of facts.jsonl. Then somebody else scores the same choices, and every
score must be theirs within the tolerance: llama.cpp (the package xllamacpp), token by token, if MODEL is a GGUF file, and if it is
an .ndf document the CPU back end, to the bit.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request).read())


def served(nda, gguf, backend, folder):
    """A server of the model, converted if need be; gives the process and its address."""
    model = gguf if gguf.endswith(".ndf") else folder / "model.ndf"
    if model != gguf:
        subprocess.run([nda, "convert", gguf, model], check=True, capture_output=True)
    command = [nda, "serve", model, "--port", "0", "--backend", backend, "--kv", "f32"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split(" on ")[1].strip().removesuffix("/v1")


def harness(address, limit, folder):
    """The harness's results: accuracy, and each choice's context, continuation and score."""
    (folder / "facts.yaml").write_text((HERE / "facts.yaml").read_text().replace("FOLDER", str(HERE)))
    arguments = f"model=nda,base_url={address}/v1/completions,tokenizer_backend=remote,num_concurrent=1,max_retries=1"
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "local-completions", "--model_args", arguments, "--tasks", "nda_facts"]
    command += ["--include_path", str(folder), "--output_path", str(folder / "out"), "--log_samples", "--batch_size", "4"]
    done = subprocess.run(command + (["--limit", str(limit)] if limit else []), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the harness failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    samples = [json.loads(line) for path in sorted((folder / "out").rglob("samples_*.jsonl")) for line in path.read_text().splitlines()]
    choices = []
    for sample in samples:
        # One request for each choice: its context and continuation, and what the server said.
        arguments = sample["arguments"].values() if isinstance(sample["arguments"], dict) else sample["arguments"]
        arguments = [list(a.values()) if isinstance(a, dict) else a for a in arguments]
        for (context, continuation, *_), (score, *_) in zip(arguments, sample["filtered_resps"]):
            choices.append((context, continuation, float(score)))
    return sum(sample["acc"] for sample in samples) / len(samples), choices


def reference(gguf, choices):
    """llama.cpp's scores of the same choices."""
    import xllamacpp as x

    p = x.CommonParams()
    p.model.path = str(gguf)
    p.n_ctx, p.n_parallel, p.warmup, p.port, p.verbosity, p.fit_params = 256, 1, False, 18971, -1, False
    p.cache_type_k = p.cache_type_v = x.ggml_type.GGML_TYPE_F32
    p.flash_attn_type = x.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = x.Server(p)
    address = server.listening_address
    tokens = lambda text: post(f"{address}/tokenize", {"content": text, "add_special": False, "parse_special": True})["tokens"]
    vocabulary, scores = 1_000_000, []
    for context, continuation, _ in choices:
        whole, taken = tokens(context + continuation), tokens(context)
        score = 0.0
        for at in range(len(taken), len(whole)):
            body = {"prompt": whole[:at], "n_predict": 1, "temperature": 0, "n_probs": vocabulary, "cache_prompt": False}
            top = post(f"{address}/completion", body)["completion_probabilities"][0]["top_logprobs"]
            score += next(entry["logprob"] for entry in top if entry["id"] == whole[at])
        scores.append(score)
    return scores


def scored(arguments, backend):
    with tempfile.TemporaryDirectory() as folder:
        process, address = served(arguments.nda, arguments.gguf, backend, pathlib.Path(folder))
        try:
            return harness(address, arguments.limit, pathlib.Path(folder))
        finally:
            process.terminate()
            process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nda")
    parser.add_argument("gguf")
    parser.add_argument("--backend", default="cpu")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tolerance", type=float, default=0.05)
    arguments = parser.parse_args()
    accuracy, choices = scored(arguments, arguments.backend)
    if arguments.gguf.endswith(".ndf"):
        peer, expected = "the CPU", [score for _, _, score in scored(arguments, "cpu")[1]]
        arguments.tolerance = 0.0
    else:
        peer, expected = "llama.cpp", reference(arguments.gguf, choices)
    worst = max(abs(ours - theirs) for (_, _, ours), theirs in zip(choices, expected))
    assert choices and all(math.isfinite(score) for _, _, score in choices)
    print(f"{arguments.backend}: accuracy {accuracy:.3f}, {len(choices)} choices, largest difference from {peer} {worst:.5f} nats")
    if worst > arguments.tolerance:
        sys.exit(f"a choice's score differs by {worst} nats, more than {arguments.tolerance}")


main()
