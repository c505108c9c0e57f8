"""YAML that remembers where each key and value stands, in types that say what may be rendered as a template.

A string that the project's own YAML holds is a `Source`; mappings and lists are `SourceMap` and `SourceList`. Nothing else
in the program makes a Source, and only a Source is ever rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex

from wherry.protocols import Place

Warn = Callable[[str], None]
Mark = tuple[int, int]


def ignore(text: str) -> None:
    """A `warn` for callers that have nobody to tell."""


class Source(str):
    """A string from the project's own YAML, with its place: the only kind that is rendered as a template."""

    __slots__ = ("_file", "_mark")
    _file: str
    _mark: Mark

    def __new__(cls, text: str, file: str = "", mark: Mark = (0, 0)) -> Source:
        self = super().__new__(cls, text)
        self._file, self._mark = file, mark
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return type(self), (str(self), self._file, self._mark)

    @property
    def place(self) -> Place | None:
        """Where the string begins; None for one that was not read from a file."""
        return Place(self._file, *self._mark) if self._mark[0] else None

    @property
    def is_template(self) -> bool:
        """Whether the text holds anything for Jinja."""
        return "{{" in self or "{%" in self or "{#" in self


class Secret(Source):
    """A Source whose text no output may show."""

    __slots__ = ()


class Sealed(Source):
    """A `!vault` value: stands where it was written, and is an error when it is used."""

    __slots__ = ()


class SourceMap(dict[Any, Any]):
    """A mapping from YAML; `place_of` tells where it and each of its values begin."""

    __slots__ = ("_file", "_mark", "_marks", "_static")

    def __init__(self, file: str = "", mark: Mark = (0, 0)) -> None:
        super().__init__()
        self._file, self._mark = file, mark
        self._marks: dict[Any, Mark] = {}
        self._static: bool | None = None


class SourceList(list[Any]):
    """A list from YAML; `place_of` tells where it and each of its items begin."""

    __slots__ = ("_file", "_mark", "_marks", "_static")

    def __init__(self, file: str = "", mark: Mark = (0, 0)) -> None:
        super().__init__()
        self._file, self._mark = file, mark
        self._marks: list[Mark] = []
        self._static: bool | None = None


def place_of(value: Any, key: Any = None) -> Place | None:
    """Where `value` begins, or where its member `key` (a key of a mapping, an index of a list) does; None if unknown."""
    if isinstance(value, Source):
        return value.place
    if not isinstance(value, SourceMap | SourceList) or not value._mark[0]:
        return None
    if key is None:
        return Place(value._file, *value._mark)
    if isinstance(value, SourceMap):
        mark = value._marks.get(key)
    else:
        mark = value._marks[key] if -len(value._marks) <= key < len(value._marks) else None
    return Place(value._file, *(mark or value._mark))


def key_place(mapping: dict[Any, Any], key: Any) -> Place | None:
    """Where the key itself stands, for errors about the key's name."""
    written = next((each for each in mapping if each == key), None)
    return written.place if isinstance(written, Source) else place_of(mapping)


def is_static(value: Any) -> bool:
    """Whether rendering `value` would change nothing: no template in it, however deep."""
    if isinstance(value, Source):
        return type(value) is not Sealed and not value.is_template
    if isinstance(value, SourceMap | SourceList):
        if value._static is None:
            members = value.values() if isinstance(value, SourceMap) else value
            value._static = all(is_static(member) for member in members)
        return value._static
    if isinstance(value, dict):
        return all(is_static(member) for member in value.values())
    return not isinstance(value, list | tuple) or all(is_static(member) for member in value)


def load(path: str, *, warn: Warn = ignore) -> Any:
    """The content of a YAML file; ProjectError with the place when it cannot be read, parsed or trusted to stay small."""
    from wherry.language import composer

    return composer.load(path, warn)


def parse(text: str, name: str = "<text>", *, warn: Warn = ignore) -> Any:
    """The content of YAML text from the project or its operator (`--extra`), as `load` gives it."""
    from wherry.language import composer

    return composer.parse(text, name, warn)
