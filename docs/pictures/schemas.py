"""The page of JSON outputs: out of the schemas in docs/schemas."""

import json

from svg import ROOT

HEAD = """# JSON

Made by `make pictures` from `docs/schemas`; not edited by hand.

These commands take `--json`: `bench`, `check`, `checkpoint`, `demo`, `devices`, `eval`, `info`, `kv info`, `patch`, `plan`, `run`, `verify` and `wave`; the others do
not. With it a command prints one object on one line of standard output; notes and errors go to standard error, and the exit code says whether it worked. Each object has a field `schema`, such as `nda.run/1`: the command, and the version of what it prints. **The version grows when a field goes
away or changes its meaning**; fields may be added without a new one, so take what you know and ignore the rest. A test runs the commands and validates what
they print by the schemas (`docs/schemas/check.py`), and refuses a command with `--json` that has none, and a field that its schema does not have.

`a.b` is the field `b` of the object `a`, and `a[].b` that of each object in the list `a`. *Sometimes*: not in every answer. Where a command prints one of
several objects, each has a table.

The server speaks OpenAI's JSON: [serving](server.md).
"""


# Objects that stand in several places: where one of them is described, and what it is.
SHARED = {
    "statistics": ("run", "decode", "What was counted while tokens were made. A field of the device is null where nobody counts, as on the CPU."),
    "work": ("run", "work", "Who multiplied how much."),
    "time": ("bench", "loading/view", "Of runs that were repeated, in seconds."),
    "model": ("info", "model", "What a model is made of."),
}


def schemas():
    return {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "docs/schemas").glob("*.json"))}


def forms(schema):
    return schema.get("anyOf", [schema])


def inner(field):
    """The fields within an object, or within the objects of a list."""
    return field.get("items", field).get("properties", {})


def shared():
    """Objects that stand in several places: their names by the fields that they have, and these."""
    found = {}
    for name, (stem, path, _) in SHARED.items():
        field = forms(schemas()[stem])[0]
        for step in path.split("/"):
            field = inner(field)[step]
        found[tuple(inner(field))] = (name, field)
    return found


def kind(field, known):
    if "const" in field:
        return f"`{field['const']}`"
    types = field.get("type", "any")
    types = types if isinstance(types, str) else " or ".join(types)
    name = known.get(tuple(inner(field)), ("",))[0]
    return types.replace("object", f"[{name}](#shared-objects)") if name else types


def rows(field, known, path=""):
    """A row for every field of an object, those of the objects within it behind its own."""
    text, required = "", field.get("items", field).get("required", [])
    for name, each in inner(field).items():
        optional = "" if name in required else ", sometimes"
        text += f"| `{path}{name}` | {kind(each, known)}{optional} | {each.get('description', '')} |\n"
        if tuple(inner(each)) not in known:
            text += rows(each, known, f"{path}{name}{'[]' if 'items' in each else ''}.")
    return text


def table(field, known):
    return "\n| field | type | |\n|---|---|---|\n" + rows(field, known)


def page():
    known, text = shared(), HEAD
    for stem, schema in schemas().items():
        text += f"\n## {stem}\n\n{schema['title']} Schema: `docs/schemas/{stem}.json`.\n"
        text += "".join(table(form, known) for form in forms(schema))
    text += "\n## Shared objects\n"
    for name, field in known.values():
        text += f"\n**{name.capitalize()}.** {SHARED[name][2]}\n{table(field, known)}"
    return text
