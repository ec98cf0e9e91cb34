"""Random templates out of the constructs that published chat templates use, each with what Jinja2 makes of it, one per line as JSON.
Arguments: the first seed, and how many. A template comes from its seed alone."""

import json
import random
import sys
import warnings

import jinja

INTEGERS = ["0", "1", "2", "3", "7", "-1", "-2", "10", "100", "messages|length", "loop.index if loop else 1", "tree.b", "tree['a']"]
FLOATS = ["1.5", "0.1", "2.0", "1e16", "1e-5", "1e20", "123456789.123", "-2.5", "7 / 2", "numbers[1]", "numbers[2]", "numbers[3]", "tree.f", "1e15", "0.5"]
TEXTS = [
    "''", "'a'", "'Hello World'", "'é'", "'a,b,c'", "' x '", '"it\'s"', "'q\"q'", "'a\\nb'", "'<b>'", "'12'", "'3.7'", "'ab ab'", "'x=1'", "'ÄÖ ß'",
    "'\\t'", "'don\\'t'", "messages[0].content", "messages[1]['content']", "messages[2].content", "messages[-1].role", "bos_token", "words[0]", "tree.title", "'%'",
    "'a-b_c d'", "'a\\\\b'",
]
BOOLEANS = ["true", "false", "True", "tree.yes", "add_generation_prompt", "messages[0].role == 'system'"]
NOTHING = ["none", "undefined_name", "tree.n", "tree.missing", "messages[0].name", "tools"]
LISTS = ["[]", "[1, 2, 3]", "words", "numbers", "mixed", "['b', 'a']", "[1, 1, 2]", "messages", "'a b c'.split()", "'a,b'.split(',')", "range(3)", "[[1, 'x'], [2, 'y']]", "(1, 2)", "['x']", "messages[1:]", "[1.0, 1e16]", "[none, true]"]
DICTS = ["{}", "{'a': 1}", "tree", "messages[0]", "{'b': 1.5, 'a': [1]}", "{'x': 'é', 'y': none}", "dict(a=1, b='x')"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = []

    def pick(self, some):
        return self.random.choice(some)

    def chance(self, share):
        return self.random.random() < share

    def any(self, depth):
        return self.pick([self.number, self.text, self.text, self.list, self.dict, self.truth, self.nothing])(depth)

    def of(self, kind, depth):
        """Mostly of a kind: what Jinja2 refuses must be refused too, but not most of the time."""
        return self.any(depth) if self.chance(0.06) else kind(depth)

    def nothing(self, _):
        return self.pick(NOTHING)

    def integer(self, depth):
        if depth <= 0 or self.chance(0.4):
            return self.pick(INTEGERS)
        a, b = self.of(self.integer, depth - 1), self.of(self.integer, depth - 1)
        return self.pick([
            f"({a} {self.pick(['+', '-', '*', '//', '%'])} {b})", f"({self.of(self.list, depth - 1)}|length)", f"({self.of(self.text, depth - 1)}|length)",
            f"({self.any(depth - 1)}|int)", f"({self.of(self.text, depth - 1)}.find({self.of(self.text, depth - 1)}))", f"({self.of(self.text, depth - 1)}|wordcount)",
            f"({self.of(self.text, depth - 1)}.count({self.of(self.text, depth - 1)}))", f"({self.pick(['[1, 2, 3]', 'numbers', '[0.1, 0.2]', '[]'])}|sum)", f"(-{a})", f"({a}|abs)", f"({a} ** 2)",
        ])

    def number(self, depth):
        if self.chance(0.5):
            return self.integer(depth)
        if depth <= 0 or self.chance(0.5):
            return self.pick(FLOATS)
        a, b = self.of(self.number, depth - 1), self.of(self.number, depth - 1)
        return self.pick([
            f"({a} {self.pick(['+', '-', '*', '/', '//', '%'])} {b})", f"({a}|round)", f"({a}|round({self.pick(['0', '1', '2'])}))", f"({a}|float)", f"({self.any(depth - 1)}|float)",
            f"({a}|round(1, 'floor'))", f"({a}|round(method='ceil'))", f"({self.pick(['numbers', '[3, 1.5]', '[2, 2.0]'])}|{self.pick(['min', 'max', 'sum', 'first', 'last'])})", f"({a}|abs)",
        ])

    def text(self, depth):
        if depth <= 0 or self.chance(0.3):
            return self.pick(TEXTS)
        a, b = self.of(self.text, depth - 1), self.of(self.text, depth - 1)
        return self.pick([
            lambda: f"({a} + {b})", lambda: f"({a} ~ {self.any(depth - 1)})", lambda: f"({self.any(depth - 1)} ~ {b})", lambda: f"({self.any(depth - 1)}|string)",
            lambda: f"({a}|{self.pick(['trim', 'upper', 'lower', 'title', 'capitalize', 'string', 'first', 'last', 'reverse', 'default', 'safe', 'length'])})",
            lambda: f"({self.any(depth - 1)}|{self.pick(['upper', 'trim', 'capitalize', 'title', 'lower'])})",
            lambda: f"({a}|replace({b}, {self.of(self.text, 0)}))", lambda: f"({self.of(self.list, depth - 1)}|join({self.of(self.text, 0)}))", lambda: f"({self.of(self.list, depth - 1)}|map('{self.pick(['string', 'upper', 'length', 'int', 'tojson'])}')|join)",
            lambda: f"{a}.{self.pick(['strip', 'lstrip', 'rstrip', 'upper', 'lower', 'title', 'capitalize', 'swapcase'])}()", lambda: f"{a}.{self.pick(['strip', 'lstrip', 'rstrip'])}({b})",
            lambda: f"{a}.replace({b}, {self.of(self.text, 0)})", lambda: f"{a}.split({b})[{self.pick(['0', '-1', '1'])}]", lambda: f"{a}[{self.slice(depth)}]", lambda: f"{a}[{self.of(self.integer, 0)}]",
            lambda: f"{self.of(self.text, 0)}.join({self.of(self.list, depth - 1)})", lambda: f"({self.any(depth - 1)}|tojson{self.pick(['', '(indent=2)', '(ensure_ascii=true)', '(sort_keys=true)'])})",
            lambda: f"({self.percent(depth)})", lambda: self.braces(depth), lambda: f"({a} if {self.truth(depth - 1)} else {b})", lambda: f"({a} * {self.pick(['0', '2', '3'])})",
            lambda: f"({a}|indent({self.pick(['2', '4, true', 'first=true', 'width=1'])}))", lambda: f"({a}|center({self.pick(['5', '12'])}))", lambda: f"{a}.{self.pick(['ljust', 'rjust', 'center', 'zfill'])}({self.pick(['3', '8'])})",
            lambda: f"{a}.{self.pick(['removeprefix', 'removesuffix'])}({b})", lambda: f"({self.any(depth - 1)}|default({b}{self.pick(['', ', true'])}))", lambda: f"({a} or {b})", lambda: f"({a} and {b})",
            lambda: f"({a}|trim({b}))", lambda: f"({self.of(self.dict, depth - 1)}.get({b}, {self.any(0)}))", lambda: f"{a}.splitlines()|join('/')", lambda: f"({a}|e)",
        ])()

    def percent(self, depth):
        form, kinds = self.pick([
            ("%s", "a"), ("%s and %s", "aa"), ("%d", "i"), ("%5s|", "t"), ("%-5s|", "t"), ("%05d", "i"), ("%.2f", "n"), ("%5.1f|", "n"), ("%r", "a"), ("%s%%", "a"), ("%x", "i"), ("%+d", "i"),
            ("%.3s", "t"), ("%e", "n"), ("%g", "n"), ("%s", "t"),
        ])
        values = [self.of({"a": self.any, "i": self.integer, "n": self.number, "t": self.text}[kind], depth - 1) for kind in kinds]
        if self.chance(0.4):
            return f"'{form}'|format({', '.join(values)})"
        return f"'{form}' % {values[0] if len(values) == 1 and self.chance(0.5) else '(' + ', '.join(values) + ',)'}"

    def braces(self, depth):
        form, kinds = self.pick([
            ("{}", "a"), ("{} {}", "aa"), ("{0}{1}{0}", "aa"), ("{:>5}|", "t"), ("{:<5}|", "t"), ("{:^7}|", "t"), ("{:.2f}", "n"), ("{:05d}", "i"), ("{:,}", "i"), ("{!r}", "a"), ("{:d}", "i"), ("{:.3}", "t"), ("{:*^9}", "t"), ("{:x}", "i"), ("{:e}", "n"), ("{:g}", "n"), ("{:%}", "n"),
        ])
        return f"'{form}'.format({', '.join(self.of({'a': self.any, 'i': self.integer, 'n': self.number, 't': self.text}[kind], depth - 1) for kind in kinds)})"

    def slice(self, _):
        bound = lambda: self.pick(["", "", "0", "1", "2", "-1", "-2", "5", "none"])
        step = self.pick(["", "", "", ":2", ":-1", ":-2", ":1"])
        return f"{bound()}:{bound()}{step}"

    def list(self, depth):
        if depth <= 0 or self.chance(0.35):
            return self.pick(LISTS)
        a = self.of(self.list, depth - 1)
        return self.pick([
            lambda: f"[{', '.join(self.any(depth - 1) for _ in range(self.random.randrange(4)))}]", lambda: f"{a}[{self.slice(depth)}]", lambda: f"({a} + {self.of(self.list, depth - 1)})",
            lambda: f"({a}|{self.pick(['sort', 'list', 'reverse|list', 'unique|list', 'unique', 'reverse', 'sort(reverse=true)', 'sort(case_sensitive=true)', 'select|list', 'select', 'reject|list', 'first', 'last', 'batch(2)|list', 'slice(2)|list'])})",
            lambda: f"({a}|map('{self.pick(['upper', 'string', 'length', 'trim', 'float', 'int'])}')|list)", lambda: f"(messages|map(attribute='{self.pick(['role', 'content', 'name', 'content.0'])}')|list)", lambda: f"(messages|map(attribute='name', default='d')|list)",
            lambda: f"({a}|{self.pick(['select', 'reject'])}('{self.pick(['string', 'number', 'odd', 'none', 'defined', 'mapping', 'true', 'iterable', 'boolean', 'integer', 'float', 'sequence'])}')|list)", lambda: f"({a}|select('{self.pick(['equalto', 'ne', 'in', 'gt'])}', {self.any(0)})|list)",
            lambda: f"(messages|{self.pick(['selectattr', 'rejectattr'])}('role', '{self.pick(['equalto', '==', 'ne', 'in'])}', {self.pick(['`user`', '[`user`, `system`]', '`x`'])})|{self.pick(['list', 'list', 'map(attribute=`content`)|list', 'list|length'])})".replace("`", '"'),
            lambda: f"({self.of(self.dict, depth - 1)}{self.pick(['.items()', '.keys()', '.values()', '|items', '|dictsort', '|list', '|dictsort(by=`value`)', '|dictsort(reverse=true)', '.items()|list', '.keys()|list', '.values()|list', '|items|list'])})".replace("`", '"'),
            lambda: f"({a} * 2)", lambda: f"({a} if {self.truth(depth - 1)} else {self.list(depth - 1)})", lambda: f"range({self.pick(['3', '1, 4', '5, 0, -2', '0'])})|list", lambda: f"(messages|groupby('role')|map('first')|list)",
            lambda: f"{self.of(self.text, depth - 1)}.{self.pick(['split()', 'splitlines()', 'split(`,`)', 'rsplit(` `, 1)', 'split(none, 1)', 'partition(` `)', 'rpartition(`,`)', 'split(` `)', 'split(`a`, 1)'])}".replace("`", '"'), lambda: f"({self.of(self.text, depth - 1)}|list)",
        ])()

    def dict(self, depth):
        if depth <= 0 or self.chance(0.5):
            return self.pick(DICTS)
        return self.pick([
            lambda: "{" + ", ".join(f"{self.pick(TEXTS[:8])}: {self.any(depth - 1)}" for _ in range(self.random.randrange(3))) + "}", lambda: f"messages[{self.of(self.integer, 0)}]", lambda: "(messages|last)", lambda: "(messages|first)", lambda: "tree['items']",
        ])()

    def truth(self, depth):
        if depth <= 0 or self.chance(0.25):
            return self.pick(BOOLEANS)
        a, b = self.any(depth - 1), self.any(depth - 1)
        return self.pick([
            lambda: f"({self.of(self.number, depth - 1)} {self.pick(['<', '<=', '>', '>=', '==', '!='])} {self.of(self.number, depth - 1)})", lambda: f"({self.of(self.text, depth - 1)} {self.pick(['<', '==', '!=', 'in', 'not in'])} {self.of(self.text, depth - 1)})",
            lambda: f"({a} == {b})", lambda: f"({a} {self.pick(['in', 'not in'])} {self.of(self.list, depth - 1)})", lambda: f"({a} in {self.of(self.dict, depth - 1)})", lambda: f"(not {a})", lambda: f"({self.truth(depth - 1)} {self.pick(['and', 'or'])} {self.truth(depth - 1)})",
            lambda: f"({a} is {self.pick(['', 'not '])}{self.pick(['defined', 'undefined', 'none', 'string', 'mapping', 'number', 'iterable', 'sequence', 'boolean', 'integer', 'float', 'true', 'false'])})", lambda: f"({self.of(self.integer, depth - 1)} is {self.pick(['odd', 'even', 'divisibleby(2)', 'divisibleby 3'])})",
            lambda: f"{self.of(self.text, depth - 1)}.{self.pick(['startswith', 'endswith'])}({self.of(self.text, 0)})", lambda: f"{self.of(self.text, depth - 1)}.{self.pick(['isdigit', 'isalpha', 'isupper', 'islower', 'isspace', 'isalnum', 'istitle', 'isnumeric'])}()", lambda: f"({a} is {self.pick(['eq', 'equalto', 'ne', 'in', 'sameas'])}({b}))",
            lambda: f"({self.of(self.number, 0)} < {self.of(self.number, 0)} < {self.of(self.number, 0)})", lambda: f"({self.of(self.dict, depth - 1)}.{self.pick(['items', 'keys', 'title', 'x', 'a', 'values', 'get', 'format'])} is defined)", lambda: f"({self.of(self.text, depth - 1)} is {self.pick(['lower', 'upper'])})",
        ])()

    def blank(self):
        return self.pick(["", "", "", " ", "\n", "  ", "\n  ", "\n\n", "x", "\t"])

    def tag(self, code):
        open_, close = self.pick(["{%", "{%", "{%-", "{%+" if self.chance(0.2) else "{%"]), self.pick(["%}", "%}", "-%}"])
        return f"{open_} {code} {close}"

    def body(self, depth):
        return "".join(self.blank() + self.statement(depth - 1) for _ in range(self.random.randrange(1, 3))) + self.blank()

    def printed(self, depth):
        return self.pick(["{{ %s }}", "{{ %s }}", "{{- %s }}", "{{ %s -}}", "{{%s}}"]) % self.any(depth)

    def statement(self, depth):
        if depth <= 0 or self.chance(0.45):
            return self.printed(3)
        return self.pick([self.branch, self.loop, self.loop, self.setting, self.macro, self.captured, self.namespace, lambda _: self.pick(["{# c #}", "{#- c -#}", "{% raw %}{{ x }}{% endraw %}", "text"]), self.unpacked])(depth)

    def branch(self, depth):
        middle = self.tag(f"elif {self.truth(1)}") + self.body(depth) if self.chance(0.3) else ""
        other = self.tag("else") + self.body(depth) if self.chance(0.5) else ""
        condition = self.truth(2) if self.chance(0.6) else self.any(2)
        return self.tag(f"if {condition}") + self.body(depth) + middle + other + self.tag("endif")

    def loop(self, depth):
        over = self.of(self.list, 2) if self.chance(0.8) else self.of(self.dict, 2)
        kept = f" if {self.pick(['i', 'i is string', 'loop is undefined', 'i != 1', 'i is not none'])}" if self.chance(0.2) else ""
        inner = self.pick(["{{ i }}", "{{ i }},", "{{ loop.index }}{{ i }}", "{{ loop.first }}{{ loop.last }}", "{{ loop.revindex0 }}/{{ loop.length }}", "{% set n = i %}{{ n }}", "{{ loop.previtem is defined }}", "{{ loop.nextitem|default('-') }}", "{{ loop.cycle('a', 'b') }}", "{{ i }}{{ loop.changed(i) }}"])
        leave = self.pick([self.tag("if loop.index > 2") + self.tag(self.pick(["break", "continue"])) + self.tag("endif"), "", "", ""])
        other = self.tag("else") + "empty" if self.chance(0.3) else ""
        return self.tag(f"for i in {over}{kept}") + leave + inner + (self.body(depth) if self.chance(0.4) else self.blank()) + other + self.tag("endfor")

    def unpacked(self, depth):
        over = self.pick(["tree.items()", "{'a': 1.5, 'b': 1e20}.items()", "[[1, 2], [3, 4]]", "messages[0].items()", "tree|dictsort", "{'x': none}|items", "messages|groupby('role')", "[(1, 'a')]", self.of(self.list, 1)])
        return self.tag(f"for k, v in {over}") + "{{ k }}={{ v" + self.pick(["", "|string", " ~ ''", "|tojson", "|length"]) + " }};" + self.tag("endfor")

    def setting(self, depth):
        return self.tag(f"set v = {self.any(2)}") + self.blank() + self.pick(["{{ v }}", "{{ v ~ v }}", "{{ [v] }}", "{{ v|tojson }}", "{% if v %}y{% endif %}"]) + self.body(depth)

    def captured(self, depth):
        return self.pick([
            lambda: self.tag("set w") + self.body(depth) + self.tag("endset") + "[{{ w" + self.pick(["", "|trim", "|length", "|upper"]) + " }}]",
            lambda: self.tag(f"filter {self.pick(['upper', 'trim', 'lower', 'indent(2)', 'replace(`a`, `b`)'])}").replace("`", '"') + self.body(depth) + self.tag("endfilter"),
            lambda: self.tag(f"with q = {self.any(1)}") + "{{ q }}" + self.body(depth) + self.tag("endwith"),
        ])()

    def macro(self, depth):
        call = self.pick(["f(1)", "f('x', y=2)", "f()", f"f({self.any(1)})", f"f(x={self.any(1)})", "f(1, 2, 3)", "f(1)|trim"])
        return self.tag("macro f(x, y='d')") + "{{ x }}-{{ y }}" + self.blank() + self.tag("endmacro") + "{{ " + call + " }}"

    def namespace(self, depth):
        change = self.pick(["ns.n + 1", "ns.n ~ i", "i"])
        return self.tag("set ns = namespace(n=0)") + self.tag(f"for i in {self.of(self.list, 1)}") + self.tag(f"set ns.n = {change}") + self.tag("endfor") + "{{ ns.n }}{{ ns.missing is defined }}"

    def template(self):
        return "".join(self.blank() + self.statement(2) for _ in range(self.random.randrange(1, 3))) + self.blank()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    first, count = map(int, sys.argv[1:])
    scene = {"messages": jinja.MESSAGES, "variables": jinja.VARIABLES, "bos_token": jinja.BEGIN, "eos_token": jinja.END}
    print(json.dumps(scene))
    for seed in range(first, first + count):
        source = Maker(seed).template()
        print(json.dumps({"seed": seed, "template": source, "text": jinja.rendered(source)}))
