"""Wait until a port, a path or a text in one of them is there, or gone."""

import os
import re
import time

RULES = {"exclusive": [["port", "path"]]}
QUICKEST_CHECK = 0.1  # seconds between looks, at first; `sleep` is the longest


def run(
    host,
    host_: "str" = "127.0.0.1",
    port: "int" = None,
    path: "path" = None,
    search_regex: "str" = None,
    state: "absent | drained | present | started | stopped" = "started",
    timeout=300,
    delay=0,
    sleep: "float" = 1,
    connect_timeout: "float" = 5,
    msg: "str" = None,
):
    """Wait, at most `timeout` seconds, until the port or the path is in `state`; without either just wait.

    host: where the port is, default 127.0.0.1.  search_regex: text that the file holds or that the port sends.
    state: started or present: there; stopped or absent: gone; drained: no established connection on the port.
    delay: seconds before the first look.  sleep: the longest time between looks.  connect_timeout: seconds for one look.
    msg: what a timeout says.  Registers: elapsed (seconds), port, path, search_regex, state, match_groups.
    """
    began = time.monotonic()
    time.sleep(delay)
    if port is None and path is None:
        time.sleep(max(0, timeout - delay))
        return found(None, state, port, path, search_regex, began)
    look = looker(host_, port, path, search_regex, state, connect_timeout)
    pause = min(QUICKEST_CHECK, sleep)
    while True:
        answer = look()
        if answer:
            return found(answer, state, port, path, search_regex, began)
        if time.monotonic() - began >= timeout:
            return host.fail(msg or complaint(host_, port, path, search_regex, state), elapsed=elapsed(began))
        time.sleep(min(pause, max(0, timeout - (time.monotonic() - began))))
        pause = min(pause * 2, sleep)


def looker(address, port, path, regex, state, connect_timeout):
    """The function that looks once and returns something true when what is waited for is so."""
    pattern = re.compile(regex.encode(), re.MULTILINE) if regex else None

    def there():
        if path is not None:
            return path_matches(path, pattern)
        return port_matches(address, port, pattern, connect_timeout)

    if state == "drained":
        return lambda: not established(address, port)
    return (lambda: not there()) if state in ("absent", "stopped") else there


def path_matches(path, pattern):
    """Whether the path exists, and the pattern, if any, is found in it."""
    if pattern is None:
        return os.path.lexists(path)
    try:
        with open(path, "rb") as file:
            return pattern.search(file.read())
    except OSError:
        return None


def port_matches(address, port, pattern, timeout):
    """Whether something listens, and the pattern, if any, is found in what it sends first."""
    import socket

    try:
        with socket.create_connection((address, port), timeout) as connection:
            return True if pattern is None else pattern.search(first_bytes(connection, pattern))
    except OSError:
        return None


def first_bytes(connection, pattern):
    """What the peer sends until the pattern matches, it stops, or 64 KiB have come."""
    received = b""
    while len(received) < 65536 and not pattern.search(received):
        more = connection.recv(4096)
        if not more:
            break
        received += more
    return received


def established(address, port):
    """Whether /proc/net/tcp or tcp6 know an established connection to the local port."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as file:
                lines = file.read().splitlines()[1:]
        except OSError:
            continue
        if any(is_connection(line.split(), port) for line in lines):
            return True
    return False


def is_connection(fields, port):
    """Whether a line of /proc/net/tcp is a connection (established to closing) of the local port."""
    return int(fields[1].rpartition(":")[2], 16) == port and fields[3] in ("01", "02", "03", "04", "05", "08")


def complaint(address, port, path, regex, state):
    """What a timeout says."""
    what = path if path is not None else f"{address}:{port}"
    if state == "drained":
        return f"Timeout when waiting for {what} to drain"
    wanted = "stop" if state in ("absent", "stopped") else "be there"
    return "Timeout when waiting for {} to {}".format(f"'{regex}' in {what}" if regex else what, wanted)


def found(answer, state, port, path, regex, began):
    """The result that a wait registers."""
    groups = [each.decode(errors="replace") for each in answer.groups()] if hasattr(answer, "groups") else []
    kept = {"state": state, "port": port, "path": path, "search_regex": regex, "match_groups": groups}
    return {"changed": False, "elapsed": elapsed(began), **kept}


def elapsed(began):
    """Whole seconds since `began`."""
    return int(time.monotonic() - began)
