"""A real OpenSSH server on a free loopback port, with keys of its own in a temporary folder; and a project's payload."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from wherry.connection import payload as payloads
from wherry.connection import session
from wherry.connection.target import Target
from wherry.project import Project

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHONS = {
    name: f"/root/.pyenv/versions/{version}/bin/python3" for name, version in (("3.9", "3.9.18"), ("3.13", "3.13.0"))
}


@pytest.fixture(scope="session")
def payload():
    """The product's payload, as it is in this checkout."""
    return payloads.make(Project(ROOT))


@pytest.fixture(autouse=True)
def no_user_settings(monkeypatch, tmp_path):
    """No test sees the SSH agent or the home folder of whoever runs it."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    os.makedirs(tmp_path / "home/.ssh", 0o700)


class Server:
    """sshd on 127.0.0.1; `folder` holds its keys, the user's key `user` and `known_hosts`."""

    def __init__(self, folder, *options, host_keys=("ed25519",)):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        for kind in host_keys:
            self.keygen(f"host_{kind}", kind)
        self.keygen("user", "ed25519")
        shutil.copy(self.path("user.pub"), self.path("authorized"))
        self.port = free_port()
        self.process = None
        self.start(*options, host_keys=host_keys)

    def path(self, name):
        """A file of this server."""
        return os.path.join(self.folder, name)

    def keygen(self, name, kind="ed25519"):
        """Make a key pair unless it is there."""
        if not os.path.exists(self.path(name)):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", self.path(name)], check=True)
        return self.path(name)

    def public(self, name):
        """ "TYPE BASE64" of a public key file."""
        with open(self.path(name) + ".pub", encoding="utf-8") as file:
            return " ".join(file.read().split()[:2])

    def start(self, *options, host_keys=("ed25519",)):
        """Start sshd with further configuration lines."""
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}",
            *(f"HostKey {self.path('host_' + kind)}" for kind in host_keys),
            f"AuthorizedKeysFile {self.path('authorized')}",
            "StrictModes no", "UsePAM no", "PidFile none", "PermitRootLogin yes", "LogLevel VERBOSE", "MaxSessions 1",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", *options,
        ]  # fmt: skip
        with open(self.path("conf"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-E", self.path("log"), "-f", self.path("conf")])
        wait_for_port(self.port)

    def stop(self):
        """End the server; sessions that are still open end with their channels."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def logged(self):
        """What sshd has written so far."""
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def know(self, *lines):
        """Write known_hosts; without lines, this server's ed25519 key."""
        with open(self.path("known_hosts"), "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines or [f"{self.name} {self.public('host_ed25519')}"]))

    @property
    def name(self):
        """Its name in known_hosts."""
        return f"[127.0.0.1]:{self.port}"

    def target(self, **changes):
        """A target that reaches it; its state lies in the server's folder."""
        fields = {
            "address": "127.0.0.1",
            "port": self.port,
            "user": "root",
            "key_files": (self.path("user"),),
            "known_hosts_file": self.path("known_hosts"),
            "python": sys.executable,
            "root": self.path("state"),
            **changes,
        }
        return Target("web1", **fields)


@pytest.fixture
def make_server(tmp_path):
    """A function that starts servers; they end with the test."""
    servers = []

    def make(*options, name="sshd", **others):
        servers.append(Server(str(tmp_path / name), *options, **others))
        servers[-1].know()
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server):
    """A server whose key is known."""
    return make_server()


@pytest.fixture
def open_session(payload):
    """A function that opens sessions; they are closed with the test."""
    opened = []

    def make(target, **others):
        opened.append(session.open(target, payload, **others))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def local(open_session, tmp_path):
    """A session with this machine."""
    return open_session(Target("here", connection="local", root=str(tmp_path / "state")))


def free_port():
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    """Return when something listens."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port}")


def end(sock):
    """Close a socket so that threads that wait for it wake."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


class Proxy:
    """A TCP relay that delays each direction, counts bytes and can be cut."""

    def __init__(self, port, delay=0.0):
        self.delay, self.up, self.down = delay, 0, 0
        self._target, self._sockets = port, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """End the connections that pass."""
        sockets, self._sockets = self._sockets, []
        for each in sockets:
            end(each)

    def close(self):
        """Cut everything, and take no more."""
        self.cut()
        end(self._listener)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            self._pipe(client, server, "up")
            self._pipe(server, client, "down")

    def _pipe(self, source, sink, counter):
        from queue import SimpleQueue

        line = SimpleQueue()

        def read():
            try:
                while data := source.recv(65536):
                    setattr(self, counter, getattr(self, counter) + len(data))
                    line.put((time.monotonic() + self.delay, data))
            except OSError:
                pass
            line.put((time.monotonic() + self.delay, b""))

        def write():
            try:
                while True:
                    due, data = line.get()
                    time.sleep(max(0, due - time.monotonic()))
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)
            except OSError:
                pass

        for job in (read, write):
            threading.Thread(target=job, daemon=True).start()


@pytest.fixture
def make_proxy():
    """A function that starts proxies before a port."""
    proxies = []

    def make(port, delay=0.0):
        proxies.append(Proxy(port, delay))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


@pytest.fixture(scope="session")
def debian_root():
    """A function that gives the folder of a Debian release, made with debootstrap when it is not there yet."""

    def find(release):
        folder = f"/var/cache/wherry-roots/{release}"
        if not os.path.exists(f"{folder}/usr/bin/python3"):
            command = ["debootstrap", "--variant=minbase", "--include=python3", release, folder]
            subprocess.run(command, check=True, capture_output=True)
        return folder

    return find
