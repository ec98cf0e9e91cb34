"""Writes what is made of the project's records: the pictures beside this file, evidence.md and json.md; with --check says what is stale."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
# No folder of compiled files beside the sources.
sys.dont_write_bytecode = True

import boards, device, evidence, kernels, models, schemas, wire  # noqa: E401, E402

ALL = [boards, device, kernels, models, wire]


def main():
    found = {HERE / name: str(make()) for module in ALL for name, make in module.PICTURES.items()}
    found[HERE.parent / "evidence.md"] = evidence.page()
    found[HERE.parent / "json.md"] = schemas.page()
    if "--check" in sys.argv[1:]:
        strangers = sorted(set(HERE.glob("*.svg")) - set(found))
        stale = [path for path, text in sorted(found.items()) if not path.exists() or path.read_text() != text]
        names = ", ".join(path.name for path in strangers + stale)
        sys.exit(f"{names}: made of other records; 'make pictures' makes them anew" if names else None)
    for path, text in found.items():
        path.write_text(text)


main()
