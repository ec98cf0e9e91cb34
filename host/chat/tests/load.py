"""Time to first token and tokens per second of OpenAI servers under several clients at once.

    python load.py NAME=http://HOST:PORT/v1 ... [--clients 1,4,16] [--tokens 32] [--rounds 3]

Every client streams answers to prompts of its own, one after another. Medians over all answers; tokens/s is of all clients together.
"""

import argparse
import json
import statistics
import threading
import time
import urllib.request

PROMPT = "Client {} asks for the {}th time: tell me in plain words what a field programmable gate array is, and who needs one. " * 2


def ask(base, prompt, tokens):
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0, "stream": True, "ignore_eos": True}
    request = urllib.request.Request(f"{base}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    started, first, count = time.monotonic(), None, 0
    with urllib.request.urlopen(request, timeout=600) as response:
        for line in response:
            if line.startswith(b"data: {") and (json.loads(line[6:])["choices"] or [{}])[0].get("delta", {}).get("content"):
                first = first or time.monotonic() - started
                count += 1
    return first, count


def crowd(base, clients, tokens, rounds):
    found, lock = [], threading.Lock()

    def client(number):
        for turn in range(rounds):
            answer = ask(base, PROMPT.format(*[number, turn] * 2), tokens)
            with lock:
                found.append(answer)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    started = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    elapsed = time.monotonic() - started
    return statistics.median(first for first, _ in found), sum(count for _, count in found) / elapsed


parser = argparse.ArgumentParser()
parser.add_argument("servers", nargs="+")
parser.add_argument("--clients", default="1,4,16")
parser.add_argument("--tokens", type=int, default=32)
parser.add_argument("--rounds", type=int, default=3)
arguments = parser.parse_args()
print("| server | clients | median time to first token | pieces/s, all clients |\n|---|---|---|---|")
for clients in map(int, arguments.clients.split(",")):
    for server in arguments.servers:
        name, base = server.split("=", 1)
        first, rate = crowd(base, clients, arguments.tokens, arguments.rounds)
        print(f"| {name} | {clients} | {first:.3f} s | {rate:.1f} |", flush=True)
