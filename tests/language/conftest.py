"""A project on disk, a world outside that is made of dictionaries, and the variables of a host in it."""

import hashlib

import pytest

from wherry.errors import WherryError
from wherry.language import inventory, playbook, source
from wherry.language.templating import Templar
from wherry.language.variables import Run
from wherry.project import Project


class World:
    """protocols.Outside: knows the files it is given, and the real ones; counts the commands that are run."""

    def __init__(self):
        self.commands, self.outputs, self.variables, self.time = [], {}, {"HOME": "/home/me"}, 0.0

    def run(self, argv, stdin=None):
        self.commands.append(list(argv))
        if argv[-1] not in self.outputs:
            raise WherryError(f"{argv[-1]} ended with 127")
        return self.outputs[argv[-1]]

    def read_file(self, path):
        with open(path, "rb") as file:
            return file.read()

    def environment(self):
        return self.variables

    def now(self):
        return self.time

    def random(self, size):
        return hashlib.shake_256(b"seed").digest(size)


class Desk:
    """A project folder to write in, and what language makes of it."""

    def __init__(self, root):
        self.root, self.world, self.warnings = root, World(), []
        self.project = Project(str(root))
        self.templar = Templar(self.world, warn=self.warnings.append)
        self.write("playbooks/.keep", "")

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return str(target)

    def inventory(self, text=None, env="prod", extra=None):
        if text is not None:
            self.write(f"inventory/{env}.yml", text)
        return inventory.load(self.project, env, extra=extra or {})

    def playbook(self, text):
        return playbook.load(self.project, self.write("playbooks/site.yml", text))

    def task(self, text):
        """The one task of a play on all hosts."""
        indented = "".join(f"      {line}\n" for line in text.splitlines())
        play = self.playbook("- hosts: all\n  tasks:\n    -\n" + indented).plays[0]
        return next(play.walk())

    def run(self, text="all: {hosts: {web1: }}", extra=None, **options):
        return Run(self.inventory(text, extra=extra), self.templar, self.project, **options)

    def scope(self, variables="", host="web1", play=None):
        """The variables of a host to which the inventory gives the YAML `variables`."""
        self.write("inventory/host_vars/web1.yml", variables)
        run = self.run()
        return run.scope(run.inventory.hosts[host], play)

    def render(self, text, scope=None):
        """What a string from YAML gives."""
        return self.templar.render(quoted(text), scope or self.scope())


def quoted(text):
    """A Source of that text."""
    return source.Source(text)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)
