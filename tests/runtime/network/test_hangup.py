"""Ending connections of a process from outside it."""

import os
import signal
import socket
import time

import pytest

from runtime.network import conntrack, hangup, nftables
from runtime.network.ports import parse
from runtime.state import Dirs
from tests.runtime.network.inside import connect, server
from tests.runtime.network.test_nftables import container
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root


@in_sandbox
def test_a_connection_at_rest_reads_end_of_file_and_closes_by_itself():
    with server(os.getpid(), "one", 8080) as process:
        connection, _ = connect("127.0.0.1", 8080)
        time.sleep(0.05)
        assert hangup.hang_up([process.pid], 15, {8080}) == 1
        assert connection.recv(9) == b""


@in_sandbox
def test_a_connection_that_waits_for_its_answer_is_not_hung_up():
    with server(os.getpid(), "one", 8080) as process:
        connection, _ = connect("127.0.0.1", 8080)
        process.send_signal(signal.SIGSTOP)  # the next request will not be read
        time.sleep(0.05)
        connection.sendall(b"?")
        time.sleep(0.05)
        assert hangup.hang_up([process.pid], 15, {8080}) == 0
        process.send_signal(signal.SIGCONT)
        assert connection.recv(99) == b"one 127.0.0.1"


@in_sandbox
def test_a_connection_without_its_first_request_is_given_more_time():
    with server(os.getpid(), "one", 8080) as process:
        connection = socket.create_connection(("127.0.0.1", 8080))
        time.sleep(0.1)
        assert hangup.hang_up([process.pid], 15, {8080}) == 0
        time.sleep(0.3)
        assert hangup.hang_up([process.pid], 15, {8080}) == 1
        connection.close()


@in_sandbox
def test_what_a_process_has_open_to_others_stays():
    here = socket.create_server(("127.0.0.1", 9000))
    ours = socket.create_connection(("127.0.0.1", 9000))
    theirs, _ = here.accept()
    ours.sendall(b"?")
    time.sleep(0.05)
    assert hangup.hang_up([os.getpid()], 15, {80}) == 0
    assert hangup.end([os.getpid()], {80}) == 0
    assert theirs.recv(9) == b"?"


@in_sandbox
def test_the_end_reaches_even_a_client_of_a_process_that_hangs():
    with server(os.getpid(), "one", 8080) as process:
        connection, _ = connect("127.0.0.1", 8080)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        connection.sendall(b"?")
        assert hangup.end([process.pid], {8080}) == 1
        assert connection.recv(9) == b""


def test_a_process_that_is_gone_has_nothing_to_hang_up():
    assert hangup.hang_up([2**22 - 1], 15, {80}) == 0


@in_sandbox
def test_the_kernel_knows_who_is_connected_to_a_container_until_it_forgets():
    with container(Dirs(), "one") as (_, address):
        nftables.publish([(parse("8081:80")[0], address)])
        connection, _ = connect("127.0.0.1", 8081)
        assert conntrack.living(address) == 1
        connection.close()
        time.sleep(0.05)
        assert conntrack.living(address) == 0
        assert conntrack.delete(address) == 1
        assert conntrack.flows(address) == []
