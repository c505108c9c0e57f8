"""Published ports: who reaches a container, who does not, and what a switch does to both."""

import contextlib
import os
import subprocess
import sys
import threading
import time

import pytest

from runtime.errors import Conflict, NetworkError
from runtime.network import addresses, bridge, conntrack, nftables
from runtime.network.ports import parse
from runtime.state import Dirs
from tests.runtime.network.inside import ask, connect, in_namespace_of, namespace, server
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root
PUBLIC, LOOPBACK = parse("public:8080:80")[0], parse("8081:80")[0]


ROUTE_LOOPBACK = """set -e; ip addr del 127.0.0.1/8 dev lo; ip route flush table local dev lo
ip route add 127.0.0.0/8 via {}; echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet"""
ANNOUNCE = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("eth0", 0x0806))
mac, address = s.getsockname()[4], socket.inet_aton(sys.argv[1])
reply = bytes.fromhex("0806 0001 0800 06 04 0002") + mac + address + b"\\xff" * 6 + address
for _ in range(3):
    s.send(b"\\xff" * 6 + mac + reply)
"""
LISTEN = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 9999)); s.settimeout(1.5); print("ready", flush=True)
try:
    while True:
        print(s.recvfrom(9)[1][0], flush=True)
except TimeoutError:
    pass
"""
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 0)); s.sendto(b"!", (sys.argv[2], 9999))
"""


def inside(pid, script):
    """The output of a shell script in the network namespace of `pid`."""
    argv = ["nsenter", "-n", "-t", str(pid), "sh", "-c", script]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@contextlib.contextmanager
def container(dirs, name):
    """(pid, address) of an answering server on the default network."""
    with namespace() as pid:
        address = addresses.lease(dirs, name)
        bridge.attach(bridge.ensure(dirs), pid, name, address)
        with server(pid, name):
            yield pid, address


@contextlib.contextmanager
def neighbour():
    """The pid of a namespace beyond the host's address 192.0.2.1, with a route to the containers."""
    with namespace() as pid:
        subprocess.run(
            ["ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", str(pid)], check=True
        )
        subprocess.run("ip addr add 192.0.2.1/24 dev up0; ip link set up0 up", shell=True, check=True)
        inside = "ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; ip link set lo up; ip route add default via 192.0.2.1"
        subprocess.run(["nsenter", "-n", "-t", str(pid), "sh", "-c", inside], check=True)
        yield pid


@in_sandbox
def test_a_public_port_answers_at_every_address_and_the_container_sees_the_client():
    with neighbour() as far, container(Dirs(), "one") as (pid, address):
        nftables.publish([(PUBLIC, address)])
        assert ask("192.0.2.1", 8080, pid=far) == "one 192.0.2.2"
        assert ask("192.0.2.1", 8080) == "one 192.0.2.1"
        assert ask("127.0.0.1", 8080) == "one 10.88.0.1"
        assert ask("192.0.2.1", 8080, pid=pid) == "one 10.88.0.1"  # hairpin: the container itself
        assert ask("10.88.0.1", 8080, pid=pid) == "one 10.88.0.1"


@in_sandbox
def test_a_port_of_127_0_0_1_answers_there_and_nowhere_else():
    dirs = Dirs()
    with neighbour() as far, container(dirs, "one") as (pid, address), container(dirs, "two") as (other, _):
        nftables.publish([(LOOPBACK, address)])
        assert ask("127.0.0.1", 8081) == "one 10.88.0.1"
        for host, asker in [("192.0.2.1", None), ("10.88.0.1", None), ("127.0.0.2", None), ("192.0.2.1", far)]:
            assert ask(host, 8081, pid=asker) == "ConnectionRefusedError", (host, asker)
        for asker in (pid, other):
            assert ask("10.88.0.1", 8081, pid=asker) == "ConnectionRefusedError"


@in_sandbox
def test_a_neighbour_with_a_route_to_the_containers_reaches_none_of_them():
    with neighbour() as far, container(Dirs(), "one") as (_, address):
        nftables.publish([(LOOPBACK, address), (parse("public:8080:8080")[0], address)])
        assert ask(address, 80, pid=far) == "TimeoutError"
        assert ask(address, 8080, pid=far) == "TimeoutError"
        assert ask(address, 80, "udp", pid=far) == "TimeoutError"
        subprocess.run(["nsenter", "-n", "-t", str(far), "sh", "-c", ROUTE_LOOPBACK.format("192.0.2.1")], check=True)
        with open("/proc/sys/net/ipv4/conf/up0/route_localnet", "w") as file:
            file.write("1")  # as kube-proxy and others do
        assert ask("127.0.0.1", 8081, pid=far) == "TimeoutError"


@in_sandbox
def test_a_container_reaches_nothing_at_the_hosts_loopback():
    with container(Dirs(), "one") as (pid, _), server(os.getpid(), "host", 7777):
        subprocess.run(["nsenter", "-n", "-t", str(pid), "sh", "-c", ROUTE_LOOPBACK.format("10.88.0.1")], check=True)
        assert ask("127.0.0.1", 7777) == "host 127.0.0.1"
        assert ask("127.0.0.1", 7777, pid=pid) == "TimeoutError"


@in_sandbox
def test_a_container_cannot_take_the_address_of_another():
    dirs = Dirs()
    with (
        container(dirs, "one") as (one, _),
        container(dirs, "two") as (_, stolen),
        container(dirs, "three") as (three, _),
    ):
        inside(three, "echo 0 > /proc/sys/net/ipv4/neigh/eth0/locktime")  # believes every announcement at once
        assert ask(stolen, 80, pid=three).startswith("two")
        truth = inside(three, f"ip neigh show {stolen}").split()[4]
        subprocess.run(["nsenter", "-n", "-t", str(one), sys.executable, "-c", ANNOUNCE, stolen], check=True)
        assert inside(three, f"ip neigh show {stolen}").split()[4] == truth


@in_sandbox
def test_a_container_cannot_send_as_another():
    dirs = Dirs()
    with (
        container(dirs, "one") as (one, own),
        container(dirs, "two") as (_, stolen),
        container(dirs, "three") as (three, to),
    ):
        inside(one, f"ip addr add {stolen}/32 dev eth0")
        listening = in_namespace_of(three, sys.executable, "-c", LISTEN)
        assert listening.stdout.readline() == "ready\n"
        for source in (stolen, own):
            subprocess.run(["nsenter", "-n", "-t", str(one), sys.executable, "-c", SEND, source, to], check=True)
        assert listening.communicate()[0].split() == [own]


@in_sandbox
def test_ipv6_of_a_container_ends_at_its_own_port():
    dirs = Dirs()
    with container(dirs, "one") as (one, _), container(dirs, "two") as (two, _):
        for number, pid in ((1, one), (2, two)):
            inside(pid, f"ip -6 addr add fd00::{number}/64 dev eth0 nodad")
        code = "import socket; socket.create_connection(('fd00::2', 81), 1)"
        argv = ["nsenter", "-n", "-t", str(one), sys.executable, "-c", code]
        assert "refused" not in subprocess.run(argv, capture_output=True, text=True).stderr
        with open("/proc/sys/net/ipv6/conf/wherry0/disable_ipv6") as file:
            assert file.read() == "1\n"


@in_sandbox
def test_publishing_what_somebody_else_has_names_the_port_and_its_owner_and_changes_nothing():
    bridge.ensure(Dirs())
    nftables.publish([(PUBLIC, "10.88.0.2")], owner="0123456789ab")
    nftables.publish([(PUBLIC, "10.88.0.2")], owner="0123456789ab")
    with pytest.raises(Conflict, match=r"8080/tcp.*0123456789ab.*10\.88\.0\.2"):
        nftables.publish([(LOOPBACK, "10.88.0.3"), (PUBLIC, "10.88.0.3")])
    assert nftables.published() == [(PUBLIC, "10.88.0.2")]


@in_sandbox
def test_withdrawing_what_is_not_published_or_belongs_to_somebody_else_does_nothing():
    bridge.ensure(Dirs())
    nftables.publish([(PUBLIC, "10.88.0.2")])
    nftables.withdraw([(LOOPBACK, "10.88.0.2"), (PUBLIC, "10.88.0.3")])
    assert nftables.published() == [(PUBLIC, "10.88.0.2")]
    nftables.withdraw([(PUBLIC, "10.88.0.2")])
    nftables.withdraw([(PUBLIC, "10.88.0.2")])
    assert nftables.published() == []


@in_sandbox
def test_thousands_of_ports_move_in_one_transaction():
    bridge.ensure(Dirs())
    ports = parse("public:10000-12999:10000-12999") + parse("20000-20999:1-1000/udp")
    nftables.publish([(port, "10.88.0.2") for port in ports])
    nftables.switch([(port, "10.88.0.2") for port in ports], [(port, "10.88.0.3") for port in ports])
    assert set(nftables.published()) == {(port, "10.88.0.3") for port in ports}


@in_sandbox
def test_a_switch_that_fails_leaves_everything_as_it_was():
    bridge.ensure(Dirs())
    nftables.publish([(PUBLIC, "10.88.0.2"), (LOOPBACK, "10.88.0.9")])
    with pytest.raises(Conflict):
        nftables.switch([(PUBLIC, "10.88.0.2")], [(PUBLIC, "10.88.0.3"), (LOOPBACK, "10.88.0.3")])
    assert set(nftables.published()) == {(PUBLIC, "10.88.0.2"), (LOOPBACK, "10.88.0.9")}


@in_sandbox
def test_a_switched_port_leads_new_connections_on_and_leaves_old_ones_where_they_are():
    dirs = Dirs()
    with container(dirs, "one") as (_, first), container(dirs, "two") as (_, second):
        nftables.publish([(PUBLIC, first)])
        old, answer = connect("127.0.0.1", 8080)
        assert answer.startswith("one")
        nftables.switch([(PUBLIC, first)], [(PUBLIC, second)])
        assert connect("127.0.0.1", 8080)[1].startswith("two")
        old.sendall(b"?")
        assert old.recv(99).startswith(b"one")


@in_sandbox
def test_no_new_connection_fails_while_ports_are_switched():
    dirs = Dirs()
    with container(dirs, "one") as (_, first), container(dirs, "two") as (_, second):
        nftables.publish([(PUBLIC, first)])
        answers, over = [], threading.Event()
        clients = [threading.Thread(target=keep_asking, args=(answers, over)) for _ in range(3)]
        for each in clients:
            each.start()
        here, there = first, second
        for _ in range(20):
            time.sleep(0.05)
            nftables.switch([(PUBLIC, here)], [(PUBLIC, there)])
            here, there = there, here
        over.set()
        for each in clients:
            each.join()
    assert set(answers) == {"one", "two"}
    assert len(answers) > 100


def keep_asking(answers, over):
    while not over.is_set():
        try:
            connection, answer = connect("127.0.0.1", 8080)
            connection.close()
            answers.append(answer.split()[0])
        except OSError as error:
            answers.append(repr(error))


@in_sandbox
def test_a_udp_client_moves_when_its_flows_are_forgotten():
    dirs = Dirs()
    port = parse("public:5353:80/udp")[0]
    with neighbour() as far, container(dirs, "one") as (_, first), container(dirs, "two") as (_, second):
        nftables.publish([(port, first)])
        assert ask("192.0.2.1", 5353, "udp", pid=far) == "one"
        assert conntrack.flows(first, "udp")
        nftables.switch([(port, first)], [(port, second)])
        assert conntrack.delete(first, "udp") == 1
        assert ask("192.0.2.1", 5353, "udp", pid=far) == "two"


@in_sandbox
def test_a_rejected_address_resets_who_is_connected_and_refuses_who_comes():
    with neighbour() as far, container(Dirs(), "one") as (_, address):
        nftables.publish([(PUBLIC, address)])
        connection, _ = connect("127.0.0.1", 8080)
        nftables.reject(address)
        nftables.reject(address)
        with pytest.raises(ConnectionResetError):
            connection.sendall(b"?")
            connection.recv(9)
        assert ask("127.0.0.1", 8080) == "ConnectionRefusedError"
        assert ask("192.0.2.1", 8080, pid=far) == "ConnectionRefusedError"
        nftables.unreject(address)
        nftables.unreject(address)
        assert ask("192.0.2.1", 8080, pid=far).startswith("one")


@in_sandbox
def test_rules_that_somebody_flushed_are_noticed_and_restored():
    dirs = Dirs()
    with neighbour() as far, container(dirs, "one") as (_, address):
        nftables.publish([(PUBLIC, address)])
        with nftables.watch() as watching:
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            assert watching.is_told(1.0) and not nftables.is_loaded()
        with pytest.raises(NetworkError, match="flushed"):
            nftables.publish([(PUBLIC, address)])
        bridge.restore(dirs, [("one", address, [PUBLIC])])
        assert ask("192.0.2.1", 8080, pid=far) == "one 192.0.2.2"
        assert ask(address, 80, pid=far) == "TimeoutError"


@in_sandbox
def test_nft_reads_our_tables_as_if_it_had_written_them():
    bridge.ensure(Dirs())
    nftables.publish([(PUBLIC, "10.88.0.2"), (LOOPBACK, "10.88.0.2")], owner="0123456789ab")
    shown = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    assert 'tcp . 8080 comment "0123456789ab" : 10.88.0.2 . 80' in shown
    assert "127.0.0.1 . tcp . 8081" in shown
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    subprocess.run(["nft", "-f", "-"], input=shown, text=True, check=True)
    assert set(nftables.published()) == {(PUBLIC, "10.88.0.2"), (LOOPBACK, "10.88.0.2")}
