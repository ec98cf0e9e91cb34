"""Runs every command that prints JSON and validates what it prints by the schema beside this file: check.py NDA."""

import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TINY = ROOT / "models/tiny.ndf"
# Schema, then a command line; 'text' and 'wave' stand for files that are made for it.
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
    ("wave", ["wave", "--read", "wave", "--signal", "result_valid", "--json"]),
    ("checkpoint", ["checkpoint", "--root", "folder", "create", "first", "--json"]),
    ("checkpoint", ["checkpoint", "--root", "folder", "list", "--json"]),
]


def answers(nda):
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        (top / "text").write_text((ROOT / "models/val.txt").read_text()[:3000])
        (top / "folder").mkdir()
        (top / "folder/a.txt").write_text("a\n")
        subprocess.run(["git", "init", "-q", top / "folder"], check=True)
        subprocess.run([nda, "wave", "--config", "nano16", "--out", top / "wave"], check=True, stdout=subprocess.DEVNULL)
        for name, line in LINES:
            done = subprocess.run([nda, *line], cwd=top, capture_output=True, text=True)
            assert done.returncode == 0, f"{line}: {done.stderr}"
            yield name, line, json.loads(done.stdout.splitlines()[-1])


def main():
    schemas = {path.stem: json.loads(path.read_text()) for path in HERE.glob("*.json")}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    tried = set()
    for name, line, answer in answers(sys.argv[1]):
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
