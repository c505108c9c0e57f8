"""The product's runtime/ and modules/ under one digest: what a host needs of wherry.

Source only, in the order of their paths, without times or owners: the same checkout gives the same digest anywhere.
The manifest (one line "sha256 size path" a file) is named by its own sha256, and that is the payload's digest.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from wherry.project import Project

BOOT_FILE = "runtime/agent/boot.py"
LOAD_FILE = "runtime/agent/load.py"
EXTRA = ("runtime/cli/wherry.sh",)  # not Python, and needed on hosts


@dataclass(frozen=True)
class Payload:
    """`files`: content by path, sorted; `digest`: 64 hexadecimal digits."""

    digest: str
    manifest: bytes
    files: dict[str, bytes]

    @functools.cached_property
    def boot(self) -> str:
        """The program that goes into the command line: boot.py without docstring, comments and indentation for people."""
        return minified(self.files[BOOT_FILE].decode())

    @functools.cached_property
    def loader(self) -> bytes:
        """What boot asks for first, as it reads it."""
        return packed(self.files[LOAD_FILE])

    @functools.cached_property
    def archive(self) -> bytes:
        """Everything, as the loader reads it."""
        return packed(self.manifest + b"\n" + b"".join(self.files.values()))


def packed(content: bytes) -> bytes:
    """Content compressed, behind its length in eight characters."""
    data = zlib.compress(content, 6)
    return b"%8d" % len(data) + data


def make(project: Project) -> Payload:
    """The payload of the product that this project uses."""
    files = dict(sorted(find_files(project)))
    lines = [f"{hashlib.sha256(content).hexdigest()} {len(content)} {path}\n" for path, content in files.items()]
    manifest = "".join(lines).encode()
    return Payload(hashlib.sha256(manifest).hexdigest(), manifest, files)


def find_files(project: Project) -> Iterator[tuple[str, bytes]]:
    """(path in the payload, content) of each file that belongs to it."""
    for name, folder in (("runtime", project.runtime), ("modules", project.built_in_modules)):
        for parent, folders, names in os.walk(folder):
            folders[:] = [each for each in folders if each != "__pycache__"]
            for each in names:
                path = os.path.join(name, os.path.relpath(os.path.join(parent, each), folder))
                if each.endswith(".py") or path in EXTRA:
                    with open(os.path.join(parent, each), "rb") as file:
                        yield path, file.read()


def minified(source: str) -> str:
    """The same program with one space a level of indentation and without docstring, comment lines and empty lines."""
    docstring = ast.parse(source).body[0]
    lines = source.splitlines()[docstring.end_lineno :]
    kept = (line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return "\n".join(re.sub(r"^(?:    )+", lambda found: " " * (len(found[0]) // 4), line) for line in kept)
