"""A layer's compressed bytes, made once and read by any number of sessions, also while they are being made."""

from __future__ import annotations

import os
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator

from wherry.errors import WherryError

CHUNK = 256 << 10
LEVEL = 1  # 6 takes three times the CPU for 15 % fewer bytes, and is slower than a 1 Gbit/s link


class Encoded:
    """The zlib form of what `chunks()` yields, in a file without a name in `folder`.

    The first reader starts a thread that compresses as fast as the disk takes it; readers follow behind it.
    """

    def __init__(self, chunks: Callable[[], Iterator[bytes]], folder: str) -> None:
        self._chunks, self._folder = chunks, folder
        self._grown = threading.Condition()
        self._fd: int | None = None
        self._size, self._complete = 0, False
        self._error: WherryError | OSError | None = None

    def read(self) -> Iterator[bytes]:
        """The compressed bytes; raises what went wrong while they were made."""
        fd, at = self._start(), 0
        while available := self._wait_beyond(at):
            chunk = os.pread(fd, min(CHUNK, available), at)
            at += len(chunk)
            yield chunk

    def _start(self) -> int:
        with self._grown:
            if self._fd is None:
                with tempfile.TemporaryFile(dir=self._folder) as file:
                    self._fd = os.dup(file.fileno())
                threading.Thread(target=self._compress, args=(self._fd,), name="compress", daemon=True).start()
            return self._fd

    def _wait_beyond(self, at: int) -> int:
        """How many bytes there are behind `at`, once there are some; 0 at the end."""
        with self._grown:
            self._grown.wait_for(lambda: self._size > at or self._complete)
            if self._error and self._size <= at:
                raise self._error
            return self._size - at

    def _compress(self, fd: int) -> None:
        packer = zlib.compressobj(LEVEL)
        try:
            for chunk in self._chunks():
                self._append(fd, packer.compress(chunk))
            self._append(fd, packer.flush())
        except (WherryError, OSError) as error:
            self._error = error  # for the readers, who have a host to tell it about
        with self._grown:
            self._complete = True
            self._grown.notify_all()

    def _append(self, fd: int, data: bytes) -> None:
        while data:
            count = os.pwrite(fd, data, self._size)
            data = data[count:]
            with self._grown:
                self._size += count
                self._grown.notify_all()

    def __del__(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
