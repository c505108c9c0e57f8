"""Wait for descriptors and for moments: all that a monitor does while its container runs."""

import select
import time

READ, WRITE = select.POLLIN, select.POLLOUT


class Loop:
    """Calls handlers when their descriptor is ready or their moment has come; sleeps in poll(2) otherwise."""

    def __init__(self):
        self._poll = select.poll()
        self._handlers = {}
        self._moments = []  # (monotonic seconds, handler)
        self._done = False

    def watch(self, fd, handler, events=READ):
        """Call `handler()` whenever `fd` is ready for `events` or hung up; replaces an earlier handler of `fd`."""
        self._handlers[fd] = handler
        self._poll.register(fd, events)

    def forget(self, fd):
        """Stop watching `fd`; not watched is no error."""
        if self._handlers.pop(fd, None):
            self._poll.unregister(fd)

    def after(self, seconds, handler):
        """Call `handler()` once, `seconds` from now."""
        self._moments.append((time.monotonic() + seconds, handler))
        self._moments.sort(key=lambda moment: moment[0])

    def run(self):
        """Wait and call handlers until one of them calls `stop`."""
        self._done = False
        while not self._done:
            self._call_due()
            if not self._done:
                self._wait()

    def stop(self):
        """Make `run` return when the handler that calls this has returned."""
        self._done = True

    def _call_due(self):
        while self._moments and self._moments[0][0] <= time.monotonic():
            self._moments.pop(0)[1]()

    def _wait(self):
        rest = max(0, self._moments[0][0] - time.monotonic()) * 1000 + 1 if self._moments else None
        for fd, _ in self._poll.poll(rest):
            handler = self._handlers.get(fd)
            if handler and not self._done:
                handler()
