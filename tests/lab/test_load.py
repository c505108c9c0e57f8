"""The load generator counts what a client would have seen, and the demo's application loses no client when drained."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wherry.lab.load import Client, Load
from wherry.project import product_root

HELLO = os.path.join(product_root(), "playbooks", "demo", "hello.py")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"hello 1"
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.server.hangs_up

    def log_request(self, code="-", size="-"):
        pass


@contextlib.contextmanager
def a_server(status=200, hangs_up=False):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.hangs_up, server.daemon_threads = status, hangs_up, True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_every_answer_is_counted_by_its_text():
    with a_server() as server, Load({"web1": server.server_address}, rate=50) as load:
        time.sleep(0.5)
    assert load.failed_requests == 0 and 20 <= load.requests <= 60
    assert load.served("web1") == {"hello 1": load.requests}


def test_an_answer_that_is_no_success_counts_as_failed():
    with a_server(status=503) as server, Load({"web1": server.server_address}, rate=50) as load:
        time.sleep(0.2)
    assert load.failed_requests == load.requests > 0
    assert "503" in load.failures[0]


def test_a_refused_connection_counts_as_failed_and_the_rate_holds():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    with Load({"web1": address}, rate=20) as load:
        time.sleep(0.5)
    assert load.failed_requests == load.requests and 10 <= load.requests <= 24


def test_a_wary_client_loses_nothing_to_a_server_that_hangs_up_between_requests():
    with a_server(hangs_up=True) as server:
        client = Client(*server.server_address, "/", keep=True)
        for _ in range(5):
            assert client.ask() == "hello 1"
            time.sleep(0.05)
        client.close()


def test_the_load_ends_by_itself():
    with a_server() as server, Load({"web1": server.server_address}, rate=50, seconds=0.2) as load:
        time.sleep(0.6)
        seen = load.requests
        time.sleep(0.2)
        assert load.requests == seen <= 24


@pytest.fixture
def address():
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        return chosen.getsockname()


@pytest.fixture
def hello(address):
    environment = {**os.environ, "PORT": str(address[1])}
    process = subprocess.Popen([sys.executable, HELLO], stderr=subprocess.PIPE, text=True, env=environment)
    assert f"listens on port {address[1]}" in process.stderr.readline()
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def test_a_drained_hello_sends_its_clients_away_without_a_failure(hello, address):
    with Load({"here": address}, rate=50) as load:
        time.sleep(0.3)
        hello.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
    assert load.failed_requests == 0 and load.requests > 40


def test_a_drained_connection_at_rest_ends_and_a_later_one_stays(hello, address):
    old = socket.create_connection(address, timeout=5)
    time.sleep(0.2)
    hello.send_signal(signal.SIGUSR1)
    new = socket.create_connection(address, timeout=2)
    with old, new:
        assert old.recv(1) == b""
        with pytest.raises(TimeoutError):
            new.recv(1)


def test_a_terminated_hello_ends_with_its_last_connection(hello, address):
    with socket.create_connection(address, timeout=5) as client:
        time.sleep(0.2)
        hello.terminate()
        time.sleep(0.3)  # the signal is handled between two looks for requests
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b"Connection: close" in client.recv(1000)
    assert hello.wait(timeout=5) == 0
