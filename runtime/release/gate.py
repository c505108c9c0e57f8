"""The gate: a new container is started and must be well for a while before anybody is sent to it."""

import _socket
import time

from ..errors import WherryError

MIN_HEALTHY_TIME, START_TIMEOUT = 1.0, 60.0  # seconds, where a rollout says nothing else
PASSES = 3  # probes that pass in a row, however short min_healthy_time is
PAUSE = 0.1  # seconds between two probes
LAST_LINES = 20
_LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp


def hold(containers, record, ports, permit):
    """Start `record` and probe it: None when it stayed well for min_healthy_time as one process, else what went wrong.

    ports: what it will publish; a container without a probe must accept connections there.
    What went wrong: failed, reason, probe, exit_code, logs (the last 20 lines), listening.
    """
    wish = record.request.get("rollout", {})
    try:
        containers.start(record)
    except (WherryError, OSError) as error:
        return failure(containers, record, str(error), "", exit_code=getattr(error, "exit_code", None))
    trial = Trial(wish.get("start_timeout", START_TIMEOUT), wish.get("min_healthy_time", MIN_HEALTHY_TIME))
    pid = record.pid
    while True:
        permit.check()
        record.reload()
        if record.status == "exited":
            return _ended(containers, record, trial)
        if record.pid != pid:
            return failure(containers, record, "did not stay the same process", trial.text)
        over = trial.is_over(*_probe(containers, record, ports))
        if trial.is_well:
            return None
        record.reload()
        if over and record.status != "exited":
            return failure(containers, record, trial.reason, trial.text)
        time.sleep(PAUSE)


def _ended(containers, record, trial):
    code = containers.wait(record)  # until its monitor has cleaned up and says how it ended
    return failure(containers, record, f"ended with exit code {code}", trial.text, code)


class Trial:
    """Judges probes in a row: well after enough of them over `min_healthy_time`, given up after `start_timeout`."""

    def __init__(self, start_timeout, min_healthy_time):
        self._started, self._limit, self._healthy_time = time.monotonic(), start_timeout, min_healthy_time
        self._since, self._passes = None, 0
        self.text = "not probed"

    def is_over(self, passed, text):
        """Count one probe; whether no more are needed."""
        self.text = text
        self._passes = self._passes + 1 if passed else 0
        self._since = (self._since or time.monotonic()) if passed else None
        return self.is_well or (not passed and time.monotonic() - self._started >= self._limit)

    @property
    def is_well(self):
        """Whether it passed often and long enough."""
        return self._passes >= PASSES and time.monotonic() - self._since >= self._healthy_time

    @property
    def reason(self):
        """What to say when it was given up."""
        return f"was not healthy within {self._limit:g} s"


def wait_once(containers, record, ports, timeout=START_TIMEOUT):
    """Return when a probe of `record` passes; WherryError when none does in `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        passed, text = _probe(containers, record, ports)
        if passed:
            return
        if time.monotonic() > deadline or record.status == "exited":
            raise WherryError(f"is not healthy: {text}", f"container {record.name}", f"see: wherry logs {record.name}")
        time.sleep(PAUSE)


def _probe(containers, record, ports):
    passed, text = containers.probe(record)
    if not passed or record.spec["wherry"].get("health") or not record.address:
        return passed, text
    for port in ports:
        if port.protocol == "tcp" and not _accepts(record.address, port.container_port):
            return False, f"nothing accepts connections at {record.address}:{port.container_port}"
    return True, text


def _accepts(address, port):
    channel = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    channel.settimeout(1.0)
    try:
        channel.connect((address, port))
    except OSError:
        return False
    finally:
        channel.close()
    return True


def failure(containers, record, reason, probe, exit_code=None):
    lines = b"".join(containers.logs(record, tail=LAST_LINES)).decode("utf-8", "replace").splitlines()
    found = {"probe": probe, "exit_code": exit_code, "logs": lines[-LAST_LINES:]}
    return {**nothing_seen(reason), **found, "listening": listening(record.pid) if record.status == "running" else []}


def nothing_seen(reason):
    """A failure of which nothing more is known."""
    return {"failed": True, "reason": reason, "probe": "", "exit_code": None, "logs": [], "listening": []}


def listening(pid):
    """["0.0.0.0:8080", ":::80"] of the TCP ports on which something listens in the network namespace of `pid`."""
    found = set()
    for name, length in (("tcp", 8), ("tcp6", 32)):
        try:
            with open(f"/proc/{pid}/net/{name}", encoding="ascii") as file:
                rows = [line.split() for line in file.read().splitlines()[1:]]
        except OSError:
            continue  # no IPv6, or it has just ended
        found |= {_place(row[1], length) for row in rows if row[3] == _LISTENING}
    return sorted(found)


def _place(text, length):
    """The place of "0100007F:1F90": words in the machine's order, then the port."""
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, length, 8)]
    family = _socket.AF_INET if length == 8 else _socket.AF_INET6
    return f"{_socket.inet_ntop(family, b''.join(words))}:{int(port, 16)}"
