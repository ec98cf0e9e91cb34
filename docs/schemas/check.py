"""Runs every command that prints JSON and validates what it prints by the schema beside this file: check.py NDA SAVED, which is a
conversation that 'nda chat --save' wrote."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TINY = ROOT / "models/tiny.ndf"
RECORD = ROOT / "bench/record/epyc-zen4-2-cores/kernels.json"
PATCH = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"
# Schema, then a command line; 'text', 'wave', 'change', 'saved' and 'folder' are made for it, 'ID' is a checkpoint's.
LINES = [
    ("run", ["run", TINY, "--prompt", "She ", "--max-tokens", "4", "--json"]),
    ("run", ["run", TINY, "--prompt", "She ", "--max-tokens", "40", "--backend", "loopback", "--json"]),
    ("demo", ["demo", TINY, "--max-tokens", "4", "--backends", "cpu,loopback", "--json"]),
    ("demo", ["demo", TINY, "--max-tokens", "4", "--backends", "cpu,loopback:nano16", "--offload", "gemv", "--json"]),
    ("eval", ["eval", TINY, "--text", "text", "--json"]),
    ("eval", ["eval", TINY, "--text", "text", "--kv", "b4", "--against", "f32", "--json"]),
    ("info", ["info", TINY, "--json"]),
    ("info", ["info", ROOT / "host/convert/tests/models/llama.gguf", "--json"]),
    ("check", ["check", TINY, "--json"]),
    ("verify", ["verify", "--shapes", "1", "--json"]),
    ("verify", ["verify", "--shapes", "1", "--backend", "loopback:nano16", "--json"]),
    ("devices", ["devices", "--json"]),
    ("plan", ["plan", TINY, "--json"]),
    ("plan", ["plan", TINY, "--config", "nano16", "--json"]),
    ("plan", ["plan", TINY, "--board", "icebreaker", "--json"]),
    ("plan", ["plan", TINY, "--board", "all", "--json"]),
    ("plan", ["plan", TINY, "--gpus", "--json"]),
    ("wave", ["wave", "--read", "wave", "--signal", "result_valid", "--json"]),
    ("plan-graph", ["plan", TINY, "--graph", "--json"]),
    ("kv", ["kv", "info", "saved", "--json"]),
    ("bench", ["bench", "--quick", "--only", "ternary A8", "--seconds", "0.001", "--threads", "1", "--json"]),
    ("checkpoint", ["checkpoint", "--root", "folder", "create", "first", "--json"]),
    ("patch", ["patch", "change", "--root", "folder", "--dry-run", "--json"]),
    ("patch", ["patch", "change", "--root", "folder", "--yes", "--json"]),
    ("patch", ["patch", "change", "--root", "folder", "--yes", "--json"]),
    ("checkpoint", ["checkpoint", "--root", "folder", "list", "--json"]),
    ("checkpoint", ["checkpoint", "--root", "folder", "restore", "ID", "--json"]),
    ("checkpoint", ["checkpoint", "--root", "folder", "prune", "--keep", "0", "--json"]),
]


def have_json(nda):
    """Commands that have an option --json, or an action that has."""
    said = lambda *words: subprocess.run([nda, *words, "--help"], check=True, capture_output=True, text=True).stdout
    names = lambda text: re.findall(r"^  ([a-z]+) ", text, re.M)
    commands = names(said().split("Options:")[0])
    assert len(commands) > 20 and "run" in commands, commands
    for name in commands:
        page = said(name) if name != "help" else ""
        actions = names(page.split("Commands:")[1].split("Options:")[0]) if "Commands:" in page else []
        if any("--json" in text for text in [page, *(said(name, action) for action in actions if action != "help")]):
            yield name


def answers(nda, saved):
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        (top / "text").write_text((ROOT / "models/val.txt").read_text()[:3000])
        (top / "folder").mkdir()
        (top / "folder/a.txt").write_text("a\n")
        (top / "change").write_text(PATCH)
        shutil.copy(saved, top / "saved")
        subprocess.run(["git", "init", "-q", top / "folder"], check=True)
        subprocess.run([nda, "wave", "--config", "nano16", "--out", top / "wave"], check=True, stdout=subprocess.DEVNULL)
        known = ""
        for name, line in LINES:
            done = subprocess.run([nda, *(known if word == "ID" else word for word in line)], cwd=top, capture_output=True, text=True)
            assert done.returncode == 0, f"{line}: {done.stderr}"
            (answer,) = done.stdout.splitlines()
            yield name, line, json.loads(answer)
            for point in json.loads(answer).get("checkpoints", [])[:1]:
                known = point["id"]
    # A whole measurement takes minutes, so a record of one stands for it.
    yield "bench", [RECORD], {"schema": "nda.bench/1", **json.loads(RECORD.read_text())}


def main():
    schemas = {path.stem: json.loads(path.read_text()) for path in HERE.glob("*.json")}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    tried = set()
    undescribed = set(have_json(sys.argv[1])) - set(schemas)
    assert not undescribed, f"commands whose JSON no schema describes: {undescribed}"
    for name, line, answer in answers(*sys.argv[1:]):
        validator = jsonschema.Draft202012Validator(schemas[name])
        for fault in validator.iter_errors(answer):
            sys.exit(f"nda {' '.join(map(str, line))}: {'/'.join(map(str, fault.absolute_path))}: {fault.message}")
        # A schema that takes anything would say nothing.
        assert not validator.is_valid(None) and not validator.is_valid({"schema": "nda.other/1"}), name
        tried.add(name)
    assert tried == set(schemas), f"schemas that nothing prints: {set(schemas) - tried}"
    print(f"{len(LINES)} answers of {len(tried)} commands fit their schemas")


if __name__ == "__main__":
    main()
