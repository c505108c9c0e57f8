"""What must not be left half done when the channel ends: a file being replaced, a command that runs, a container's start."""

import threading


class ChannelLost(SystemExit):
    """The controller is gone; a SystemExit, so that no module takes it for an error of its own."""


class Undivided:
    """A lock that tasks hold around such steps; closing it waits for the running step and allows no further one."""

    def __init__(self):
        self._lock = threading.RLock()
        self._closed = False

    def __enter__(self):
        self._lock.acquire()
        if self._closed:
            self._lock.release()
            raise ChannelLost(1)
        return self

    def __exit__(self, *error):
        self._lock.release()

    def close(self):
        """Wait until no step runs; from the call on, none begins."""
        self._closed = True
        self._lock.acquire()
