"""Log in, call, be refused, wait for a signal, and never wait for longer than was said."""

import os
import time

import pytest

from runtime.errors import ProtocolError
from runtime.process.systemd.bus import Connection, Refused
from tests.runtime.process.systemd import peer

TARGET = ("org.example", "/org/example", "org.example.Manager")


@pytest.fixture
def path(tmp_path):
    return peer.socket_path(tmp_path)


def test_it_logs_in_as_its_user_and_gets_the_answer(path):
    with peer.Peer(path, [peer.result("su", "ü", 7), peer.result()]) as service, Connection(path, 5) as connection:
        assert connection.call(TARGET, "Ask", "sb", "what", True) == ["ü", 7]
        assert connection.call(TARGET, "Tell") == []
    assert service.greeting == b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\nBEGIN\r\n"
    assert service.calls == [("Ask", "what", True), ("Tell",)]


def test_an_answer_may_come_in_any_pieces(path):
    with peer.Peer(path, [peer.job("done")], piece=1), Connection(path, 5) as connection:
        assert connection.call(TARGET, "Start") == [peer.JOB]


def test_a_refusal_says_its_name_and_reason(path):
    with (
        peer.Peer(path, [peer.refusal("UnitExists", "it is there")]),
        Connection(path, 5) as connection,
        pytest.raises(Refused, match="it is there") as caught,
    ):
        connection.call(TARGET, "Start")
    assert caught.value.name == "org.freedesktop.systemd1.UnitExists"


def test_signals_during_a_call_are_not_lost_and_those_of_others_not_taken(path):
    def early(serial):
        return peer.signal("JobRemoved", "u", 1) + peer.signal("Changed", "as", []) + peer.result()(serial)

    def late(serial):
        return peer.result()(serial) + peer.signal("JobRemoved", "u", 2)

    with peer.Peer(path, [early, late]), Connection(path, 5) as connection:
        connection.call(TARGET, "First")
        connection.call(TARGET, "Second")
        assert connection.signal("JobRemoved", lambda given: given[0] == 2) == [2]


def test_a_signal_of_no_interest_may_hold_types_that_are_unknown_here(path):
    def answer(serial):
        stranger = peer.signal("PropertiesChanged", "s", "x").replace(b"\1g\0\1s\0", b"\1g\0\1x\0")
        return stranger + peer.result()(serial) + peer.signal("Done", "s", "yes")

    with peer.Peer(path, [answer]), Connection(path, 5) as connection:
        connection.call(TARGET, "Ask")
        assert connection.signal("Done", lambda _: True) == ["yes"]


def test_a_refused_login_is_an_error(path):
    with peer.Peer(path, [], login=b"REJECTED EXTERNAL\r\n"), pytest.raises(ProtocolError, match="REJECTED EXTERNAL"):
        Connection(path, 5).__enter__()


@pytest.mark.parametrize("login, answers", [(b"", []), (b"OK 0123\r\n", [lambda _: b""])])
def test_silence_ends_in_time(path, login, answers):
    began = time.monotonic()
    with (
        peer.Peer(path, answers, login=login),
        pytest.raises(ProtocolError, match=r"no answer within 0\.2 s"),
        Connection(path, 0.2) as connection,
    ):
        connection.call(TARGET, "Ask")
    assert time.monotonic() - began < 2


def test_signals_without_end_do_not_prolong_it(path):
    with (
        peer.Peer(path, [lambda _: peer.signal("Noise", "") * 10_000]),
        Connection(path, 0.2) as connection,
        pytest.raises(ProtocolError, match="no answer"),
    ):
        connection.call(TARGET, "Ask")


def test_a_service_that_hangs_up_is_an_error(path):
    def hang_up(_):
        raise ConnectionError

    with peer.Peer(path, [hang_up]), Connection(path, 5) as connection, pytest.raises(ProtocolError, match="closed"):
        connection.call(TARGET, "Ask")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"l\2\0\1" + b"\xff" * 12, b"l\2\0\1" + bytes(12)]
)
def test_what_is_no_answer_is_an_error(path, answer):
    with peer.Peer(path, [lambda _: answer]), Connection(path, 0.2) as connection, pytest.raises(ProtocolError):
        connection.call(TARGET, "Ask")


def test_without_a_service_it_is_an_error_of_the_system(path):
    with pytest.raises(FileNotFoundError):
        Connection(path, 5).__enter__()
