"""Runs the commands of pages of the manual as a new user would, in a clean folder and a terminal, and compares what they print.

follow.py NDA PAGE... [--record | --fill]

A block marked 'console' has commands behind '$ ' (continued behind '> ') and what they print; '…' stands for anything within a line, and
a line of '…' alone for any number of lines. A page that shows PAGE.svg has a recording of its commands with what they printed once, where
'…' stays for many lines: --record writes it, else it is compared with the page. --fill writes into the page what its commands printed,
for an author to look through."""

import os
import pathlib
import pty
import re
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import recording  # noqa: E402

ANY = "…"
# As many lines that a page leaves out are in its recording.
FEW = 4
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.S | re.M)


def steps(page):
    """Commands with the lines that they print."""
    found = []
    for block in BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(([line[2:]], []))
            elif line.startswith("> ") and not found[-1][1]:
                found[-1][0].append(line[2:])
            else:
                found[-1][1].append(line)
    assert found, "the page has commands"
    return found


def pieces(terminal):
    """What a terminal shows, piece by piece, up to the end that a read tells of."""
    try:
        while part := os.read(terminal, 4096):
            yield part
    except OSError:  # the other end is closed
        return


def run(command, answer, folder, environment):
    """What a command prints in a terminal, and the folder it ends in."""
    place = pathlib.Path(environment["HOME"]) / "place"
    script = f"{command}\npwd > '{place}'\n"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("bash", ["bash", "--norc", "-c", script], environment)
    printed, is_asked = b"", False
    for part in pieces(terminal):
        printed += part
        if b"[y/N]" in printed and not is_asked:
            is_asked = True
            os.write(terminal, answer.encode() + b"\n")
    os.waitpid(child, 0)
    # Linux can tell of the end before the last that was written has come through; once the process has ended it is there.
    printed += b"".join(pieces(terminal))
    os.close(terminal)
    # What a bar drew and took away again is not what was printed.
    lines = [line.rsplit("\r", 1)[-1] for line in printed.decode().replace("\r\n", "\n").splitlines()]
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in lines], pathlib.Path(place.read_text().strip())


def fits(expected, printed):
    """Whether what was printed is what the page has."""
    lines = [r"(?:.*\n)*?" if line == ANY else ".*".join(map(re.escape, line.split(ANY))) + "\n" for line in expected]
    return re.fullmatch("".join(lines), "".join(f"{line}\n" for line in printed)) is not None


def shown(expected, printed):
    """What was printed, with '…' for many lines that the page leaves out."""
    lines = [r"((?:.*\n)*?)" if line == ANY else "(" + ".*".join(map(re.escape, line.split(ANY))) + "\n)" for line in expected]
    found = re.fullmatch("".join(lines), "".join(f"{line}\n" for line in printed)).groups()
    parts = ([ANY] if line == ANY and text.count("\n") > FEW else text.splitlines() for line, text in zip(expected, found))
    return [line for part in parts for line in part]


def is_of(picture, page):
    """Whether a recording has the page's commands, and printed lines that fit it."""
    pairs = list(zip(recording.steps(picture), steps(page)))
    is_whole = len(recording.steps(picture)) == len(steps(page)) and picture == recording.recording(recording.steps(picture))
    return is_whole and all(lines == others and fits(expected, printed) for (lines, printed), (others, expected) in pairs)


def follow(nda, name, page):
    """Runs a page's commands; with what they printed."""
    found = []
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        folder, home = top / "clean", top / "home"
        folder.mkdir(), home.mkdir()
        (top / "bin").mkdir()
        (top / "bin/nda").symlink_to(pathlib.Path(nda).resolve())
        if "models/" in page:
            (folder / "models").mkdir()
            for model in ("models/tiny.ndf", "models/tiny.safetensors", "models/val.txt", "host/convert/tests/models/llama.gguf"):
                shutil.copy(HERE.parent / model, folder / "models")
        environment = {"PATH": f"{top}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1"}
        for lines, expected in steps(page):
            answer = next((line.rsplit(" ", 1)[-1] for line in expected if "[y/N] " in line), "n")
            printed, folder = run("\n".join(lines), answer, folder, environment)
            # The clean folder and the home are places of this run alone.
            printed = [line.replace(f"{top}/clean", "~").replace(f"{top}/home", "~") for line in printed]
            found.append((lines, printed))
            if "--fill" not in sys.argv and not fits(expected, printed):
                sys.exit(f"{name}: $ {lines[0]}\nthe page has\n" + "\n".join(expected) + "\nand this was printed\n" + "\n".join(printed))
            print("ok", name, lines[0], flush=True)
    return found


def filled(page, found):
    """The page with what its commands printed."""
    left = iter(found)

    def block(match):
        count = sum(line.startswith("$ ") for line in match[1].splitlines())
        text = ""
        for lines, printed in (next(left) for _ in range(count)):
            text += "".join(("$ " if number == 0 else "> ") + line + "\n" for number, line in enumerate(lines))
            text += "".join(line + "\n" for line in printed)
        return f"```console\n{text}```"

    return BLOCK.sub(block, page)


def main():
    nda, *rest = sys.argv[1:]
    for name in (name for name in rest if not name.startswith("--")):
        path = HERE / name
        page = path.read_text()
        found = follow(nda, name, page)
        if "--fill" in rest:
            path.write_text(filled(page, found))
            continue
        picture = path.with_suffix(".svg")
        if picture.name not in page:
            continue
        if "--record" in rest:
            pairs = zip(found, steps(page))
            picture.write_text(recording.recording([(lines, shown(expected, printed)) for (lines, printed), (_, expected) in pairs]))
        elif not is_of(picture.read_text(), page):
            sys.exit(f"{picture.name} is of another page; 'make recordings' makes it anew")


if __name__ == "__main__":
    main()
