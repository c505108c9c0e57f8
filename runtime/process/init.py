"""From `run` to execve: a process becomes the first one of a container, step by step in the kernel's order."""

from posix import close

from .. import linux
from . import child, execute, filters, mounts, namespaces, rootpath, terminal


def start(spec, *, stdio, cgroup=None, connect=None):
    """Run `spec` (an OCI config) and return its Process once execve has happened; StartError (125, 126, 127) if not.

    stdio: three descriptors, or None for a terminal in the container's devpts, whose master is Process.terminal.
    cgroup: a Cgroup that exists.  connect(pid): called while the child waits, for what is done from outside (network).
    """
    joined = namespaces.joined(spec)
    console = None if stdio else terminal.Handover()
    launch = child.launch(
        lambda report: become_payload(spec, stdio or console, cgroup, joined, report),
        flags=namespaces.flags(spec),
        cgroup_fd=cgroup.birth_fd if cgroup else None,
        pid_namespace=joined.get("pid"),
    )

    def outside():
        filter_program = filters.of(spec)  # while the child mounts
        if connect:
            connect(launch.pid)
        return filter_program

    return child.await_process(launch, console, outside)


def become_payload(spec, stdio, cgroup, joined, report):
    """Everything between clone3 and execve."""
    process = spec["process"]
    # Host root with every capability, in new namespaces; the host's files are in view. Not dumpable, nothing to import.
    execute.start_session()  # setsid, keyctl
    join_cgroup(spec, cgroup, report)  # write to tasks, unshare(CLONE_NEWCGROUP)
    namespaces.join(joined)  # setns
    root, placed = mounts.mount_root(spec, cgroup)  # mount, fsopen, fsmount, open_tree, move_mount
    mounts.cover_paths(spec, root, placed)  # masked and read-only paths
    take_terminal(process, stdio, placed)  # dup2, TIOCSCTTY
    ensure_workdir(process, root)
    mounts.enter_root(spec, root)  # pivot_root, umount2
    # The host's files are out of view. Still host root.
    set_hostname(spec)  # sethostname
    execute.set_limits(process, report)  # prlimit64
    filter_program = report.wait_for_parent()  # the network is there now
    execute.close_descriptors(report)  # close_range
    # Nothing of the host's is open but 0, 1, 2 and the report.
    execute.become_user(process, filter_program)  # prctl, setresuid, capset, chdir, seccomp
    # The container's user, under the container's filter.
    execute.execute(process)  # execve


def join_cgroup(spec, cgroup, report):
    """Enter the cgroup, then make it the root of a cgroup namespace."""
    if cgroup:
        cgroup.join(report.is_in_cgroup)
    if namespaces.has_new(spec, "cgroup"):
        linux.unshare(linux.CLONE_NEWCGROUP)


def take_terminal(process, stdio, placed):
    """Take `stdio` as 0, 1, 2; or make a terminal inside the container, which becomes /dev/console too."""
    if isinstance(stdio, terminal.Handover):
        master, slave = terminal.open_in(placed["/dev/pts"], process["user"]["uid"])
        mounts.attach_console(placed["/dev"], placed["/dev/pts"], terminal.number(master))
        stdio.send(master)
        stdio = (slave, slave, slave)
    execute.take_stdio(stdio, process.get("terminal"))


def ensure_workdir(process, root):
    """Make the working directory if the image lacks it, as docker does."""
    close(rootpath.ensure_directory(root, process["cwd"]))


def set_hostname(spec):
    """sethostname, in a UTS namespace of our own only."""
    if spec.get("hostname") and namespaces.has_new(spec, "uts"):
        linux.sethostname(spec["hostname"])
