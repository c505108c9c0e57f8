"""Back to what ran before an uncommitted release: every old container serves again, every new one is removed.

1. Old containers that gave way to a started successor are thawed, or started again; each must be well once.
2. All ports of the host go back in one transaction, then the descriptors that hold them.
3. In reverse order: new ones are drained and removed; old ones that were stopped first are started again.

Every step asks what is there, so a revert that was interrupted is simply done again.
"""

import time

from ..errors import WherryError
from ..network import nftables
from ..network.ports import Port
from . import commit, gate, journal, lock, ports, record, stage
from .drain import TIMEOUT, drain
from .stage import START_FIRST

_LAST_STEPS = 0.5  # seconds in which a container that was told to drain ends, if it is about to


def run(containers, fields):
    """Revert what is uncommitted; returns reverted: the names whose old container serves again."""
    permit = lock.permit(containers, fields)
    with permit.app.working():
        permit.check()
        book = journal.load(permit.app)
        return {"reverted": _revert(containers, book) if book else []}


def recover(containers, app, run_id):
    """Finish or revert what another run than `run_id` left; the caller holds `app.working()`.  Names that were reverted."""
    book = journal.load(app)
    if book is None or book.run_id == run_id:
        return []
    if book.number in record.numbers(app):  # committed, and then the machine or the agent went away
        commit.finish(containers, book)
        return []
    return _revert(containers, book)


def _revert(containers, book):
    switches = [_Return(containers, each) for each in book.switches]
    beside = [each for each in switches if each.start_first]
    problems = [problem for each in beside for problem in _attempt(each.bring_back)]
    if not problems:
        problems = _attempt(lambda: _flip_back(beside))
    if not problems:
        problems = [problem for each in reversed(switches) for problem in _attempt(each.put_away)]
    if problems:
        names = ", ".join(each.name for each in switches)
        raise WherryError("; ".join(problems), f"revert of {names}", "repair that, then deploy again: it reverts first")
    for name in book.names:
        stage.remove_leftover(containers, book, name)
    book.remove()
    return [each.name for each in switches]


def _attempt(step):
    """The text of the error of `step`, in a list; empty when it worked.  One container's error must not hold up others."""
    try:
        step()
    except (WherryError, OSError) as error:
        return [str(error)]
    return []


def _flip_back(switches):
    """All ports of the host in one transaction, then what holds them.

    What leads where is asked of the kernel: an agent that was killed in a switch may have flipped without writing it down.
    """
    new = {each.new.address for each in switches if each.new and each.new.address}
    old = [pair for each in switches for pair in each.pairs_of_old()]
    gone = [pair for pair in nftables.published() if pair[1] in new or pair in old] if new or old else []
    ports.flip(gone, old, [each.old for each in switches if each.old and each.old.address])
    ports.forget_flows([pair for pair in gone if pair not in old])
    for each in switches:
        each.take_back()


class _Return:
    """The way back of one switch; `old` and `new` are None when they are not there."""

    def __init__(self, containers, entry):
        self._containers, self.name = containers, entry["name"]
        self.start_first = entry["strategy"] == START_FIRST
        self.ports = [Port.from_json(each) for each in entry["ports"]]
        self.old, self.new = stage.find(containers, entry["old"]), stage.find(containers, entry["new"])
        self._address = entry["address"]

    def pairs_of_old(self):
        """What is to be published again."""
        return ports.pairs(self.ports, self.old.address) if self.old else []

    def bring_back(self):
        """Have the old container run and be well, while the new one still serves."""
        if self.old is None:
            return
        if self._address:
            nftables.unreject(self._address)
        if self.old.status == "paused":
            self._containers.thaw(self.old)
        if not self._goes_on():
            self._start_beside()
        gate.wait_once(self._containers, self.old, self.ports)

    def _goes_on(self):
        """Whether the old container runs, and will; one that drains by its own means may be about to end."""
        if self.old.request.get("rollout", {}).get("drain"):
            time.sleep(_LAST_STEPS)
        self.old.reload()
        if self.old.status != "running":
            self._containers.wait(self.old)
        return self.old.status == "running"

    def take_back(self):
        """Hold the ports again, and be what the others of the network mean by the name."""
        if self.old and self.ports:
            ports.hand_over(self.new, self.old, self.ports, {})
        if self.old:
            self._containers.answer_to(self.old, self.name)

    def _start_beside(self):
        """Start the old container while the new one has its ports."""
        self.old.request["staged"] = True
        self.old.save()
        try:
            self._containers.start(self.old)
        finally:
            del self.old.request["staged"]
            self.old.save()

    def put_away(self):
        """Remove the new container; one that was replaced stop-first is started again."""
        if self.new and self.start_first and self.new.status == "running":
            limit = self.new.request.get("rollout", {}).get("drain_timeout", TIMEOUT)
            drain(self._containers, self.new, ports.wanted(self.new), limit)
        if self.new:
            address = self.new.address
            self._containers.remove(self.new, force=True)
            if address:
                nftables.unreject(address)
        if self.old and not self.start_first:
            self._containers.start(self.old)
            gate.wait_once(self._containers, self.old, self.ports)
