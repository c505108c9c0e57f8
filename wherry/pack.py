"""Make an image archive from files of this machine and the shared libraries they need; no internet, no other image.

Two layers: below, what changes seldom (libraries, an interpreter), above, the files themselves, so that a new version of
an application shares the lower one with the last. The same files give the same bytes. Linux only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wherry.errors import UsageError, WherryError
from wherry.images import elf, interpreter

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x"}
LIBRARIES = "/usr/lib"
# Every loader looks for libraries below one of these.
LINKS = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib", "/usr/lib64": "lib"}
FOLDERS = {"/dev": 0o755, "/proc": 0o555, "/sys": 0o555, "/run": 0o755, "/root": 0o700, "/tmp": 0o1777, "/var/tmp": 0o1777,
           "/usr/bin": 0o755, "/usr/sbin": 0o755, "/usr/lib": 0o755}  # fmt: skip
ACCOUNTS = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
}


@dataclass(frozen=True)
class Node:
    """One entry of a layer: a folder, a link (`target`) or a file (`content`)."""

    mode: int
    content: bytes | None = None
    target: str | None = None


Layer = dict[str, Node]  # by absolute path in the image


def pack_app(output: str, app_file: str, name: str) -> str:
    """Pack one Python file as the image `name` that runs it: the image's ID."""
    return pack(
        output,
        files={"/app/app.py": app_file},
        command=["python3", "/app/app.py"],
        env={"PYTHONUNBUFFERED": "1"},
        python=True,
        name=name,
    )


def pack(
    output: str,
    *,
    files: Mapping[str, str],
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    python: bool = False,
    name: str,
) -> str:
    """Write the archive `output` (as docker save) with one image: its ID.

    files: path in the image -> file or folder of this machine.  command: what a container runs.  env: its variables.
    python: add the running Python with its standard library as `python3`.  name: NAME or NAME:TAG.
    Times of all files are SOURCE_DATE_EPOCH or 0, owners are root.
    """
    chosen = chosen_files(files)
    programs = [path for path in chosen.values() if elf.read(path)]
    base = base_layer(programs, python)
    top = {path: file_node(source) for path, source in chosen.items()}
    layers = [tar_of(each) for each in (base, without(top, base)) if each]
    config = config_of(layers, command, env or {})
    write_archive(output, config, name if ":" in name.rpartition("/")[2] else f"{name}:latest", layers)
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def chosen_files(files: Mapping[str, str]) -> dict[str, str]:
    """Path in the image -> file here, of files and of all that lies in folders."""
    chosen: dict[str, str] = {}
    for path, source in files.items():
        place = image_path(path)
        if os.path.isdir(source):
            for folder, _, names in os.walk(source):
                inside = os.path.normpath(os.path.join(place, os.path.relpath(folder, source)))
                chosen |= {f"{inside}/{each}": os.path.join(folder, each) for each in names}
        elif os.path.isfile(source):
            chosen[place] = source
        else:
            raise UsageError("no such file to pack", source)
    return chosen


def image_path(path: str) -> str:
    """A path in the image as its layers name it: below /usr where a link of the base leads there."""
    normal = os.path.normpath(path)
    if not path.startswith("/") or normal == "/":
        raise UsageError(f"{path!r} is not the path of a file in the image", hint="it begins with /")
    for link, target in LINKS.items():
        if normal.startswith(f"{link}/"):
            return os.path.join(os.path.dirname(link), target) + normal[len(link) :]
    return normal


def base_layer(programs: Iterable[str], python: bool) -> Layer:
    """What an application stands on: folders, accounts, the loader and libraries of its programs, an interpreter."""
    layer: Layer = {path: Node(mode) for path, mode in FOLDERS.items()}
    layer |= {path: Node(0o777, target=target) for path, target in LINKS.items()}
    layer |= {path: Node(0o644, content) for path, content in ACCOUNTS.items()}
    if python:
        layer |= {path: Node(mode_of(path), content) for path, content in interpreter.files().items()}
        layer["/usr/bin/python3"] = Node(0o777, target=f"python{interpreter.VERSION}")
        programs = [*programs, interpreter.program(), *interpreter.extensions()]
    return layer | libraries_of(programs)


def mode_of(path: str) -> int:
    """The mode of an interpreter's file: programs and libraries may be run."""
    return 0o644 if path.endswith(".pyc") else 0o755


def libraries_of(programs: Iterable[str]) -> Layer:
    """The shared libraries that the programs need, and their loaders."""
    found = elf.libraries(programs := list(programs))
    layer: Layer = {f"{LIBRARIES}/{name}": file_node(path) for name, path in found.items()}
    for path in programs:
        program = elf.read(path)
        if program and program.interpreter:
            loader = os.path.realpath(program.interpreter)
            layer[image_path(program.interpreter)] = file_node(loader)
    return layer


def file_node(path: str) -> Node:
    """A file of this machine as an entry: a program without its symbols, other content as it is."""
    try:
        with open(path, "rb") as file:
            content = file.read()
            mode = 0o755 if os.fstat(file.fileno()).st_mode & stat.S_IXUSR else 0o644
    except OSError as error:
        raise WherryError(f"cannot be packed: {error.strerror}", path) from None
    return Node(mode, elf.stripped(content))


def without(layer: Layer, below: Layer) -> Layer:
    """The entries of a layer that the one below does not have just so."""
    return {path: node for path, node in layer.items() if below.get(path) != node}


def tar_of(layer: Layer) -> bytes:
    """A layer as a tar: sorted, folders before what lies in them, one time for all."""
    entries = {folder: Node(0o755) for path in layer for folder in parents(path)} | layer
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(entries, key=lambda path: path.split("/")):
            tar.addfile(header(path, entries[path]), io.BytesIO(entries[path].content or b""))
    return buffer.getvalue()


def parents(path: str) -> list[str]:
    """The folders above a path, the root not among them."""
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def header(path: str, node: Node) -> tarfile.TarInfo:
    """The tar header of an entry."""
    info = tarfile.TarInfo(path[1:])
    info.mode, info.mtime = node.mode, epoch()
    if node.target is not None:
        info.type, info.linkname = tarfile.SYMTYPE, node.target
    elif node.content is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = len(node.content)
    return info


def epoch() -> int:
    """The time of everything in the image (reproducible-builds.org/specs/source-date-epoch)."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not text.isdigit():
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}, not a number of seconds")
    return int(text)


def config_of(layers: Sequence[bytes], command: Sequence[str], env: Mapping[str, str]) -> bytes:
    """The image's configuration (OCI image-spec config.md)."""
    machine = os.uname().machine
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch()))
    config = {
        "created": created,
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Cmd": list(command), "Env": [PATH, *(f"{key}={value}" for key, value in sorted(env.items()))]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [{"created": created, "created_by": "wherry pack"} for _ in layers],
    }
    return json.dumps(config, sort_keys=True).encode()


def write_archive(output: str, config: bytes, name: str, layers: Sequence[bytes]) -> None:
    """Write the archive in one step; manifest and configuration come first."""
    members = {f"{hashlib.sha256(layer).hexdigest()}.tar": layer for layer in layers}
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": list(members)}]).encode()
    new = f"{output}.{os.getpid()}.new"
    try:
        with tarfile.open(new, "w") as tar:
            for path, content in {"manifest.json": manifest, config_name: config, **members}.items():
                tar.addfile(header(f"/{path}", Node(0o644, content)), io.BytesIO(content))
        os.replace(new, output)
    except OSError as error:
        raise WherryError(f"cannot write the archive: {error.strerror}", output) from None
    finally:
        if os.path.exists(new):
            os.unlink(new)
