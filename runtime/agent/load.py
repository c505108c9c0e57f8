"""Verify, store and start a payload; run by boot.py with what it found or was sent.

A payload is named by the sha256 of its manifest: one line "sha256 size path" a file.  On disk it is a folder of that name
below <root>/payload, owned by us, closed to others; its bytecode is listed in compiled-<Python's cache tag>.  Without a
folder (root "-") it stays in memory.  An archive is the manifest, an empty line, and the files in the manifest's order.
"""

import os
import sys
from hashlib import sha256

NEEDED = ("_ctypes", "_json", "fcntl", "json", "py_compile", "select", "socket", "subprocess", "tempfile", "threading")
SHARED = 0o022  # group or others may write
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):
    """A path that somebody else could change, or content that is not what its digest says."""


def main(digest, root, say, get):
    """Start the agent of this payload; `say(word)` asks the controller, `get()` reads its answer."""
    mask = os.umask(0o077)
    try:
        payload = open_payload(digest, root) or receive(digest, root, say, get)
    except (OSError, Refused) as error:
        say(f"error {error}")
        sys.exit(1)
    os.umask(mask)
    say("ok")
    if sys.argv[2].startswith("/"):  # another installation, beside the host's own
        os.environ.update(WHERRY_ROOT=root, WHERRY_STATE=f"{root}/run")
    sys.meta_path.insert(0, payload)
    from runtime.agent.serve import main

    main(payload)


def open_payload(digest, root):
    """The stored payload if each of its files is what the manifest says; None if not."""
    if root == "-":
        return None
    folder = f"{os.path.realpath(root)}/payload/{digest}"
    try:
        handle = open_owned(folder)
    except FileNotFoundError:
        return None
    try:
        manifest = read_at(handle, "manifest")
        sound = sha256(manifest).hexdigest() == digest and all(holds(handle, line) for line in lines(manifest))
    except OSError:
        sound = False
    payload = Payload(digest, manifest, folder=folder) if sound else None
    if payload and not (check_bytecode(handle, payload)):
        compile_aside(payload)
    os.close(handle)
    return payload


def receive(digest, root, say, get):
    """Ask for the payload, store it unless it is to stay in memory."""
    require_library(say)
    say("send")
    archive = get()
    manifest, _, content = archive.partition(b"\n\n")
    manifest += b"\n"
    if sha256(manifest).hexdigest() != digest:
        raise Refused("the payload that arrived is not the one that was named")
    files, start = {}, 0
    for name, size, path in lines(manifest):
        files[path] = content[start : start + size]
        start += size
        if sha256(files[path]).hexdigest() != name:
            raise Refused(f"{path} arrived damaged")
    if root == "-":
        return Payload(digest, manifest, files=files)
    payload = Payload(digest, manifest, folder=store(f"{os.path.realpath(root)}/payload", digest, manifest, files))
    compile_aside(payload)
    return payload


def require_library(say):
    """End with a word to the controller when the standard library is not whole (Debian's python3-minimal lacks json)."""
    try:
        for name in NEEDED:
            __import__(name)
    except ImportError as error:
        say(f"lacks {error.name}")
        sys.exit(1)


def lines(manifest):
    """(sha256, size, path) of each file."""
    for line in manifest.decode().splitlines():
        name, size, path = line.split(" ", 2)
        yield name, int(size), path


def holds(handle, line):
    """Whether the file below the folder `handle` is what its line says."""
    name, size, path = line
    content = read_at(handle, path)
    return len(content) == size and sha256(content).hexdigest() == name


def read_at(handle, path):
    """A file's content, by a path relative to the folder `handle`."""
    fd = os.open(path, FLAGS, dir_fd=handle)
    try:
        return os.read(fd, os.fstat(fd).st_size + 1)
    finally:
        os.close(fd)


def open_owned(path, make=False):
    """A descriptor of the directory `path`, after checking that nobody but root and we can put anything into it.

    Walked by descriptors from "/": a link is refused, not followed.  make: missing directories are made, closed to others.
    O_PATH, because a folder on the way may allow us to pass and not to list it.
    """
    handle = os.open("/", FLAGS | os.O_DIRECTORY | os.O_PATH)
    try:
        walked = ""
        for name in path.strip("/").split("/"):
            walked += f"/{name}"
            if make:
                make_at(handle, name)
            inner = os.open(name, FLAGS | os.O_DIRECTORY | os.O_PATH, dir_fd=handle)
            os.close(handle)
            handle = inner
            check_owner(walked, os.fstat(handle))
    except BaseException:
        os.close(handle)
        raise
    return handle


def check_owner(path, status):
    """Refuse a directory that belongs to somebody else, or that others may write to (a sticky one like /tmp excepted)."""
    private = status.st_uid == status.st_gid != 0 and status.st_uid == os.geteuid()  # a user's own group
    shared = status.st_mode & (0o002 if private else SHARED) and not status.st_mode & 0o1000
    if status.st_uid not in (0, os.geteuid()) or shared:
        raise Refused(
            f"{path} belongs to uid {status.st_uid}, mode {status.st_mode & 0o7777:o}: others can change it; nothing is run from there"
        )


def make_at(handle, name):
    """Make the directory unless something of that name is there."""
    try:
        os.mkdir(name, 0o700, dir_fd=handle)
    except FileExistsError:
        pass  # what it is, is checked by whoever opens it


def store(parent, digest, manifest, files):
    """Write the files to a folder of their own and rename it into place; its path."""
    handle = open_owned(parent, make=True)
    new = f"{digest}.{os.getpid()}.new"
    remove(f"{parent}/{new}")
    os.mkdir(new, 0o700, dir_fd=handle)
    for path, content in [*files.items(), ("manifest", manifest)]:
        os.makedirs(os.path.dirname(f"{parent}/{new}/{path}"), 0o700, exist_ok=True)
        write(f"{parent}/{new}/{path}", content)
    replace(parent, new, digest)
    os.close(handle)
    return f"{parent}/{digest}"


def replace(parent, new, digest):
    """Rename `new` to its digest; what was there is damaged and goes.  Not synced: each start verifies all of it."""
    old = f"{parent}/{digest}.{os.getpid()}.old"
    try:
        os.rename(f"{parent}/{digest}", old)
    except FileNotFoundError:
        pass
    try:
        os.rename(f"{parent}/{new}", f"{parent}/{digest}")
    except OSError:  # another agent of ours stored the same at the same moment
        remove(f"{parent}/{new}")
    remove(old)


def write(path, content):
    """Write a new file, closed to others."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)


def remove(path):
    """Remove a folder and what is in it, if it is there."""
    if os.path.isdir(path):
        import shutil

        shutil.rmtree(path)


def check_bytecode(handle, payload):
    """Whether this Python's bytecode is all there and as it was written; what is damaged is removed."""
    listed = f"compiled-{sys.implementation.cache_tag}"
    try:
        if all(holds(handle, line) for line in lines(read_at(handle, listed))):
            return True
        os.unlink(listed, dir_fd=handle)
    except FileNotFoundError:
        pass
    for _, _, path in lines(payload.manifest):
        try:
            os.unlink(bytecode_of(path), dir_fd=handle)
        except FileNotFoundError:
            pass
    return False


def bytecode_of(path):
    """Where this Python looks for a source file's bytecode."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"


def compile_aside(payload):
    """Compile the stored files in a process of low priority, so that the agent need not wait; once per Python."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:  # nobody's child: the agent does not wait for it and leaves no zombie
            null = os.open("/dev/null", os.O_RDWR)
            for standard in (0, 1, 2):  # the channel must not stay open because of us
                os.dup2(null, standard)
            os.nice(10)
            compile_all(payload)
    finally:
        os._exit(0)


def compile_all(payload):
    """Write __pycache__ below the payload's folder, then the list of what was written."""
    import py_compile

    written = []
    for _, _, path in lines(payload.manifest):
        if path.endswith(".py"):
            target = bytecode_of(path)
            py_compile.compile(
                f"{payload.folder}/{path}",
                cfile=f"{payload.folder}/{target}",
                dfile=f"{payload.folder}/{path}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
            with open(f"{payload.folder}/{target}", "rb") as file:
                content = file.read()
            written.append(f"{sha256(content).hexdigest()} {len(content)} {target}\n")
    listed = f"{payload.folder}/compiled-{sys.implementation.cache_tag}"
    remove_file(f"{listed}.new")
    write(f"{listed}.new", "".join(written).encode())
    os.rename(f"{listed}.new", listed)


def remove_file(path):
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class Payload:
    """The files of one payload, in a folder or in memory, and the finder and loader that imports `runtime` from them."""

    def __init__(self, digest, manifest, folder=None, files=None):
        self.digest, self.manifest, self.folder, self.files = digest, manifest, folder, files

    def paths(self):
        """The path of each file."""
        return [path for _, _, path in lines(self.manifest)]

    def read(self, path):
        """A file's content; FileNotFoundError when the payload has none of that path."""
        if self.files is not None:
            if path not in self.files:
                raise FileNotFoundError(path)
            return self.files[path]
        with open(f"{self.folder}/{path}", "rb") as file:
            return file.read()

    def archive(self):
        """The payload as `receive` takes it."""
        return self.manifest + b"\n" + b"".join(self.read(path) for path in self.paths())

    def keep_in_memory(self):
        """Leave the folder: from now on everything comes from memory (before this process becomes another user)."""
        if self.files is None:
            self.files, self.folder = {path: self.read(path) for path in self.paths()}, None

    def find_spec(self, name, path=None, target=None):
        """The spec of `name` if it is one of ours (sys.meta_path)."""
        if name != "runtime" and not name.startswith("runtime."):
            return None
        base = name.replace(".", "/")
        package = f"{base}/__init__.py" in self.sizes
        relative = f"{base}/__init__.py" if package else f"{base}.py"
        if relative not in self.sizes:
            return None
        return self.spec(name, relative, package)

    def spec(self, name, relative, package=False):
        """An import spec of the payload's file `relative` under any module name."""
        from _frozen_importlib import ModuleSpec
        from _frozen_importlib_external import SourceFileLoader

        location = f"{self.folder or 'wherry'}/{relative}"
        loader = self if self.files is not None else SourceFileLoader(name, location)
        spec = ModuleSpec(name, loader, origin=location, is_package=package)
        spec.has_location = self.files is None
        spec.loader_state = relative
        if spec.has_location:
            spec.cached = f"{self.folder}/{bytecode_of(relative)}"
        return spec

    @property
    def sizes(self):
        """Size by path."""
        if not hasattr(self, "_sizes"):
            self._sizes = {path: size for _, size, path in lines(self.manifest)}
        return self._sizes

    def create_module(self, spec):
        """Leave it to Python (importlib's loader protocol)."""

    def exec_module(self, module):
        """Run a module from memory (importlib's loader protocol)."""
        relative = module.__spec__.loader_state
        exec(compile(self.read(relative), f"wherry/{relative}", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - verified

    def load(self, name, relative):
        """The payload's file `relative` as a module called `name`; FileNotFoundError when there is none."""
        if relative not in self.sizes:
            raise FileNotFoundError(relative)
        module = type(sys)(name)
        spec = self.spec(name, relative)
        module.__spec__, module.__file__ = spec, spec.origin
        spec.loader.exec_module(module)
        return module
