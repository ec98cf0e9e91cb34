"""Claims about what 'nda' says of failures. Arguments: the command, and a model."""

import os
import pty
import subprocess
import sys

NDA, MODEL = sys.argv[1:]
RED, BOLD = b"\x1b[31m", b"\x1b[1m"
FAILURES = [["info", "/nope"], ["run", MODEL, "--prompt", "a", "--max-tokens", "x"], ["run", MODEL, "--wish"], ["nothing"]]


def until_closed(fd):
    """What comes up to the end that a read tells of."""
    seen = b""
    try:
        while piece := os.read(fd, 4096):
            seen += piece
    except OSError:  # the other end is closed
        pass
    return seen


def in_terminal(arguments, **more):
    """What a terminal shows."""
    environment = {"TERM": "xterm", "PATH": os.environ["PATH"], **more}
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(NDA, [NDA, *arguments], environment)
    seen = until_closed(fd)
    os.waitpid(pid, 0)
    # Linux can tell of the end before the last that was written has come through; once the process has ended it is there.
    seen += until_closed(fd)
    os.close(fd)
    return seen


for arguments in FAILURES:
    shown = in_terminal(arguments)
    assert RED in shown and BOLD in shown, f"{arguments}: no colours in {shown!r}"
    for plain in (
        in_terminal(arguments, NO_COLOR="1"),
        in_terminal(arguments, TERM="dumb"),
        subprocess.run([NDA, *arguments], stderr=subprocess.PIPE).stderr,
    ):
        assert b"\x1b" not in plain, f"{arguments}: {plain!r}"
        assert plain.count(b"error:") == plain.count(b"help:") == 1, f"{arguments}: {plain!r}"
    assert shown.count(b"error:") == 1, f"{arguments}: {shown!r}"
print("all claims hold")
