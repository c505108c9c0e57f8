"""The default network as the kernel has it; pyroute2 is the oracle."""

import os
import subprocess
import time

import pyroute2
import pytest

from runtime.errors import NetworkError
from runtime.network import addresses, bridge, links, nftables
from runtime.state import Dirs, write
from tests.runtime.network.inside import ask, namespace, server
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root
ONE, TWO = "a" * 64, "b" * 64


def attached(dirs, pid, container_id):
    address = addresses.lease(dirs, container_id)
    bridge.attach(bridge.ensure(dirs), pid, container_id, address)
    return address


@in_sandbox
def test_a_container_gets_an_address_a_route_and_a_hairpin_port():
    dirs = Dirs()
    with namespace() as pid:
        address = attached(dirs, pid, ONE)
        with pyroute2.IPRoute() as host:
            name = bridge.link_name(address)
            (port,) = host.get_links(ifname=name)
            slave = port.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_SLAVE_DATA")
            assert slave.get_attr("IFLA_BRPORT_MODE") == 1
            assert port.get_attr("IFLA_MASTER") == host.link_lookup(ifname="wherry0")[0]
            assert port.get_attr("IFLA_IFALIAS") == ONE
        shown = subprocess.run(
            ["nsenter", "-n", "-t", str(pid), "sh", "-c", "ip -4 -o address; ip route"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert f"inet {address}/16" in shown and "127.0.0.1/8" in shown
    assert "default via 10.88.0.1 dev eth0" in shown


@in_sandbox
def test_containers_reach_each_other_and_the_host_by_address():
    dirs = Dirs()
    with namespace() as one, namespace() as two:
        first, second = attached(dirs, one, ONE), attached(dirs, two, TWO)
        with server(one, "one"):
            assert ask(first, 80, pid=two) == f"one {second}"
            assert ask(first, 80) == "one 10.88.0.1"


@in_sandbox
def test_making_the_network_in_many_processes_at_once_makes_it_once():
    dirs = Dirs()
    children = [os.fork() for _ in range(6)]
    if 0 in children:
        bridge.ensure(dirs)
        os._exit(0)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 6
    with pyroute2.IPRoute() as host:
        (index,) = host.link_lookup(ifname="wherry0")
        assert [each.get_attr("IFA_ADDRESS") for each in host.get_addr(index=index, family=2)] == ["10.88.0.1"]
    assert nftables.is_loaded()


@in_sandbox
def test_a_network_that_is_there_costs_no_change_and_next_to_no_time():
    dirs = Dirs()
    made = bridge.ensure(dirs)
    before = subprocess.run(["nft", "-a", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    began = time.perf_counter()
    assert bridge.ensure(dirs).index == made.index
    assert time.perf_counter() - began < 0.02
    assert subprocess.run(["nft", "-a", "list", "ruleset"], capture_output=True, text=True, check=True).stdout == before


@in_sandbox
def test_a_bridge_that_was_made_by_half_is_completed():
    dirs = Dirs()
    subprocess.run(["ip", "link", "add", "wherry0", "type", "bridge"], check=True)
    bridge.ensure(dirs)
    with namespace() as pid, server(pid, "one"):
        assert ask(attached(dirs, pid, ONE), 80) == "one 10.88.0.1"


@in_sandbox
def test_a_network_that_this_host_already_uses_is_refused_with_the_way_out():
    dirs = Dirs()
    subprocess.run(
        "ip link add other type bridge; ip addr add 10.88.5.1/24 dev other; ip link set other up", shell=True
    )
    with pytest.raises(NetworkError, match=r"10\.88\.5\.0/24.*network_subnet"):
        bridge.ensure(dirs)
    write(f"{dirs.root}/settings.json", {"network_subnet": "172.31.0.0/20"})
    assert bridge.ensure(dirs).subnet.gateway == "172.31.0.1"


@in_sandbox
def test_an_address_can_be_used_again_while_its_last_namespace_is_still_there():
    dirs = Dirs()
    with namespace() as one, namespace() as two:
        address = attached(dirs, one, ONE)
        addresses.release(dirs, ONE)
        bridge.attach(bridge.ensure(dirs), two, TWO, address)
        with server(two, "two"):
            assert ask(address, 80) == "two 10.88.0.1"


@in_sandbox
def test_detaching_removes_the_link_and_may_be_done_again():
    dirs = Dirs()
    with namespace() as pid:
        name = bridge.link_name(attached(dirs, pid, ONE))
        bridge.detach(ONE)
        bridge.detach(ONE)
        assert links.find(name) is None
    bridge.detach(TWO)


@in_sandbox
def test_a_process_that_is_gone_is_an_error_that_names_the_container():
    dirs = Dirs()
    with namespace() as pid:
        pass
    with pytest.raises(NetworkError, match="aaaaaaaaaaaa"):
        attached(dirs, pid, ONE)


@in_sandbox
def test_the_thread_that_attaches_comes_back_to_its_own_network():
    dirs = Dirs()
    mine = os.readlink("/proc/thread-self/ns/net")
    with namespace() as pid:
        attached(dirs, pid, ONE)
    assert os.readlink("/proc/thread-self/ns/net") == mine
