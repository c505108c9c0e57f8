"""One lab is taken up or down by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from wherry.errors import UsageError


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock file during the body of a `with`; raises UsageError when another process holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            folder = os.path.dirname(path)
            raise UsageError("this lab is being taken up or down", folder, "wait until that has ended") from None
        yield
    finally:
        os.close(fd)
