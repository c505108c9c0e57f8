"""Small programs for tests of the network: a process with a namespace of its own, an answering server, a question."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

SERVER = """
import socket, sys, threading
name, port = sys.argv[1].encode(), int(sys.argv[2])
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", port))
    while True:
        s.sendto(name, s.recvfrom(99)[1])
threading.Thread(target=udp, daemon=True).start()
s = socket.create_server(("", port)); print("ready", flush=True)
def serve(c, peer):
    while c.recv(99):
        c.sendall(name + b" " + peer[0].encode())
    c.close()
while True:
    threading.Thread(target=serve, args=s.accept(), daemon=True).start()
"""
ASK = """
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM); s.settimeout(1)
try:
    s.connect((host, port)); s.send(b"?"); print(s.recv(99).decode())
except OSError as error:
    print(type(error).__name__)
"""


def in_namespace_of(pid, *argv, **options):
    """argv for subprocess that runs in the network namespace of `pid`."""
    return subprocess.Popen(["nsenter", "-n", "-t", str(pid), *argv], stdout=subprocess.PIPE, text=True, **options)


@contextlib.contextmanager
def namespace():
    """A process that sleeps in a new network namespace."""
    process = subprocess.Popen(["unshare", "-n", "sleep", "60"])
    mine = os.readlink("/proc/self/ns/net")
    deadline = time.monotonic() + 5
    while os.readlink(f"/proc/{process.pid}/ns/net") == mine and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def server(pid, name, port=80):
    """A TCP and UDP server in the namespace of `pid` that answers "NAME PEER" or NAME."""
    process = in_namespace_of(pid, sys.executable, "-c", SERVER, name, str(port))
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def ask(host, port, kind="tcp", pid=None):
    """What answers at host:port, asked from the namespace of `pid`, or the name of the error."""
    argv = [sys.executable, "-c", ASK, kind, host, str(port)]
    if pid is not None:
        argv = ["nsenter", "-n", "-t", str(pid), *argv]
    return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


def connect(host, port):
    """A connection with one question answered."""
    connection = socket.create_connection((host, port), 2)
    connection.sendall(b"?")
    return connection, connection.recv(99).decode()
