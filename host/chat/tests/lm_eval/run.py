"""lm-evaluation-harness against 'nda serve', beside llama.cpp on the same GGUF file.

    python run.py NDA MODEL [--backend BACKEND] [--offload WHAT] [--document FILE] [--limit N]
                        [--tolerance NATS]

The harness asks the server for the scores of every choice of facts.jsonl. Then somebody else scores the same choices, and every
score must be theirs within the tolerance: llama.cpp (the package xllamacpp), token by token, if MODEL is a GGUF file, and if it is
an .ndf document the CPU back end, to the bit.

A GGUF file is converted without quantization, so scores differ by what llama.cpp rounds; with --document the server has a file that
was made of it before, and scores differ by the error of that one's quantization too.
"""

import argparse
import collections
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
Choice = collections.namedtuple("Choice", "context continuation score question is_answer")


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request).read())


def served(arguments, backend, folder):
    """A server of the model, converted if need be; gives the process and its address."""
    nda, model, more = arguments.nda, arguments.document or arguments.gguf, []
    if not arguments.gguf.endswith(".ndf"):
        more = ["--kv", "f32"]
    if not model.endswith(".ndf"):
        model = folder / "model.ndf"
        subprocess.run([nda, "convert", arguments.gguf, model, "--weights", "f32"], check=True, capture_output=True)
    command = [nda, "serve", model, "--port", "0", "--backend", backend, "--offload", arguments.offload, *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split(" on ")[1].strip().removesuffix("/v1")


def harness(address, limit, folder):
    """The harness's results: accuracy, and each choice's context, continuation and score, with the number of its question and whether
    it is the answer."""
    (folder / "facts.yaml").write_text((HERE / "facts.yaml").read_text().replace("FOLDER", str(HERE)))
    arguments = f"model=nda,base_url={address}/v1/completions,tokenizer_backend=remote,num_concurrent=1,max_retries=1"
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "local-completions", "--model_args", arguments, "--tasks", "nda_facts"]
    command += ["--include_path", str(folder), "--output_path", str(folder / "out"), "--log_samples", "--batch_size", "4"]
    done = subprocess.run(command + (["--limit", str(limit)] if limit else []), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the harness failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    samples = [json.loads(line) for path in sorted((folder / "out").rglob("samples_*.jsonl")) for line in path.read_text().splitlines()]
    choices = []
    for number, sample in enumerate(samples):
        # One request for each choice: its context and continuation, and what the server said.
        arguments = sample["arguments"].values() if isinstance(sample["arguments"], dict) else sample["arguments"]
        arguments = [list(a.values()) if isinstance(a, dict) else a for a in arguments]
        for at, ((context, continuation, *_), (score, *_)) in enumerate(zip(arguments, sample["filtered_resps"])):
            choices.append(Choice(context, continuation, float(score), number, at == int(sample["target"])))
    found = accuracy(choices, [choice.score for choice in choices])
    assert math.isclose(found, sum(sample["acc"] for sample in samples) / len(samples)), "the harness counts otherwise"
    return choices


def accuracy(choices, scores):
    """The share of questions whose answer has the best score of its choices."""
    best = {}
    for choice, score in zip(choices, scores):
        if choice.question not in best or score > best[choice.question][0]:
            best[choice.question] = (score, choice.is_answer)
    return sum(is_answer for _, is_answer in best.values()) / len(best)


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
    for choice in choices:
        whole, taken = tokens(choice.context + choice.continuation), tokens(choice.context)
        score = 0.0
        for at in range(len(taken), len(whole)):
            body = {"prompt": whole[:at], "n_predict": 1, "temperature": 0, "n_probs": vocabulary, "cache_prompt": False}
            top = post(f"{address}/completion", body)["completion_probabilities"][0]["top_logprobs"]
            score += next(entry["logprob"] for entry in top if entry["id"] == whole[at])
        scores.append(score)
    return scores


def scored(arguments, backend):
    with tempfile.TemporaryDirectory() as folder:
        process, address = served(arguments, backend, pathlib.Path(folder))
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
    parser.add_argument("--offload", default="gemv", help="what the back end does, and the CPU beside it: gemv, or token for whole tokens")
    parser.add_argument("--document", default="")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tolerance", type=float, default=0.05)
    arguments = parser.parse_args()
    choices = scored(arguments, arguments.backend)
    if arguments.gguf.endswith(".ndf"):
        peer, expected = "the CPU", [choice.score for choice in scored(arguments, "cpu")]
        arguments.tolerance = 0.0
    else:
        peer, expected = "llama.cpp", reference(arguments.gguf, choices)
    assert choices and all(math.isfinite(choice.score) for choice in choices)
    apart = [abs(choice.score - theirs) for choice, theirs in zip(choices, expected)]
    ours, theirs = accuracy(choices, [choice.score for choice in choices]), accuracy(choices, expected)
    print(
        f"{arguments.backend}, {len(choices)} choices: accuracy {ours:.3f}, by {peer} {theirs:.3f}; "
        f"scores are apart by {sum(apart) / len(apart):.5f} nats on average, {max(apart):.5f} at most"
    )
    if max(apart) > arguments.tolerance:
        sys.exit(f"a choice's score differs by {max(apart)} nats, more than {arguments.tolerance}")


main()
