"""Modules on the real Host of the agent, without a controller: content is what the test has put at hand."""

import hashlib
import importlib.util
import os
from types import SimpleNamespace

import pytest

from runtime.agent.arguments import Blob, Tree, TreeEntry
from runtime.agent.host import Failure, Host
from runtime.agent.undivided import Undivided

MODULES = os.path.join(os.path.dirname(__file__), "..", "..", "modules")


def module(name):
    """A module as the engine loads it: by path, under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"wherry_module_{name}", os.path.join(MODULES, f"{name}.py"))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class Controller:
    """The other end: gives out content by digest, and remembers what it was asked for."""

    def __init__(self):
        self.contents, self.asked = {}, []

    def pull(self, wanted):
        for digest, _ in wanted:
            self.asked.append(digest)
            yield digest, iter([self.contents[digest]])

    def blob(self, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.contents[digest] = data
        return Blob(digest, len(data))

    def tree(self, files):
        """A Tree of {path: bytes, or None for a directory}."""
        return Tree(
            [TreeEntry(path, 0o644, None if data is None else self.blob(data)) for path, data in sorted(files.items())]
        )


class Machine:
    """This machine as one task after the other sees it."""

    def __init__(self):
        self.controller = Controller()

    def do(self, name, *, check=False, diff=False, **arguments):
        """What a module answers, as the agent would send it."""
        agent = SimpleNamespace(undivided=Undivided(), streams=self.controller, offers={}, facts=Facts())
        host = Host(agent, check, diff)
        try:
            answer = module(name).run(host, **arguments)
        except Failure as failure:
            return {**failure.result, "changed": False, "failed": True, "msg": failure.text}
        return {**answer, **({"diff": host.diffs} if host.diffs else {})}


class Facts:
    """A few facts."""

    def get(self, name):
        return {"*": {"distribution": "Debian", "distribution_version": "12", "hostname": "web1"}}[name]


@pytest.fixture
def machine():
    """Run modules here: machine.do("copy", dest=...)."""
    return Machine()
