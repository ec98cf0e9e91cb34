"""Claims about the tools, made with the protocol's official client. Arguments: the server and its arguments; the last is the root."""

import asyncio
import pathlib
import subprocess
import sys

from mcp import Client, MCPError, StdioServerParameters, types

SERVER, ROOT = sys.argv[1:], pathlib.Path(sys.argv[-1])
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
        _, _, plan = await call(session, "plan", document="a.txt", board="ulx3s")
        assert "--board" in plan["plan"], plan


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
