"""The default config denies by default, and what is asked for changes only that."""

import pytest

from runtime.errors import UsageError
from runtime.process import capabilities, spec

ELEVEN = 0x800405FB  # what podman gives


def test_root_gets_eleven_capabilities_and_others_none():
    root = spec.default(["true"])["process"]["capabilities"]
    assert {name: capabilities.mask(names) for name, names in root.items()} == {
        "bounding": ELEVEN,
        "effective": ELEVEN,
        "permitted": ELEVEN,
        "inheritable": 0,
        "ambient": 0,
    }
    other = spec.default(["true"], uid=1000)["process"]["capabilities"]
    assert {name for name, names in other.items() if names} == {"bounding"}


def test_capabilities_are_added_and_dropped_by_any_spelling():
    assert capabilities.chosen(["net_raw", "CAP_SYS_PTRACE"], ["all"]) == ["CAP_NET_RAW", "CAP_SYS_PTRACE"]
    assert capabilities.chosen([], ["cap_kill"]) == [name for name in capabilities.chosen() if name != "CAP_KILL"]
    assert capabilities.chosen(["ALL"], ["SYS_ADMIN"]) == [name for name in capabilities.ALL if name != "CAP_SYS_ADMIN"]
    with pytest.raises(UsageError, match="NET_RAWW"):
        capabilities.chosen(["NET_RAWW"])


def test_the_defaults_deny():
    config = spec.default(["true"], hostname="box")
    assert config["process"]["noNewPrivileges"] is True
    assert config["process"]["rlimits"] == [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    assert config["linux"]["resources"]["pids"] == {"limit": 2048}
    assert {entry["type"] for entry in config["linux"]["namespaces"]} == {
        "pid",
        "ipc",
        "uts",
        "mount",
        "cgroup",
        "network",
    }
    assert config["linux"]["sysctl"]["net.ipv4.ip_unprivileged_port_start"] == "0"
    assert "/proc/kcore" in config["linux"]["maskedPaths"]
    options = {entry["destination"]: entry["options"] for entry in config["mounts"]}
    assert "ro" in options["/sys"]
    assert "ro" in options["/sys/fs/cgroup"]


def test_the_hosts_network_gets_no_sysctls_and_a_path_is_joined():
    config = spec.default(["true"], network="host")
    assert config["linux"]["sysctl"] == {}
    assert "network" not in {entry["type"] for entry in config["linux"]["namespaces"]}
    joined = spec.default(["true"], network="/proc/7/ns/net")
    assert {"type": "network", "path": "/proc/7/ns/net"} in joined["linux"]["namespaces"]
    assert joined["linux"]["sysctl"] == {}


def test_memory_is_a_limit_with_swap_and_cpus_are_a_quota():
    limits = spec.resources(memory=1 << 20, cpus=1.5)
    assert limits["memory"] == {"limit": 1 << 20, "swap": 1 << 20}
    assert limits["cpu"] == {"quota": 150_000, "period": 100_000}


def test_privileged_takes_the_confinement_away():
    config = spec.default(["true"], privileged=True)
    assert not {"seccomp", "maskedPaths", "readonlyPaths"} & set(config["linux"])
    assert config["process"]["noNewPrivileges"] is False
    assert config["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]


def test_two_calls_share_nothing_that_one_could_change():
    spec.default(["true"])["linux"]["sysctl"]["net.x"] = "1"
    assert "net.x" not in spec.default(["true"])["linux"]["sysctl"]
