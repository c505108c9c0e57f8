"""Events on their way to whoever reports: with their time, one after the other, secrets taken out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from wherry.events import Event, TaskStarted, Warned

HIDDEN = "********"
SHORT = 4  # characters; a shorter secret is hidden only where it is the whole value
SHOWN = ("changed", "failed", "skipped")  # of a result under no_log
CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"


class Emitter:
    """Hands events to `receive`, from any thread; `at` counts from the emitter's making."""

    def __init__(self, receive: Callable[[Event], None]) -> None:
        self._receive = receive
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._announced: set[object] = set()
        self._secrets: set[str] = set()

    def emit(self, kind: type[Event], **fields: Any) -> None:
        """Make and hand over an event."""
        with self._lock:
            self._receive(kind(at=self.seconds, **{name: self._concealed(value) for name, value in fields.items()}))

    def announce(self, key: object, name: str, place: str, handler: bool) -> None:
        """Say that a task begins, for the first host that gets to it."""
        if key not in self._announced:
            with self._lock:
                if key in self._announced:
                    return
                self._announced.add(key)
                self._receive(TaskStarted(self.seconds, self._concealed(name), place, handler))

    def warn(self, text: str) -> None:
        """Give a warning, once however many hosts it is about."""
        with self._lock:
            if text not in self._announced:
                self._announced.add(text)
                self._receive(Warned(self.seconds, self._concealed(text)))

    def hide(self, secrets: Iterable[Any]) -> None:
        """Show these values nowhere."""
        self._secrets.update(str(each) for each in secrets if each not in (None, "") and not isinstance(each, bool))

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def _concealed(self, value: Any) -> Any:
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self._concealed_text(value)
        if isinstance(value, dict):
            return {self._concealed(key): self._concealed(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._concealed(each) for each in value)
        return value

    def _concealed_text(self, text: str) -> str:
        if text in self._secrets:
            return HIDDEN
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) >= SHORT:
                text = text.replace(secret, HIDDEN)
        return text


def censored(result: dict[str, Any]) -> dict[str, Any]:
    """What may be shown of a result under `no_log`."""
    kept = {key: value for key, value in result.items() if key in SHOWN}
    return {"censored": CENSORED, **kept, **({"results": []} if "results" in result else {})}
