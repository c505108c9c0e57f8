"""A child that will be a container's process: hardened from its first moment, it reports its error, or that it execs.

The report is a close-on-exec pipe: what the child writes is its notices and its error, its end without an error is
execve. Until then the child is this interpreter inside a container, and two doors are shut: it is not dumpable
(through /proc/N/exe the container could overwrite the host's python), and it can import nothing (the container has
python modules too).
"""

import _thread
import sys
from _struct import pack, unpack
from posix import O_CLOEXEC as CLOEXEC
from posix import _exit, close, fork, pipe2, read, strerror, waitpid, write

from .. import linux
from ..errors import StartError
from .namespaces import ChildrenIn

SIGKILL = 9
_LEFT = []  # what a child has no use for any more
_GO = b"go"
_E2BIG = 7


class Process:
    """A process that has become a container's: pid, pidfd, the master of its terminal or None, and notices."""

    def __init__(self, pid, pidfd, terminal=None, notices=()):
        self.pid, self.pidfd, self.terminal, self.notices = pid, pidfd, terminal, list(notices)


def await_process(launch, console, outside):
    """Do the parent's share, `outside()` -> message for the child, and return the Process once it has become one.

    On any error the child is ended; when it had failed first, its reason is raised, since it is that of the parent too.
    console: the terminal.Handover, or None.
    """
    try:
        notices = launch.wait_for_execve(outside())
        return Process(launch.pid, launch.pidfd, console and console.receive(), notices)
    except BaseException as error:  # noqa: BLE001 - raised again here
        raise launch.abandon() or error from None
    finally:
        if console:
            console.close()


class Report:
    """The child's end of the report, and what the child knows of its birth: whether it is in the v2 cgroup."""

    def __init__(self, fd, gate, is_in_cgroup):
        self.fd, self._gate, self.is_in_cgroup = fd, gate, is_in_cgroup

    def notice(self, text):
        """Something that the user should know although the start goes on."""
        self._send("notice", text)

    def failed(self, error):
        """Tell the parent which step failed and why."""
        step = error.__traceback__.tb_next.tb_frame.f_code.co_name if error.__traceback__.tb_next else ""
        if isinstance(error, StartError):
            self._send("failed", error.what, error.where, error.hint, str(error.exit_code))
        elif isinstance(error, OSError):
            name = f" ({error.filename})" if error.filename else ""
            self._send("failed", (error.strerror or str(error)) + name, step.replace("_", " "), "", "125")
        else:
            self._send("failed", f"{type(error).__name__}: {error}", step.replace("_", " "), "", "125")

    def wait_for_parent(self):
        """Go on when the parent has done its share, and return what it has to say; end when the parent is gone."""
        message = _read_all(self._gate)
        if not message.startswith(_GO):
            _exit(125)
        return message[len(_GO) :]

    def _send(self, *fields):
        text = "\0".join(field.replace("\0", " ").replace("\n", " ") for field in fields)
        write(self.fd, text.encode("utf-8", "replace") + b"\n")


class Launch:
    """The parent's end: the child is running towards execve."""

    def __init__(self, pid, pidfd, report, gate):
        self.pid, self.pidfd, self._report, self._gate = pid, pidfd, report, gate

    def wait_for_execve(self, message=b""):
        """Let the child go on with `message`; its notices once it has become the command, StartError if it could not."""
        try:
            write(self._gate, _GO + message)
        except BrokenPipeError:
            pass  # it has failed already; why, the report says
        self._close("_gate")
        notices, error = self._read_report()
        if error:
            raise error
        return notices

    def abandon(self):
        """End the child and forget it; the error that it had reported by then, or None."""
        try:
            linux.pidfd_send_signal(self.pidfd, SIGKILL)
        except OSError:
            pass  # it has ended by itself
        waitpid(self.pid, 0)
        error = self._read_report()[1] if self._report is not None else None
        self._close("_gate", "pidfd")
        return error

    def _read_report(self):
        """(notices, StartError or None), once nobody can write to the report any more."""
        lines = [line.decode().split("\0") for line in _read_all(self._report).split(b"\n")[:-1]]
        self._close("_report")
        notices = [fields[0] for kind, *fields in lines if kind == "notice"]
        errors = [StartError(*fields[:3], int(fields[3])) for kind, *fields in lines if kind == "failed"]
        return notices, errors[0] if errors else None

    def _close(self, *names):
        for name in names:
            if getattr(self, name) is not None:
                close(getattr(self, name))
                setattr(self, name, None)


def launch(body, flags=0, cgroup_fd=None, pid_namespace=None):
    """Clone a child that runs `body(report)`, which ends in execve; the caller has descriptors 0, 1 and 2 open.

    flags: new namespaces.  cgroup_fd: a v2 cgroup to be born in.  pid_namespace: path of one to be born in.
    """
    report, report_child = pipe2(CLOEXEC)
    gate_child, gate = pipe2(CLOEXEC)

    def give_birth(more_flags=0):
        with ChildrenIn(pid_namespace):
            pid, pidfd, is_in_cgroup = _clone(flags | more_flags, cgroup_fd)
            if pid == 0:
                _run(body, Report(report_child, gate_child, is_in_cgroup), (report, gate))
        return pid, pidfd

    # Inherited by the child, which so is never dumpable, not even before its first instruction.
    dumpable = linux.prctl(linux.PR_GET_DUMPABLE)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    try:
        pid, pidfd = _by_way_of_a_fork(give_birth) if _thread._count() else give_birth()
    except BaseException:
        for fd in (report, gate):
            close(fd)
        raise
    finally:
        if dumpable == 1:
            linux.prctl(linux.PR_SET_DUMPABLE, 1)
        for fd in (report_child, gate_child, *([] if cgroup_fd is None else [cgroup_fd])):
            close(fd)
    return Launch(pid, pidfd, report, gate)


def _clone(flags, cgroup_fd):
    """(pid, pidfd, whether the child is in the v2 cgroup); before kernel 5.7 it has to go there by itself."""
    if cgroup_fd is not None:
        try:
            return (*linux.clone3(flags, cgroup_fd), True)
        except OSError as error:
            if error.errno not in (_E2BIG, linux.ENOSYS):
                raise
    return (*linux.clone3(flags), False)


def _by_way_of_a_fork(give_birth):
    """Where there are threads, let a forked process, which has one, make the child: ours all the same (CLONE_PARENT).

    After a bare clone3 the child could wait for ever for a lock that a thread had held, the interpreter's among them.
    """
    reader, writer = pipe2(CLOEXEC)
    middle = fork()
    if middle == 0:
        try:
            answer = give_birth(linux.CLONE_PARENT)[0]
        except OSError as error:
            answer = -error.errno
        write(writer, pack("i", answer))
        _exit(0)
    close(writer)
    (answer,) = unpack("i", read(reader, 4))
    close(reader)
    waitpid(middle, 0)
    if answer < 0:
        raise OSError(-answer, f"clone3: {strerror(-answer)}")
    return answer, linux.pidfd_open(answer)


def _run(body, report, parents):
    """The whole life of the child."""
    try:
        for fd in parents:
            close(fd)
        freeze_imports()
        body(report)
    except BaseException as error:  # noqa: BLE001 - the outermost loop of this process: everything is reported
        report.failed(error)
    finally:
        _exit(125)


def freeze_imports():
    """Make every further import fail, so that no module can come from the container's files."""
    sys.path[:] = []
    sys.meta_path[:] = []
    sys.path_hooks[:] = []
    _LEFT.append(sys.path_importer_cache)  # to free it would touch, and so copy, hundreds of pages
    sys.path_importer_cache = {}


def _read_all(fd):
    chunks = []
    while chunk := read(fd, 65536):
        chunks.append(chunk)
    return b"".join(chunks)
