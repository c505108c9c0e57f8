"""Nothing stays behind: mounts, links, cgroups, rules, leases, processes, files."""

import os

import pytest

from tests.runtime.container.machine import IMAGE, Machine, on_a_machine

pytestmark = [pytest.mark.root, pytest.mark.timeout(240)]


def cgroups(ids):
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) in ids]


@on_a_machine
def test_a_hundred_containers_later_every_count_is_where_it_was():
    machine = Machine()
    asked = {
        "image": IMAGE,
        "command": ["sleep", "100"],
        "ports": ["8080:80", "8081:81/udp"],
        "volumes": ["data:/data"],
    }
    cycle(machine, asked)
    before, ids = machine.residue(), []
    for _ in range(100):
        ids.append(cycle(machine, asked))
    assert machine.residue() == before
    assert cgroups(ids) == []


def cycle(machine, asked):
    record = machine.containers.create({**asked, "name": "web"})
    machine.containers.start(record)
    machine.containers.remove(record, force=True)
    return record.id


@on_a_machine
def test_starts_that_fail_leave_nothing_either():
    machine = Machine()
    machine.wherry("run", "--rm", IMAGE, "true")
    before = machine.residue()
    for _ in range(5):
        machine.wherry("run", "--rm", IMAGE, "no-such-command", code=127)
        machine.wherry("run", "-d", "--rm", "-p", "8080:80", IMAGE, "/etc/passwd", code=126)
        machine.wherry("run", "--rm", "-p", "1.2.3.4:8080:80", IMAGE, "true", code=125)
    assert machine.residue() == before
