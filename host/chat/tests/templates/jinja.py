"""Jinja2 as the Python package transformers sets it up, and the scene that the tests' templates are rendered in."""

import copy
import datetime
import json
import re

import jinja2.ext
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MESSAGES = [
    {"role": "system", "content": " Be kind.\n"},
    {"role": "user", "content": "Hello!\nyou <b> & é"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\nhi there?"},
    {"role": "user", "content": "Go on"},
]
BEGIN, END = "<|bos|>", "<|im_end|>"
# What a template may find besides: numbers of all sizes, and keys that are names of methods.
VARIABLES = {
    "numbers": [1, 2.5, 1e16, 1e-05, -3, 0, 0.1, True],
    "words": ["b", "A", "a", "é", ""],
    "tree": {"items": {"type": "x", "keys": [1]}, "title": "t", "n": None, "f": 1e20, "yes": True, "values": [], "b": 2, "a": 1},
    "mixed": [1, "1", None, True, [1.0, "x"], {"k": 1e-07}],
}


class Generation(jinja2.ext.Extension):
    """The marks around what an assistant generates; outside of training they mean nothing."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


ENVIRONMENT = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
ENVIRONMENT.filters["tojson"] = tojson
ENVIRONMENT.globals["raise_exception"] = raise_exception
ENVIRONMENT.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)

# Texts of things that have none: where in memory they are, or what Python calls them.
NO_TEXT = re.compile(r" at 0x[0-9a-f]+|<(built-in|bound) |dict_(keys|values|items)\(|\brange\(\d|<Macro|<class|<jinja2|<function|<filter |Markup\(")


def rendered(source):
    """The text of a template, or none where Jinja2 refuses it or the text tells of Python's memory."""
    try:
        # A filter may write into what it is given.
        scene = copy.deepcopy({"messages": MESSAGES, **VARIABLES})
        text = ENVIRONMENT.from_string(source).render(
            tools=None, documents=None, add_generation_prompt=True, bos_token=BEGIN, eos_token=END, **scene
        )
    except Exception:
        return None
    return None if NO_TEXT.search(text) else text
