"""The seams: what a module author sees (Task, Blob, Tree), what language needs from outside, what a session sends."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Place:
    """Where a value stands in a file: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """The source line with a caret below the column; empty when the file is gone."""
        text = linecache.getline(self.file, self.line).rstrip("\n")
        if not text.strip():
            return ""
        margin = "".join("\t" if character == "\t" else " " for character in text[: self.column - 1])
        return f"    {text}\n    {margin}^"


@dataclass(frozen=True)
class Blob:
    """A file's content by digest ("sha256:<hex>"); `size` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class TreeEntry:
    """One file or directory of a Tree: path relative to its root, permission bits, content (None for a directory)."""

    path: str
    mode: int
    blob: Blob | None


@dataclass(frozen=True)
class Tree:
    """A directory's files, sorted by path."""

    entries: tuple[TreeEntry, ...]


class Content(Protocol):
    """Bytes that a session can send when a host asks for them."""

    @property
    def size(self) -> int:
        """Bytes before encoding."""

    def read(self, encoding: str) -> Iterator[bytes]:
        """The bytes in the encoding ("raw" or "zlib"), in chunks of any size."""


class Outside(Protocol):
    """Everything that language may learn from the world: no network, process or clock of its own."""

    def run(self, argv: Sequence[str], stdin: bytes | None = None) -> bytes:
        """The output of a command; raises WherryError when it fails."""

    def read_file(self, path: str) -> bytes:
        """The content of a file on the controller."""

    def environment(self) -> Mapping[str, str]:
        """The controller's environment."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def random(self, size: int) -> bytes:
        """Random bytes."""


class Task(Protocol):
    """What a module's `prepare(task)` is handed, on the controller."""

    args: dict[str, Any]

    def path(self, argument: str) -> str:
        """The controller file that an argument names, found by Ansible's search order (files/, templates/, ...)."""

    def attach(self, path: str) -> Blob:
        """The file's content, to be sent if the host asks for it."""

    def attach_bytes(self, data: bytes) -> Blob:
        """These bytes, to be sent if the host asks for them."""

    def attach_tree(self, path: str) -> Tree:
        """All files below a directory."""

    def archive(self, path: str) -> Any:
        """A saved image archive, its layers to be sent if the host lacks them."""

    def render(self, text: str) -> str:
        """A template's text with this task's variables."""

    def fact(self, name: str) -> Any:
        """A fact of the host; gathered first when it is not known yet."""

    def hand_over(self, module: str) -> None:
        """Let another module do this task with the same arguments."""

    def fail(self, text: str) -> None:
        """End the task: wrong arguments."""
