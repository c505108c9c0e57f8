"""Serve one controller: a thread takes frames from the channel, the main thread does the tasks in their order.

The thread never waits for a task: content on its way, heartbeats and the end of the channel are seen while one runs.
When the channel ends, what must not be left half done is finished, then the process ends.
"""

import os
import sys
import threading
from _queue import SimpleQueue

from ..errors import ProtocolError
from .channel import take_over_stdio
from .facts import Facts
from .host import Runtime
from .streams import Streams
from .undivided import Undivided
from .worker import Worker

STREAM_FRAMES = ("begin", "data", "end")
TIDYING = 10.0  # seconds that a task whose content ended half way gets to remove what it had begun to make


def main(payload):
    """Serve the channel on descriptors 0 and 1 until it ends."""
    channel = take_over_stdio()
    ignore_hangup()
    Agent(channel, payload).run()
    leave(0)


def ignore_hangup():
    """SIGHUP must not end us in the middle of a write; a function, because programs started by tasks inherit SIG_IGN."""
    import _signal

    _signal.signal(_signal.SIGHUP, lambda number, frame: None)


def leave(code):
    """End without waiting for threads."""
    os._exit(code)


class Agent:
    """One channel, its streams and its worker."""

    def __init__(self, channel, payload):
        self.channel, self.payload = channel, payload
        self.queue = SimpleQueue()
        self.undivided = Undivided()
        self.streams = Streams(channel)
        self.runtime, self.facts, self.offers = Runtime(), Facts(), {}
        self.worker = Worker(self)
        self._heartbeats = None
        self._over = threading.Event()

    def run(self):
        """Greet, then answer requests in order until `bye` or the end of the channel."""
        threading.Thread(target=self.read, daemon=True).start()
        try:
            self.channel.send(greeting(self.payload.digest))
            while (frame := self.queue.get()) is not None:
                self.worker.handle(frame)
        except OSError:
            pass  # the channel is gone; nobody is left to be told
        finally:
            self._over.set()

    def read(self):
        """Take frames until the channel ends (in a thread of its own)."""
        try:
            while (frame := self.channel.receive()) is not None:
                if not self.dispatch(*frame):
                    return
        except OSError:
            pass  # as good as the end
        except ProtocolError as error:
            self.channel.send({"type": "error", "text": str(error)})
        self.end()

    def dispatch(self, header, body):
        """Put one frame where it belongs; False for the last one."""
        kind = header["type"]
        if kind in STREAM_FRAMES:
            self.streams.feed(header, body)
        elif kind == "heartbeat":
            self.heartbeats.put(header)
        elif kind == "bye":
            self.queue.put(None)
            return False
        else:
            self.queue.put(header)
        return True

    @property
    def heartbeats(self):
        """The queue of heartbeats; a thread answers them while a long release step runs."""
        if self._heartbeats is None:
            self._heartbeats = SimpleQueue()
            threading.Thread(target=self.beat, daemon=True).start()
        return self._heartbeats

    def beat(self):
        """Answer heartbeats (in a thread of its own)."""
        while True:
            self.worker.heartbeat(self._heartbeats.get())

    def end(self):
        """The channel is gone: wake whoever waits for content, let what is undivided finish, end the process."""
        woken = self.streams.lose()
        self.undivided.close()
        if woken:
            self._over.wait(TIDYING)
        leave(1)


def greeting(digest):
    """The frame that a controller gets first."""
    kernel = os.uname()
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot_id = file.read().strip()
    except OSError:
        boot_id = ""
    return {
        "type": "ready",
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "kernel": kernel.release,
        "hostname": kernel.nodename,
        "boot_id": boot_id,
        "machine": kernel.machine,
        "uid": os.geteuid(),
        "payload": digest,
    }
