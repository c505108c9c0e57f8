"""A project in a temporary folder, run on hosts that are this machine: real agents over pipes, each with its own root."""

import os
import textwrap
import threading

import pytest

from wherry.connection import payload, session
from wherry.connection.target import Target
from wherry.events import TaskFinished
from wherry.execution import executor, plan
from wherry.execution.hooks import NoHooks
from wherry.language import inventory, playbook
from wherry.project import Project


class Site:
    """A project and its hosts; `run` gives the events of a playbook and what came of it."""

    def __init__(self, folder):
        self.root = str(folder / "project")
        self.host_root = str(folder / "roots")
        self.work = str(folder / "work")
        self.opened = []
        os.makedirs(self.work)
        for name in ("playbooks", "inventory"):
            os.makedirs(os.path.join(self.root, name))
        self.hosts("web1")

    def write(self, path, text):
        """A file of the project."""
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as file:
            file.write(textwrap.dedent(text))
        return full

    def read(self, name):
        """A file that tasks made below {{ work }}."""
        with open(os.path.join(self.work, name)) as file:
            return file.read()

    def hosts(self, *names, **variables):
        """The inventory: these hosts in the group web."""
        lines = "".join(f"        {name}:\n" for name in names)
        self.write("inventory/test.yml", "all:\n  children:\n    web:\n      hosts:\n" + lines)
        self.write("inventory/group_vars/all.yml", f"work: {self.work}\n")

    def plan(self, text, **options):
        """The plan of a playbook's text."""
        self.write("playbooks/test.yml", text)
        project = Project(self.root)
        hosts = inventory.load(project, "test", extra={})
        return plan.make(project, playbook.load(project, "test"), hosts, **options)

    def run(self, text, *, hooks=None, connect=None, forks=50, **options):
        """Run a playbook's text; events, outcome, sessions."""
        planned, events, sessions = self.plan(text, **options), [], {}
        packed = payload.make(planned.project)

        def connected(host, connection):
            target = Target(name=host.name, connection="local", root=os.path.join(self.host_root, host.name))
            sessions[host.name] = (connect or session.open)(target, packed)
            self.opened.append(sessions[host.name])
            return sessions[host.name]

        try:
            outcome = executor.run(planned, connected, hooks or NoHooks(), events.append, forks=forks)
        finally:
            for each in list(sessions.values()):
                each.close()
        return Ran(events, outcome, sessions)


class Ran:
    """What a run did: `results` are (host, task, status) of each finished task, with the item of each item."""

    def __init__(self, events, outcome, sessions):
        self.events, self.outcome, self.sessions = events, outcome, sessions
        self.results = results_of(events)

    def result(self, task, host="web1"):
        """What a task's last result on a host says."""
        found = [each for each in finished(self.events) if (each.host, each.task) == (host, task)]
        return found[-1].result


def finished(events):
    """The events of finished tasks."""
    return [event for event in events if isinstance(event, TaskFinished)]


def results_of(events):
    """(host, task, status) of each finished task; (host, task, status, item) of each item."""
    items = [([each.item] if each.item is not None else [], each) for each in finished(events)]
    return [(each.host, each.task, each.status, *item) for item, each in items]


@pytest.fixture
def site(tmp_path):
    """A project with one host, web1."""
    site = Site(tmp_path)
    yield site
    for thread in threading.enumerate():  # an interrupted run leaves a host that is being connected to its thread
        if thread.name.startswith("web"):
            thread.join(20)
    for each in site.opened:
        each.close()
