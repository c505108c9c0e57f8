"""A container's output on disk: bounded, rotated, each line with its time and stream.

The format is the one of the Kubernetes CRI: `2026-11-24T22:00:00.123456789Z stdout F text`; P in place of F marks a
piece that the next one of the same stream continues. Files: `log` and, older, `log.1` to `log.4`, 10 MB each.
"""

import posix
import time

LIMIT = 10_000_000  # bytes a file
FILES = 5
PIECE = 64 << 10  # bytes of one unfinished line that are held in memory
LINE = 1 << 20  # bytes after which a line is ended for it
FLAGS = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC | posix.O_NOFOLLOW


class Log:
    """Writes the lines of several streams to `directory`/log; a full disk loses lines, it never stops the container."""

    def __init__(self, directory, limit=LIMIT, files=FILES):
        self._directory, self._limit, self._files = directory, limit, files
        self._open()
        self._rest = {}  # stream: bytes after its last newline
        self._length = {}  # stream: bytes of the unfinished line that are written already
        self._second = self._text = None
        self.lost = 0

    def write(self, stream, data):
        """Append `data` (bytes) of `stream` ("stdout", "stderr")."""
        prefix = f"{self._now()} {stream} "
        full, piece = (prefix + "F ").encode(), (prefix + "P ").encode()
        lines = (self._rest.get(stream, b"") + data).split(b"\n")
        rest = lines.pop()
        text = b"".join([full + line + b"\n" for line in lines])
        length = 0 if lines else self._length.get(stream, 0)
        while len(rest) >= PIECE:
            length += PIECE
            text += (full if length >= LINE else piece) + rest[:PIECE] + b"\n"
            length, rest = length % LINE, rest[PIECE:]
        self._rest[stream], self._length[stream] = rest, length
        self._append(text)

    def close(self):
        """Write what came without a newline, and let go of the file."""
        for stream, rest in self._rest.items():
            if rest:
                self._append(f"{self._now()} {stream} P ".encode() + rest + b"\n")
        self._rest = {}
        posix.close(self._fd)

    def _append(self, text):
        if self._size and self._size + len(text) > self._limit:
            self._rotate()
        try:
            while text:
                written = posix.write(self._fd, text)
                self._size, text = self._size + written, text[written:]
        except OSError:  # no space, or the disk fails: the container goes on without these lines
            self.lost += text.count(b"\n")

    def _rotate(self):
        posix.close(self._fd)
        path = f"{self._directory}/log"
        for number in range(self._files - 1, 0, -1):
            try:
                posix.rename(f"{path}.{number - 1}" if number > 1 else path, f"{path}.{number}")
            except FileNotFoundError:
                continue  # not that many yet
        self._open()

    def _open(self):
        self._fd = posix.open(f"{self._directory}/log", FLAGS, 0o600)
        self._size = posix.fstat(self._fd).st_size

    def _now(self):
        second, fraction = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._second, self._text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{fraction:09d}Z"


class Line:
    """One record of a log: `time` (text), `stream`, `text` (bytes) and whether a newline followed."""

    __slots__ = ("ended", "stream", "text", "time")

    def __init__(self, record):
        moment, stream, tag, self.text = record.split(b" ", 3)
        self.time, self.stream, self.ended = moment.decode(), stream.decode(), tag == b"F"


def read(directory, tail=None):
    """The lines on disk, oldest first; with `tail` the last so many."""
    lines = (line for path in reversed(paths(directory)) for line in _lines(path))
    return lines if tail is None else iter(_last(lines, tail))


def follow(directory, tail=None, ended=lambda: True):
    """As `read`, then what is appended until `ended()`; however often the files are rotated, nothing is lost."""
    file = _open_for_reading(f"{directory}/log")
    try:
        yield from _so_far(directory, file, tail)
        while True:
            last_look = ended()
            yield from _complete(file)
            newer = _newer(directory, file)
            if newer:
                yield from _complete(file)  # what came between the last look and the rotation
                file.close()
                file = newer
            elif last_look:
                return
            else:
                time.sleep(0.1)
    finally:
        file.close()


def paths(directory):
    """The files of a log, newest first; none when its container was removed."""
    try:
        found = [name for name in posix.listdir(directory) if name == "log" or name.startswith("log.")]
    except FileNotFoundError:
        return []
    return [f"{directory}/{name}" for name in sorted(found, key=lambda name: int(name[4:] or 0))]


def _so_far(directory, file, tail):
    """The lines in the files older than `file`, and in it as it is now."""
    end = posix.fstat(file.fileno()).st_size
    everything = paths(directory)
    older = everything[_place(everything, file) + 1 :]
    lines = (line for source in (*map(_lines, reversed(older)), _complete(file, end)) for line in source)
    return lines if tail is None else _last(lines, tail)


def _newer(directory, file):
    """The file that was begun when `file` was rotated, open; None while nothing is newer."""
    everything = paths(directory)
    place = _place(everything, file)
    try:
        return _open_for_reading(everything[place - 1]) if place > 0 else None
    except FileNotFoundError:
        return None  # it is being rotated in turn; the next look finds it


def _place(everything, file):
    """Which of the paths is the open `file`; behind the last when it was removed meanwhile."""
    inode = posix.fstat(file.fileno()).st_ino
    for place, path in enumerate(everything):
        try:
            if posix.stat(path).st_ino == inode:
                return place
        except FileNotFoundError:
            continue  # just renamed
    return len(everything)


def _lines(path):
    try:
        with _open_for_reading(path) as file:
            yield from _complete(file)
    except FileNotFoundError:
        return  # rotated away between the listing and now


def _complete(file, end=None):
    """Lines from here to the end of `file`, or to `end`; a half-written one stays for the next look."""
    while True:
        position = file.tell()
        record = file.readline() if end is None or position < end else b""
        if not record.endswith(b"\n"):
            file.seek(position)
            return
        yield Line(record[:-1])


def _last(lines, count):
    kept, ended = [], 0
    for line in lines if count else ():
        kept.append(line)
        ended += line.ended
        while ended + (not line.ended) > count:
            ended -= kept.pop(0).ended
    return kept


def _open_for_reading(path):
    fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW)
    return open(fd, "rb")
