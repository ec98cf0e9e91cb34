"""Claims about 'nda approve' and 'nda agent' in terminals, with a model that answers from a script. Arguments: the command, a folder, which is
a repository with a file a.txt of one line 'first'."""

import http.server
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time

NDA, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
PATIENCE_S = 60
CONTROLS = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": str(ROOT.parent), "XDG_RUNTIME_DIR": str(ROOT.parent), "XDG_STATE_HOME": str(ROOT.parent / "state"), "TERM": "dumb"}


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next call."""

    script, heard = [], []

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"data": [{"id": "scripted"}]})

    def do_POST(self):
        Endpoint.heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        name, arguments = Endpoint.script.pop(0)
        call = {"id": "c", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        self.answer({"choices": [{"message": {"tool_calls": [call]}}]})

    def log_message(self, *_):
        pass


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, *arguments):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Whoever runs the tests may ignore hang-ups, as nohup does.
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            os.execve(NDA, [NDA, *arguments], ENVIRONMENT)

    def until(self, text):
        """What comes up to a text."""
        until = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert time.monotonic() < until, f"no {text!r} in {self.seen!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen = CONTROLS.sub(b"", self.seen + self.read())
        before, self.seen = self.seen.split(text, 1)
        return before.decode()

    def read(self):
        """What has come."""
        try:
            return os.read(self.fd, 4096)
        except OSError:  # Linux can tell of the other end's close before the last that was written has come through
            time.sleep(0.1)
            return b""

    def send(self, keys):
        os.write(self.fd, keys)

    def end(self):
        """Closes the terminal, as a window is closed."""
        os.close(self.fd)
        until = time.monotonic() + PATIENCE_S
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError("it goes on when its terminal is closed")
            time.sleep(0.05)
        return os.waitstatus_to_exitcode(ended[1])


def script(*calls):
    Endpoint.script[:] = [*calls, ("done", {"summary": "that is all"})]
    Endpoint.heard.clear()


def agent():
    """'nda agent' without a terminal."""
    return subprocess.Popen([NDA, "agent", "--root", ROOT, "--endpoint", ENDPOINT, "do it"], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def text():
    return (ROOT / "a.txt").read_text()


def heard():
    """What the model was told last about a call."""
    return Endpoint.heard[-1]["messages"][-1]["content"]


def patch(old, new):
    return ("patch_file", {"path": "a.txt", "edits": [{"old": old, "new": new}]})


def nobody_listens_and_nothing_is_written():
    script(patch("first", "1st"))
    done = agent()
    out, error = done.communicate(timeout=PATIENCE_S)
    assert done.returncode == 0 and "that is all" in out, (out, error)
    assert "nobody to ask" in heard() and text() == "first\n", heard()


def the_approver_says_yes_and_no():
    approver = Terminal("approve", "--root", str(ROOT))
    approver.until(b"waiting for proposals")
    for key, written in ((b"y\n", True), (b"n\n", False), (b"\n", False)):
        before = text()
        script(patch(before.strip(), "2nd" if written else "3rd"))
        done = agent()
        question = approver.until(b"[y/N]")
        assert "nda agent wants to change 1 file(s) by patch_file" in question and "  a.txt (changed)" in question, question
        assert f"-{before.strip()}" in question and ("+2nd" if written else "+3rd") in question, question
        approver.send(key)
        assert done.wait(PATIENCE_S) == 0
        assert (text() == "2nd\n") if written else (text() == before and "said no" in heard()), (key, text(), heard())
    second = subprocess.run([NDA, "approve", "--root", ROOT], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert second.returncode != 0 and "terminal" in second.stderr, second.stderr
    # The window is closed in the midst of a question.
    script(patch("2nd", "4th"))
    done = agent()
    approver.until(b"[y/N]")
    approver.end()
    assert done.wait(PATIENCE_S) == 0 and text() == "2nd\n" and "went away" in heard(), heard()


def the_agents_own_terminal_is_asked_first():
    for key, after in ((b"n\n", "2nd\n"), (b"y\n", "first\n")):
        script(patch("2nd", "first"))
        terminal = Terminal("agent", "--root", str(ROOT), "--endpoint", ENDPOINT, "take it back")
        question = terminal.until(b"[y/N]")
        assert "+first" in question, question
        terminal.send(key)
        terminal.until(b"that is all")
        assert text() == after, text()
        terminal.end()


def a_command_runs_in_the_box():
    ran = subprocess.run([NDA, "sandbox", "--", "sh", "-c", "echo x > a.txt; cat a.txt; echo new > b.txt"], env=ENVIRONMENT, cwd=ROOT,
                         capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stdout.startswith("x\n") and "b.txt" in ran.stdout + ran.stderr, ran
    assert text() == "first\n" and not (ROOT / "b.txt").exists()
    failed = subprocess.run([NDA, "sandbox", "--", "sh", "-c", "exit 3"], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 3, failed


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
ENDPOINT = f"http://127.0.0.1:{server.server_port}/v1"
for claim in (nobody_listens_and_nothing_is_written, the_approver_says_yes_and_no, the_agents_own_terminal_is_asked_first, a_command_runs_in_the_box):
    claim()
    print("ok", claim.__name__, flush=True)
