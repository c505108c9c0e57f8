"""A container or a command in the foreground: signals and the terminal are passed on until it ends."""

import _signal
import gc
import posix

from ..process import terminal
from . import plumbing
from .loop import Loop
from .start import start

PASSED_ON = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")
WINDOW_CHANGED = int(_signal.SIGWINCH)


def run(containers, record, stdio):
    """Run `record`'s container, of which this process is the monitor, until it ends; its exit code.

    With --rm nothing of it is left then, and its output, if it is no terminal's, is not logged.
    """
    asked = record.request
    try:
        log = None if record.ephemeral else plumbing.open_log(record)
        pipes = plumbing.connect(stdio, log, asked.get("interactive", False), asked.get("tty", False))
        with Signals() as arrived, _keys(stdio, asked):
            owner = start(record, pipes)
            gc.freeze()  # nothing of what is there now is looked through
            gc.enable()  # switched off for the start; from here on this process may live long
            plumbing.write_all(stdio[2], "".join(f"wherry: {notice}\n" for notice in record.notices).encode())
            arrived.pass_on(owner.loop, owner.signal, owner.process, stdio)
            wish = record.spec["wherry"]
            return owner.tend(wish["stop"], wish["health"])
    finally:
        if record.ephemeral:
            containers.erase(record)


def accompany(process, pipes, stdio, tty):
    """Copy between `stdio` and a process that we started until it ends."""
    loop = Loop()
    with Signals() as arrived, _keys(stdio, {"tty": tty, "interactive": tty}):
        loop.watch(process.pidfd, loop.stop)
        pipes.started(process)
        pipes.attach(loop)
        arrived.pass_on(loop, lambda number: _send(process, number), process, stdio)
        loop.run()
    pipes.finish()


class Signals:
    """Collects signals from when it is entered; `pass_on` hands those that came, and those to come, to a process."""

    def __enter__(self):
        self._reader, writer = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)
        self._writer, self._before = writer, _signal.set_wakeup_fd(writer)
        self._handlers = {name: _signal.signal(getattr(_signal, name), lambda *_: None) for name in PASSED_ON}
        return self

    def __exit__(self, *exception):
        for name, handler in self._handlers.items():
            _signal.signal(getattr(_signal, name), handler)
        _signal.set_wakeup_fd(self._before)
        posix.close(self._reader)
        posix.close(self._writer)

    def pass_on(self, loop, send, process, stdio):
        """Call `send(number)` for each signal; a change of the window's size goes to the terminal instead."""
        if process.terminal is not None:
            _fit(process.terminal, stdio)

        def handle():
            for number in posix.read(self._reader, 4096):
                if number != WINDOW_CHANGED:
                    send(number)
                elif process.terminal is not None:
                    _fit(process.terminal, stdio)

        loop.watch(self._reader, handle)


def _fit(inner, stdio):
    """Give the container's terminal the size of the caller's."""
    outer = next((fd for fd in stdio if posix.isatty(fd)), None)
    if outer is not None:
        terminal.set_size(inner, *terminal.size(outer))


def _keys(stdio, asked):
    """Raw mode while the container reads the caller's keys."""
    wanted = asked.get("tty") and asked.get("interactive") and posix.isatty(stdio[0])
    return terminal.Raw(stdio[0]) if wanted else plumbing.Nothing()


def _send(process, number):
    from .. import linux

    try:
        linux.pidfd_send_signal(process.pidfd, number)
    except ProcessLookupError:
        pass  # it has just ended
