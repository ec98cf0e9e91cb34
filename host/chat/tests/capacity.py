"""How many conversations 'nda serve' holds in a given memory: a client opens them, one after another, and shows that all are still there.

    python capacity.py NDA MODEL.ndf --kv b4 [--tokens 2048] [--mib 1024] [--threads N]

Every conversation is a text of its own of that many tokens, in a slot of its own. Memory is what the server's process has besides mapped
files (RssAnon), above what it had before the first conversation. Conversations are opened until the next would not fit; then each is asked for
one token more, and the answer must say that all of its tokens were kept. Prints the number, and bytes per conversation.
"""

import argparse
import json
import random
import subprocess
import sys
import urllib.request

# Threads and slots; more conversations than that are not opened.
MOST = 256


def ask(base, path, body):
    request = urllib.request.Request(f"{base}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as response:
        return json.load(response)


def resident(process):
    """Bytes of the process that are no file's."""
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    sys.exit("the system does not say how much memory a process has")


def started(command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if " on http://" in line:
            return process, line.split(" on ")[1].strip().removesuffix("/v1")
    sys.exit(f"{command[0]} did not start")


def text(number, tokens, vocabulary):
    """Tokens of a conversation that begins as no other."""
    drawn = random.Random(number)
    return [number + 100] + [drawn.randrange(100, vocabulary) for _ in range(tokens - 1)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nda")
    parser.add_argument("ndf")
    parser.add_argument("--kv", default="b4")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--vocabulary", type=int, default=40000)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--at-least", type=int, default=0)
    arguments = parser.parse_args()
    command = [arguments.nda, "serve", arguments.ndf, "--port", "0", "--kv", arguments.kv, "--context", str(arguments.tokens + 2)]
    command += ["--parallel", str(MOST), "--kv-memory", "0", "--timeout", "3600"]
    command += ["--threads", str(arguments.threads)] if arguments.threads else []
    process, base = started(command)
    try:
        complete = lambda tokens: ask(base, "/v1/completions", {"prompt": tokens, "max_tokens": 1, "temperature": 0, "ignore_eos": True})
        complete(text(MOST, 40, arguments.vocabulary))
        before, limit, opened, used = resident(process), arguments.mib << 20, 0, 0
        while opened < MOST - 1:
            complete(text(opened, arguments.tokens, arguments.vocabulary))
            grown = resident(process) - before
            if grown > limit:
                break
            opened, used = opened + 1, grown
            print(f"\r{opened} conversations, {used / 2**20:.0f} MiB", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        for number in range(opened):
            tokens = text(number, arguments.tokens, arguments.vocabulary)
            kept = complete(tokens + [100])["usage"]["prompt_tokens_details"]["cached_tokens"]
            # The last token is taken again, and it alone.
            if kept < arguments.tokens - 1:
                sys.exit(f"conversation {number} is gone: {kept} of {arguments.tokens} tokens were kept")
        print(
            f"{opened} conversations of {arguments.tokens} tokens with --kv {arguments.kv} in {used / 2**20:.0f} of {arguments.mib} MiB, "
            f"{used / max(opened, 1) / 1e6:.2f} MB each; all were there at the end"
        )
        if opened < arguments.at_least:
            sys.exit(f"{opened} conversations fit, not {arguments.at_least}")
    finally:
        process.terminate()
        process.wait()


main()
