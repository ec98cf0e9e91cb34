"""Runs the examples of the manual's chapter in the project's folder: chapter.py CHAPTER."""

import doctest
import pathlib
import sys

page = pathlib.Path(sys.argv[1])
# A fence would be taken for a line that is printed.
text = "\n".join("" if line.startswith("```") else line for line in page.read_text().splitlines())
test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
result = doctest.DocTestRunner().run(test)
print(f"{result.attempted} examples, {result.failed} failures")
sys.exit(result.failed > 0 or result.attempted < 10)
