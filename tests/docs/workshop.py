"""Where a page's commands run: a copy of what a user sees of the checkout, and the hosts of the lab that they start."""

import os
import re
import shlex
import shutil
import subprocess
import time

from tests.docs.pages import ROOT
from wherry import lab

SEEN = ("tasks.py", "inv", "pyproject.toml", "playbooks", "inventory")
PATIENCE = 240  # seconds for one command
LEG = f"/sys/class/net/{lab.lab.interface(lab.lab.NET)}"


class Workshop:
    """A copy of the checkout below `folder`; a command finds it as the one before it left it, its folder included."""

    def __init__(self, folder):
        self.root = self.here = os.path.join(folder, "wherry")
        self._told = os.path.join(folder, "here")
        os.makedirs(self.root)
        for name in SEEN:
            copy = shutil.copytree if os.path.isdir(os.path.join(ROOT, name)) else shutil.copy2
            copy(os.path.join(ROOT, name), os.path.join(self.root, name))
        borrow_environment(os.path.join(self.root, ".venv"))

    def write(self, block):
        """Put a block into the file that it names."""
        path = os.path.join(self.here, block.file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(block.text)

    def do(self, block):
        """Run the commands of a block: each must end with 0 and print what stands below it."""
        for command, expected in block.commands:
            words = ["wherry", "lab", "ssh", block.host, command] if block.host else None
            done = self.run(shlex.join(words) if words else command)
            assert done.returncode == 0, f"{block.where}: `{command}` ended with {done.returncode}\n{done.stdout}"
            if expected:
                assert is_like(done.stdout, expected), f"{block.where}: `{command}` printed\n{done.stdout}"

    def run(self, command):
        """What a line at the prompt does; its output, errors included."""
        line = f"{command}\ncode=$?\npwd >{shlex.quote(self._told)}\nexit $code"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.here,
            env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        if os.path.exists(self._told):
            with open(self._told, encoding="utf-8") as file:
                self.here = file.read().strip()
        return done

    def close(self):
        """Take down what the page left up."""
        for folder, folders, _ in os.walk(self.root):
            if ".wherry" in folders:
                lab.down(folder)
            folders[:] = [name for name in folders if name not in (".wherry", ".venv")]


def borrow_environment(folder):
    """Make `folder` the checkout's .venv, such that `inv` finds everything installed: the copy must not get into it."""
    os.mkdir(folder)
    own = os.path.join(ROOT, ".venv")
    for name in os.listdir(own):
        if not name.startswith(".installed-"):
            os.symlink(os.path.join(own, name), os.path.join(folder, name))
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        checksum = subprocess.run(["cksum"], stdin=file, stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(os.path.join(folder, f".installed-{checksum.strip().replace(' ', '-')}"), "w"):
        pass  # as inv does


def wait_for_the_network(seconds=120):
    """Return when no other lab of this machine has the network that `wherry lab up` takes."""
    deadline = time.monotonic() + seconds
    while os.path.exists(LEG):
        assert time.monotonic() < deadline, f"{LEG} belongs to another lab: take it down (wherry lab down)"
        time.sleep(0.5)


def is_like(printed, expected):
    """Whether a text is what the page shows: `...` alone stands for any lines, within a line for any text."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else ".*".join(map(spaced, line.rstrip().split("..."))) + r"[ \t]*\n"
        for line in expected
    )
    return re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n") is not None


def spaced(text):
    """A pattern for text whose columns may be wider or narrower."""
    return r"[ \t]+".join(map(re.escape, re.split(r"[ \t]+", text)))
