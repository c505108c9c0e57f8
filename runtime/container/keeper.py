"""The keeper: one small process per payload, from which the monitors of containers in the background are forked.

A fork shares the memory of everything that is imported, so that a monitor costs a few hundred kB where an interpreter
of its own costs megabytes. The keeper holds no state: it is started when it is missing, ends with its last monitor,
and its death harms none of them.

    client                      keeper                  monitor            its child (see `birth`)
                                fork  -------------->   accept
    connect, send the id  --------------------------->  fork  ---------->  read the id, start the container
                                fork the next  <-----   own it  <--------  hand it over
    wait  <--------------------------------------------------------------  "started", or the error; end
"""

import _signal
import _socket
import gc
import posix
import select
import sys

from .. import state
from ..errors import WherryError
from . import control

BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from runtime.container.keeper import main; main(sys.argv[2:])"
FOLDER = globals().get("__file__", "").rpartition("/runtime/")[0]  # "" when the payload is held in memory
PATIENCE = 10  # seconds that a keeper without monitors waits for the first request


def start(record):
    """Have a monitor started that owns `record`'s container; returns when it runs, StartError and others if it cannot."""
    answer = _ask(record) or _ask(record)  # a keeper that was just leaving may have taken the first question with it
    if answer is None:
        raise WherryError("the monitor ended without an answer", record.name, "try again")
    control.raise_error(answer)


def _ask(record):
    channel = _connect(record.dirs)
    try:
        control.send(channel, {"id": record.id})
        return control.receive(channel)[0]
    except (BrokenPipeError, ConnectionResetError):
        return None
    finally:
        channel.close()


def socket_name():
    """The keeper's socket: each payload has its own, named by the payload's digest or for a checkout by its path."""
    parent, _, name = FOLDER.rpartition("/")
    if parent.endswith("/payload"):
        return f"keeper-{name[:40]}.sock"
    import binascii

    return f"keeper-{binascii.crc32(FOLDER.encode()):08x}.sock"


def _connect(dirs):
    """A connection to the keeper, which is started when nobody listens."""
    if not FOLDER:
        raise WherryError("containers can be started only where the payload lies on disk", hint="use become_user: root")
    state.ensure_private(dirs.state)
    name = socket_name()
    try:
        return control.connect(dirs.state, name)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    with state.locked(f"{dirs.locks}/keeper"):
        try:
            return control.connect(dirs.state, name)
        except (FileNotFoundError, ConnectionRefusedError):
            listener = control.listen(dirs.state, name)
        # The socket is there before the keeper is: connecting needs no waiting and no trying again.
        _spawn(dirs, listener.fileno())
        listener.close()
        return control.connect(dirs.state, name)


def _spawn(dirs, listener):
    """Start the keeper as nobody's child, in a session of its own, with nothing of ours but the listening socket."""
    child = posix.fork()
    if child:
        posix.waitpid(child, 0)
        return
    try:
        posix.setsid()
        if posix.fork() == 0:
            posix.chdir("/")
            null = posix.open("/dev/null", posix.O_RDWR)
            for fd in (0, 1, 2):
                posix.dup2(null, fd)
            posix.set_inheritable(listener, True)
            arguments = [sys.executable, "-I", "-S", "-B", "-c", BOOT, FOLDER, str(listener), dirs.root, dirs.state]
            posix.execve(sys.executable, arguments, {"LC_ALL": "C.UTF-8"})
    finally:
        posix._exit(0)


def main(arguments):
    """The keeper's life: import everything once, then keep one monitor ready for the next request."""
    from . import birth

    listener, root, state_dir = arguments
    keeper = Keeper(state.Dirs(root, state_dir), _socket.socket(fileno=int(listener)))
    _leave_session()
    _signals(keeper.reap)
    _import_all()
    _freeze_memory()
    keeper.serve(birth.monitor)


def _leave_session():
    """Move to where nobody ends us who ends the login session that started us."""
    for enter in (_enter_scope, _enter_cgroup):
        try:
            enter()
        except (WherryError, OSError):
            pass  # not ours to change; a session that is ended by force takes us with it then


def _enter_scope():
    """systemd's scope, where there is systemd."""
    from ..process import hierarchies

    if hierarchies.has_systemd() and posix.geteuid() == 0:
        from ..process.systemd import scope

        scope.join()


def _enter_cgroup():
    """A cgroup of our own: in the scope, or at the top."""
    from ..process import cgroup

    cgroup.create("wherry/keeper", {}).join(is_in_v2=False)


def _signals(reap):
    for name in ("SIGHUP", "SIGINT", "SIGPIPE"):
        _signal.signal(getattr(_signal, name), _signal.SIG_IGN)
    _signal.signal(_signal.SIGCHLD, reap)


def _import_all():
    """Whatever a monitor may need later, so that it is shared, and stays that of this payload."""
    from ..network import addresses, bridge, conntrack, nftables  # noqa: F401
    from ..process import capabilities, filters, profile
    from . import container, health, logs, session  # noqa: F401

    filters.compiled(profile.default(capabilities.DEFAULT))


def _freeze_memory():
    """Keep the collector from touching, and so copying, the pages that all monitors share."""
    gc.collect()
    gc.freeze()
    gc.disable()


class Keeper:
    """Forks a monitor that waits for the next request, again and again, until the last one that had one has ended.

    What the keeper touches between two forks the older monitor no longer shares either, so it does next to nothing.
    """

    def __init__(self, dirs, listener):
        from .guard import guard

        self._dirs, self._listener, self._guard = dirs, listener, guard
        self._waiting = 0  # the pid of the monitor that has no request yet
        self._serving = set()
        self._name_is_ours = True

    def serve(self, monitor):
        """Fork monitors; never returns."""
        self._listener.setblocking(True)
        told, tell = posix.pipe2(posix.O_CLOEXEC)
        self._waiting = posix.fork() or monitor(self._dirs, self._listener, tell)
        if not _readable(told, PATIENCE):
            self._leave()  # nobody asked
        if posix.fork() == 0:
            self._guard(self._dirs)
        while True:
            posix.read(told, 1)  # the one that waited has a request
            self._serving.add(self._waiting)
            self._waiting = posix.fork() or monitor(self._dirs, self._listener, tell)

    def reap(self, *signal):
        """Wait for the monitors that have ended; leave with the last."""
        try:
            while True:
                pid, _ = posix.waitpid(-1, posix.WNOHANG)
                if pid == 0:
                    break
                self._serving.discard(pid)
        except ChildProcessError:
            pass  # not one child is left
        if not self._serving:
            self._leave()

    def _leave(self):
        """End, unless somebody has connected meanwhile; a keeper that comes later has a socket of its own."""
        if self._name_is_ours:
            with state.locked(f"{self._dirs.locks}/keeper"):
                try:
                    posix.unlink(f"{self._dirs.state}/{socket_name()}")
                except FileNotFoundError:
                    pass  # the state folder was cleared
            self._name_is_ours = False
        if not _readable(self._listener.fileno(), 0):
            # Wakes the monitor that waits, which ends; one that has just taken a request goes on without us.
            self._listener.shutdown(_socket.SHUT_RDWR)
            posix._exit(0)


def _readable(fd, seconds):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
