"""The demo, as a newcomer runs it: every claim holds, and the machine is as it was."""

import os
import re
import subprocess
import sys

import pytest

from wherry.lab import traces

pytestmark = [pytest.mark.lab, pytest.mark.timeout(280)]


def snapshot():
    """What a run must not leave behind on this machine."""
    links = set(os.listdir("/sys/class/net"))
    cgroups = {path for path, _, _ in os.walk("/sys/fs/cgroup/memory") if "wherry" in os.path.basename(path)}
    return {*traces.mounts(), *traces.rules(), *links, *cgroups, *processes()}


def processes():
    """The command lines of wherry's processes that run now."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return {
        line for line in listing.splitlines() if re.search(r"runtime\.container\.keeper|wherry-lab|sshd.*wherry", line)
    }


def test_the_demo_holds_every_claim_and_leaves_nothing_twice(tmp_path):
    (tmp_path / "tasks.py").write_text("from wherry.tasks import namespace  # noqa: F401\n")
    (tmp_path / "playbooks").mkdir()
    before = snapshot()
    for _ in range(2):
        demo = subprocess.run(
            [sys.executable, "-m", "wherry.demo"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert demo.returncode == 0, demo.stdout + demo.stderr
        assert demo.stdout.count("0 requests failed") == 2
        assert "WRONG" not in demo.stdout
        assert snapshot() - before == set()
