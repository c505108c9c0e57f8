"""Records on disk: where they lie, how they are read and written, and how they are locked.

`posix` instead of `os` and `_json` instead of `json`: every `wherry run` passes here, and those two cost 1 ms and 8 ms.
"""

import _json
import fcntl
import posix

from .errors import Conflict, NotFound, WherryError

ROOT = "/var/lib/wherry"
STATE = "/run/wherry"
ABSENT = object()


class Dirs:
    """The folders of one installation: `root` stays, `state` is gone at reboot; each is made 0700 when first asked for."""

    def __init__(self, root=None, state=None):
        self.root = root or environment("WHERRY_ROOT", ROOT)
        self.state = state or environment("WHERRY_STATE", STATE)
        self._made = set()

    images = property(lambda self: self._below(self.root, "images"))
    containers = property(lambda self: self._below(self.root, "containers"))
    volumes = property(lambda self: self._below(self.root, "volumes"))
    releases = property(lambda self: self._below(self.root, "releases"))
    secrets = property(lambda self: self._below(self.root, "secrets"))
    payload = property(lambda self: self._below(self.root, "payload"))
    run = property(lambda self: self._below(self.state, "containers"))
    names = property(lambda self: self._below(self.state, "names"))
    rootfs = property(lambda self: self._below(self.state, "rootfs"))
    networks = property(lambda self: self._below(self.state, "networks"))
    locks = property(lambda self: self._below(self.state, "locks"))

    def setting(self, name, default):
        """The host setting `name` (publish_address, network_subnet, ...), or `default`."""
        return read(f"{self.root}/settings.json", missing={}).get(name, default)

    def _below(self, parent, name):
        path = f"{parent}/{name}"
        if path not in self._made:
            ensure_private(parent)
            ensure_private(path)
            self._made.add(path)
        return path


def environment(name, default):
    """The environment variable `name` as text, or `default` when it is unset or empty."""
    return posix.environ.get(name.encode(), b"").decode("utf-8", "surrogateescape") or default


def ensure_private(path):
    """Make `path` a directory of ours that nobody else may enter; a link or somebody else's directory is refused."""
    try:
        found = posix.lstat(path)
    except FileNotFoundError:
        _make_private(path)
        found = posix.lstat(path)
    if found.st_mode & 0o170000 != 0o040000 or found.st_uid != posix.geteuid() or found.st_mode & 0o022:
        raise WherryError("is not a directory that belongs to this user alone", path, "move it away or set WHERRY_ROOT")
    if found.st_mode & 0o077:
        posix.chmod(path, 0o700)


def _make_private(path):
    parent = path.rpartition("/")[0]
    if parent and not exists(parent):
        _make_private(parent)
    try:
        posix.mkdir(path, 0o700)
    except FileExistsError:
        pass  # another command was faster; the caller looks at what it made
    except PermissionError:
        hint = "run this as root, or name folders of your own by WHERRY_ROOT and WHERRY_STATE"
        raise WherryError("this user may not make it", path, hint) from None


def exists(path):
    """Whether anything lies at `path`, a dangling link included."""
    try:
        posix.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


class _Reading:
    """What `_json`'s scanner asks its context for: plain JSON, nothing hooked."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int, parse_constant = float, int, float


_scan = _json.make_scanner(_Reading)


def decode(text):
    """The object that the JSON `text` holds; ValueError when it is not JSON."""
    try:
        found, end = _scan(text, len(text) - len(text.lstrip(" \t\r\n")))
    except (StopIteration, SystemError, RecursionError, ValueError):
        # SystemError: the scanner wants to raise json.decoder's own error and finds that module not imported.
        raise ValueError("not JSON") from None
    if text[end:].strip(" \t\r\n"):
        raise ValueError("text after the JSON value")
    return found


def encode(obj):
    """`obj` as one line of JSON; TypeError for what JSON does not know."""
    encoder = _json.make_encoder(None, _refuse, _json.encode_basestring_ascii, None, ": ", ", ", False, False, False)
    return "".join(encoder(obj, 0))


def _refuse(obj):
    raise TypeError(f"{type(obj).__name__} has no place in a record")


def read(path, missing=ABSENT):
    """The object in the JSON file `path`; `missing` when there is no such file, NotFound without that."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        if missing is ABSENT:
            raise NotFound("no such record", path) from None
        return missing
    try:
        return decode(text)
    except ValueError as error:
        raise WherryError(f"damaged record: {error}", path, "remove it, or restore it from a backup") from None


def write(path, obj, durable=True):
    """Replace `path` by `obj` as JSON (0600): a reader sees the old or the new one, after a power cut too if `durable`."""
    replace(path, encode(obj).encode(), durable)


def replace(path, content, durable=True, mode=0o600):
    """Replace the file `path` by `content` (bytes) in one step, synced to disk if `durable`."""
    new = f"{path}.{posix.getpid()}.new"
    fd = posix.open(new, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_CLOEXEC | posix.O_NOFOLLOW, mode)
    try:
        while content:
            content = content[posix.write(fd, content) :]
        if durable:
            posix.fsync(fd)
    except OSError:
        posix.unlink(new)
        raise
    finally:
        posix.close(fd)
    posix.rename(new, path)
    if durable:
        sync_dir(path.rpartition("/")[0])


def sync_dir(path):
    """Make the names in directory `path` survive a power cut."""
    fd = posix.open(path, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        posix.fsync(fd)
    finally:
        posix.close(fd)


def remove_tree(path):
    """Remove `path` and all below it, never following a link; nothing there is no error."""
    try:
        entries = list(posix.scandir(path))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        posix.unlink(path)
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            posix.unlink(entry.path)
    posix.rmdir(path)


class locked:  # noqa: N801 - reads as a statement: `with locked(path):`
    """Hold the lock file `path` for the length of a with block; Conflict at once when taken and not `wait`."""

    def __init__(self, path, wait=True):
        self._path, self._wait = path, wait

    def __enter__(self):
        self._fd = posix.open(self._path, posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC | posix.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if self._wait else fcntl.LOCK_NB))
        except BlockingIOError:
            posix.close(self._fd)
            raise Conflict("is held by another process", self._path, "try again when it has finished") from None
        return self

    def __exit__(self, *exception):
        posix.close(self._fd)
