"""A controller and a host for tests of rollouts."""

import contextlib
import time

from runtime.container.container import Containers
from runtime.release import handle, lock
from runtime.state import Dirs
from tests.runtime.release import hello


class Deployer:
    """A controller as this host sees it."""

    def __init__(self, containers, run_id="run 1", app="hello"):
        self.containers, self.run_id, self.app, self.token = containers, run_id, app, None

    def __call__(self, op, **fields):
        return handle(op, {"app": self.app, "token": self.token, **fields}, self.containers)

    def lock(self):
        self.answer = self("lock", owner=f"tester of {self.run_id}", run_id=self.run_id)
        self.token, self.number = self.answer["token"], self.answer["number"] + 1
        return self

    def stage(self, *requests):
        return self("stage", number=self.number, containers=list(requests))["containers"]

    def switch(self, name="web"):
        return self("switch", name=name)

    def commit(self):
        return self("commit", number=self.number, record={"commit": f"c{self.number}"})

    def deploy(self, *requests):
        """All of it; fails on a failed gate."""
        self.lock()
        for each in self.stage(*requests):
            answer = self.switch(each["name"])
            assert not answer["failed"], answer
        self.commit()
        self("unlock")


@contextlib.contextmanager
def host():
    """The containers of a fresh host that has the image."""
    containers = Containers(Dirs())
    containers.images.load(hello.archive("/run/hello.tar"))
    try:
        yield containers
    finally:
        for each in containers.list():
            containers.remove(each, force=True)


def names(containers):
    return {each.name: each.status for each in containers.list()}


def age(deployer, seconds):
    """Let the last heartbeat of the lock be so many seconds ago."""
    app = lock.permit(deployer.containers, {"app": deployer.app, "token": deployer.token}).app
    lock.state.write(
        app.path("lock.json"), {**lock.read(app), "heartbeat": time.clock_gettime(time.CLOCK_BOOTTIME) - seconds}
    )
