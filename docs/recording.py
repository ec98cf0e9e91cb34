"""A page's commands as a recording: a picture that types them and prints what they printed."""

import html
import re

# Characters in a line, lines at a time, and seconds per character that is typed, line that is printed, character that a model says.
COLUMNS, ROWS, TYPED_S, PRINTED_S, SPOKEN_S = 128, 18, 0.035, 0.12, 0.05


def colour(line, is_command):
    if is_command:
        return "c"
    # The rule below a table's head is no line of a diff.
    if line.startswith("----"):
        return "o"
    return {"+": "a", "-": "d", "@": "h"}.get(line[:1], "e" if line.startswith("error") else "o")


def frames(steps):
    """Lines of the terminal with the time each appears and is whole, in seconds, and what it is."""
    at, rows = 0.5, []
    for lines, expected in steps:
        for number, line in enumerate(lines):
            at += TYPED_S * len(line)
            rows.append((at, at, ("$ " if number == 0 else "> ") + line, True))
        at += 0.4
        # A text comes token by token.
        is_spoken = lines[0].startswith(("nda run", "nda demo"))
        for number, line in enumerate(expected):
            begins = at = at + PRINTED_S
            at += SPOKEN_S * len(line) if is_spoken and number == 0 else 0
            rows.append((begins, at, line, False))
        at += 1.2
    return rows, at + 3


def wrapped(line):
    return [line[begin : begin + COLUMNS] for begin in range(0, max(len(line), 1), COLUMNS)]


def recording(steps):
    rows, whole = frames(steps)
    rows = [(at, end, part, is_command) for at, end, line, is_command in rows for part in wrapped(line)]
    height, width, shown = 18, COLUMNS * 8 + 24, min(ROWS, len(rows))
    styles, texts = [], []
    for number, (at, end, line, is_command) in enumerate(rows):
        if end > at:
            styles.append(f"@keyframes s{number}{{0%,{100 * at / whole:.2f}%{{transform:scaleX(0);animation-timing-function:steps({len(line)})}}{100 * end / whole:.2f}%,100%{{transform:scaleX(1)}}}}")
            texts.append(f'<clipPath id="s{number}"><rect y="{height * number}" width="{7.83 * len(line):.1f}" height="{height + 6}" style="animation:s{number} {whole:.1f}s infinite"/></clipPath>')
        styles.append(f"@keyframes l{number}{{0%,{100 * at / whole:.2f}%{{opacity:0}}{100 * at / whole + 0.01:.2f}%,100%{{opacity:1}}}}")
        text = html.escape(line, quote=False)
        clip = f' clip-path="url(#s{number})"' if end > at else ""
        texts.append(
            f'<text class="{colour(line, is_command)}" y="{height * (number + 1)}" style="animation:l{number} {whole:.1f}s infinite"{clip}>{text}</text>'
        )
    turns = [(at, max(0, number + 1 - ROWS)) for number, (at, _, _, _) in enumerate(rows)]
    moves = [f"{100 * at / whole:.2f}%{{transform:translateY(-{height * by}px)}}" for at, by in turns if by]
    styles.append("@keyframes up{0%{transform:translateY(0)}" + "".join(moves) + f"100%{{transform:translateY(-{height * turns[-1][1]}px)}}}}")
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height * shown + 30}" font-family="monospace" font-size="13" xml:space="preserve" role="img"><title>Commands in a terminal, and what they print</title>
<style>text{{white-space:pre}}.c{{fill:#fff;font-weight:bold}}.o{{fill:#c8ccd4}}.a{{fill:#7fd18a}}.d{{fill:#ef8a8a}}.h{{fill:#8ab4f8}}.e{{fill:#f5b95f}}
#all{{animation:up {whole:.1f}s infinite step-end}}
{chr(10).join(styles)}
@media(prefers-reduced-motion:reduce){{*{{animation:none!important}}}}</style>
<rect width="100%" height="100%" rx="8" fill="#1b1e24"/>
<svg x="12" y="8" width="{width - 24}" height="{height * shown + 6}"><g id="all">
{chr(10).join(texts)}
</g></svg></svg>
"""


def steps(picture):
    """Commands of a recording with the lines that they printed."""
    found, is_wrapped = [], False
    for kind, text in re.findall(r'<text class="(.)"[^>]*>([^<]*)</text>', picture):
        part = html.unescape(text)
        if is_wrapped:
            lines = found[-1][0] if kind == "c" else found[-1][1]
            lines[-1] += part
        elif kind == "c" and part.startswith("$ "):
            found.append(([part[2:]], []))
        elif kind == "c":
            found[-1][0].append(part[2:])
        else:
            found[-1][1].append(part)
        is_wrapped = len(part) == COLUMNS
    return found
