"""A task's arguments: mappings, k=v strings with templates inside, and the free form of command and its like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wherry.errors import ProjectError
from wherry.language import keywords
from wherry.language.source import Source, place_of
from wherry.protocols import Place

KEY = re.compile(r"[A-Za-z_]\w*=")
ESCAPE = re.compile(r"\\([nrtabfv0\\'\"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})")
OPENERS = {"{{": "}}", "{%": "%}", "{#": "#}"}


@dataclass
class Arguments:
    """Arguments by name, the text of a free form, and a template that is to give more of them."""

    values: dict[str, Any] = field(default_factory=dict)
    free_form: str | None = None
    template: str | None = None


def read(module: str, written: Any, place: Place | None) -> Arguments:
    """What stands behind a module's name: a mapping, nothing, or a string."""
    if written is None:
        return Arguments()
    if isinstance(written, dict):
        return Arguments(dict(written))
    if isinstance(written, str):
        return from_text(module, written, place)
    if module in keywords.FREE_FORM:
        return Arguments(free_form=Source(str(written), *origin(place)))
    kind = "a list" if isinstance(written, list) else f"'{written}'"
    raise ProjectError(
        f"the arguments of '{module}' are a mapping, not {kind}", place, f"write {module}: {{name: value}}"
    )


def from_text(module: str, text: str, place: Place | None) -> Arguments:
    """k=v words as arguments; the rest of the text is the free form of the modules that have one."""
    options = keywords.FREE_FORM.get(module)
    result = Arguments()
    rest, end = "", 0
    for start, stop in split(text, place):
        word = text[start:stop]
        matched = KEY.match(word)
        if matched and (options is None or matched[0][:-1] in options):
            result.values[matched[0][:-1]] = part(text, start + matched.end(), stop)
            rest, end = rest + text[end:start].rstrip(" \t"), stop
        elif options is None:
            return whole_template(module, text, word, place)
    rest = (rest + text[end:]).strip()
    if options is not None and rest:
        begin = text.find(rest) if rest in text else 0
        result.free_form = Source(rest, *origin(text, begin))
    return result


def whole_template(module: str, text: str, word: str, place: Place | None) -> Arguments:
    """`module: "{{ options }}"`, or the error for a word that is no k=v."""
    if text.strip().startswith("{{") and text.strip().endswith("}}"):
        return Arguments(template=text)
    raise ProjectError(
        f"'{word}' is not an argument of '{module}'",
        place_of(text) or place,
        f"'{module}' takes name=value words or a mapping below it",
    )


def split(text: str, place: Place | None = None) -> Iterator[tuple[int, int]]:
    """Where the words of the text begin and end: quotes and templates hold words together."""
    start, quote, closer = -1, "", ""
    index = 0
    while index < len(text):
        two = text[index : index + 2]
        if closer:
            if two == closer:
                closer, index = "", index + 1
        elif two in OPENERS:
            closer, index, start = OPENERS[two], index + 1, index if start < 0 else start
        elif quote:
            if text[index] == quote and text[index - 1] != "\\":
                quote = ""
        elif text[index].isspace():
            if start >= 0:
                yield start, index
            start = -1
        else:
            start = index if start < 0 else start
            if text[index] in "\"'" and (start == index or text[index - 1] == "="):
                quote = text[index]
        index += 1
    if closer:
        raise ProjectError(f"a template is not closed: '{closer}' is missing", place_of(text) or place)
    if quote:
        raise ProjectError(f"a quote is not closed: {quote} is missing", place_of(text) or place)
    if start >= 0:
        yield start, len(text)


def part(text: str, start: int, stop: int) -> Source:
    """The value of a k=v word, without its quotes, its escapes decoded outside templates."""
    value = text[start:stop].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value, start = value[1:-1], start + 1
    if "\\" in value and "{{" not in value:
        value = ESCAPE.sub(lambda match: match[0].encode().decode("unicode_escape"), value)
    return Source(value, *origin(text, start))


def origin(where: Any, offset: int = 0) -> tuple[str, tuple[int, int]]:
    """File and mark for a Source cut out of `where`, `offset` characters on."""
    place = where if isinstance(where, Place) else place_of(where)
    if place is None:
        return "", (0, 0)
    moved = offset if isinstance(where, str) and "\n" not in where[:offset] else 0
    return place.file, (place.line, place.column + moved)
