"""Writes what Jinja2 makes of each template in constructs.json; run it after a template was added, in .tools/chat:
    .tools/chat/bin/python host/chat/tests/templates/record.py
A case with "refused" is one that Jinja2 renders and nda refuses by name."""

import json
import pathlib
import warnings

import jinja

warnings.simplefilter("ignore")
FILE = pathlib.Path(__file__).with_name("constructs.json")
cases = json.loads(FILE.read_text())["cases"]
for case in cases:
    case["text"] = jinja.rendered(case["template"])
rows = ",\n".join("  " + json.dumps(case, ensure_ascii=True) for case in cases)
scene = {"messages": jinja.MESSAGES, "variables": jinja.VARIABLES, "bos_token": jinja.BEGIN, "eos_token": jinja.END}
FILE.write_text('{"scene": %s,\n "cases": [\n%s\n]}\n' % (json.dumps(scene), rows))
