"""Replace one container by its staged successor: gate, flip, hand-over, drain, freeze."""

import time

from ..container import monitor
from ..errors import NotFound, WherryError
from . import gate, journal, lock, ports
from .drain import TIMEOUT, drain
from .stage import START_FIRST, find, strategy


def run(containers, fields):
    """Switch container `name` to what is staged for it.

    Returns failed False, changed, id, address and milliseconds of each step; or failed True with what the gate saw, the
    staged container removed and the old one still serving.
    """
    permit, name = lock.permit(containers, fields), fields["name"]
    with permit.app.working():
        permit.check()
        book = journal.load(permit.app)
        if not book or name not in book.names:
            raise NotFound(f"nothing is staged as {name!r}", f"application {permit.app.name}", "stage it first")
        if name not in book.staged:
            return {"failed": False, "changed": False, "name": name}
        begun = next((each for each in book.switches if each["name"] == name), None)
        return _again(begun) if begun else _Switch(containers, permit, book, name).run()


def _again(begun):
    """The answer for a switch that was begun before: the controller asks again when it lost the first one."""
    if begun["answer"]:
        return begun["answer"]
    return {"failed": True, "changed": False, "name": begun["name"], **gate.nothing_seen("was cut off; revert it")}


class _Switch:
    """One switch under way."""

    def __init__(self, containers, permit, book, name):
        self.containers, self.permit, self.book, self.name = containers, permit, book, name
        self.new, self.old = containers.find(book.staged[name]), find(containers, name)
        self.strategy, self.wish = strategy(self.new.request), self.new.request.get("rollout", {})
        self.wanted = ports.wanted(self.new)
        self.published = ports.published(self.old)
        self.steps, self._last = {}, time.monotonic()

    def run(self):
        self._write_down()
        failure = self._start_first() if self.strategy == START_FIRST else self._stop_first()
        if failure:
            self._undo()
            return {**failure, "name": self.name, "changed": False}
        answer = {"failed": False, "changed": True, "name": self.name, "strategy": self.strategy}
        answer.update(id=self.new.id, address=self.new.address, milliseconds=self.steps)
        self.book.switches[-1]["answer"] = answer
        self.book.save()
        return answer

    def _start_first(self):
        failure = gate.hold(self.containers, self.new, self.wanted, self.permit)
        self._took("gate")
        failure = failure or self._flip()
        if failure is None and self.old:
            drain(self.containers, self.old, self.published, self.wish.get("drain_timeout", TIMEOUT), self.permit)
            self._took("drain")
            self._retire()
            self._took("retire")
        return failure

    def _flip(self):
        """Lead the ports to the new container; what goes wrong here leaves them with the old one."""
        self.permit.check()
        before = ports.pairs(self.published, self.old.address) if self.old else []
        try:
            bound = ports.hold_new(self.wanted, self.published)
            ports.flip(before, ports.pairs(self.wanted, self.new.address), [self.new])
        except WherryError as error:
            return gate.failure(self.containers, self.new, str(error), "passed")
        # The new one serves: an error from here on is the run's to revert.
        ports.forget_flows(before)
        self._took("flip")
        ports.hand_over(self.old, self.new, self.wanted, bound)
        self.containers.answer_to(self.new, self.name)
        self._took("hand-over")
        return None

    def _retire(self):
        """Freeze the old one, still warm for a revert; stop it if that is wished."""
        self.old.reload()
        if self.old.status != "running":
            return  # its own drain ended it
        if self.wish.get("retire") == "stop":
            self.containers.stop(self.old)
        else:
            self.containers.freeze(self.old)

    def _stop_first(self):
        if self.old:
            self.containers.stop(self.old)
        self._took("stop")
        failure = gate.hold(self.containers, self.new, self.wanted, self.permit)
        self._took("gate")
        return failure or self._publish()

    def _publish(self):
        self.permit.check()
        try:
            if self.wanted:
                monitor.publish(self.new, self.wanted)
        except WherryError as error:
            return gate.failure(self.containers, self.new, str(error), "passed")
        self.containers.answer_to(self.new, self.name)
        self._took("publish")
        return None

    def _write_down(self):
        self.book.switches.append(
            {
                "name": self.name,
                "strategy": self.strategy,
                "old": self.old and self.old.id,
                "address": self.old and self.old.address,
                "new": self.new.id,
                "ports": [port.to_json() for port in self.published],
                "answer": None,
            }
        )
        self.book.save()

    def _undo(self):
        """Remove the new one; the old one serves, or is started again if it made way."""
        self.containers.remove(self.new, force=True)
        if self.strategy != START_FIRST and self.old:
            self.containers.start(self.old)
            gate.wait_once(self.containers, self.old, self.published)
        self.book.switches.pop()
        del self.book.staged[self.name]
        self.book.save()

    def _took(self, step):
        now = time.monotonic()
        self.steps[step], self._last = round((now - self._last) * 1000, 1), now
