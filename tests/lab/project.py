"""A user's repository that deploys to a lab, and the commands run in it."""

import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass

from wherry.lab.lab import Lab, interface
from wherry.lab.load import Load

PYTHON = sys.executable


def free_net():
    """The first three bytes of a network that no lab on this machine has; several people may run these tests."""
    numbers = random.sample(range(100, 250), 150)
    nets = (f"10.77.{number}" for number in numbers)
    return next(net for net in nets if not os.path.exists(f"/sys/class/net/{interface(net)}"))


@dataclass(frozen=True)
class Project:
    """A user's repository and the lab it deploys to; commands run where no packet leaves this machine."""

    root: str
    lab: Lab

    @classmethod
    def lay_out(cls, folder, lab):
        """Make playbooks/, inventory/lab.yml and tasks.py in a new folder."""
        for name in ("playbooks", "inventory"):
            os.makedirs(os.path.join(folder, name))
        shutil.copy(lab.inventory_file, os.path.join(folder, "inventory", "lab.yml"))
        project = cls(str(folder), lab)
        project.write("tasks.py", "from wherry.tasks import namespace  # noqa: F401\n")
        return project

    def path(self, name):
        """A file of the project."""
        return os.path.join(self.root, name)

    def write(self, name, text):
        """Write a file of the project and return its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def invoke(self, *words, timeout=120):
        """Run `invoke WORDS` in the project; returns what it wrote and its exit code."""
        return self.run([PYTHON, "-m", "invoke", *words], timeout=timeout)

    def wherry(self, *words, timeout=120):
        """Run `wherry WORDS` in the project, as the engine's command line."""
        return self.run([PYTHON, "-I", "-m", "wherry.cli", *words], timeout=timeout)

    def run(self, argv, *, timeout=120, **options):
        """Run any command where the lab's hosts are reached and nothing else is."""
        with self.lab.inside():
            return subprocess.run(
                argv,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                **options,
            )

    def start(self, *words):
        """Start `invoke WORDS` without waiting: to be killed, interrupted or watched."""
        with self.lab.inside():
            return subprocess.Popen(
                [PYTHON, "-m", "invoke", *words],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def load(self, port, hosts=("web1", "web2", "web3"), **options):
        """HTTP load on a port of the hosts while a `with` lasts."""
        return Load({name: (self.lab.host(name).address, port) for name in hosts}, **options)
