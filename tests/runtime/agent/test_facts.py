"""Facts by Ansible's names, only when they are asked for."""

import json
import os
import socket
import subprocess
import sys

from runtime.agent import facts, interfaces
from runtime.agent.facts import SOURCES, Facts


def test_only_what_is_asked_for_is_looked_up(monkeypatch):
    calls = []
    for name in ("mounts", "fqdn"):
        monkeypatch.setitem(SOURCES, name, lambda name=name: calls.append(name) or {name: 1})
    found = Facts()
    assert found.gather(["fqdn", "hostname", "no_such_fact"]) == {
        "fqdn": 1,
        "hostname": os.uname().nodename.split(".")[0],
    }
    assert found.get("fqdn") == 1
    assert calls == ["fqdn"]


def test_every_fact_can_be_gathered_and_sent():
    found = Facts().gather(["*"])
    assert json.loads(json.dumps(found)) == found
    assert set(SOURCES) - set(found) <= {"default_ipv4", "default_ipv6", "dns"}


def test_every_source_answers_each_name_it_is_registered_for():
    for name, source in SOURCES.items():
        assert name in source(), name


def test_facts_agree_with_the_machine():
    found = Facts().gather(["*"])
    assert found["architecture"] == os.uname().machine
    assert found["kernel"] == os.uname().release
    assert found["python"]["executable"] == sys.executable
    assert found["processor_vcpus"] == os.cpu_count()
    assert found["user_uid"] == os.getuid()
    assert found["env"]["PATH"] == os.environ["PATH"]
    assert found["fqdn"] == socket.getfqdn()
    assert (
        found["date_time"]["date"]
        == subprocess.run(["date", "+%Y-%m-%d"], capture_output=True, text=True).stdout.strip()
    )
    root = next(mount for mount in found["mounts"] if mount["mount"] == "/")
    assert root["size_total"] > 0


def test_addresses_agree_with_iproute2():
    shown = json.loads(subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, text=True, check=True).stdout)
    addresses = {
        entry["local"] for link in shown for entry in link["addr_info"] if not entry["local"].startswith("127.")
    }
    assert set(Facts().get("all_ipv4_addresses")) == addresses
    route = subprocess.run(["ip", "-j", "route", "show", "default"], capture_output=True, text=True, check=True).stdout
    default = Facts().get("default_ipv4")
    if json.loads(route or "[]"):
        assert default["gateway"] == json.loads(route)[0]["gateway"]
        assert default["interface"] == json.loads(route)[0]["dev"]
        assert default["address"] in addresses
    else:
        assert default == {}


def test_distributions_are_named_as_ansible_names_them(monkeypatch):
    def named(text, debian_version=""):
        texts = {"/etc/os-release": text, "/etc/debian_version": debian_version}
        monkeypatch.setattr(facts, "text_of", lambda path: texts.get(path, ""))
        found = facts.distribution()
        return tuple(
            found[key] for key in ("distribution", "distribution_version", "distribution_major_version", "os_family")
        )

    assert named('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', "12.5\n") == (
        "Debian",
        "12.5",
        "12",
        "Debian",
    )
    assert named('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n') == ("Ubuntu", "24.04", "24", "Debian")
    assert named('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n') == ("Rocky", "9.4", "9", "RedHat")
    assert named("ID=alpine\nVERSION_ID=3.20.1\n") == ("Alpine", "3.20.1", "3", "Alpine")
    assert named('NAME="My Linux"\nID=mine\nVERSION_ID=1\n') == ("My Linux", "1", "1", "My Linux")


def test_hexadecimal_addresses_are_read():
    assert interfaces.colons("fe800000000000000000000000000001") == "fe80::1"
    assert interfaces.dotted("0100007F") == "127.0.0.1"
