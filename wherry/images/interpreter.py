"""The Python that runs here, as files for an image: the program, its extensions, its standard library compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

from wherry.errors import WherryError
from wherry.images import elf

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
HOME = f"/usr/lib/python{VERSION}"
LEFT_OUT = {"test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "distutils", "site-packages",
            "dist-packages", "__pycache__", "pydoc_data", "lib-dynload", "unittest", "venv", "curses", "msilib", "__phello__",
            "turtle.py", "antigravity.py", "this.py"}  # fmt: skip
EXTENSIONS_LEFT_OUT = ("_test", "_ctypes_test", "xx", "_xx", "_tkinter", "_curses", "readline", "nis", "_dbm", "_gdbm")

# One process with a fixed hash seed compiles all of it, in order: the bytes of compiled code depend on both.
COMPILE = """
import importlib.util, marshal, sys
for line in sys.stdin:
    path, name = line.rstrip("\\n").split("\\t")
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, name, "exec", dont_inherit=True)
    data = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source) + marshal.dumps(code)
    sys.stdout.buffer.write(len(data).to_bytes(4, "little") + data)
"""


def program() -> str:
    """The file of the running interpreter itself, not of a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def files() -> dict[str, bytes]:
    """{path in the image: content}: bin/python3, the extensions, and the standard library without sources."""
    with open(program(), "rb") as file:
        found = {f"/usr/bin/python{VERSION}": elf.stripped(file.read())}
    for path in extensions():
        with open(path, "rb") as file:
            found[f"{HOME}/lib-dynload/{os.path.basename(path)}"] = elf.stripped(file.read())
    return {**found, **compiled(sources())}


def extensions() -> list[str]:
    """The interpreter's extension modules whose libraries are all here, sorted."""
    folder = os.path.join(sysconfig.get_path("stdlib"), "lib-dynload")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    wanted = [name for name in names if name.endswith(".so") and not name.startswith(EXTENSIONS_LEFT_OUT)]
    return [path for path in (os.path.join(folder, name) for name in wanted) if _is_complete(path)]


def _is_complete(path: str) -> bool:
    try:
        elf.libraries([path])
    except WherryError:
        return False
    return True


def sources() -> list[str]:
    """The modules of the standard library, relative to its folder and sorted, without tests, Tk, pip and the like."""
    found = []
    top = sysconfig.get_path("stdlib")
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        wanted = [name for name in names if name.endswith(".py") and name not in LEFT_OUT]
        found += [os.path.relpath(os.path.join(folder, name), top) for name in wanted]
    return sorted(found)


def compiled(names: list[str]) -> dict[str, bytes]:
    """{path in the image: code} of library modules; a .pyc in the place of a .py is all that Python needs."""
    top = sysconfig.get_path("stdlib")
    listing = "".join(f"{os.path.join(top, name)}\t{HOME}/{name}\n" for name in names)
    process = subprocess.run(
        [program(), "-S", "-c", COMPILE],
        input=listing.encode(),
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )
    if process.returncode:
        last = process.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise WherryError(f"cannot compile its standard library: {' '.join(last)}", program())
    found, at = {}, 0
    for name in names:
        size = int.from_bytes(process.stdout[at : at + 4], "little")
        found[f"{HOME}/{name}c"] = process.stdout[at + 4 : at + 4 + size]
        at += 4 + size
    return found
