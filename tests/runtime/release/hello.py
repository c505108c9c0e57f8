"""A small web application for tests of rollouts: its image, its versions, and somebody who asks it all the time."""

import http.client
import io
import json
import select
import tarfile
import threading
import time
from hashlib import sha256

SERVER = """
import os, signal, socket, sys, threading, time
version, mode = os.environ["VERSION"], os.environ.get("MODE", "")
if mode == "exits":
    print("no configuration found"); print("giving up", file=sys.stderr); sys.exit(3)
draining = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: draining.set())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if mode == "deaf":
    print("waiting for a database", flush=True); time.sleep(1000)
count = 0
def serve(connection):
    global count
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    while True:
        while b"\\r\\n\\r\\n" not in data:
            part = connection.recv(4096)
            if not part:
                return connection.close()
            data += part
        data = data.partition(b"\\r\\n\\r\\n")[2]
        count += 1
        if count % 8 == 0:
            time.sleep(0.1)
        body = version.encode()
        status = "500 Broken" if mode == "sick" else "200 OK"
        close = "Connection: close\\r\\n" if draining.is_set() else ""
        head = f"HTTP/1.1 {status}\\r\\nContent-Length: {len(body)}\\r\\n{close}\\r\\n"
        connection.sendall(head.encode() + body)
        if close:
            return connection.close()
listener = socket.create_server(("", int(os.environ.get("PORT", "80"))), backlog=256)
print("serving", version, flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
PORT = 8080


def archive(path):
    """Write the image `hello:test` to `path`: the server, with Python from the machine's own /usr."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in ("usr", "etc", "tmp", "proc", "sys", "dev", "run"):
            _add(tar, folder, kind=tarfile.DIRTYPE)
        for link in ("bin", "lib", "lib64"):
            _add(tar, link, kind=tarfile.SYMTYPE, target=f"usr/{link}")
        _add(tar, "server.py", SERVER.encode())
    diff_id = sha256(layer.getvalue()).hexdigest()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[__import__("os").uname().machine]
    image = {"architecture": machine, "os": "linux", "config": {"Cmd": ["/usr/bin/python3", "-I", "/server.py"]}}
    config = json.dumps({**image, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]}}).encode()
    manifest = [{"Config": "config.json", "RepoTags": ["hello:test"], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as tar:
        _add(tar, "config.json", config)
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return path


def _add(tar, name, content=b"", kind=tarfile.REGTYPE, target=""):
    entry = tarfile.TarInfo(name)
    entry.size, entry.type, entry.linkname, entry.mode = len(content), kind, target, 0o755
    tar.addfile(entry, io.BytesIO(content))


def request(version, name="web", mode="", ports=(f"{PORT}:80",), rollout=None, **more):
    """What a deploy asks for: the server as `version`."""
    wish = {"min_healthy_time": 0.2, "start_timeout": 3, "drain_timeout": 5, **(rollout or {})}
    env = {"VERSION": str(version), "MODE": mode}
    asked = {"name": name, "image": "hello:test", "env": env, "ports": list(ports), "rollout": wish}
    return {**asked, "volumes": ["/usr:/usr:ro"], "health": {"http": ":80/", "timeout": 1}, **more}


def ask(port=PORT, host="127.0.0.1"):
    """The version that answers there, or the name of the error."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


def wait_for(version, port=PORT):
    """Whether this version answers within a few seconds."""
    deadline = time.monotonic() + 5
    while ask(port) != version and time.monotonic() < deadline:
        time.sleep(0.05)
    return ask(port) == version


class Load:
    """Clients that ask all the time while the `with` block runs, with new and with kept connections.

    Kept ones look for a close before they use a connection again, as urllib3, curl, Go and browsers do.
    """

    def __init__(self, port=PORT, rate=40, clients=4):
        self._port, self._rate, self._over = port, rate, threading.Event()
        self.answers, self.failures = [], []  # (time, version); (kind, error)
        self._threads = [threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(clients)]

    def __enter__(self):
        for each in self._threads:
            each.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self._over.set()
        for each in self._threads:
            each.join()

    def versions(self):
        """The versions in the order in which they were first seen."""
        return list(dict.fromkeys(version for _, version in sorted(self.answers)))

    def _ask(self, keep):
        connection = None
        while not self._over.is_set():
            if connection and (not keep or select.select([connection.sock], [], [], 0)[0]):
                connection.close()
                connection = None
            kind = "reused" if connection else "new"
            connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                self.answers.append((time.monotonic(), answer.read().decode()))
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((kind, repr(error)))
                connection.close()
                connection = None
            time.sleep(1 / self._rate)
        if connection:
            connection.close()
