"""One application's rollout: everything made ready, then switched host by host, then committed or reverted as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.connection.session import Become
from wherry.errors import RemoteError, RevertFailed, RolledBack, UnreachableError, WherryError
from wherry.language.inventory import Host
from wherry.rollout import reasons
from wherry.rollout.application import Application
from wherry.rollout.fleet import Fleet, in_parallel
from wherry.rollout.lock import Lock
from wherry.rollout.revision import Revision

Say = Callable[..., None]  # say(kind, text, host="", **data)


class Transaction:
    """The rollout of one application on these hosts.

    begin -> stage -> switch (each host, each container) -> commit or revert -> close.  `number` is the release's;
    `reasons` is what went wrong, by host.
    """

    def __init__(
        self,
        application: Application,
        hosts: Sequence[Host],
        fleet: Fleet,
        revision: Revision,
        say: Say,
        become: Become | None = None,
        run: str = "",
    ) -> None:
        self.application, self.fleet, self.revision, self.say = application, fleet, revision, say
        self.hosts = {host.name: host for host in hosts}
        owner = f"{revision.author} (run {run})"
        self.lock = Lock(application.app, owner, run, fleet, lambda host, text: say("lock", text, host), become)
        self.number = 0
        self.reasons: dict[str, str] = {}
        self.changed: dict[str, set[str]] = {}
        self.asked: dict[str, set[str]] = {}
        self.has_switched = False

    def begin(self) -> None:
        """Connect all hosts, lock them in name order, and number the release. Raises UnreachableError, LockedError, and
        RolledBack when a host cannot be locked at all."""
        _, errors = self.fleet.open_all(self.hosts.values())
        if errors:
            raise _unreachable(errors)
        try:
            self.lock.take(self.hosts)
        except RemoteError as error:
            what = f"{self.application.app} cannot be deployed there, nothing was changed: {error.what}"
            raise RolledBack(what, error.where, error.hint) from None
        self.number = self.lock.next_number
        self.say("begin", f"{self.application.app}: release {self.number} ({self.revision})", number=self.number)

    def stage(self, requests: Mapping[str, list[dict[str, Any]]]) -> None:
        """Create on every host the containers that differ from what runs there; nothing is started or published."""
        self.asked = {host: {each["name"] for each in asked} for host, asked in requests.items()}
        defaults = self.application.container_defaults()
        wanted = {
            name: [{**each, "rollout": {**defaults, **each.get("rollout", {})}} for each in asked]
            for name, asked in requests.items()
        }

        def one(name: str) -> list[dict[str, Any]]:
            answer = self.lock.call(name, "stage", number=self.number, containers=wanted[name])
            found: list[dict[str, Any]] = answer["containers"]
            return found

        answers, errors = in_parallel({name: name for name in requests}, one, interrupt=self.fleet.interrupt)
        for name, staged in answers.items():
            self.changed.setdefault(name, set()).update(each["name"] for each in staged if each["changed"])
        if errors:
            self.reasons.update({name: str(error) for name, error in errors.items()})
            raise RolledBack(f"staging failed on {', '.join(sorted(errors))}: {next(iter(errors.values()))}")

    def switch(self, host: str, container: str) -> dict[str, Any]:
        """Gate and switch one container; the result of its task. A failed gate is a failed result with the reason."""
        if container not in self.changed.get(host, ()):
            return {"changed": False, "name": container}
        self.has_switched = True
        answer = self.lock.call(host, "switch", name=container)
        if answer.get("failed"):
            return {**answer, "msg": explanation(answer)}
        steps = answer.get("milliseconds", {})
        took = ", ".join(f"{step} {value:.0f} ms" for step, value in steps.items())
        self.say("switch", f"{container} serves release {self.number} ({took})", host, **answer)
        return answer

    def make_sure_of_all(self) -> None:
        """Have every host answer once more before the first of them commits; raises UnreachableError."""
        _, errors = in_parallel({name: name for name in self.hosts}, lambda name: self.lock.call(name, "status"))
        if errors:
            self.reasons.update({name: str(error) for name, error in errors.items()})
            raise _unreachable(errors)

    def commit(self, record: Mapping[str, Any]) -> None:
        """Keep the release on every host; a host that was lost in this very moment is named."""
        kept = {**record, "number": self.number, "app": self.application.app, "when": time.time()}
        fields = {"number": self.number, "record": kept, "keep": self.application.keep}
        _, errors = in_parallel(
            {name: name for name in self.hosts}, lambda name: self.lock.call(name, "commit", **fields)
        )
        if errors:
            names = ", ".join(sorted(errors))
            raise UnreachableError(
                f"release {self.number} is in force, but its record may be missing on {names}: {next(iter(errors.values()))}",
                hint="deploy again: it finishes there",
            )
        self.say("commit", f"{self.application.app}: release {self.number} is in force on {_count(self.hosts)}")

    def revert(self) -> None:
        """Bring every host back to its old release, all at the same time. Raises RevertFailed naming the hosts."""
        answers, errors = in_parallel(
            {name: name for name in self.lock.tokens}, lambda name: self.lock.call(name, "revert")
        )
        for name, answer in sorted(answers.items()):
            if back := answer.get("reverted"):
                self.say("revert", f"{', '.join(back)} serves the old release again", name)
        if errors:
            names = ", ".join(sorted(errors))
            details = "; ".join(f"{name}: {error.what}" for name, error in sorted(errors.items()))
            raise RevertFailed(
                f"the revert failed on {names} ({details})",
                hint="when the host is back, deploy again: the lock is taken over and the host reverted first",
            )

    @property
    def anything_changed(self) -> bool:
        """Whether any host has something staged."""
        return any(self.changed.values())

    def left_behind(self) -> dict[str, list[str]]:
        """Containers of the release before that nobody asks for any more, by host: they keep running."""
        before = {host: (self.lock.current(host) or {}).get("containers") or [] for host in self.asked}
        names = {host: [each["name"] for each in found] for host, found in before.items()}
        return {
            host: left for host, all_of in names.items() if (left := [n for n in all_of if n not in self.asked[host]])
        }

    def close(self) -> None:
        """Give all locks back."""
        for name, error in self.lock.give_back().items():
            self.say("lock", f"could not be unlocked ({error.what}); the lock expires by itself", name)


def explanation(answer: Mapping[str, Any]) -> str:
    """What a failed gate saw, in a few lines: reason, last probe, exit code, what listens, the last log lines."""
    lines = [str(answer.get("reason", "the gate failed"))]
    if answer.get("probe"):
        lines.append(f"last probe: {answer['probe']}")
    if answer.get("exit_code") is not None:
        lines.append(f"exit code: {answer['exit_code']}")
    if listening := answer.get("listening"):
        lines.append(f"it listens on: {', '.join(map(str, listening))}")
    if logs := answer.get("logs"):
        lines += ["last log lines:", *(f"  {each}" for each in logs)]
    return "\n".join(lines)


def _unreachable(errors: Mapping[str, WherryError]) -> WherryError:
    if len(errors) == 1:
        return next(iter(errors.values()))
    texts = {name: str(error) for name, error in errors.items()}
    what = f"{len(errors)} hosts cannot be reached ({reasons.in_one_line(texts)})"
    return UnreachableError(what, hint=reasons.hint(texts))


def _count(hosts: Mapping[str, Any]) -> str:
    return f"{len(hosts)} host{'' if len(hosts) == 1 else 's'}"
