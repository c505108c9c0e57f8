"""Deploys to hosts with the Pythons that Debian's last three releases have, as root and through sudo, and a saved image
of a whole Debian."""

import os
import subprocess

import pytest

from tests.lab import roots
from tests.lab.hello import PLAYBOOK, serving
from tests.lab.project import Project, free_net
from wherry import lab as labs

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]  # the first run makes the file systems


@pytest.fixture(scope="module", params=roots.RELEASES)
def debian(request, tmp_path_factory):
    """A lab of one host, web1, that is the Debian release `debian.release`."""
    root = roots.ensure(request.param)
    with labs.up(str(tmp_path_factory.mktemp(request.param)), 1, root=root, net=free_net()) as running:
        running.release = request.param
        yield running


@pytest.fixture
def project(debian, hello_archive, tmp_path):
    """A project that deploys hello 1; the host is empty again after the test."""
    found = Project.lay_out(tmp_path / "project", debian)
    found.write("playbooks/deploy.yml", PLAYBOOK)
    found.write("inventory/group_vars/all.yml", f'image_archive: "{hello_archive}"\nimage: hello:1\n')
    yield found
    debian.run("web1", ["sh", "-c", "wherry ps -aq | xargs -r wherry rm -f; rm -rf /var/lib/wherry/releases"])


def done(answer):
    """What a command printed; it must have succeeded."""
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def on(lab, *words):
    """What a command on the host prints."""
    return done(lab.run("web1", words))


def test_a_deploy_works_and_the_hosts_own_command_shows_it(debian, project):
    version = on(debian, "python3", "-c", "import sys; print(sys.version_info[:2])").strip()
    assert version == str(roots.RELEASES[debian.release])
    done(project.invoke("deploy", "--env", "lab"))
    assert serving(debian, "web1") == "hello 1"
    assert "changed=0" in done(project.invoke("deploy", "--env", "lab"))
    assert "(healthy)" in on(debian, "wherry", "ps")
    said = debian.run("web1", ["wherry", "logs", "hello"])
    assert "hello 1 listens on port 8080" in said.stdout + said.stderr
    assert on(debian, "wherry", "exec", "hello", "python3", "-c", "import os; print(os.getpid() > 1)") == "True\n"


@pytest.fixture
def deployer(debian):
    """A user who may do everything by sudo, without a password, and logs in with the lab's key."""
    home = "mkdir -p ~deployer/.ssh && cp /root/.ssh/authorized_keys ~deployer/.ssh/ && chown -R deployer: ~deployer"
    rule = "echo 'deployer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deployer && chmod 440 /etc/sudoers.d/deployer"
    on(debian, "sh", "-c", f"useradd -m -s /bin/sh deployer && {home} && {rule}")
    yield "deployer"
    on(debian, "sh", "-c", "userdel -r deployer 2>/dev/null; rm /etc/sudoers.d/deployer")


@pytest.mark.parametrize("debian", ["bullseye", "trixie"], indirect=True)
def test_a_user_who_becomes_root_deploys_roots_containers(debian, project, deployer):
    with open(project.path("inventory/lab.yml")) as file:
        project.write("inventory/lab.yml", file.read().replace("ansible_user: root", f"ansible_user: {deployer}"))
    project.write("playbooks/deploy.yml", PLAYBOOK.replace("  serial:", "  become: true\n  serial:"))
    done(project.invoke("deploy", "--env", "lab"))
    assert serving(debian, "web1") == "hello 1"
    assert "changed=0" in done(project.invoke("deploy", "--env", "lab"))
    assert "running" in done(project.invoke("status", "--env", "lab"))
    owners = on(debian, "find", "/var/lib/wherry", "/run/wherry", "!", "-user", "root", "-not", "-path", "*/layers/*")
    assert owners == ""
    looked = debian.run("web1", ["su", "-s", "/bin/sh", "nobody", "-c", "ls /var/lib/wherry /run/wherry"])
    assert looked.returncode != 0 and looked.stdout == ""


# A whole Debian, imported and saved by podman.


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """What `podman save` writes of a bookworm root file system."""
    folder = tmp_path_factory.mktemp("podman")
    tar = folder / "root.tar"
    left_out = ("./var/cache", "./var/lib/apt/lists", "./usr/share/doc", "./usr/share/locale")
    excluded = [f"--exclude={path}" for path in left_out]
    subprocess.run(["tar", "-C", roots.ensure("bookworm"), *excluded, "-cf", str(tar), "."], check=True)
    podman = f"podman --root {folder}/root --runroot {folder}/run --storage-driver vfs"
    script = f"{podman} import -q {tar} debian:saved && {podman} save -q -o {folder}/debian.tar debian:saved"
    subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-ec", script], check=True)
    os.unlink(tar)
    yield str(folder / "debian.tar")
    subprocess.run(["rm", "-rf", str(folder)], check=True)


SLEEPER = """
- hosts: web
  gather_facts: false
  tasks:
    - runtime:
    - image: {load: "%s"}
    - container:
        name: os
        image: debian:saved
        command: [sh, -c, "echo up; exec sleep infinity"]
        memory: 64m
        pids: 50
"""


@pytest.mark.parametrize("debian", ["bookworm"], indirect=True)
def test_an_archive_of_podman_save_deploys_and_its_limits_hold(debian, project, saved):
    project.write("playbooks/os.yml", SLEEPER % saved)
    done(project.wherry("play", "os", "--env", "lab"))
    assert "changed=0" in done(project.wherry("play", "os", "--env", "lab"))
    assert "VERSION_CODENAME=bookworm" in on(debian, "wherry", "exec", "os", "cat", "/etc/os-release")
    shown = on(debian, "wherry", "ps")
    assert "debian:saved" in shown and "Up " in shown
    assert on(debian, "wherry", "logs", "os") == "up\n"
    assert limit(debian, "memory/memory.limit_in_bytes", "memory.max") == 64 << 20
    assert limit(debian, "pids/pids.max", "pids.max") == 50
    too_much = debian.run("web1", ["wherry", "exec", "os", "sh", "-c", "head -c 200m /dev/zero | tail -c 150m | wc -c"])
    assert too_much.stdout != f"{150 << 20}\n"
    forks = debian.run("web1", ["wherry", "exec", "os", "sh", "-c", "for i in $(seq 60); do sleep 9 & done; wait"])
    assert "fork" in forks.stderr
    assert "sleep infinity" in on(debian, "ps", "ax")  # it outlived both


def limit(lab, *files):
    """A limit of the container as it reads it itself: in the file of cgroup v1, else of v2."""
    script = " || ".join(f"cat /sys/fs/cgroup/{file} 2>/dev/null" for file in files)
    return int(on(lab, "wherry", "exec", "os", "sh", "-c", script))
