"""The page of JSON outputs: out of the schemas in docs/schemas."""

import json

from svg import ROOT

HEAD = """# JSON

Made by `make pictures` from `docs/schemas`; not edited by hand.

These commands take `--json`: `bench`, `check`, `checkpoint`, `demo`, `devices`, `eval`, `info`, `kv info`, `patch`, `plan`, `run`, `verify` and `wave`; the others do
not. With it a command prints one object on one line of standard output; notes and errors go to standard error, and the exit code says whether it worked. Each object has a field `schema`, such as `nda.run/1`: the command, and the version of what it prints. **The version grows when a field goes
away or changes its meaning**; fields may be added without a new one, so take what you know and ignore the rest. A test runs the commands and validates what
they print by the schemas (`docs/schemas/check.py`), and refuses a command with `--json` that has none.

The server speaks OpenAI's JSON: [serving](server.md).
"""


def kind(field):
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return "string"
    types = field.get("type", "any")
    return types if isinstance(types, str) else " or ".join(types)


def page():
    text = HEAD
    for path in sorted((ROOT / "docs/schemas").glob("*.json")):
        schema = json.loads(path.read_text())
        text += f"\n## {path.stem}\n\n{schema['title']} Schema: `docs/schemas/{path.name}`.\n"
        for form in schema.get("anyOf", [schema]):
            if "properties" not in form:
                continue
            text += "\n| field | type | |\n|---|---|---|\n"
            required = form.get("required", [])
            for name, field in form["properties"].items():
                optional = "" if name in required else ", sometimes"
                text += f"| `{name}` | {kind(field)}{optional} | {field.get('description', '')} |\n"
    return text
