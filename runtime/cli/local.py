"""The payload of the machine that wherry itself is installed on: filled from the checkout or wheel, compiled, kept fresh.

    PLACE/wherry    interpreter, payload folder, source folder: three lines, read by the launcher
    PLACE/stamp     name, size and mtime of every source file as they were when the payload was filled

The payload has the digest and the layout that a host would give it (wherry/connection/payload.py, agent/load.py).
"""

import posix
import sys

from .. import state

FOLDERS = ("runtime", "modules")
ALSO = ("runtime/cli/wherry.sh",)  # as wherry/connection/payload.py has it: the digest counts
INTERPRETERS = (
    "/usr/bin/python3",
)  # before the virtual environment's: a system's own starts faster than a self-built one
START = """\
import sys, marshal
try:
    with open(f"{sys.argv[1]}/bundle-{sys.implementation.cache_tag}/boot", "rb", 0) as file:
        boot = marshal.loads(file.read())
except OSError:
    with open(f"{sys.argv[1]}/runtime/cli/boot.py") as file:
        boot = file.read()
exec(boot)"""
FITTING = "import sys, _ctypes, _socket, _json, fcntl, select, zlib; sys.exit(sys.version_info < (3, 9))"


def refill_if_stale(place, words):
    """Fill the payload again when the source has changed since, and run `words` from the new one instead of returning."""
    source = _lines(f"{place}/wherry")[2]
    if _text(f"{place}/stamp") != stamp(source):
        python, payload = fill(place, source)
        posix.execv(python, [python, "-I", "-S", "-B", "-c", START, payload, *words])


def stamp(source):
    """Name, size and mtime of every source file, as text."""
    found = []
    for folder in FOLDERS:
        _stamp_folder(source, folder, found)
    return "\n".join(sorted(found))


def _stamp_folder(source, folder, found):
    for entry in posix.scandir(f"{source}/{folder}"):
        if entry.name == "__pycache__":
            continue
        path = f"{folder}/{entry.name}"
        if entry.is_dir():
            _stamp_folder(source, path, found)
        elif _belongs(path):
            status = entry.stat()
            found.append(f"{path} {status.st_size} {status.st_mtime_ns}")


def _belongs(path):
    return path.endswith(".py") or path in ALSO


def fill(place, source):
    """Make the payload of `source`, compile it, and point `place` to it: (interpreter, payload folder)."""
    seen = stamp(source)
    files = {line.split(" ")[0]: _bytes(f"{source}/{line.split(' ')[0]}") for line in seen.split("\n")}
    payload = store(place.partition("/payload/local")[0], files)
    python = interpreter()
    _compile(python, payload)
    state.ensure_private(place)
    state.replace(f"{place}/stamp", seen.encode())
    state.replace(f"{place}/wherry", f"{python}\n{payload}\n{source}\n".encode())
    return python, payload


def store(root, files):
    """The folder below `root`/payload that holds these files ({path: content}), named by the digest of its manifest."""
    from hashlib import sha256

    lines = [f"{sha256(files[path]).hexdigest()} {len(files[path])} {path}\n" for path in sorted(files)]
    manifest = "".join(lines).encode()
    payload = f"{root}/payload/{sha256(manifest).hexdigest()}"
    if not state.exists(f"{payload}/manifest"):
        new = f"{payload}.{posix.getpid()}.new"
        state.remove_tree(new)
        for path, content in [*files.items(), ("manifest", manifest)]:
            state.ensure_private(f"{new}/{path}".rpartition("/")[0])
            state.replace(f"{new}/{path}", content, durable=False)
        state.remove_tree(payload)
        posix.rename(new, payload)
    return payload


def interpreter():
    """The Python that container verbs run with."""
    import subprocess

    for path in (*INTERPRETERS, sys.executable):
        if state.exists(path) and subprocess.run([path, "-I", "-S", "-c", FITTING], check=False).returncode == 0:
            return path
    return sys.executable


def _compile(python, payload):
    import subprocess

    boot = "import sys; sys.path.insert(0, sys.argv[1]); from runtime.cli.local import compile_all; compile_all(sys.argv[1])"
    subprocess.run([python, "-I", "-S", "-B", "-c", boot, payload], check=True)


def compile_all(payload):
    """Write the bytecode of this Python beside every file, the list of what was written, and the bundle."""
    import py_compile
    from hashlib import sha256

    from . import bundle

    tag, written = sys.implementation.cache_tag, []
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # the folder's name says what is in it: nothing to check
    for path in (line.split(" ", 2)[2] for line in _lines(f"{payload}/manifest") if line.endswith(".py")):
        folder, _, name = path.rpartition("/")
        target = f"{folder}/__pycache__/{name[:-3]}.{tag}.pyc"
        py_compile.compile(
            f"{payload}/{path}", f"{payload}/{target}", f"{payload}/{path}", doraise=True, invalidation_mode=mode
        )
        content = _bytes(f"{payload}/{target}")
        written.append(f"{sha256(content).hexdigest()} {len(content)} {target}\n")
    state.replace(f"{payload}/compiled-{tag}", "".join(written).encode(), durable=False)
    bundle.build(payload)


def _lines(path):
    return _text(path).splitlines()


def _text(path):
    try:
        return _bytes(path).decode()
    except FileNotFoundError:
        return ""


def _bytes(path):
    with open(path, "rb") as file:
        return file.read()
