"""The sessions of a run: one per host, opened when first asked for or all at once."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from wherry.connection import payload, session
from wherry.connection.session import Session
from wherry.connection.target import Target
from wherry.errors import Interrupted, UsageError, WherryError
from wherry.language.inventory import Host
from wherry.language.variables import Run
from wherry.project import Project

AT_ONCE = 50  # hosts that are worked with at a time
STEP = 0.2  # seconds between looks for Ctrl-C
GRACE = 5.0  # seconds that threads get to notice an interruption
CONNECTIONS = {"ssh": "ssh", "smart": "ssh", "paramiko": "ssh", "paramiko_ssh": "ssh", "local": "local"}
T = TypeVar("T")
R = TypeVar("R")


class Fleet:
    """Sessions by host; `variables` are what the inventory says of each."""

    def __init__(self, project: Project, variables: Run) -> None:
        self.project, self.variables = project, variables
        self._payload = payload.make(project)
        self._hosts: dict[str, Host] = {}
        self._sessions: dict[str, Session] = {}
        self._guards: dict[str, threading.Lock] = {}

    def session(self, host: Host, connection: str | None = None) -> Session:
        """The host's session, opened if there is none that lives; raises UnreachableError, UntrustedError."""
        self._hosts[host.name] = host
        with self._guards.setdefault(host.name, threading.Lock()):
            found = self._sessions.get(host.name)
            if found is None or not found.alive:
                wanted = target(host.name, self.variables.scope(host), self.project.root, connection)
                self._sessions[host.name] = session.open(wanted, self._payload)
            return self._sessions[host.name]

    def reach(self, name: str) -> Session:
        """The session of the host with this name, which had one before."""
        return self.session(self._hosts[name])

    def living(self, name: str) -> Session | None:
        """The host's session if it has one that lives."""
        found = self._sessions.get(name)
        return found if found and found.alive else None

    def open_all(self, hosts: Iterable[Host]) -> tuple[dict[str, Session], dict[str, WherryError]]:
        """Sessions to all of them, opened at the same time, and the errors where there can be none."""
        return in_parallel({host.name: host for host in hosts}, self.session)

    def interrupt(self) -> None:
        """Make every thread that waits for a host return at once."""
        for each in list(self._sessions.values()):
            each.interrupt()

    def close(self) -> None:
        """End every session."""
        for each in list(self._sessions.values()):
            each.close()
        self._sessions.clear()


def in_parallel(
    items: Mapping[str, T], act: Callable[[T], R], *, interrupt: Callable[[], None] | None = None
) -> tuple[dict[str, R], dict[str, WherryError]]:
    """Do `act` to each item at the same time: results and errors by the items' names. At Ctrl-C `interrupt` is called, what
    is under way gets a moment to notice, and Interrupted is raised."""
    results: dict[str, R] = {}
    errors: dict[str, WherryError] = {}
    crashes: list[BaseException] = []
    slots = threading.Semaphore(AT_ONCE)

    def one(name: str, done: threading.Event) -> None:
        try:
            with slots:
                results[name] = act(items[name])
        except WherryError as error:
            errors[name] = error
        except BaseException as error:  # noqa: BLE001 - the thread's outermost loop: the main thread raises it
            crashes.append(error)
        finally:
            done.set()

    under_way = {name: threading.Event() for name in items}
    for name, done in under_way.items():
        threading.Thread(target=one, args=(name, done), name=name, daemon=True).start()
    try:
        _wait_for(under_way.values())
    except KeyboardInterrupt:
        if interrupt:
            interrupt()
            _wait_for(under_way.values(), GRACE)
        raise Interrupted("interrupted", hint="nothing was left half-done; run the same command again") from None
    if crashes:
        raise crashes[0]
    return results, errors


def _wait_for(events: Iterable[threading.Event], seconds: float = float("inf")) -> None:
    """Wait in short steps: a signal is only seen between them."""
    end = time.monotonic() + seconds
    for event in events:
        while not event.wait(STEP) and time.monotonic() < end:
            pass


@contextmanager
def undisturbed(say: Callable[[str], None]) -> Iterator[None]:
    """Let nothing but a second Ctrl-C interrupt what must be brought to its end, a commit or a revert."""
    asked = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say("interrupted; this is brought to its end first (once more to leave it as it is)")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def target(name: str, variables: Mapping[str, Any], root: str, connection: str | None = None) -> Target:
    """A host's connection as its variables describe it: Ansible's names, and `wherry_...` for what Ansible lacks."""

    def value(*names: str) -> Any:
        return next((variables[each] for each in names if each in variables), None)

    def path(*names: str) -> str | None:
        found = value(*names)
        return None if found in (None, "") else os.path.join(root, os.path.expanduser(str(found)))

    kind = str(connection or value("ansible_connection") or "ssh")
    if kind not in CONNECTIONS:
        known = ", ".join(CONNECTIONS)
        raise UsageError(f"ansible_connection is '{kind}'", name, f"known: {known}")
    key, python = path("ansible_ssh_private_key_file", "ansible_private_key_file"), value("ansible_python_interpreter")
    port, user = value("ansible_port", "ansible_ssh_port"), value("ansible_user", "ansible_ssh_user")
    return Target(
        name=name,
        address=str(value("ansible_host", "ansible_ssh_host") or name),
        port=None if port is None else int(port),
        user=None if user is None else str(user),
        key_files=(key,) if key else (),
        known_hosts_file=path("wherry_known_hosts"),
        host_key=value("wherry_host_key"),
        accept_new=bool(value("wherry_accept_new")),
        jump=_jump(name, value("wherry_jump"), value("ansible_ssh_common_args")),
        connection=CONNECTIONS[kind],
        python=None if python in (None, "auto", "auto_silent") else str(python),
        root=str(value("wherry_root") or ""),
        timeout=float(value("ansible_timeout", "ansible_ssh_timeout") or 10),
    )


def _jump(name: str, hops: Any, arguments: Any) -> tuple[str, ...]:
    """The hops of `wherry_jump`, else of `-J` in `ansible_ssh_common_args`, the one of ssh's options that is understood there."""
    if hops not in (None, ""):
        return tuple(hops.split(",")) if isinstance(hops, str) else tuple(map(str, hops))
    words = shlex.split(str(arguments or ""))
    if not words:
        return ()
    if len(words) == 2 and words[0] == "-J":
        return tuple(words[1].split(","))
    if len(words) == 2 and words[0] == "-o" and words[1].startswith("ProxyJump="):
        return tuple(words[1].removeprefix("ProxyJump=").split(","))
    hint = "-J HOST[,HOST] or -o ProxyJump=HOST; everything else belongs into ~/.ssh/config, which is read"
    raise UsageError(f"ansible_ssh_common_args is {arguments!r}", name, hint)
