"""wait_for: ports, paths, texts in them, and the end of patience."""

import socket
import threading

import pytest

from tests.modules.conftest import module

wait_for = module("wait_for")
QUICK = {"timeout": 1, "sleep": 0.1}


@pytest.fixture
def port():
    """A port of this machine that greets each client."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.sendall(b"220 ready build 7\r\n")

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_port_that_listens_ends_the_wait(machine, port):
    result = machine.do("wait_for", port=port, **QUICK)
    assert (result["changed"], result["port"], result["state"]) == (False, port, "started")


def test_a_text_in_what_a_port_sends_gives_its_groups(machine, port):
    assert machine.do("wait_for", port=port, search_regex=r"build (\d+)", **QUICK)["match_groups"] == ["7"]
    assert machine.do("wait_for", port=port, search_regex="absent", **QUICK)["failed"] is True


def test_patience_ends_with_a_message(machine, tmp_path):
    result = machine.do("wait_for", path=str(tmp_path / "never"), timeout=0)
    assert result["failed"] is True and "never" in result["msg"]
    assert machine.do("wait_for", path=str(tmp_path / "never"), timeout=0, msg="own words")["msg"] == "own words"


def test_a_file_is_waited_for_and_its_text(machine, tmp_path):
    path = tmp_path / "log"
    threading.Timer(0.2, lambda: path.write_text("up\nready 3\n")).start()
    assert machine.do("wait_for", path=str(path), search_regex=r"^ready (\d)", **QUICK)["match_groups"] == ["3"]


def test_absent_waits_for_the_end(machine, tmp_path):
    path = tmp_path / "pid"
    path.write_text("")
    threading.Timer(0.2, path.unlink).start()
    assert "failed" not in machine.do("wait_for", path=str(path), state="absent", **QUICK)


@pytest.mark.parametrize(
    ("line", "port", "counts"),
    [
        ("0: 0100007F:1F90 0100007F:CAFE 01 0", 8080, True),
        ("0: 0100007F:1F90 00000000:0000 0A 0", 8080, False),
        ("0: 0100007F:1F91 0100007F:CAFE 01 0", 8080, False),
    ],
)
def test_a_connection_is_told_from_a_listener(line, port, counts):
    assert wait_for.is_connection(line.split(), port) is counts
