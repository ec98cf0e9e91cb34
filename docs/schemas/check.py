"""Runs every command that prints JSON and validates what it prints by the schema beside this file: check.py NDA SAVED, which is a
conversation that 'nda chat --save' wrote."""

import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TINY = ROOT / "models/tiny.ndf"
RECORD = ROOT / "bench/record/epyc-zen4-2-cores/kernels.json"
PATCH = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"
MODELS = ROOT / "host/convert/tests/models"
# A matrix file of the articles: 2 x 3 weights (host/ndf/FORMAT.md, section 11).
MATRIX = struct.pack("<IHIIf", 0x4E444100, 2, 2, 3, 0.5) + bytes([0x3F, 0x15])
# Schema, then a command line; 'text', 'wave', 'change', 'matrix', 'converted', 'saved' and 'folder' are made for it, 'ID' is a checkpoint's.
LINES = [
    ("run", ["run", TINY, "--prompt", "She ", "--max-tokens", "4", "--json"]),
    ("run", ["run", TINY, "--prompt", "She ", "--max-tokens", "40", "--backend", "loopback", "--json"]),
    ("demo", ["demo", TINY, "--max-tokens", "4", "--backends", "cpu,loopback", "--json"]),
    ("demo", ["demo", TINY, "--max-tokens", "4", "--backends", "cpu,loopback:nano16", "--offload", "gemv", "--json"]),
    ("eval", ["eval", TINY, "--text", "text", "--json"]),
    ("eval", ["eval", TINY, "--text", "text", "--kv", "b4", "--against", "f32", "--json"]),
    ("info", ["info", TINY, "--json"]),
    ("info", ["info", MODELS / "llama.gguf", "--json"]),
    ("info", ["info", MODELS / "types/F16.gguf", "--json"]),
    ("info", ["info", "matrix", "--json"]),
    ("info", ["info", "--cpu", "--json"]),
    ("check", ["check", TINY, "--json"]),
    ("verify", ["verify", "--shapes", "1", "--json"]),
    ("verify", ["verify", "--shapes", "1", "--backend", "loopback:nano16", "--json"]),
    ("devices", ["devices", "--json"]),
    ("plan", ["plan", TINY, "--json"]),
    ("plan", ["plan", TINY, "--config", "nano16", "--json"]),
    ("plan", ["plan", TINY, "--board", "icebreaker", "--json"]),
    ("plan", ["plan", TINY, "--board", "ulx3s-85f", "--json"]),
    ("plan", ["plan", "converted", "--board", "hx8k", "--json"]),
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
        (top / "matrix").write_bytes(MATRIX)
        subprocess.run(["git", "init", "-q", top / "folder"], check=True)
        subprocess.run([nda, "convert", MODELS / "llama.gguf", top / "converted"], check=True, stdout=subprocess.DEVNULL)
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


def silent(schema, path=""):
    """Fields of a schema that say nothing of themselves, by their paths."""
    for name, field in schema.get("properties", {}).items():
        if path + name != "schema" and not field.get("description"):
            yield path + name
        yield from silent(field.get("items", field), f"{path}{name}.")


def strange(schema, answer, path=""):
    """Fields of an answer that its schema does not have, by their paths."""
    if isinstance(answer, list):
        for item in answer:
            yield from strange(schema.get("items", {}), item, path)
    elif isinstance(answer, dict):
        known = schema.get("properties", {})
        for name, value in answer.items():
            if name in known:
                yield from strange(known[name], value, f"{path}{name}.")
            elif not schema.get("additionalProperties"):
                yield path + name


def main():
    schemas = {path.stem: json.loads(path.read_text()) for path in HERE.glob("*.json")}
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        mute = [field for form in schema.get("anyOf", [schema]) for field in silent(form)]
        assert not mute, f"{name}.json: what are {mute}?"
    tried = set()
    undescribed = set(have_json(sys.argv[1])) - set(schemas)
    assert not undescribed, f"commands whose JSON no schema describes: {undescribed}"
    for name, line, answer in answers(*sys.argv[1:]):
        validator = jsonschema.Draft202012Validator(schemas[name])
        for fault in validator.iter_errors(answer):
            sys.exit(f"nda {' '.join(map(str, line))}: {'/'.join(map(str, fault.absolute_path))}: {fault.message}")
        form = next(form for form in schemas[name].get("anyOf", [schemas[name]]) if jsonschema.Draft202012Validator(form).is_valid(answer))
        unknown = sorted(set(strange(form, answer)))
        assert not unknown, f"nda {' '.join(map(str, line))}: {name}.json does not have {unknown}"
        # A schema that takes anything would say nothing.
        assert not validator.is_valid(None) and not validator.is_valid({"schema": "nda.other/1"}), name
        tried.add(name)
    assert tried == set(schemas), f"schemas that nothing prints: {set(schemas) - tried}"
    print(f"{len(LINES)} answers of {len(tried)} commands fit their schemas")


if __name__ == "__main__":
    main()
