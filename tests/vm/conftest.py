"""A stock Debian server under emulation, for what the lab cannot show: systemd, cgroup v2 only, another kernel."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.bench import images

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debian-vm")
STATE = os.environ.get("DEBIAN_VM_DIR", "/var/cache/wherry-vm")
NEEDED = ("qemu-system-x86_64", "qemu-img", "debootstrap", "cpio", "busybox")
PACKAGES = "qemu-system-x86 qemu-utils debootstrap cpio busybox-static"
PORT = "2299"
INVENTORY = """\
all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: {key}
    wherry_known_hosts: {known_hosts}
  children:
    web:
      hosts:
        debian: {{ansible_host: 127.0.0.1, ansible_port: {port}}}
"""


@dataclass(frozen=True)
class Machine:
    """The server that is up."""

    project: str

    def ssh(self, command, timeout=300):
        """Run a shell command in it, in a login of its own; what it wrote and its exit code."""
        return subprocess.run([PROGRAM, "ssh", command], capture_output=True, text=True, timeout=timeout)

    def invoke(self, *words, timeout=900):
        """Run `invoke WORDS` in the project that deploys to it."""
        argv = [sys.executable, "-m", "invoke", *words]
        return subprocess.run(argv, cwd=self.project, capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    """The server, fresh from its build, with a project that deploys to it; powered off at the end."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    assert not missing, f"{', '.join(missing)}: not installed; as root: apt-get install -y {PACKAGES}"
    control("build")
    control("reset")
    control("start", PORT)
    try:
        yield Machine(lay_out(tmp_path_factory.mktemp("project")))
    finally:
        control("stop")


def control(*words):
    """Run tests/vm/debian-vm; an error when it fails."""
    subprocess.run([PROGRAM, *words], check=True, timeout=1200, stdin=subprocess.DEVNULL)


def lay_out(folder):
    """A project whose environment `vm` is the server, with the image archive bench.tar."""
    known = subprocess.run(
        [PROGRAM, "ssh", "cat /etc/ssh/ssh_host_ed25519_key.pub"], capture_output=True, text=True, check=True
    )
    for name in ("playbooks", "inventory"):
        (folder / name).mkdir()
    (folder / "tasks.py").write_text("from wherry.tasks import namespace  # noqa: F401\n")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{PORT} {known.stdout}")
    text = INVENTORY.format(key=f"{STATE}/key", known_hosts=folder / "known_hosts", port=PORT)
    (folder / "inventory" / "vm.yml").write_text(text)
    images.busybox(str(folder / "app.tar"), "app:1")
    return str(folder)
