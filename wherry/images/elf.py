"""Programs and shared libraries, read from their own bytes: what they need, and the part of them that is loaded.

ldd(1) would run the file. Sources: elf(5), ld.so(8).
"""

from __future__ import annotations

import glob
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from wherry.errors import WherryError

MAGIC = b"\x7fELF\x02\x01"  # 64 bit, little endian
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 0, 1, 5, 15, 29
HEADER_SIZE, SECTION_HEADER_OFFSET, SECTION_COUNTS = 64, 40, 58
USUAL_FOLDERS = (
    "/lib/{}-linux-gnu",
    "/usr/lib/{}-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/usr/lib",
)


@dataclass(frozen=True)
class Elf:
    """What one file asks of the loader: `interpreter` is the loader's path, `search` the folders named by the file itself."""

    machine: int
    interpreter: str | None
    needed: tuple[str, ...]
    search: tuple[str, ...]


@dataclass(frozen=True)
class Segment:
    """A program header."""

    kind: int
    offset: int
    address: int
    size: int


@cache
def read(path: str) -> Elf | None:
    """What the file `path` needs; None when it is no 64-bit little-endian ELF file."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(MAGIC):
        return None
    try:
        return _parsed(data, os.path.dirname(os.path.realpath(path)))
    except (struct.error, ValueError, StopIteration, KeyError):
        raise WherryError("is a damaged ELF file", path) from None


def _parsed(data: bytes, origin: str) -> Elf:
    segments = _segments(data)
    tags = _dynamic(data, segments)
    strings = _offset(dict(tags)[DT_STRTAB], segments) if tags else 0
    search = ":".join(_text(data, strings + value) for tag, value in tags if tag in (DT_RPATH, DT_RUNPATH)).split(":")
    return Elf(
        machine=struct.unpack_from("<H", data, 18)[0],
        interpreter=next((_text(data, each.offset) for each in segments if each.kind == PT_INTERP), None),
        needed=tuple(_text(data, strings + value) for tag, value in tags if tag == DT_NEEDED),
        search=tuple(each.replace("${ORIGIN}", origin).replace("$ORIGIN", origin) for each in search if each),
    )


def _segments(data: bytes) -> list[Segment]:
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    rows = [struct.unpack_from("<IIQQQQ", data, start + index * size) for index in range(count)]
    return [Segment(row[0], row[2], row[3], row[5]) for row in rows]


def _dynamic(data: bytes, segments: list[Segment]) -> list[tuple[int, int]]:
    tags: list[tuple[int, int]] = []
    for each in segments:
        if each.kind == PT_DYNAMIC:
            for tag, value in struct.iter_unpack("<qQ", data[each.offset : each.offset + each.size // 16 * 16]):
                if tag == DT_NULL:
                    break
                tags.append((tag, value))
    return tags


def _offset(address: int, segments: list[Segment]) -> int:
    within = (each for each in segments if each.kind == PT_LOAD and each.address <= address < each.address + each.size)
    segment = next(within)
    return segment.offset + address - segment.address


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def stripped(data: bytes) -> bytes:
    """An ELF file without what no loader reads: symbols and debugging sections behind the last segment."""
    if not data.startswith(MAGIC):
        return data
    end = max([HEADER_SIZE, *(each.offset + each.size for each in _segments(data))])
    kept = bytearray(data[:end])
    struct.pack_into("<Q", kept, SECTION_HEADER_OFFSET, 0)
    struct.pack_into("<HHH", kept, SECTION_COUNTS, 0, 0, 0)
    return bytes(kept)


def libraries(paths: Iterable[str]) -> dict[str, str]:
    """{name: file} of every shared library that the programs need, and of those that these need."""
    found: dict[str, str] = {}
    todo = list(paths)
    while todo:
        path = todo.pop()
        elf = read(path)
        for name in elf.needed if elf else ():
            if elf and name not in found:
                found[name] = _find(name, elf, path)
                todo.append(found[name])
    return found


def _find(name: str, elf: Elf, needed_by: str) -> str:
    for folder in [*elf.search, *_folders()]:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (candidate := read(path)) and candidate.machine == elf.machine:
            return os.path.realpath(path)
    raise WherryError(f"needs the library {name}, which is nowhere on this machine", needed_by)


@cache
def _folders() -> list[str]:
    """Where the loader of this machine looks."""
    return [*_configured("/etc/ld.so.conf"), *(each.format(os.uname().machine) for each in USUAL_FOLDERS)]


def _configured(path: str, depth: int = 0) -> list[str]:
    folders: list[str] = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.split("#")[0].strip() for line in file]
    except OSError:
        return []
    for line in lines:
        if line.startswith("include ") and depth < 4:
            pattern = os.path.join(os.path.dirname(path), line.split(None, 1)[1])
            folders += [each for name in sorted(glob.glob(pattern)) for each in _configured(name, depth + 1)]
        elif line.startswith("/"):
            folders.append(line)
    return folders
