"""Containers from creation to removal, on a real kernel."""

import os
import signal
import socket
import subprocess
import time

import pytest

from runtime.errors import Conflict, NotFound, StartError, UsageError
from tests.runtime.container.machine import IMAGE, Machine, on_a_machine, processes, wait_until

pytestmark = pytest.mark.root


def cgroup_folders(container_id):
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if path.endswith(container_id)]


@on_a_machine
def test_a_container_runs_in_the_background_and_shows_what_it_is():
    machine = Machine()
    record = machine.run("--name", "web", "-m", "64m", IMAGE, "sleep", "100")
    shown = machine.inspect("web")
    assert shown["State"]["Running"]
    assert shown["State"]["Pid"] == record.pid
    assert shown["HostConfig"]["Memory"] == 64 << 20
    assert "web" in machine.wherry("ps")
    machine.wherry("rm", "-f", "web")
    assert machine.wherry("ps", "-aq") == ""


@on_a_machine
def test_a_start_that_fails_leaves_a_created_container_and_nothing_else():
    machine = Machine()
    machine.wherry("run", "--rm", IMAGE, "true")
    before = machine.residue()
    done = machine.attempt("run", "-d", "--name", "bad", IMAGE, "no-such-command")
    assert done.returncode == 127
    assert "no-such-command" in done.stderr
    assert machine.containers.find("bad").status == "created"
    assert cgroup_folders(machine.containers.find("bad").id) == []
    machine.wherry("rm", "bad")
    assert machine.residue() == before


@on_a_machine
def test_stopping_what_ignores_its_stop_signal_is_a_matter_of_moments():
    machine = Machine()
    record = machine.run("--network", "none", IMAGE, "sleep", "100")
    began = time.monotonic()
    machine.containers.stop(record)
    assert time.monotonic() - began < 1
    assert (record.status, record.exit_code) == ("exited", 137)


@on_a_machine
def test_stopping_what_handles_its_stop_signal_lets_it_end_by_itself():
    machine = Machine()
    record = machine.run(
        "--network", "none", IMAGE, "sh", "-c", "trap 'exit 3' TERM; echo ready; while true; do sleep 0.05; done"
    )
    wait_until(lambda: b"ready" in b"".join(machine.containers.logs(record)))
    machine.containers.stop(record)
    assert record.exit_code == 3


@on_a_machine
def test_stop_kills_what_does_not_end_in_time():
    machine = Machine()
    record = machine.run(
        "--network", "none", IMAGE, "sh", "-c", "trap 'echo no' TERM; echo ready; while true; do sleep 0.05; done"
    )
    wait_until(lambda: b"ready" in b"".join(machine.containers.logs(record)))
    began = time.monotonic()
    machine.containers.stop(record, timeout=0.5)
    assert 0.4 < time.monotonic() - began < 3
    assert record.exit_code == 137


@on_a_machine
def test_a_stopped_container_starts_again_with_its_files():
    machine = Machine()
    record = machine.run("--name", "web", "--network", "none", IMAGE, "sh", "-c", "echo x >> /root/count; sleep 100")
    wait_until(lambda: machine.attempt("exec", "web", "cat", "/root/count").stdout == "x\n")
    machine.wherry("stop", "web")
    machine.wherry("start", "web")
    wait_until(lambda: machine.wherry("exec", "web", "cat", "/root/count") == "x\nx")
    assert machine.containers.find("web").id == record.id


@on_a_machine
def test_a_port_in_use_is_a_conflict_that_names_it():
    machine = Machine()
    with socket.create_server(("127.0.0.1", 8080)):
        done = machine.attempt("run", "-d", "--name", "web", "-p", "8080:80", IMAGE, "sleep", "100")
    assert done.returncode == 125
    assert "8080" in done.stderr
    assert "in use" in done.stderr
    machine.wherry("rm", "web")
    machine.wherry("run", "-d", "--name", "web", "-p", "8080:80", IMAGE, "httpd", "-f", "-p", "80", "-h", "/etc")
    done = machine.attempt("run", "-d", "-p", "8080:80", IMAGE, "sleep", "100")
    assert done.returncode == 125
    assert "published by the container" in done.stderr
    machine.wherry("rm", "-f", "web")


@on_a_machine
def test_a_published_port_answers_until_the_container_ends():
    machine = Machine()
    record = machine.run("--name", "web", "-p", "8080:80", IMAGE, "httpd", "-f", "-p", "80", "-h", "/etc")
    wait_until(lambda: fetch("http://127.0.0.1:8080/group").startswith("root"))
    assert record.ports == [{"protocol": "tcp", "address": "127.0.0.1", "host_port": 8080, "container_port": 80}]
    machine.wherry("stop", "web")
    assert fetch("http://127.0.0.1:8080/group") == ""
    with socket.create_server(("127.0.0.1", 8080)):
        pass  # the port is free again


def fetch(url):
    return subprocess.run(["curl", "-s", "-m", "2", url], capture_output=True, text=True).stdout


@on_a_machine
def test_running_is_never_shown_when_the_monitor_and_then_the_process_were_killed():
    machine = Machine()
    record = machine.run("--name", "web", "-p", "8080:80", IMAGE, "sleep", "100")
    os.kill(record.monitor, signal.SIGKILL)
    wait_until(lambda: not record.monitored)
    assert machine.containers.find("web").status == "running"  # it is: only its monitor is gone
    assert "monitor is gone" in machine.wherry("ps")
    os.kill(record.pid, signal.SIGKILL)
    wait_until(lambda: machine.containers.find("web").status == "exited")
    found = machine.containers.find("web")
    assert found.exit_code is None
    assert "not known" in found.error
    assert cgroup_folders(found.id) == []
    machine.wherry("start", "web")
    assert machine.containers.find("web").status == "running"
    machine.wherry("rm", "-f", "web")


@on_a_machine
def test_a_container_without_a_monitor_can_be_stopped_and_removed():
    machine = Machine()
    record = machine.run("--name", "web", "-p", "8080:80", IMAGE, "sleep", "100")
    os.kill(record.monitor, signal.SIGKILL)
    wait_until(lambda: not record.monitored)
    machine.wherry("rm", "-f", "web")
    assert machine.wherry("ps", "-aq") == ""
    machine.wherry("run", "--rm", "-p", "8080:80", IMAGE, "true")


@on_a_machine
def test_rules_that_somebody_flushed_come_back():
    from runtime.network import nftables

    machine = Machine()
    machine.run("--name", "web", "-p", "8080:80", IMAGE, "httpd", "-f", "-p", "80", "-h", "/etc")
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    wait_until(lambda: len(nftables.published()) == 1)
    wait_until(lambda: fetch("http://127.0.0.1:8080/group").startswith("root"))
    machine.wherry("rm", "-f", "web")


@on_a_machine
def test_the_death_of_the_keeper_harms_no_container():
    machine = Machine()
    record = machine.run("--name", "web", "--network", "none", IMAGE, "sleep", "100")
    with open(f"/proc/{record.monitor}/stat") as file:
        keeper = int(file.read().rpartition(") ")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    other = machine.run("--name", "other", "--network", "none", IMAGE, "sh", "-c", "exit 4")
    assert machine.containers.wait(other) == 4
    machine.wherry("stop", "web")
    assert machine.containers.find("web").exit_code == 137


@on_a_machine
def test_ensure_replaces_only_what_differs_from_what_was_asked():
    machine = Machine()
    asked = {"name": "web", "image": IMAGE, "command": ["sleep", "100"], "env": {"A": "1"}, "network": "none"}
    assert machine.containers.ensure(asked)
    first = machine.containers.find("web")
    assert not machine.containers.ensure(dict(asked))
    assert machine.containers.is_ensured(asked)
    assert machine.containers.ensure({**asked, "env": {"A": "2"}})
    second = machine.containers.find("web")
    assert second.id != first.id
    assert [each.name for each in machine.containers.list()] == ["web"]
    with pytest.raises(NotFound):
        machine.containers.ensure({**asked, "volumes": ["/nowhere:/data"]})
    assert machine.containers.find("web").pid == second.pid  # what cannot be made replaces nothing


@on_a_machine
def test_mount_points_that_an_image_lacks_are_not_made_in_the_layer_of_the_container():
    machine = Machine()
    record = machine.run("--network", "none", IMAGE, "sleep", "100")
    assert os.listdir(f"{record.disk_dir}/upper") == []
    machine.wherry("exec", record.name, "touch", "/etc/mine")
    assert os.listdir(f"{record.disk_dir}/upper") == ["etc"]
    another = machine.run("--network", "none", IMAGE, "sleep", "100")
    assert "mine" not in machine.wherry("exec", another.name, "ls", "/etc").split()


@on_a_machine
def test_a_name_belongs_to_one_container():
    machine = Machine()
    machine.containers.create({"name": "web", "image": IMAGE})
    with pytest.raises(Conflict, match="web"):
        machine.containers.create({"name": "web", "image": IMAGE})
    other = machine.containers.create({"name": "other", "image": IMAGE})
    with pytest.raises(Conflict):
        machine.containers.rename(other, "web")
    machine.containers.remove(machine.containers.find("web"))
    machine.containers.rename(other, "web")
    assert machine.containers.find("web").id == other.id
    assert machine.containers.find(other.id[:6]).name == "web"
    with pytest.raises(NotFound, match='did you mean "web"'):
        machine.containers.find("wbe")


@on_a_machine
def test_names_are_found_again_after_a_reboot_and_nothing_runs_then():
    machine = Machine()
    record = machine.run("--name", "web", "--network", "none", IMAGE, "sleep", "100")
    os.kill(record.monitor, signal.SIGKILL)
    os.kill(record.pid, signal.SIGKILL)
    subprocess.run(["rm", "-rf", "/run/wherry"], check=True)  # what a reboot does to it
    found = Machine().containers.find("web")
    assert (found.status, found.exit_code) == ("exited", None)
    machine.wherry("start", "web")
    assert machine.containers.find("web").status == "running"
    machine.wherry("rm", "-f", "web")


@on_a_machine
def test_a_staged_container_publishes_nothing_until_ports_are_given():
    from runtime.container import monitor
    from runtime.network import nftables

    machine = Machine()
    asked = {"name": "web", "image": IMAGE, "command": ["sleep", "100"], "ports": ["8080:80"]}
    machine.containers.ensure(asked)
    old = machine.containers.find("web")
    new = machine.containers.create({**asked, "staged": True, "release": 7}, name="web.7")
    machine.containers.start(new)
    assert (new.status, new.ports, new.release) == ("running", [], 7)
    ports, descriptors = monitor.take_ports(old)
    monitor.give_ports(new, ports, descriptors)
    new.reload()
    old.reload()
    assert (old.ports, new.ports) == ([], ports)
    machine.containers.stop(old)
    assert len(nftables.published()) == 1  # the rules were left to whoever took the ports
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", 8080))


@on_a_machine
def test_what_cannot_be_meant_is_refused_before_anything_is_made():
    machine = Machine()
    for wrong in ({"imagee": IMAGE}, {"image": IMAGE, "memory": "lots"}, {"image": IMAGE, "restart": "always"}):
        with pytest.raises(UsageError):
            machine.containers.create(wrong)
    with pytest.raises(UsageError):
        machine.containers.create({"image": IMAGE, "network": "none", "ports": ["1:1"]})
    with pytest.raises(StartError):
        machine.containers.start(machine.containers.create({"image": IMAGE, "command": ["/bin"]}))


@on_a_machine
def test_a_volume_keeps_what_is_written_and_a_read_only_one_refuses():
    machine = Machine()
    machine.wherry("run", "--rm", "-v", "data:/data", IMAGE, "sh", "-c", "echo kept > /data/x")
    assert machine.wherry("run", "--rm", "-v", "data:/data:ro", IMAGE, "cat", "/data/x") == "kept"
    machine.wherry("run", "--rm", "-v", "data:/data:ro", IMAGE, "touch", "/data/y", code=1)


@on_a_machine
def test_a_container_that_is_out_of_memory_says_so():
    machine = Machine()
    record = machine.run("--network", "none", "-m", "8m", IMAGE, "sh", "-c", "x=$(yes | head -c 50000000); sleep 9")
    machine.containers.wait(record)
    assert record.exit_code == 137
    assert record.oom
    assert "out of memory" in machine.wherry("ps", "-a")


@pytest.mark.timeout(120)
@on_a_machine
def test_the_monitors_of_fifty_idle_containers_cost_less_than_a_megabyte_each():
    machine = Machine()
    records = [machine.run("--network", "none", IMAGE, "sleep", "1000") for _ in range(50)]
    each = [pss(record.monitor) for record in records]
    assert sum(each) / len(each) < 1000, each  # kB; a Python that is started for each costs 2,400
    machine.wherry("rm", "-f", *(record.id for record in records))


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


@on_a_machine
def test_no_process_stays_behind_when_no_container_runs():
    machine = Machine()
    before = processes()
    record = machine.run("--network", "none", IMAGE, "true")
    machine.containers.wait(record)
    wait_until(lambda: len(processes()) == len(before))
