"""Claims about 'nda chat' in a terminal. Arguments: the command, a model with a chat template, and one that is very slow."""

import os
import pty
import re
import select
import signal
import sys
import tempfile
import termios
import time

PATIENCE_S = 60
CTRL_C, CTRL_D, BACKSPACE, UP = b"\x03", b"\x04", b"\x7f", b"\x1b[A"
PASTE_BEGINS, PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
# What moves the cursor, colours a text, or tells a terminal how to behave.
CONTROLS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
STATE = tempfile.TemporaryDirectory()
FOLDER = os.path.join(STATE.name, "state", "nda")
HISTORY = os.path.join(FOLDER, "chat_history")


class Terminal:
    """A chat in a pseudo-terminal that it controls, so that Ctrl-C is a signal."""

    def __init__(self, *arguments, model=sys.argv[2]):
        self.seen, self.closed = b"", False
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Whoever runs this may ignore it, and what a process ignores its children ignore.
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            environment = {"TERM": "xterm", "PATH": os.environ["PATH"], "XDG_STATE_HOME": os.path.dirname(FOLDER)}
            os.execve(sys.argv[1], [sys.argv[1], "chat", model, *arguments], environment)

    def read(self):
        """Takes what there is; False at the end."""
        if not select.select([self.fd], [], [], 0.1)[0]:
            return True
        try:
            piece = os.read(self.fd, 4096)
        except OSError:  # the other end is closed
            # Linux can tell of it before the last that was written has come through.
            time.sleep(0.1)
            was_closed, self.closed = self.closed, True
            return not was_closed
        self.seen = CONTROLS.sub(b"", self.seen + piece)
        return bool(piece)

    def until(self, text):
        """Waits for a text and forgets what came up to it."""
        until = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert self.read() and time.monotonic() < until, f"no {text!r} in {self.seen!r}"
        before, self.seen = self.seen.split(text, 1)
        return before

    def rest(self, seconds):
        """Takes what comes for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.read()

    def send(self, keys):
        os.write(self.fd, keys)

    def ended(self):
        """Waits for the end; the exit code."""
        until = time.monotonic() + PATIENCE_S
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            self.read()
            assert time.monotonic() < until, f"it did not end: {self.seen!r}"


def an_answer_ends_and_the_program_goes_on():
    # The simulated link makes tokens slow enough to be in the midst of an answer.
    terminal = Terminal("--backend", "loopback")
    terminal.until(b"> ")
    terminal.send(b"Hello\n")
    terminal.until(b"Hello\r\n")
    while len(terminal.seen) < 3:
        assert terminal.read()
    terminal.send(CTRL_C)
    answer = terminal.until(b"interrupted")
    assert len(answer) < 200, f"the answer was over before Ctrl-C: {answer!r}"
    terminal.until(b"> ")
    terminal.send(b"/reset\n")
    terminal.until(b"> ")
    terminal.send(b"/help\n")
    terminal.until(b"/exit")
    terminal.until(b"> ")
    terminal.send(CTRL_D)
    assert terminal.ended() == 0


def a_second_ctrl_c_ends_a_program_that_has_not_heard_the_first():
    terminal = Terminal(model=sys.argv[3])
    try:
        terminal.until(b"> ")
        terminal.send(b"Hello\n")
        terminal.until(b"Hello\r\n")
        terminal.rest(1)  # it is in the midst of the first token now, which takes minutes
        terminal.send(CTRL_C)
        # Signals of one kind that wait together are one, so the second must not come before the first was taken.
        terminal.rest(2)
        assert os.waitpid(terminal.pid, os.WNOHANG) == (0, 0), "the first Ctrl-C ended the program"
        assert b"interrupted" not in terminal.seen, f"somebody heard the first Ctrl-C: {terminal.seen!r}"
        sent = time.monotonic()
        terminal.send(CTRL_C)
        code = terminal.ended()
        assert code == 130, f"exit code {code}"
        assert time.monotonic() - sent < 10, "the second Ctrl-C had to wait"
        terminal.pid = None
    finally:
        if terminal.pid is not None:
            os.kill(terminal.pid, signal.SIGKILL)


def ctrl_c_at_the_prompt_ends_the_program():
    terminal = Terminal("--max-tokens", "3")
    terminal.until(b"> ")
    terminal.send(b"Hello\n")
    terminal.until(b"cut after 3 tokens")
    terminal.until(b"> ")
    terminal.send(CTRL_C)
    assert terminal.ended() == 0


def a_turn_that_is_too_long_is_told_and_survived():
    terminal = Terminal("--max-tokens", "3")
    terminal.until(b"> ")
    terminal.send(b"x" * 300 + b"\n")
    terminal.until(b"error: the prompt has")
    terminal.until(b"> ")
    terminal.send(b"Hello\n")
    terminal.until(b"cut after 3 tokens")
    terminal.until(b"> ")
    terminal.send(b"/exit\n")
    assert terminal.ended() == 0


def typed(terminal):
    """Sends a line that is a turn, and waits for the end of its answer of three tokens."""
    terminal.send(b"\n")
    terminal.until(b"cut after 3 tokens")
    terminal.until(b"> ")


def a_line_is_edited_and_remembered_by_the_next_program_of_this_user_alone():
    os.path.exists(HISTORY) and os.remove(HISTORY)
    terminal = Terminal("--max-tokens", "3")
    terminal.until(b"> ")
    terminal.send(b"Gooe" + BACKSPACE + b"d day")
    typed(terminal)
    terminal.send(CTRL_D)
    assert terminal.ended() == 0
    assert [os.stat(path).st_mode & 0o777 for path in (FOLDER, HISTORY)] == [0o700, 0o600]
    terminal = Terminal("--max-tokens", "3")
    terminal.until(b"> ")
    terminal.send(UP)
    terminal.until(b"Good day")
    typed(terminal)
    terminal.send(b"/exit\n")
    assert terminal.ended() == 0


def a_history_that_is_off_or_cannot_be_had_is_done_without():
    os.remove(HISTORY)
    terminal = Terminal("--max-tokens", "3", "--no-history")
    terminal.until(b"> ")
    terminal.send(b"Secret")
    typed(terminal)
    terminal.send(CTRL_D)
    assert terminal.ended() == 0
    assert not os.path.exists(HISTORY)
    os.rmdir(FOLDER)
    with open(FOLDER, "w"):  # a file where the folder should be
        pass
    terminal = Terminal("--max-tokens", "3")
    terminal.until(b"note: no history in ")
    terminal.until(b"> ")
    terminal.send(b"Hello")
    typed(terminal)
    terminal.send(CTRL_D)
    assert terminal.ended() == 0
    os.remove(FOLDER)


def a_turn_of_several_lines_is_fenced_or_pasted():
    terminal = Terminal("--max-tokens", "3")
    terminal.until(b"> ")
    terminal.send(b'"""\none\ntwo\n"""')
    typed(terminal)
    terminal.send(PASTE_BEGINS + b"one\ntwo" + PASTE_ENDS)
    typed(terminal)
    terminal.rest(1)
    assert b"cut after" not in terminal.seen, f"one turn had several answers: {terminal.seen!r}"
    terminal.send(CTRL_D)
    assert terminal.ended() == 0


def a_signal_ends_the_program_and_gives_the_terminal_back():
    for number, code in [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]:
        terminal = Terminal("--backend", "loopback")
        before = termios.tcgetattr(terminal.fd)
        terminal.until(b"> ")
        assert termios.tcgetattr(terminal.fd) != before, "lines are not edited"
        sent = time.monotonic()
        os.kill(terminal.pid, number)
        assert terminal.ended() == code and time.monotonic() - sent < 5
        assert termios.tcgetattr(terminal.fd) == before, "the terminal is left raw"
    terminal = Terminal("--backend", "loopback")
    terminal.until(b"> ")
    terminal.send(b"Hello\n")
    terminal.until(b"Hello\r\n")
    while len(terminal.seen) < 3:
        assert terminal.read()
    sent = time.monotonic()
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.ended() == 143 and time.monotonic() - sent < 5


an_answer_ends_and_the_program_goes_on()
a_second_ctrl_c_ends_a_program_that_has_not_heard_the_first()
ctrl_c_at_the_prompt_ends_the_program()
a_turn_that_is_too_long_is_told_and_survived()
a_line_is_edited_and_remembered_by_the_next_program_of_this_user_alone()
a_history_that_is_off_or_cannot_be_had_is_done_without()
a_turn_of_several_lines_is_fenced_or_pasted()
a_signal_ends_the_program_and_gives_the_terminal_back()
print("all claims hold")
