"""Time to first token and tokens per second under several clients at once: 'nda serve' beside llama.cpp's server.

    python bench_server.py NDA MODEL.ndf MODEL.gguf [--threads N] [--clients 1,4,16] [--tokens 32] [--rounds 5]

Both servers have the same model and as many threads, and stand side by side; only one is asked at a time, and the two take turns, so that
whatever else the machine does meets both alike. Every client streams answers of a fixed length to prompts of its own. Prints a table:
medians over the rounds of the median time to first token, and of the tokens per second of all clients together.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

PROMPT = "Client {} asks for the {}th time: tell me in plain words what a field programmable gate array is, and who needs one. " * 2
# Positions of one conversation, as both servers grant them.
CONTEXT = 512
# Runs llama.cpp's server until its input ends. Positions are those of all slots together.
LLAMA = """
import sys, xllamacpp as x
p = x.CommonParams()
p.model.path, slots = sys.argv[1], int(sys.argv[2])
p.n_ctx, p.n_parallel, p.port, p.verbosity, p.fit_params = int(sys.argv[3]) * slots, slots, 18972, -1, False
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = int(sys.argv[4])
server = x.Server(p)
print(f"llama.cpp on {server.listening_address}/v1", flush=True)
sys.stdin.read()
"""


def ask(base, prompt, tokens):
    """Seconds to the first text, and the tokens that came."""
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0, "stream": True, "ignore_eos": True}
    body["stream_options"] = {"include_usage": True}
    request = urllib.request.Request(f"{base}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    started, first, count = time.monotonic(), None, 0
    with urllib.request.urlopen(request, timeout=600) as response:
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if first is None and event.get("choices") and event["choices"][0]["delta"].get("content"):
                first = time.monotonic() - started
            count = (event.get("usage") or {}).get("completion_tokens", count)
    if first is None or count != tokens:
        sys.exit(f"{base} answered {count} tokens, not {tokens}")
    return first, count


def crowd(base, clients, tokens, turn):
    """One answer for each client, all at once: the median time to first token, and tokens per second."""
    found = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(ask(base, PROMPT.format(*[number, turn] * 2), tokens)))
        for number in range(clients)
    ]
    started = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    elapsed = time.monotonic() - started
    if len(found) != clients:
        sys.exit(f"{len(found)} of {clients} clients were answered")
    return statistics.median(first for first, _ in found), sum(count for _, count in found) / elapsed


def started(command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if " on http://" in line:
            return process, line.split(" on ")[1].strip()
    sys.exit(f"{command[0]} did not start")


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nda")
    parser.add_argument("ndf")
    parser.add_argument("gguf")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--clients", default="1,4,16")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    counts, threads = [int(count) for count in arguments.clients.split(",")], str(arguments.threads)
    ours = [arguments.nda, "serve", arguments.ndf, "--port", "0", "--queue", str(max(counts)), "--parallel", str(max(counts)), "--threads", threads, "--context", str(CONTEXT)]
    theirs = [sys.executable, "-c", LLAMA, arguments.gguf, str(max(counts)), str(CONTEXT), threads]
    servers = {"nda": started(ours), "llama.cpp": started(theirs)}
    try:
        # Pages of the files, and what is made with the first request.
        [ask(base, "Hello", arguments.tokens) for _, base in servers.values()]
        load = [os.getloadavg()[0]]
        print("| clients | server | time to first token | tokens/s, all clients |\n|---|---|---|---|")
        for clients in counts:
            found = {name: [] for name in servers}
            for turn in range(arguments.rounds):
                for name, (_, base) in servers.items():
                    found[name].append(crowd(base, clients, arguments.tokens, turn))
                load.append(os.getloadavg()[0])
            for name, rounds in found.items():
                first, rate = (statistics.median(values) for values in zip(*rounds))
                print(f"| {clients} | {name} | {first:.2f} s | {rate:.1f} |", flush=True)
        print(
            f"\nmeasured on {machine()}, {threads} threads each, load average {min(load):.1f} to {max(load):.1f}: "
            f"{arguments.rounds} rounds, {arguments.tokens} tokens per answer"
        )
    finally:
        for process, _ in servers.values():
            process.terminate()
            process.wait()


main()
