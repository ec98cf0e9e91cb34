"""Claims about `nda agent --acp`, made with the protocol's Python client. The model is a server of OpenAI's protocol that answers from a
script. Arguments: the agent and its arguments, with ENDPOINT where the server's address belongs; the last is the project's root."""

import asyncio
import contextlib
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import acp
from acp import schema

AGENT, ROOT = sys.argv[1:-1], pathlib.Path(sys.argv[-1])


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next call of the script; at the end of the script it never answers."""

    protocol_version = "HTTP/1.1"
    script, asked = [], []
    reached, gone = threading.Event(), threading.Event()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Endpoint.asked.append(body["messages"])
        if not Endpoint.script:
            Endpoint.reached.set()
            # Returns when the agent closes the connection.
            self.rfile.read(1)
            Endpoint.gone.set()
            self.close_connection = True
            return
        name, arguments = Endpoint.script.pop(0)
        arguments = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"id": f"c{len(Endpoint.asked)}", "type": "function", "function": {"name": name, "arguments": arguments}}
        answer = json.dumps({"choices": [{"message": {"tool_calls": [call]}}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = True

    def log_message(self, *_):
        pass


def script(*calls):
    Endpoint.script[:], Endpoint.asked[:] = calls, []
    Endpoint.reached.clear(), Endpoint.gone.clear()


PATCH = ("patch_file", {"path": "a.txt", "edits": [{"old": "first", "new": "1st"}]})
DONE = ("done", {"summary": "it is done"})


class Editor(acp.Client):
    """An editor whose user answers by a function; it remembers what it was shown and asked."""

    def __init__(self, answer):
        self.answer, self.asked, self.updates = answer, [], []

    async def request_permission(self, session_id, tool_call, options, **_):
        self.asked.append((tool_call, options))
        answer = self.answer(options)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return schema.RequestPermissionResponse(outcome=answer)

    async def session_update(self, session_id, update, **_):
        self.updates.append(update)

    def of(self, kind):
        return [update for update in self.updates if update.session_update == kind]

    def said(self):
        return "".join(update.content.text for update in self.of("agent_message_chunk"))


def choose(kind):
    def answer(options):
        return schema.AllowedOutcome(outcome="selected", option_id=next(o.option_id for o in options if o.kind == kind))

    return answer


def cancels(_):
    return schema.DeniedOutcome(outcome="cancelled")


@contextlib.asynccontextmanager
async def session(answer, **more):
    editor, home = Editor(answer), str(ROOT.parent)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "XDG_RUNTIME_DIR": home, "XDG_STATE_HOME": home + "/state"}
    async with acp.spawn_agent_process(editor, AGENT[0], *AGENT[1:], env=environment) as (agent, process):
        greeting = await agent.initialize(protocol_version=acp.PROTOCOL_VERSION)
        assert greeting.protocol_version == acp.PROTOCOL_VERSION and greeting.agent_info.name == "nda", greeting
        opened = await agent.new_session(cwd=str(ROOT), mcp_servers=more.get("servers", []))
        yield agent, editor, opened.session_id
    assert process.returncode == 0, process.returncode


async def prompt(agent, session_id, text="work"):
    return (await agent.prompt(session_id=session_id, prompt=[acp.text_block(text)])).stop_reason


def text():
    return (ROOT / "a.txt").read_text()


async def the_user_approves_and_the_change_is_written():
    script(("read_file", {"path": "a.txt"}), PATCH, DONE)
    async with session(choose("allow_once")) as (agent, editor, number):
        assert await prompt(agent, number) == "end_turn" and editor.said() == "it is done"
        assert text() == "1st\n"
        (call, options), = editor.asked
        diff, = [part for part in call.content if part.type == "diff"]
        assert (diff.path, diff.old_text, diff.new_text) == (str(ROOT / "a.txt"), "first\n", "1st\n"), diff
        assert {option.kind for option in options} == {"allow_once", "reject_once"}
        read, patch = editor.of("tool_call")
        assert (read.kind, patch.kind, patch.status) == ("read", "edit", "in_progress") and patch.tool_call_id == call.tool_call_id
        assert patch.locations[0].path == str(ROOT / "a.txt")
        assert [u.status for u in editor.of("tool_call_update") if u.status] == ["completed", "completed"]
        # A second prompt goes on from the first.
        script(("write_file", {"path": "a.txt", "text": "first\n"}), DONE)
        assert await prompt(agent, number, "take it back") == "end_turn" and text() == "first\n"
        roles = [message["role"] for message in Endpoint.asked[0]]
        assert roles == ["system", "user"] + ["assistant", "tool"] * 3 + ["user"], roles


async def the_user_refuses_and_nothing_is_written():
    for answer in (choose("reject_once"), cancels, lambda options: schema.AllowedOutcome(outcome="selected", option_id="other")):
        script(PATCH, ("write_file", {"path": "new.txt", "text": "x"}), ("run", {"command": "rm a.txt"}), DONE)
        async with session(answer) as (agent, editor, number):
            assert await prompt(agent, number) == "end_turn"
            assert len(editor.asked) == 3 and text() == "first\n" and not (ROOT / "new.txt").exists()
            patch, write, run = [u for u in editor.of("tool_call_update") if u.status]
            assert (patch.status, write.status) == ("failed", "failed"), (patch, write)
            said = json.dumps(Endpoint.asked[-1])
            assert said.count("said no") + said.count("stopped the work") == 3, said


async def what_is_always_red_is_not_even_asked():
    script(("write_file", {"path": ".git/hooks/pre-commit", "text": "x"}), ("write_file", {"path": "link", "text": "x"}), DONE)
    async with session(choose("allow_once")) as (agent, editor, number):
        assert await prompt(agent, number) == "end_turn"
        assert editor.asked == [] and not (ROOT / ".git/hooks/pre-commit").exists()
        assert [u.status for u in editor.of("tool_call_update")] == ["failed", "failed"]


async def cancelled(agent, editor, number, begun):
    """A prompt that is cancelled as soon as something has begun."""
    running = asyncio.create_task(prompt(agent, number))
    while not begun():
        await asyncio.sleep(0.02)
    try:
        await prompt(agent, number)
        raise AssertionError("two prompts at a time")
    except acp.RequestError as error:
        assert "another prompt" in str(error.data), error.data
    await agent.cancel(session_id=number)
    assert await asyncio.wait_for(running, 30) == "cancelled"
    assert text() == "first\n"


async def a_cancelled_prompt_ends_in_the_midst_of_an_answer_a_question_and_a_command():
    asked = asyncio.Event()

    async def waits(_):
        asked.set()
        await asyncio.sleep(3600)

    async with session(waits) as (agent, editor, number):
        script()
        await cancelled(agent, editor, number, Endpoint.reached.is_set)
        assert Endpoint.gone.wait(10), "the endpoint is not left to work on"
        script(PATCH)
        await cancelled(agent, editor, number, asked.is_set)
        script(("run", {"command": "echo x > a.txt; sleep 600", "seconds": 900}))
        editor.updates.clear()
        await cancelled(agent, editor, number, lambda: editor.of("tool_call"))
        # And the session goes on.
        script(DONE)
        assert await prompt(agent, number) == "end_turn"


async def steps_without_an_end_are_said():
    script(*[("read_file", {"path": "a.txt"})] * 20)
    async with session(cancels) as (agent, editor, number):
        assert await prompt(agent, number) == "max_turn_requests" and "No end in 8 answers" in editor.said()


async def bytes_that_are_not_text_and_deletions_are_told():
    (ROOT / "bytes").write_bytes(b"\xff\xfe")
    script(("write_file", {"path": "bytes"}), ("write_file", {"path": "b.txt"}), ("write_file", {"path": "c", "text": "x\u202ey"}), DONE)
    async with session(choose("reject_once")) as (agent, editor, number):
        assert await prompt(agent, number) == "end_turn"
        parts = [[part for part in call.content] for call, _ in editor.asked]
        assert "not text" in parts[0][0].content.text and "would be deleted" in parts[1][0].content.text
        assert parts[1][1].old_text == "second\n" and parts[2][0].new_text == "x\\u{202e}y", parts
    (ROOT / "bytes").unlink()


async def a_mode_alone_is_shown_and_written():
    def mode():
        return (ROOT / "a.txt").stat().st_mode & 0o777

    plain = mode()
    assert not plain & 0o100, oct(plain)
    changes = [
        (("write_file", {"path": "a.txt", "executable": True}), "Plain -> Executable", True),
        (("write_file", {"path": "a.txt", "executable": False}), "Executable -> Plain", False),
        (("run", {"command": "chmod +x a.txt"}), "Plain -> Executable", True),
        (("patch_file", {"patch": "diff --git a/a.txt b/a.txt\nold mode 100755\nnew mode 100644\n"}), "Executable -> Plain", False),
    ]
    for call, said, is_executable in changes:
        for answer in ("reject_once", "allow_once"):
            before = mode()
            script(call, DONE)
            async with session(choose(answer)) as (agent, editor, number):
                assert await prompt(agent, number) == "end_turn"
                (asked, _), = editor.asked
                part, = asked.content
                assert part.type == "content" and part.content.text == f"a.txt: {said}\n", (call, part)
                assert [location.path for location in asked.locations] == [str(ROOT / "a.txt")], asked
                status, = [update.status for update in editor.of("tool_call_update") if update.status]
                # A command itself goes well; what it changed is refused.
                assert status == ("completed" if answer == "allow_once" or call[0] == "run" else "failed"), (call, answer, status)
            if answer == "reject_once":
                assert mode() == before, (call, oct(mode()))
        assert bool(mode() & 0o100) == is_executable and text() == "first\n", (call, oct(mode()))
    assert mode() == plain, oct(mode())


async def a_restore_is_shown_file_by_file():
    script(PATCH, ("checkpoint", {}), DONE)
    async with session(choose("allow_once")) as (agent, editor, number):
        assert await prompt(agent, number) == "end_turn" and text() == "1st\n"
        written, listed = [json.loads(message["content"]) for message in Endpoint.asked[-1] if message["role"] == "tool"]
        assert listed["checkpoints"][0]["id"] == written["checkpoint"]
        (ROOT / "new.txt").write_text("new\n")
        editor.asked.clear()
        script(("restore", {"id": written["checkpoint"]}), DONE)
        assert await prompt(agent, number) == "end_turn" and text() == "first\n" and not (ROOT / "new.txt").exists()
        (asked, _), = editor.asked
        diffs = [(part.path, part.old_text, part.new_text) for part in asked.content if part.type == "diff"]
        assert diffs == [(str(ROOT / "a.txt"), "1st\n", "first\n"), (str(ROOT / "new.txt"), "new\n", "")], diffs
        said = [part.content.text for part in asked.content if part.type == "content"]
        assert any("would be deleted" in line for line in said) and any(written["checkpoint"] in line for line in said), said


async def wrong_requests_say_what_is_wrong():
    async with session(cancels) as (agent, editor, number):
        for request, said in [
            (agent.new_session(cwd="sub", mcp_servers=[]), "absolute path"),
            (agent.new_session(cwd="/nowhere", mcp_servers=[]), "absolute path"),
            (prompt(agent, "no-session"), "no session"),
            (prompt(agent, number, " "), "empty"),
            (agent.prompt(session_id=number, prompt=[acp.image_block("AA==", "image/png")]), "neither text nor a link"),
        ]:
            try:
                await request
                raise AssertionError(said)
            except acp.RequestError as error:
                assert said in str(error.data), (said, error.data)
        await agent.close_session(session_id=number)
        try:
            await prompt(agent, number)
            raise AssertionError("a closed session")
        except acp.RequestError as error:
            assert "no session" in str(error.data)


async def the_editors_own_servers_are_not_used_and_that_is_said():
    server = schema.McpServerStdio(name="other", command="/bin/false", args=[], env=[])
    script(DONE)
    async with session(cancels, servers=[server]) as (agent, editor, number):
        assert await prompt(agent, number) == "end_turn" and "MCP servers are not used" in editor.said()


async def an_editor_that_goes_ends_the_agent():
    script()
    async with session(cancels) as (agent, editor, number):
        running = asyncio.create_task(prompt(agent, number))
        while not Endpoint.reached.is_set():
            await asyncio.sleep(0.02)
    assert Endpoint.gone.wait(10)
    with contextlib.suppress(Exception):
        await running


async def main():
    for claim in (
        the_user_approves_and_the_change_is_written,
        the_user_refuses_and_nothing_is_written,
        what_is_always_red_is_not_even_asked,
        a_cancelled_prompt_ends_in_the_midst_of_an_answer_a_question_and_a_command,
        steps_without_an_end_are_said,
        bytes_that_are_not_text_and_deletions_are_told,
        a_mode_alone_is_shown_and_written,
        a_restore_is_shown_file_by_file,
        wrong_requests_say_what_is_wrong,
        the_editors_own_servers_are_not_used_and_that_is_said,
        an_editor_that_goes_ends_the_agent,
    ):
        await asyncio.wait_for(claim(), 300)
        print("ok", claim.__name__, flush=True)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
AGENT = [word.replace("ENDPOINT", f"http://127.0.0.1:{server.server_port}/v1") for word in AGENT]
asyncio.run(main())
assert subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout.strip() == "", "the repository is clean"
