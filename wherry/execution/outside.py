"""What templates may learn of the world on the controller (protocols.Outside)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from wherry.errors import WherryError


class World:
    """The real one."""

    def run(self, argv: Sequence[str], stdin: bytes | None = None) -> bytes:
        """The output of a command; raises WherryError when it fails."""
        import subprocess

        try:
            done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        except OSError as error:
            raise WherryError(f"cannot run {argv[0]}: {error.strerror}") from None
        if done.returncode:
            raise WherryError(f"{argv[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def read_file(self, path: str) -> bytes:
        """The content of a file on the controller."""
        with open(path, "rb") as file:
            return file.read()

    def environment(self) -> Mapping[str, str]:
        """The controller's environment."""
        return os.environ

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def random(self, size: int) -> bytes:
        """Random bytes."""
        return os.urandom(size)
