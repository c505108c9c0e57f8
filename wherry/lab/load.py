"""HTTP requests at a rate, to several hosts at once, and what came of them.

Two kinds of clients for each host: one makes a connection for every request, one keeps its connection and is wary: it
looks for a close before it uses the connection again, as urllib3, curl, Go and browsers do, and leaves when it is told
`Connection: close`. Every request without a whole answer of status 200 counts as failed; nothing is retried.
"""

from __future__ import annotations

import http.client
import select
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

KINDS = ("new connection", "keep-alive")
KEPT_FAILURES = 20


@dataclass
class Tally:
    """What came of the requests to one host; `versions` counts answers by their text."""

    requests: int = 0
    failed: int = 0
    slowest: float = 0.0
    versions: Counter[str] = field(default_factory=Counter)
    first_seen: dict[str, float] = field(default_factory=dict)  # seconds since the load began
    failures: list[str] = field(default_factory=list)


class Load:
    """Send `rate` requests a second to each host from each kind of client while the `with` lasts, at most `seconds`."""

    def __init__(
        self, targets: dict[str, tuple[str, int]], *, rate: float = 20, seconds: float = 120, path: str = "/"
    ) -> None:
        self.hosts = {name: Tally() for name in targets}
        self._path, self._pause = path, 1 / rate
        self._targets, self._seconds = targets, seconds
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads: list[threading.Thread] = []
        self._began = 0.0

    @property
    def requests(self) -> int:
        """Requests so far."""
        return sum(tally.requests for tally in self.hosts.values())

    @property
    def failed_requests(self) -> int:
        """Requests without a whole answer of status 200."""
        return sum(tally.failed for tally in self.hosts.values())

    @property
    def failures(self) -> list[str]:
        """The first failures, as text."""
        return [failure for tally in self.hosts.values() for failure in tally.failures]

    @property
    def slowest(self) -> float:
        """Seconds that the slowest answer took."""
        return max(tally.slowest for tally in self.hosts.values())

    def served(self, name: str) -> dict[str, int]:
        """How often a host answered with each text."""
        with self._lock:
            return dict(self.hosts[name].versions)

    def __enter__(self) -> Load:
        self._began = time.monotonic()
        for name, (address, port) in self._targets.items():
            for kind in KINDS:
                client = Client(address, port, self._path, keep=kind == "keep-alive")
                thread = threading.Thread(target=self._work, args=(name, kind, client), daemon=True)
                self._threads.append(thread)
                thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, name: str, kind: str, client: Client) -> None:
        due = self._began
        while not self._stop.is_set() and due - self._began < self._seconds:
            started = time.monotonic()
            try:
                answer, failure = client.ask(), ""
            except (OSError, http.client.HTTPException) as error:
                answer, failure = "", f"{name}, {kind}: {error or type(error).__name__}"
                client.close()
            self._count(self.hosts[name], answer, failure, started)
            due = max(due + self._pause, time.monotonic() - self._pause)  # no burst after a slow answer
            self._stop.wait(max(0.0, due - time.monotonic()))
        client.close()

    def _count(self, tally: Tally, answer: str, failure: str, started: float) -> None:
        now = time.monotonic()
        with self._lock:
            tally.requests += 1
            tally.slowest = max(tally.slowest, now - started)
            if failure:
                tally.failed += 1
                tally.failures += [f"{failure} at {now - self._began:.2f} s"][: KEPT_FAILURES - len(tally.failures)]
            else:
                tally.versions[answer] += 1
                tally.first_seen.setdefault(answer, now - self._began)


class Client:
    """One HTTP client; `keep` says whether it holds on to its connection."""

    def __init__(self, address: str, port: int, path: str, *, keep: bool) -> None:
        self._connection = http.client.HTTPConnection(address, port, timeout=10)
        self._path, self._keep = path, keep

    def ask(self) -> str:
        """The text of an answer of status 200; raises OSError or HTTPException for anything else."""
        self._leave_if_closed()
        self._connection.request("GET", self._path)
        response = self._connection.getresponse()
        text = response.read().decode(errors="replace").strip()
        if not self._keep:
            self._connection.close()
        if response.status != 200:
            raise http.client.HTTPException(f"status {response.status}: {text[:80]}")
        return text

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _leave_if_closed(self) -> None:
        sock = self._connection.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            self._connection.close()  # between requests only end-of-file can be there
