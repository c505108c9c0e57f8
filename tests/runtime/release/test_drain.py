"""What becomes of the connections of a container that is replaced."""

import socket
import threading
import time

import pytest

from runtime.errors import UsageError
from runtime.network import conntrack
from runtime.release import drain, stage
from tests.runtime.release import hello
from tests.runtime.release.test_rollout import Deployer, host, names
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root
SLOW = """
import os, socket, threading, time
def serve(c):
    c.recv(99)
    while True:
        try:
            c.sendall(b"x"); time.sleep(0.1)
        except OSError:
            return
s = socket.create_server(("", 80))
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""


def endless(version, **rollout):
    """A server whose answers never end and that knows of no drain."""
    asked = hello.request(version, command=["/usr/bin/python3", "-I", "-c", SLOW], rollout=rollout)
    return {**asked, "health": {"tcp": 80}}


@in_sandbox
def test_an_answer_that_does_not_end_in_time_is_ended_and_its_client_told():
    with host() as containers:
        Deployer(containers).deploy(endless(1))
        client = socket.create_connection(("127.0.0.1", hello.PORT), 2)
        client.sendall(b"?")
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2, rollout={"drain_timeout": 0.5}))
        old = containers.find("web")
        answer = deploy.switch()
        assert not answer["failed"] and 400 < answer["milliseconds"]["drain"] < 2500
        assert names(containers)["web"] == "paused" and conntrack.living(old.address) == 0
        client.settimeout(2)
        while client.recv(99):
            pass  # its end, not a time-out: nobody waits for a frozen container
        assert hello.ask() == "2"


@in_sandbox
def test_an_answer_that_ends_in_time_is_not_cut():
    with host() as containers:
        slow = SLOW.replace("while True:\n        try", "for _ in range(10):\n        try") + ""
        slow = slow.replace("            return\n", "            return\n    c.close()\n")
        asked = {**endless(1), "command": ["/usr/bin/python3", "-I", "-c", slow]}
        Deployer(containers).deploy(asked)
        client = socket.create_connection(("127.0.0.1", hello.PORT), 2)
        client.sendall(b"?")
        received = []
        reader = threading.Thread(target=lambda: received.extend(iter(lambda: client.recv(99), b"")))
        reader.start()
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        assert not deploy.switch()["failed"]
        reader.join(5)
        assert b"".join(received) == b"x" * 10


@pytest.mark.parametrize(
    "way", [{"signal": "USR1"}, {"command": ["/usr/bin/python3", "-c", "import os; os.kill(1, 10)"]}]
)
@in_sandbox
def test_a_container_is_told_in_its_own_way(way):
    with host() as containers:
        Deployer(containers).deploy(hello.request(1, rollout={"drain": way}))
        kept = socket.create_connection(("127.0.0.1", hello.PORT), 2)
        answers = []
        asking = threading.Thread(target=keep_asking, args=(kept, answers))
        asking.start()
        Deployer(containers, "run 2").deploy(hello.request(2))
        asking.join(10)
        assert "Connection: close" in answers[-1] and answers[-1].endswith("1")


def keep_asking(connection, answers):
    while not answers or "Connection: close" not in answers[-1]:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answers.append(connection.recv(999).decode())
        time.sleep(0.01)


@in_sandbox
def test_a_container_that_ends_by_its_own_drain_is_started_again_by_a_revert():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1, rollout={"drain": {"signal": "TERM"}}))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        assert not deploy.switch()["failed"]
        assert names(containers)["web"] == "exited"
        assert deploy("revert") == {"reverted": ["web"]}
        assert hello.ask() == "1"


@pytest.mark.parametrize("way", ["USR1", {"http": ":80/", "signal": "USR1"}, {"wish": 1}, {}])
def test_a_drain_that_cannot_be_meant_is_refused_before_anything_is_staged(way):
    with pytest.raises(UsageError, match="container web"):
        drain.check({"name": "web", "rollout": {"drain": way}})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"ports": ["80:80"]}, "start-first"),
        ({}, "stop-first"),
        ({"ports": ["80:80"], "network": "host"}, "stop-first"),
        ({"ports": ["80:80"], "volumes": ["/srv:/srv", "./x:/x", "data:/data:ro"]}, "start-first"),
        ({"ports": ["80:80"], "volumes": ["data:/data"]}, "stop-first"),
        ({"ports": ["80:80"], "volumes": ["data:/data"], "rollout": {"switch": "start-first"}}, "start-first"),
        ({"ports": ["80:80"], "rollout": {"switch": "stop-first"}}, "stop-first"),
    ],
)
def test_a_container_is_started_beside_the_old_one_only_where_both_can_live(asked, expected):
    assert stage.strategy(asked) == expected
