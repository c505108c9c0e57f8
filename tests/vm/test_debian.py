"""A deploy to a stock Debian server: systemd is process 1, cgroup v2 stands alone."""

import os

import pytest

pytestmark = [pytest.mark.long, pytest.mark.root]
PLAYBOOK = """\
- name: Deploy
  hosts: web
  gather_facts: false
  rollout:
    app: app
  tasks:
    - runtime:
    - image:
        load: {archive}
    - container:
        name: app
        image: app:1
        command: [sleep, "100000"]
        memory: 64m
"""


@pytest.fixture(scope="module")
def deployed(machine):
    """The server after a first deploy."""
    path = os.path.join(machine.project, "playbooks", "deploy.yml")
    with open(path, "w") as file:
        file.write(PLAYBOOK.format(archive=os.path.join(machine.project, "app.tar")))
    first = machine.invoke("deploy", "--env", "vm", "--dirty")
    assert first.returncode == 0, first.stdout + first.stderr
    return machine


def test_the_server_is_what_it_is_meant_to_be(machine):
    assert machine.ssh("stat -fc %T /sys/fs/cgroup; cat /proc/1/comm").stdout.split() == ["cgroup2fs", "systemd"]


def test_a_second_deploy_over_ssh_changes_nothing(deployed):
    again = deployed.invoke("deploy", "--env", "vm", "--dirty")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "changed=0" in again.stdout.replace(" ", "") or "0changed" in again.stdout.replace(" ", "")


def test_a_detached_container_survives_logout_and_daemon_reload(deployed):
    started = deployed.ssh("wherry run -d --name stays app:1 sleep 100000")
    assert started.returncode == 0, started.stderr
    assert deployed.ssh("systemctl daemon-reload && systemctl daemon-reexec").returncode == 0
    assert "stays" in deployed.ssh("wherry ps").stdout
    assert deployed.ssh("wherry exec stays true").returncode == 0
    assert deployed.ssh("wherry rm --force stays").returncode == 0


def test_limits_are_those_of_cgroup_v2_and_in_force(deployed):
    started = deployed.ssh("wherry run -d --name limited --memory 32m --cpus 0.5 --pids-limit 20 app:1 sleep 4242")
    assert started.returncode == 0, started.stderr
    folder = "/sys/fs/cgroup$(cut -d: -f3 /proc/$(pgrep -xf 'sleep 4242')/cgroup)"
    read = deployed.ssh(f"cd {folder} && cat memory.max cpu.max pids.max")
    assert read.stdout.split() == [str(32 << 20), "50000", "100000", "20"], read.stderr
    assert deployed.ssh("wherry rm --force limited").returncode == 0
    eats = deployed.ssh("wherry run --rm --memory 16m app:1 sh -c 'a=x; while :; do a=$a$a; done'")
    assert eats.returncode == 137, eats.stderr
