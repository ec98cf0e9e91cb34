"""Runs the commands of walkthrough.md as a new user would, in a clean folder and a terminal, and compares what they print with the page.
With --record it then writes walkthrough.svg, the page's commands as a recording; without, it sees that the recording is of this page.

Arguments: the command 'nda', and --record."""

import html
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PAGE, RECORDING = HERE / "walkthrough.md", HERE / "walkthrough.svg"
ANY = "…"
# Characters in a line, lines at a time, and seconds per character that is typed and line that is printed.
COLUMNS, ROWS, TYPED_S, PRINTED_S = 112, 26, 0.035, 0.12


def steps(page):
    """Commands with the lines that they print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.S | re.M):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif line.startswith("> ") and not found[-1][1]:
                found[-1][0].append(line[2:])
            else:
                found[-1][1].append(line)
    assert found, "the page has commands"
    return found


def run(command, answer, folder, environment):
    """What a command prints in a terminal, and the folder it ends in."""
    place = pathlib.Path(environment["HOME"]) / "place"
    script = f"{command}\npwd > '{place}'\n"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "--norc", "-c", script], environment)
    printed, is_asked = b"", False
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        printed += part
        if b"[y/N]" in printed and not is_asked:
            is_asked = True
            os.write(terminal, answer.encode() + b"\n")
    os.waitpid(child, 0)
    return printed.decode().replace("\r\n", "\n").splitlines(), pathlib.Path(place.read_text().strip())


def fits(line, printed):
    pattern = ".*".join(re.escape(part) for part in line.split(ANY))
    return re.fullmatch(pattern, printed) is not None


def follow(nda, page):
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        folder, home = top / "clean", top / "home"
        folder.mkdir(), home.mkdir()
        (top / "bin").mkdir()
        (top / "bin/nda").symlink_to(pathlib.Path(nda).resolve())
        environment = {"PATH": f"{top}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1"}
        for lines, expected in steps(page):
            answer = next((line.rsplit(" ", 1)[-1] for line in expected if "[y/N] " in line), "n")
            printed, folder = run("\n".join(lines), answer, folder, environment)
            if len(printed) != len(expected) or not all(map(fits, expected, printed)):
                sys.exit(f"$ {lines[0]}\nthe page has\n" + "\n".join(expected) + "\nand this was printed\n" + "\n".join(printed))
            print("ok", lines[0], flush=True)


def colour(line, is_command):
    if is_command:
        return "c"
    return {"+": "a", "-": "d", "@": "h"}.get(line[:1], "e" if line.startswith("error") else "o")


def frames(page):
    """Lines of the terminal with the time each appears, in seconds."""
    at, rows = 0.5, []
    for lines, expected in steps(page):
        for number, line in enumerate(lines):
            at += TYPED_S * len(line)
            rows.append((at, ("$ " if number == 0 else "> ") + line, True))
        at += 0.4
        for line in expected:
            at += PRINTED_S
            rows.append((at, line, False))
        at += 1.2
    return rows, at + 3


def wrapped(line):
    return [line[begin : begin + COLUMNS] for begin in range(0, max(len(line), 1), COLUMNS)]


def recording(page):
    rows, whole = frames(page)
    rows = [(at, part, is_command) for at, line, is_command in rows for part in wrapped(line)]
    height, width = 18, COLUMNS * 8 + 24
    styles, texts = [], []
    for number, (at, line, is_command) in enumerate(rows):
        styles.append(f"@keyframes l{number}{{0%,{100 * at / whole:.2f}%{{opacity:0}}{100 * at / whole + 0.01:.2f}%,100%{{opacity:1}}}}")
        text = html.escape(line, quote=False)
        texts.append(
            f'<text class="{colour(line, is_command)}" y="{height * (number + 1)}" style="animation:l{number} {whole:.1f}s infinite">{text}</text>'
        )
    turns = [(at, max(0, number + 1 - ROWS)) for number, (at, _, _) in enumerate(rows)]
    moves = [f"{100 * at / whole:.2f}%{{transform:translateY(-{height * by}px)}}" for at, by in turns if by]
    styles.append("@keyframes up{0%{transform:translateY(0)}" + "".join(moves) + f"100%{{transform:translateY(-{height * turns[-1][1]}px)}}}}")
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height * ROWS + 30}" font-family="monospace" font-size="13">
<style>text{{white-space:pre}}.c{{fill:#fff;font-weight:bold}}.o{{fill:#c8ccd4}}.a{{fill:#7fd18a}}.d{{fill:#ef8a8a}}.h{{fill:#8ab4f8}}.e{{fill:#f5b95f}}
#all{{animation:up {whole:.1f}s infinite step-end}}
{chr(10).join(styles)}</style>
<rect width="100%" height="100%" rx="8" fill="#1b1e24"/>
<svg x="12" y="8" width="{width - 24}" height="{height * ROWS + 10}"><g id="all">
{chr(10).join(texts)}
</g></svg></svg>
"""


def main():
    nda, *options = sys.argv[1:]
    page = PAGE.read_text()
    follow(nda, page)
    if "--record" in options:
        RECORDING.write_text(recording(page))
    elif RECORDING.read_text() != recording(page):
        sys.exit("the recording is of another page; 'make walkthrough' makes it anew")


main()
