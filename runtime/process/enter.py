"""One more process in a running container (`exec`), under the same protections as its first one."""

from posix import O_CLOEXEC, O_RDONLY, close
from posix import open as open_file

from .. import linux
from ..errors import StartError
from . import capabilities, child, execute, filters, namespaces, profile, terminal
from . import cgroup as cgroups

_ORDER = ("ipc", "uts", "network", "cgroup", "mount")  # mount last: from then on names are the container's


def enter(pid, process, *, stdio, cgroup=None, spec=None):
    """Run `process` (an OCI process section) in the container whose first process is `pid`; as `init.start`.

    stdio: three descriptors, or None for a terminal of the container's own.  cgroup: the container's; found when None.
    spec: the container's, for its seccomp section; without it the default one.
    A container that was given CAP_SYS_PTRACE can look into this process before it has become the command.
    """
    target, cgroup = open_container(pid, cgroup)
    console = None if stdio else terminal.Handover()
    try:
        launch = child.launch(
            lambda report: join_container(process, stdio or console, cgroup, target, report),
            cgroup_fd=cgroup.birth_fd if cgroup else None,
            pid_namespace=f"/proc/self/fd/{target['pid']}",
        )
    finally:
        for fd in target.values():
            close(fd)
    return child.await_process(launch, console, lambda: filter_of(process, spec))


def join_container(process, stdio, cgroup, target, report):
    """Everything between clone3 and execve."""
    # Host root in the container's pid namespace, so the container sees us. Not dumpable, nothing to import.
    execute.start_session()  # setsid, keyctl
    if cgroup:
        cgroup.join(report.is_in_cgroup)  # write to tasks
    join_namespaces(target)  # setns
    # Inside: names are the container's from here on. Still host root.
    take_terminal(process, stdio)  # dup2, TIOCSCTTY
    execute.set_limits(process, report)  # prlimit64
    filter_program = report.wait_for_parent()
    execute.close_descriptors(report)  # close_range
    # Nothing of the host's is open but 0, 1, 2 and the report.
    execute.become_user(process, filter_program)  # prctl, setresuid, capset, chdir, seccomp
    # The container's user, under the container's filter.
    execute.execute(process)  # execve


def filter_of(process, spec):
    """The compiled seccomp program that goes with the container."""
    if spec:
        return filters.of(spec)
    bounding = (process.get("capabilities") or {}).get("bounding", capabilities.DEFAULT)
    return filters.compiled(profile.default(bounding))


def open_container(pid, cgroup):
    """({kind: descriptor} of the namespaces of `pid`, its cgroup); StartError when it has ended."""
    pidfd, opened = None, {}
    try:
        pidfd = linux.pidfd_open(pid)
        for kind, file in namespaces.FILES.items():
            opened[kind] = open_file(f"/proc/{pid}/ns/{file}", O_RDONLY | O_CLOEXEC)
        cgroup = cgroup or cgroups.of(pid)
        linux.pidfd_send_signal(pidfd, 0)  # still there, so the number was its own all the time
        return opened, cgroup
    except (FileNotFoundError, ProcessLookupError):
        for fd in opened.values():
            close(fd)
        raise StartError("the container is not running", f"process {pid}", "start it first") from None
    finally:
        if pidfd is not None:
            close(pidfd)


def join_namespaces(target):
    """setns(2) into each; into the mount namespace last, which also makes the container's root ours."""
    for kind in _ORDER:
        linux.setns(target[kind], namespaces.FLAGS[kind])


def take_terminal(process, stdio):
    """Take `stdio` as 0, 1, 2; or make a terminal in the container's devpts."""
    if isinstance(stdio, terminal.Handover):
        master, slave = terminal.open_in(terminal.open_devpts("/dev/pts"), process["user"]["uid"])
        stdio.send(master)
        stdio = (slave, slave, slave)
    execute.take_stdio(stdio, process.get("terminal"))
