"""Own a running container until nothing of it is left: what a monitor does.

A monitor is a fork of the keeper, or for `run` in the foreground the command itself.
"""

import posix
import time

from .. import linux
from ..process import cgroup
from . import signals
from .desk import Desk
from .loop import Loop

KILL = 9
KILLED = 128 + KILL
ENDING = {1, 2, 3, 15}  # HUP, INT, QUIT, TERM: who sends them wants the container to end


class Owner:
    """A container as its monitor has it; `loop` calls the methods while it runs."""

    def __init__(self, record, plumbing, endpoint, process=None, listener=None):
        self.record, self.plumbing, self.endpoint, self.process = record, plumbing, endpoint, process
        self._listener = listener
        self.loop = Loop()
        self.cgroup = self.desk = self.health = None
        self._reaped = False

    def tend(self, stop, health):
        """Stay until the container has ended, then clean up; its exit code.

        stop: {"signal", "timeout"} of the container.  health: its probe, or None.
        """
        self.stop_wish = stop
        self.desk = Desk(self, self._listener)
        self.loop.watch(self.process.pidfd, self.loop.stop)
        self.plumbing.attach(self.loop)
        if health:
            from .health import Watch

            self.health = Watch(self.record, health, self.loop)
        self.loop.run()
        self._collect()
        self.clean_up()
        return self.record.exit_code

    def _collect(self):
        """Reap the container's first process and keep how it ended."""
        code = posix.waitstatus_to_exitcode(posix.waitpid(self.process.pid, 0)[1])
        code = code if code >= 0 else 128 - code
        self.cgroup = self.cgroup or cgroup.open(f"wherry/{self.record.id}")
        oom = code == KILLED and self.cgroup.stats().get("oom_kills", 0) > 0
        self.record.now.update(exit_code=code, oom=oom)
        self._reaped = True

    def clean_up(self):
        """Take down whatever was begun; the record says exited when nothing is left."""
        if self.process and not self._reaped:
            self._send(KILL)
            posix.waitpid(self.process.pid, 0)
        self.plumbing.finish()
        if self.health:
            self.health.end()
        self.endpoint.close()
        if self.cgroup:
            self.cgroup.kill()
            self.cgroup.remove()
        if self.desk:
            self.desk.close()
        if self._reaped:
            self.record.ended(time.time())

    def signal(self, number):
        """Send signal `number` to the container's first process; SIGKILL when it would not notice a request to end."""
        handled = number not in ENDING or signals.is_handled(self.process.pid, number)
        self._send(number if handled else KILL)

    def stop(self, timeout):
        """Send the stop signal now, and SIGKILL when the container has not ended after `timeout` seconds."""
        number = self.stop_wish["signal"]
        self._send(number if signals.is_handled(self.process.pid, number) else KILL)
        self.thaw()
        self.loop.after(self.stop_wish["timeout"] if timeout is None else timeout, lambda: self._send(KILL))

    def _send(self, number):
        try:
            linux.pidfd_send_signal(self.process.pidfd, number)
        except ProcessLookupError:
            pass  # it has just ended; the loop is about to see that

    def freeze(self):
        """Stop all of the container's processes where they are."""
        cgroup.open(f"wherry/{self.record.id}").freeze()
        self.record.update(status="paused")

    def thaw(self):
        """Let frozen processes go on; nothing happens when none are."""
        if self.record.status == "paused":
            cgroup.open(f"wherry/{self.record.id}").thaw()
            self.record.update(status="running")

    def show_ports(self):
        """Write which ports are published now into the state."""
        self.record.update(ports=[port.to_json() for port in self.endpoint.ports])
