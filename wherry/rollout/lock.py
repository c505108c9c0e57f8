"""Every host's lock of one application, and the heartbeat that keeps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from wherry.connection.session import Become
from wherry.errors import Interrupted, LockedError, WherryError
from wherry.rollout import answers
from wherry.rollout.fleet import in_parallel

HEARTBEAT_EVERY = 5.0  # seconds; a lock expires 20 s after the last one
PATIENCE = 30.0  # seconds that a run waits for a stopped heartbeat to expire


class Reached(Protocol):
    """The part of a session that rollouts speak to."""

    def release(self, op: str, *, become: Become | None = None, **fields: Any) -> dict[str, Any]:
        """One operation of runtime/release on the host."""

    def notify(self, kind: str, **fields: Any) -> None:
        """A frame that needs no answer."""


class Reach(Protocol):
    """How hosts are reached by name."""

    def reach(self, name: str) -> Reached:
        """The host's session, a fresh one if the last was lost; raises UnreachableError."""

    def living(self, name: str) -> Reached | None:
        """The host's session if it lives."""


class Lock:
    """The locks of one application on several hosts; `tokens` are the fencing numbers, by host.

    become: whose containers they are.
    """

    def __init__(
        self,
        app: str,
        owner: str,
        run: str,
        hosts: Reach,
        say: Callable[[str, str], None],
        become: Become | None = None,
    ) -> None:
        self.app, self.owner, self.run, self.hosts, self.say, self.become = app, owner, run, hosts, say, become
        self.tokens: dict[str, int] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, hosts: Iterable[str]) -> None:
        """Lock all hosts in name order; one refusal gives back all. Raises LockedError, UnreachableError."""
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{self.app}", daemon=True)
        self._thread.start()
        try:
            for name in sorted(hosts):
                # In a thread: a Ctrl-C must not fall between the host's lock and our knowing of it.
                _, errors = in_parallel({name: name}, self._take_one, interrupt=self._over.set)
                if errors:
                    raise errors[name]
        except BaseException:
            self.give_back()
            raise

    def _take_one(self, name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.hosts.reach(name).release(
                    "lock", become=self.become, app=self.app, owner=self.owner, run_id=self.run
                )
                break
            except LockedError as refusal:
                if refusal.live or time.monotonic() + refusal.expires_in > deadline:
                    raise
                wait = max(0.2, refusal.expires_in + 0.1)
                self.say(name, f"locked by {refusal.owner}, whose heartbeat has stopped: taking over in {wait:.0f} s")
                if self._over.wait(wait):
                    raise Interrupted("interrupted", name) from None
        answers.checked("lock", answer, name)
        self.answers[name], self.tokens[name] = answer, answer["token"]
        if reverted := answer.get("reverted"):
            self.say(name, f"an earlier run left {', '.join(map(str, reverted))} uncommitted: reverted")

    @property
    def next_number(self) -> int:
        """One more than the highest release that any host has seen."""
        return 1 + max((answer["number"] for answer in self.answers.values()), default=0)

    def current(self, name: str) -> dict[str, Any] | None:
        """The record of the release in force on a host when it was locked."""
        found: dict[str, Any] | None = self.answers[name].get("current")
        return found

    def call(self, host: str, op: str, /, **fields: Any) -> dict[str, Any]:
        """An operation under this lock's fencing number."""
        session = self.hosts.reach(host)
        answer = session.release(op, become=self.become, app=self.app, token=self.tokens[host], **fields)
        return answers.checked(op, answer, host)

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_EVERY):
            for name, token in list(self.tokens.items()):
                if session := self.hosts.living(name):
                    self._heartbeat(session, token)

    def _heartbeat(self, session: Reached, token: int) -> None:
        try:
            session.notify("heartbeat", become=self.become, app=self.app, token=token)
        except WherryError:
            return  # the host is lost: whoever works with it is told by its next call

    def give_back(self) -> dict[str, WherryError]:
        """Unlock every host; returns the errors by host (the lock of a lost host expires by itself)."""
        self._over.set()
        errors = {}
        for name in list(self.tokens):
            try:
                self.call(name, "unlock")
            except WherryError as error:
                errors[name] = error
        self.tokens.clear()
        return errors
