"""Debian's docker, for the length of a with block, inside a sandbox and without network."""

import contextlib
import subprocess
import time

SOCKET = "unix:///run/docker/s.sock"
DAEMON = [
    "dockerd", "--storage-driver", "vfs", "--iptables=false", "--ip6tables=false", "--bridge=none", "--host", SOCKET,
    "--data-root", "/var/lib/wherry/docker", "--exec-root", "/run/docker/exec", "--pidfile", "/run/docker/pid",
]  # fmt: skip


@contextlib.contextmanager
def running():
    """A function that runs a docker command."""

    def docker(*words, **options):
        return subprocess.run(
            ["docker", "-H", SOCKET, *words], capture_output=True, text=True, check=True, **options
        ).stdout

    subprocess.run(["mkdir", "-p", "/run/docker"], check=True)
    with open("/run/docker/log", "wb") as log, subprocess.Popen(DAEMON, stdout=log, stderr=log) as daemon:
        try:
            wait_for(docker)
            yield docker
        finally:
            daemon.terminate()
            daemon.wait(30)


def wait_for(docker):
    """Return once the daemon answers."""
    for _ in range(200):
        try:
            docker("version")
            return
        except subprocess.CalledProcessError:
            time.sleep(0.1)
    raise AssertionError("docker did not start")
