"""Run a program on the host and keep what it prints, up to a limit."""

import os

from ..errors import NotFound, UsageError

OUTPUT_LIMIT = 16 << 20  # of each stream; the rest is read and thrown away
BRIEF = 0.25  # seconds that a background child may keep our pipes open after the program has ended


class Completed:
    """A program that has ended: `rc` (negative: killed by that signal), `stdout`, `stderr`, `cut` (output was longer), `missing`."""

    def __init__(self, rc, stdout="", stderr="", cut=False, skipped=False, missing=False):
        self.rc, self.stdout, self.stderr = rc, stdout, stderr
        self.cut, self.skipped, self.missing = cut, skipped, missing


def run(argv, stdin=None, env=None, cwd=None):
    """Run `argv` (a list, no shell) to its end; stdin is str, bytes or None (empty), env is added to ours.

    A program that is not there gives rc 127 and `missing`.  A child that it leaves in the background is not waited for.
    """
    import subprocess

    if not isinstance(argv, (list, tuple)) or not argv:
        raise UsageError(f"a command is a list of words, not {argv!r}")
    try:
        process = subprocess.Popen(
            [os.fspath(word) if isinstance(word, (str, bytes, os.PathLike)) else str(word) for word in argv],
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
        )
    except FileNotFoundError as error:
        if cwd and error.filename == cwd:
            raise NotFound("no such directory to run in", cwd) from None
        return Completed(127, stderr=f"there is no program {argv[0]} on the host", missing=True)
    except OSError as error:
        raise UsageError(f"cannot run {argv[0]}: {error.strerror}") from None
    stdout, stderr = exchange(process, stdin.encode() if isinstance(stdin, str) else stdin)
    return Completed(process.returncode, stdout.text(), stderr.text(), stdout.cut or stderr.cut)


class Output:
    """What came from one stream."""

    def __init__(self, file):
        self.file, self.data, self.cut = file, bytearray(), False

    def read(self):
        """Take what is there; False at the end."""
        data = os.read(self.file.fileno(), 65536)
        room = OUTPUT_LIMIT - len(self.data)
        self.cut |= len(data) > room
        self.data += data[:room]
        return bool(data)

    def text(self):
        """As text; what is not UTF-8 is replaced."""
        return self.data.decode("utf-8", "replace")


def exchange(process, stdin):
    """Feed stdin and collect both outputs until the program has ended and its pipes are empty."""
    import selectors

    outputs = Output(process.stdout), Output(process.stderr)
    with selectors.DefaultSelector() as selector:
        for output in outputs:
            selector.register(output.file, selectors.EVENT_READ, output.read)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE, Feeder(process.stdin, stdin).write)
        ended = False
        while selector.get_map():
            ready = selector.select(BRIEF)
            if ended and not ready:
                break  # a daemon that it started holds the pipes
            for key, _ in ready:
                if not key.data():
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
            ended = process.poll() is not None
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    process.wait()
    return outputs


class Feeder:
    """What is left of a program's input."""

    def __init__(self, file, data):
        self._file, self._rest = file, memoryview(data)

    def write(self):
        """Write what fits; False when all is written or nobody reads."""
        try:
            self._rest = self._rest[os.write(self._file.fileno(), self._rest[:65536]) :] if self._rest else self._rest
        except BrokenPipeError:
            return False
        return bool(self._rest)
