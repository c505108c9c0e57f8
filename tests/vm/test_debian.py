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


@pytest.fixture
def stays(deployed):
    """A detached container `stays`, started by a login that has ended since: (its id, the login's cgroup)."""
    started = deployed.ssh("wherry run -d --name stays app:1 sleep 4242 && cat /proc/self/cgroup")
    assert started.returncode == 0, started.stderr
    container, login = started.stdout.split()
    yield container, login.removeprefix("0::")
    assert deployed.ssh("wherry rm --force stays").returncode == 0


def is_alive(machine):
    """Whether the container `stays` runs, and its monitor answers."""
    return (
        "Up" in machine.ssh("wherry ps | grep stays").stdout and machine.ssh("wherry exec stays true").returncode == 0
    )


def test_keeper_monitors_and_containers_are_in_a_scope_of_systemd(deployed, stays):
    container, _ = stays
    shown = deployed.ssh("systemctl status --no-pager --full wherry.scope").stdout
    assert "Active: active (running)" in shown
    assert "runtime.container.keeper" in shown
    assert "sleep 4242" in shown
    tree = deployed.ssh("systemd-cgls --no-pager --full --unit wherry.scope").stdout
    assert f"─{container} " in tree
    assert deployed.ssh("cat /proc/$(pgrep -xf 'sleep 4242')/cgroup").stdout == (
        f"0::/system.slice/wherry.scope/{container}\n"
    )
    assert deployed.ssh("cat /sys/fs/cgroup/system.slice/wherry.scope/cgroup.procs").stdout == ""


def test_a_detached_container_survives_logout_and_daemon_reload(deployed, stays):
    _, login = stays
    assert login.startswith("/user.slice/user-0.slice/session-")
    assert deployed.ssh("systemctl daemon-reload && systemctl daemon-reexec").returncode == 0
    assert is_alive(deployed)


def test_a_detached_container_survives_the_end_by_force_of_all_that_its_user_runs(deployed, stays):
    killed = deployed.ssh("systemd-run --quiet --no-block loginctl terminate-user root; sleep 60")
    assert killed.returncode != 0  # this login was ended too
    assert is_alive(deployed)


def test_a_second_keeper_joins_the_scope_and_it_ends_with_the_last(deployed):
    other = "WHERRY_STATE=/run/other wherry"
    started = deployed.ssh(f"{other} run -d --network none --name second app:1 sleep 4343")
    assert started.returncode == 0, started.stderr
    assert "/system.slice/wherry.scope/" in deployed.ssh("cat /proc/$(pgrep -xf 'sleep 4343')/cgroup").stdout
    assert deployed.ssh(f"{other} rm --force second; wherry stop app").returncode == 0
    ended = "for n in $(seq 50); do systemctl is-active wherry.scope || break; sleep 0.2; done"
    assert deployed.ssh(ended).stdout.split()[-1] == "inactive"
    assert deployed.ssh("ls -d /sys/fs/cgroup/system.slice/wherry.scope").returncode != 0
    assert deployed.ssh("wherry start app && systemctl is-active wherry.scope").stdout.split()[-1] == "active"


def test_limits_are_those_of_cgroup_v2_and_in_force(deployed):
    started = deployed.ssh("wherry run -d --name limited --memory 32m --cpus 0.5 --pids-limit 20 app:1 sleep 4242")
    assert started.returncode == 0, started.stderr
    folder = "/sys/fs/cgroup$(cut -d: -f3 /proc/$(pgrep -xf 'sleep 4242')/cgroup)"
    read = deployed.ssh(f"cd {folder} && cat memory.max cpu.max pids.max")
    wanted = [str(32 << 20), "50000", "100000", "20"]
    assert read.stdout.split() == wanted, read.stderr
    assert deployed.ssh("systemctl daemon-reload").returncode == 0
    inside = deployed.ssh("wherry exec limited sh -c 'cd /sys/fs/cgroup && cat memory.max cpu.max pids.max'")
    assert inside.stdout.split() == wanted, inside.stderr
    assert deployed.ssh("wherry rm --force limited").returncode == 0
    eats = deployed.ssh("wherry run --rm --memory 16m app:1 sh -c 'a=x; while :; do a=$a$a; done'")
    assert eats.returncode == 137, eats.stderr
