"""Promises of the lab: its hosts are machines of their own, and nothing of it stays or leaves."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.lab import roots
from wherry import lab as labs
from wherry.errors import UsageError, WherryError
from wherry.lab import cgroups, namespaces, network, processes, record, traces, verbs
from wherry.lab.layout import layout

pytestmark = pytest.mark.lab
A_NET = f"10.78.{os.getpid() % 250}"


def ssh(lab, name, command, stdin=b""):
    argv = ["ssh", "-F", lab.files.ssh_config, "-o", "BatchMode=yes", name, command]
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=30)


def content(path):
    with open(path) as file:
        return file.read()


def test_a_host_answers_over_openssh_with_its_own_name_key_and_python(lab):
    answer = ssh(lab, "web2", "hostname; python3 -c 'import sys; print(sys.version_info >= (3, 9))'")
    assert answer.stdout == b"web2\nTrue\n", answer.stderr


def test_a_host_has_namespaces_and_cgroups_of_its_own(lab):
    links = "for kind in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$kind; done"
    theirs = lab.run("web1", ["sh", "-c", links]).stdout.split()
    ours = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("cgroup", "ipc", "mnt", "net", "pid", "uts")]
    assert len(theirs) == 6 and not set(theirs) & set(ours)
    within = lab.run("web1", ["cat", "/proc/self/cgroup"]).stdout.splitlines()
    assert all(line.split(":")[2] in ("/", "/init") for line in within), within


def test_a_process_of_one_host_is_not_seen_by_another(lab):
    assert lab.run("web1", ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo"]).returncode == 0
    assert "sleep 60" in lab.run("web1", ["ps", "ax"]).stdout
    assert "sleep 60" not in lab.run("web2", ["ps", "ax"]).stdout
    lab.run("web1", ["pkill", "-x", "sleep"])


def test_hosts_write_to_their_own_overlay_only(lab):
    lab.run("web1", ["sh", "-c", "echo mine > /etc/wherry-lab-test"])
    assert lab.run("web1", ["cat", "/etc/wherry-lab-test"]).stdout == "mine\n"
    assert lab.run("web2", ["cat", "/etc/wherry-lab-test"]).returncode == 1
    assert not os.path.exists("/etc/wherry-lab-test")


@pytest.mark.parametrize("path", ["/var/lib/wherry", "/tmp", "/root"])
def test_an_overlay_can_be_mounted_where_the_runtime_needs_one(lab, path):
    mounted = "mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m && umount m"
    script = f"cd {path} && mkdir l u w m && {mounted} && rm -r l u w m"
    assert lab.run("web3", ["sh", "-c", script]).stderr == ""


def test_a_host_sees_neither_keys_nor_overlays_of_the_lab(lab):
    assert lab.run("web1", ["ls", "-A", lab.files.folder]).stdout == ""


def test_there_is_no_route_out_of_a_host_and_of_the_controllers_place(lab):
    assert "Network is unreachable" in lab.run("web1", ["bash", "-c", "echo >/dev/tcp/192.0.2.1/80"]).stderr
    with lab.inside():
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection(("192.0.2.1", 80), timeout=5)
        with socket.create_connection((lab.host("web1").address, 22), timeout=5) as reached:
            assert reached.recv(4) == b"SSH-"


def test_a_cut_host_is_silent_and_a_mended_one_answers(lab):
    address = (lab.host("web3").address, 22)
    lab.cut("web3")
    with pytest.raises(OSError, match=r"timed out|No route"):
        socket.create_connection(address, timeout=0.5)
    lab.mend("web3")
    assert ssh(lab, "web3", "echo back").stdout == b"back\n"


def test_a_delayed_host_answers_a_round_trip_later(new_lab):
    running = new_lab(1, delay_ms=40)
    with subprocess.Popen(
        ["ssh", "-F", running.files.ssh_config, "web1", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as client:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            client.stdin.write(b"x")
            assert client.stdout.read(1) == b"x"
            times.append(time.perf_counter() - began)
        client.stdin.close()
    assert 0.040 <= sorted(times[1:])[1] < 0.080


@pytest.mark.timeout(900)  # the first run makes the file systems
@pytest.mark.parametrize(("release", "version"), roots.RELEASES.items())
def test_hosts_start_from_another_file_system(new_lab, release, version):
    running = new_lab(1, root=roots.ensure(release))
    answer = ssh(running, "web1", "python3 -c 'import sys; print(*sys.version_info[:2])'; cat /etc/hostname")
    assert answer.stdout.decode().split() == [*map(str, version), "web1"]


@pytest.mark.timeout(900)
def test_a_file_system_without_python_gets_the_controllers(new_lab, tmp_path):
    base = tmp_path / "root"
    base.mkdir()
    running = new_lab(1, root=without_python(str(base)))
    answer = ssh(running, "web1", "python3 -c 'import sys, json; print(sys.version_info[:2])'")
    assert answer.stdout.decode().strip() == str(sys.version_info[:2]), answer.stderr


def without_python(folder):
    """A bookworm root whose python3 is gone: hard links, so that it costs nothing."""
    subprocess.run(["cp", "-al", f"{roots.ensure('bookworm')}/.", folder], check=True)
    for name in ("python3", "python3.11"):
        os.unlink(f"{folder}/usr/bin/{name}")
    return folder


def test_a_project_on_an_overlay_gets_hosts_on_a_tmpfs(tmp_path):
    # As in a docker container: an overlay's upper directory cannot lie on an overlay, so the host's cannot either.
    script = (
        "from wherry import lab\n"
        f"with lab.up('project', 1, net={A_NET!r}) as running:\n"
        "    made = 'cd /tmp && mkdir l u w m && mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m'\n"
        "    print(running.run('web1', ['sh', '-c', made + ' && stat -f -c %T /tmp; hostname']).stdout)\n"
    )
    overlay = "mkdir l u w project && mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w project && exec "
    argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", overlay + f'{sys.executable} -c "$0"', script]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert ended.stdout.split() == ["tmpfs", "web1"], ended.stderr


def test_without_openssh_the_embedded_server_does_commands_both_ways(new_lab):
    running = new_lab(1, prefer_openssh=False)
    data = os.urandom(1 << 20)
    assert ssh(running, "web1", "cat", data).stdout == data
    assert ssh(running, "web1", "echo out; echo err >&2; exit 7").returncode == 7
    assert ssh(running, "web1", "hostname; pwd; cat /proc/1/comm").stdout.startswith(b"web1\n/root\n")
    assert ssh(running, "web1", "kill -9 $$").returncode == 255
    argv = ["ssh", "-F", running.files.ssh_config, "-o", "BatchMode=yes", "nobody@web1", "true"]
    assert b"Permission denied" in subprocess.run(argv, capture_output=True).stderr


def test_down_leaves_nothing_and_a_second_up_keeps_the_keys(new_lab):
    first = new_lab(2)
    known = content(first.files.known_hosts)
    assert len(traces.of_lab(first.record)) == 1 + len(cgroups.hierarchies()) + 3
    first.down()
    assert traces.of_lab(first.record) == []
    assert not os.path.exists(first.inventory_file) and not os.path.exists(first.files.hosts)
    with labs.up(first.record.project, 2, net=first.record.net) as second:
        assert content(second.files.known_hosts) == known


@pytest.mark.parametrize("again", [False, True], ids=["down", "up"])
def test_a_frozen_process_of_a_host_is_gone_after_down_and_after_the_next_up(new_lab, again):
    running = new_lab(1)
    running.run("web1", ["sh", "-c", "sleep 120 >/dev/null 2>&1 &"])
    frozen = freeze_sleeping(f"wherry-{running.record.interface}/web1")
    if again:
        with labs.up(running.record.project, 1, net=running.record.net):
            assert not frozen.alive
    running.down()
    assert not frozen.alive
    assert traces.of_lab(running.record) == []


def freeze_sleeping(group):
    """Freeze the `sleep` among a host's processes, as the freezer of its kernel does, and return it."""
    folder = max(cgroups.find(group), key=lambda each: os.path.exists(f"{each}/freezer.state"))
    pids = [pid for path, _, _ in os.walk(folder) for pid in content(f"{path}/cgroup.procs").split()]
    (pid,) = [pid for pid in pids if content(f"/proc/{pid}/comm") == "sleep\n"]
    below = f"{folder}/frozen"
    os.mkdir(below)
    version_1 = os.path.exists(f"{below}/freezer.state")
    for name, text in (("cgroup.procs", pid), ("freezer.state", "FROZEN") if version_1 else ("cgroup.freeze", "1")):
        with open(f"{below}/{name}", "w") as file:
            file.write(text)
    return processes.process(int(pid))


def test_what_cannot_be_removed_is_named(monkeypatch):
    group = f"wherry-test-{os.getpid()}"
    folders = cgroups.create(group)
    monkeypatch.setattr(cgroups, "_remove", lambda folder: None)
    with pytest.raises(WherryError, match=f"cgroup {group}: .* cannot be removed"):
        cgroups.remove(group, timeout=0.1)
    for folder in folders:
        os.rmdir(folder)


def test_an_up_that_is_interrupted_takes_down_what_it_began(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(network, "connect_host", lambda *_: interrupt(tmp_path, seen))
    with pytest.raises(KeyboardInterrupt):
        labs.up(str(tmp_path), 2, net=A_NET)
    assert len(seen[0].hosts) == 2 and traces.of_lab(seen[0]) == []
    assert record.read(layout(str(tmp_path)).record) is None


def interrupt(folder, seen):
    seen.append(record.read(layout(str(folder)).record))
    raise KeyboardInterrupt


def test_an_up_that_is_killed_is_cleared_by_the_next(tmp_path):
    script = (
        "import os, signal\n"
        "from wherry import lab\n"
        "from wherry.lab import network\n"
        "network.connect_host = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"lab.up({str(tmp_path)!r}, 2, net={A_NET!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    left = record.read(layout(str(tmp_path)).record)
    assert traces.of_lab(left) != []
    with labs.up(str(tmp_path), 1, net=A_NET) as running:
        assert [host.name for host in running.hosts] == ["web1"]
    assert traces.of_lab(left) == []


def test_a_recycled_pid_is_never_killed():
    bystander = subprocess.Popen(["sleep", "30"])
    try:
        mistaken = processes.Process(bystander.pid, processes.process(bystander.pid).start - 1)
        assert not mistaken.alive
        mistaken.kill()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_network_in_use_is_refused_with_the_way_out(lab, tmp_path):
    with pytest.raises(UsageError, match=rf"belongs to the lab of {lab.record.project}\n.*--net"):
        labs.up(str(tmp_path), 1, net=lab.record.net)


def test_commands_refuse_lab_hosts_when_the_lab_is_not_up(new_lab):
    running = new_lab(1)
    inventory = an_inventory(running)
    labs.require_up(inventory, running.record.project)
    running.down()
    with pytest.raises(UsageError, match=r"web1 is a lab host, and it is not up\n.*wherry lab up"):
        labs.require_up(inventory, running.record.project)


def an_inventory(running):
    from wherry.language.inventory import Host, Inventory
    from wherry.language.precedence import Layer

    values = {"wherry_lab": running.files.folder, "ansible_host": running.host("web1").address}
    return Inventory("lab", "lab.yml", {"web1": Host("web1", variables=[Layer("host", values)])})


def test_the_verbs_say_what_they_did(tmp_path):
    said = []
    assert verbs.main(["up", "1", "--net", A_NET], str(tmp_path), said.append) == 0
    assert verbs.main(["list"], str(tmp_path), said.append) == 0
    assert verbs.main(["cut", "web1"], str(tmp_path), said.append) == 0
    assert verbs.main(["mend", "web1"], str(tmp_path), said.append) == 0
    assert verbs.main(["down"], str(tmp_path), said.append) == 0
    assert f"web1 is up at {A_NET}.11" in said and "lab is down" in said
    with pytest.raises(UsageError, match="invalid int value"):
        verbs.main(["up", "three"], str(tmp_path), said.append)
    with pytest.raises(UsageError, match="not up"):
        verbs.main(["cut", "web1"], str(tmp_path), said.append)


def test_sockets_made_inside_the_labs_network_stay_there_and_the_thread_comes_back(lab):
    home = os.readlink("/proc/thread-self/ns/net")
    with namespaces.network_of(lab.record.switch.pid):
        assert os.readlink("/proc/thread-self/ns/net") != home
    assert os.readlink("/proc/thread-self/ns/net") == home


def test_what_a_crash_left_on_record_never_touches_a_later_lab_on_the_same_network(new_lab, tmp_path):
    later = new_lab(1)
    stale = record.Record(str(tmp_path), "lab", later.record.net, later.record.interface, switch=None)
    files = layout(str(tmp_path))
    os.makedirs(files.folder)
    record.write(files.record, stale)
    assert labs.down(str(tmp_path))
    assert traces.of_lab(stale) == []
    assert ssh(later, "web1", "echo here").stdout == b"here\n"
