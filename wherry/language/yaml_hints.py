"""What is probably wrong with YAML that does not parse: the traps of colons, quotes, tabs and templates."""

from __future__ import annotations

import re

import yaml

from wherry.errors import ProjectError
from wherry.protocols import Place

# (what the line looks like, what to do), the first that matches
TRAPS = (
    (re.compile(r"^\s*\t"), "indent with spaces: YAML allows no tab there"),
    (re.compile(r":\s+\{\{|^\s*-\s+\{\{"), 'a value that begins with {{ must stand in quotes: name: "{{ variable }}"'),
    (
        re.compile(r""":\s+(?P<quote>["'])[^"']*(?P=quote)\s*[^\s#"',\]}]"""),
        "the value goes on after its closing quote: put the whole value in quotes",
    ),
    (re.compile(r":\s+[@`%]"), "a value cannot begin with @, ` or %: put it in quotes"),
    (re.compile(r":\s+[^\"'\[{|>#][^#]*:(\s|$)"), "a value that holds ': ' must stand in quotes"),
    (re.compile(r":\s+\*(\s|\W|$)"), "a value cannot begin with *: put it in quotes"),
    (re.compile(r"\"[^\"]*\\[^0abtnvfre \"/\\N_LPxuU]"), "in double quotes a \\ begins an escape: use single quotes"),
)


def explain(error: yaml.YAMLError, text: str, name: str) -> ProjectError:
    """The error with its place and a hint that fits the line, or the one before it."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(getattr(error, "reason", "")) or str(error)
    if mark is None:
        return ProjectError(f"this is not YAML: {problem}", Place(name, 1, 1))
    lines = text.splitlines()
    place = Place(name, mark.line + 1, mark.column + 1)
    return ProjectError(f"this is not YAML: {said(problem)}", place, hint(lines, mark.line))


def said(problem: str) -> str:
    """The parser's words, in fewer riddles."""
    if "another document" in problem:
        return "a file holds one document, here begins a second (---)"
    if "undefined alias" in problem:
        return f"{problem}: a value that begins with * is an alias"
    return problem


def hint(lines: list[str], number: int) -> str:
    """What to do about the line (counted from 0), "" when nothing fits."""
    for each in (number, number - 1):
        if 0 <= each < len(lines):
            for pattern, advice in TRAPS:
                if pattern.search(lines[each]):
                    return advice if each == number else f"line {each + 1}: {advice}"
    if 0 < number < len(lines) and indentation(lines[number]) != indentation(lines[number - 1]):
        return "check the indentation of this line and the one above"
    return ""


def indentation(line: str) -> int:
    """Leading spaces."""
    return len(line) - len(line.lstrip(" "))
