"""File systems of Debian releases for lab hosts, made by debootstrap when they are first needed and then kept."""

import fcntl
import os
import shutil
import subprocess

FOLDER = "/var/cache/wherry-roots"
PACKAGES = "openssh-server,python3,sudo,iproute2,procps"
RELEASES = {"bullseye": (3, 9), "bookworm": (3, 11), "trixie": (3, 13)}  # and their Python
MIRRORS = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")  # old releases move to the second


def ensure(release):
    """The path of a release's file system; missing ones are made all at once, each complete or not at all."""
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{FOLDER}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of the tests must not make the same one
        begun = {each: begin(each, MIRRORS[0]) for each in RELEASES if not os.path.isdir(f"{FOLDER}/{each}")}
        for each, process in begun.items():
            finish(each, process)
    return f"{FOLDER}/{release}"


def begin(release, mirror):
    """Start debootstrap, in a mount namespace of its own, for it mounts /proc in the new root."""
    shutil.rmtree(new(release), ignore_errors=True)  # what an interrupted run left
    isolated = ["unshare", "-m", "--propagation", "private"]
    make = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, new(release), mirror]
    with open(f"{FOLDER}/{release}.log", "w") as log:
        return subprocess.Popen([*isolated, *make], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def finish(release, process):
    """Wait for it, try the other mirror if need be, and put the whole root in its place."""
    if process.wait() != 0 and begin(release, MIRRORS[1]).wait() != 0:
        with open(f"{FOLDER}/{release}.log") as log:
            raise AssertionError(f"debootstrap {release} failed: {log.read()[-2000:]}")
    shutil.rmtree(f"{new(release)}/var/cache/apt/archives", ignore_errors=True)
    os.rename(new(release), f"{FOLDER}/{release}")


def new(release):
    """Where a root is made."""
    return f"{FOLDER}/{release}.new"
