"""Claims about the tools, made with the protocol's official client. Arguments: the server and its arguments; the last is the root."""

import asyncio
import pathlib
import subprocess
import sys

from mcp import Client, MCPError, StdioServerParameters, types

SERVER, ROOT = sys.argv[1:], pathlib.Path(sys.argv[-1])
# The command itself, or the server of the tests, which knows no model and no board.
IS_COMMAND = pathlib.Path(SERVER[0]).name == "nda"
CONFIGURATION = {"config": "nano16"} if IS_COMMAND else {}
TOOLS = "read_file search graph_query wave_query patch_file write_file run emit checkpoint restore plan board_status".split()


class Person:
    """Who answers, and what was asked."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def __call__(self, context, parameters):
        self.asked.append(parameters.message)
        return self.answer


APPROVES = types.ElicitResult(action="accept", content={"approve": True})
REJECTS = types.ElicitResult(action="accept", content={"approve": False})
DECLINES = types.ElicitResult(action="decline")
CANCELS = types.ElicitResult(action="cancel")


def client(person=None):
    home = str(ROOT.parent)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "XDG_RUNTIME_DIR": home}
    parameters = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environment)
    return Client(parameters, elicitation_callback=person)


async def call(session, tool, **arguments):
    result = await session.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content)
    return result.is_error, text, result.structured_content


async def the_tools_are_listed_with_their_hints():
    async with client() as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(TOOLS) <= set(tools), set(TOOLS) - set(tools)
        assert tools["read_file"].annotations.read_only_hint and not tools["run"].annotations.read_only_hint
        assert tools["patch_file"].annotations.destructive_hint and tools["patch_file"].output_schema["type"] == "object"


async def reading_is_free():
    async with client() as session:
        wrong, _, answer = await call(session, "read_file", path="a.txt")
        assert not wrong and answer["text"] == "first\n" and answer["total_lines"] == 1 and len(answer["hash"]) == 64
        _, _, hits = await call(session, "search", pattern="sec.nd")
        assert hits["hits"] == [{"path": "b.txt", "line": 1, "text": "second"}], hits
        _, _, named = await call(session, "search", path=r"\.txt$")
        assert [hit["path"] for hit in named["hits"]] == ["a.txt", "b.txt"], named


async def files_are_made_changed_in_mode_and_deleted():
    person = Person(APPROVES)
    async with client(person) as session:
        wrong, text, made = await call(session, "write_file", path="tool.sh", text="#!/bin/sh\n")
        assert not wrong and (ROOT / "tool.sh").read_text() == "#!/bin/sh\n", text
        wrong, text, _ = await call(session, "write_file", path="tool.sh", executable=True)
        assert not wrong and (ROOT / "tool.sh").stat().st_mode & 0o100 and (ROOT / "tool.sh").read_text() == "#!/bin/sh\n", text
        assert "Plain -> Executable" in person.asked[-1], person.asked
        wrong, text, ran = await call(session, "run", command="chmod -x tool.sh")
        assert not wrong and ran["changed"] == ["tool.sh"] and not (ROOT / "tool.sh").stat().st_mode & 0o100, text
        assert "Executable -> Plain" in person.asked[-1], person.asked
        wrong, text, ran = await call(session, "run", command="chmod o-r tool.sh")
        assert not wrong and ran["changed"] == [] and "only the executable bit" in ran["not_proposed"][0], text
        wrong, text, _ = await call(session, "write_file", path="tool.sh", base=made["files"][0]["hash"])
        assert not wrong and not (ROOT / "tool.sh").exists(), text
        wrong, text, _ = await call(session, "write_file", path="gone.sh", executable=True)
        assert wrong and "not there" in text, text


async def what_the_command_knows_is_told():
    """The server of the tests repeats the words that the command would be asked with; the command itself answers them."""
    (ROOT / "job.vcd").write_text("$timescale 1ps $end $scope module top $end $var wire 2 ! x $end $enddefinitions $end #3 b10 !\n")
    async with client() as session:
        wrong, text, wave = await call(session, "wave_query", file="job.vcd", signal="top.x")
        assert not wrong and wave["changes"] == [{"time": 3, "name": "top.x", "value": "10"}] and wave["unit"] == "1 ps", text
        (ROOT / "job.vcd").unlink()
        wrong, text, boards = await call(session, "board_status")
        assert not wrong and ("devices" in str(boards) or "configurations" in str(boards)), text
        if IS_COMMAND:
            wrong, text, plan = await call(session, "plan", document="tiny.ndf", board="ulx3s-85f")
            assert not wrong and plan["plan"]["layers"], text
            wrong, text, _ = await call(session, "plan", document="tiny.ndf", board="none")
            assert wrong and "none" in text, text
        else:
            _, _, plan = await call(session, "plan", document="a.txt", board="ulx3s")
            assert "--board" in plan["plan"], plan


async def verilog_is_emitted_as_a_proposal():
    for person in (Person(REJECTS), None):
        async with client(person) as session:
            wrong, text, answer = await call(session, "emit", out="rtl", **CONFIGURATION)
            assert not wrong and answer["end"] == "exit code 0" and answer["changed"], text
            assert answer["refused"] and not (ROOT / "rtl").exists(), text
    person = Person(APPROVES)
    async with client(person) as session:
        wrong, text, answer = await call(session, "emit", out="rtl", **CONFIGURATION)
        assert not wrong and answer["written"] and "module" in (ROOT / answer["changed"][0]).read_text(), text
        await call(session, "restore", id=answer["written"]["checkpoint"])
        assert not list(ROOT.glob("rtl/*")), "taken back"


async def a_checkpoint_is_asked_for_and_a_refused_restore_restores_nothing():
    async with client() as session:
        wrong, text, made = await call(session, "checkpoint", label="mine")
        assert not wrong, text
        identity = made["checkpoints"][0]["id"]
    (ROOT / "b.txt").write_text("other\n")
    (ROOT / "new.txt").write_text("new\n")
    (ROOT / "sub/c.rs").unlink()
    for person in (Person(REJECTS), None):
        async with client(person) as session:
            wrong, text, _ = await call(session, "restore", id=identity)
            assert wrong and (ROOT / "b.txt").read_text() == "other\n", text
    person = Person(APPROVES)
    async with client(person) as session:
        wrong, text, answer = await call(session, "restore", id=identity)
        assert not wrong and (ROOT / "b.txt").read_text() == "second\n", text
        assert sorted(answer["files"]) == ["b.txt", "new.txt", "sub/c.rs"] and not (ROOT / "new.txt").exists(), answer
        # Whoever was asked has seen each file and what would happen to it.
        question, = person.asked
        for told in ("change 3 file(s) by restore", "  b.txt (changed)", "  new.txt (deleted)", "  sub/c.rs (added)", "(mine)",
                     "-other", "+second", "-new", "+fn third() {}"):
            assert told in question, (told, question)
        # Nothing differs any more, so nobody is asked.
        wrong, text, answer = await call(session, "restore", id=identity)
        assert not wrong and answer["unchanged"] and len(person.asked) == 1, text


async def the_graph_knows_who_calls():
    async with client() as session:
        _, _, found = await call(session, "graph_query", question="defines", name="third")
        assert found["answers"] == [{"kind": "function", "file": "sub/c.rs", "line": 1, "within": ""}], found
        wrong, text, _ = await call(session, "graph_query", question="what", name="third")
        assert wrong and "not a question" in text, text


async def nobody_to_ask_is_red():
    async with client() as session:
        wrong, text, _ = await call(session, "patch_file", path="a.txt", edits=[{"old": "first", "new": "1st"}])
        assert wrong and "nobody to ask" in text, text
        wrong, text, _ = await call(session, "run", command="echo x > a.txt")
        assert not wrong and "nobody to ask" in text, text
    assert (ROOT / "a.txt").read_text() == "first\n"


async def a_person_approves_and_the_change_is_taken_back():
    person = Person(APPROVES)
    async with client(person) as session:
        _, _, read = await call(session, "read_file", path="a.txt")
        wrong, text, answer = await call(session, "patch_file", path="a.txt", base=read["hash"], edits=[{"old": "first", "new": "1st"}])
        assert not wrong and (ROOT / "a.txt").read_text() == "1st\n", text
        assert "-first" in person.asked[0] and "+1st" in person.asked[0], person.asked
        wrong, text, _ = await call(session, "patch_file", path="a.txt", base=read["hash"], edits=[{"old": "1st", "new": "x"}])
        assert wrong and "changed since it was read" in text, text
        wrong, text, back = await call(session, "restore", id=answer["checkpoint"])
        assert not wrong and (ROOT / "a.txt").read_text() == "first\n" and back["undo"], text
        _, _, all_of_them = await call(session, "checkpoint")
        assert len(all_of_them["checkpoints"]) >= 2


async def whoever_does_not_approve_says_no():
    for answer in (REJECTS, DECLINES, CANCELS, types.ElicitResult(action="accept", content={}), types.ElicitResult(action="accept")):
        person = Person(answer)
        async with client(person) as session:
            for tool, arguments in [
                ("patch_file", {"path": "a.txt", "edits": [{"old": "first", "new": "1st"}]}),
                ("write_file", {"path": "new.txt", "text": "x"}),
                ("run", {"command": "rm a.txt; echo x > new.txt"}),
            ]:
                _, text, _ = await call(session, tool, **arguments)
                assert "said no" in text or "declined" in text, text
            assert len(person.asked) == 3
    assert (ROOT / "a.txt").read_text() == "first\n" and not (ROOT / "new.txt").exists()


async def a_command_changes_the_project_with_a_decision_alone():
    person = Person(APPROVES)
    async with client(person) as session:
        wrong, text, answer = await call(session, "run", command="cat a.txt; echo more >> a.txt; echo made > made.txt")
        assert not wrong and answer["end"] == "exit code 0" and answer["output"] == "first\n", text
        assert answer["changed"] == ["a.txt", "made.txt"] and (ROOT / "made.txt").read_text() == "made\n"
        assert "echo more" in person.asked[0] and "+more" in person.asked[0], person.asked
        await call(session, "restore", id=answer["written"]["checkpoint"])
        wrong, text, answer = await call(session, "run", command="echo x > a.txt; exit 3", keep=False)
        assert answer["end"] == "exit code 3" and answer["changed"] == ["a.txt"] and answer["written"] is None, text
    assert (ROOT / "a.txt").read_text() == "first\n" and not (ROOT / "made.txt").exists()


async def what_is_always_red_is_not_even_asked():
    person = Person(APPROVES)
    async with client(person) as session:
        for path in (".git/hooks/pre-commit", ".nda/policy.toml", "../outside.txt", "/tmp/outside.txt", "link"):
            wrong, text, _ = await call(session, "write_file", path=path, text="x")
            assert wrong, (path, text)
    assert person.asked == []


async def wrong_calls_say_what_is_wrong():
    async with client(Person(APPROVES)) as session:
        for tool, arguments, said in [
            ("read_file", {}, "path"),
            ("read_file", {"path": "gone.txt"}, "not there"),
            ("patch_file", {"path": "a.txt", "edits": [{"old": "zzz", "new": "y"}]}, "no such text"),
            ("search", {"pattern": "("}, "wrong"),
            ("restore", {"id": "none"}, "none"),
        ]:
            try:
                wrong, text, _ = await call(session, tool, **arguments)
            except MCPError as error:
                wrong, text = True, str(error)
            assert wrong and said in text, (tool, text)


async def main():
    for claim in (
        the_tools_are_listed_with_their_hints,
        reading_is_free,
        the_graph_knows_who_calls,
        what_the_command_knows_is_told,
        files_are_made_changed_in_mode_and_deleted,
        verilog_is_emitted_as_a_proposal,
        a_checkpoint_is_asked_for_and_a_refused_restore_restores_nothing,
        nobody_to_ask_is_red,
        a_person_approves_and_the_change_is_taken_back,
        whoever_does_not_approve_says_no,
        a_command_changes_the_project_with_a_decision_alone,
        what_is_always_red_is_not_even_asked,
        wrong_calls_say_what_is_wrong,
    ):
        await claim()
        print("ok", claim.__name__, flush=True)


asyncio.run(main())
# The index of whoever works here is as it was.
assert subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout.strip() == "", "the repository is clean"
