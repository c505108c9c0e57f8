"""What carries a session's bytes: an SSH channel or a pipe."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A stream of bytes each way, counted; OSError (TimeoutError at a time limit) when it does not carry."""

    sent: int
    received: int

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """Some bytes, at most 64 KiB; none at the end."""

    def readable(self) -> bool:
        """Whether `receive` would return at once."""

    def set_timeout(self, seconds: float | None) -> None:
        """How long `receive` may take."""

    def last_words(self) -> str:
        """What the other side said beside the stream (stderr, exit code) when it ended."""

    def close(self) -> None:
        """End the stream and give the other side a moment to leave."""

    def abort(self) -> None:
        """End the stream now, from any thread; a receive that waits returns."""
