"""The last steps before a command runs in a container, for its first process and for later ones alike."""

from posix import chdir, dup, dup2, execve, getcwd, setgroups, setresgid, setresuid, setsid, umask

from .. import linux
from ..errors import StartError
from . import capabilities, terminal

_ENOENT, _EACCES, _ENOTDIR, _ENOEXEC = 2, 13, 20, 8
_EPERM = 1
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_REPORT = 3
_RESOURCES = {
    "RLIMIT_CPU": 0,
    "RLIMIT_FSIZE": 1,
    "RLIMIT_DATA": 2,
    "RLIMIT_STACK": 3,
    "RLIMIT_CORE": 4,
    "RLIMIT_RSS": 5,
    "RLIMIT_NPROC": 6,
    "RLIMIT_NOFILE": 7,
    "RLIMIT_MEMLOCK": 8,
    "RLIMIT_AS": 9,
    "RLIMIT_LOCKS": 10,
    "RLIMIT_SIGPENDING": 11,
    "RLIMIT_MSGQUEUE": 12,
    "RLIMIT_NICE": 13,
    "RLIMIT_RTPRIO": 14,
    "RLIMIT_RTTIME": 15,
}


def start_session():
    """A session and keyring of our own, so that no terminal's signals and no keys of the host reach us; plain signals."""
    linux.reset_signals()
    setsid()
    try:
        linux.keyctl(linux.KEYCTL_JOIN_SESSION_KEYRING)
    except OSError as error:
        if error.errno not in (linux.ENOSYS, _EPERM):  # an outer container's filter forbids keys altogether
            raise


def take_stdio(stdio, is_terminal):
    """Make `stdio` descriptors 0, 1 and 2; a terminal becomes the controlling one."""
    copies = [dup(fd) for fd in stdio]  # first all copies: stdio may be a permutation of 0, 1, 2
    for number, copy in enumerate(copies):
        dup2(copy, number)
    if is_terminal:
        terminal.control(0)


def set_limits(process, report):
    """Set the resource limits; a raise that is refused is clamped to what we may have, and reported."""
    for limit in process.get("rlimits", ()):
        kind, soft, hard = limit["type"], limit["soft"], limit["hard"]
        if kind not in _RESOURCES:
            raise StartError(f"{kind} is not a resource limit", "process.rlimits", "names are listed in getrlimit(2)")
        try:
            linux.prlimit(_RESOURCES[kind], _amount(soft), _amount(hard))
        except OSError as error:
            if error.errno != _EPERM:
                raise
            clamped = linux.getrlimit(_RESOURCES[kind])[1]
            linux.prlimit(_RESOURCES[kind], min(_amount(soft), clamped), min(_amount(hard), clamped))
            report.notice(f"{kind}: {hard} was asked for, the kernel allows {clamped}")


def _amount(value):
    return linux.RLIM_INFINITY if value < 0 else value


def close_descriptors(report):
    """Keep 0, 1, 2 and the report, which execve closes; everything else is the host's."""
    dup2(report.fd, _REPORT, inheritable=False)
    report.fd = _REPORT
    linux.close_range(_REPORT + 1)


def become_user(process, filter_program):
    """From host root to the container's user: capabilities, ids, no_new_privs, seccomp."""
    sets, user = process.get("capabilities") or {}, process["user"]
    no_new_privileges = process.get("noNewPrivileges")
    capabilities.bound(sets)
    if filter_program and not no_new_privileges:
        linux.seccomp(filter_program)  # takes CAP_SYS_ADMIN, which is gone below
    linux.prctl(linux.PR_SET_KEEPCAPS, 1)
    setgroups(user.get("additionalGids", []))
    setresgid(user["gid"], user["gid"], user["gid"])
    setresuid(user["uid"], user["uid"], user["uid"])
    # The container's user from here on; the permitted capabilities were kept, now they shrink to the container's.
    capabilities.limit(sets)
    linux.prctl(linux.PR_SET_DUMPABLE, 0)  # a change of identity sets it to what fs.suid_dumpable says
    umask(user.get("umask", 0o022))
    enter_directory(process["cwd"])
    if no_new_privileges:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        if filter_program:
            linux.seccomp(filter_program)


def enter_directory(path):
    """chdir as the user; a directory outside the root (by a leaked descriptor) is refused."""
    try:
        chdir(path)
        inside = getcwd().startswith("/")  # the kernel says "(unreachable)", libc ENOENT
    except FileNotFoundError:
        raise StartError(
            f"there is no directory {path}", "working directory", "create it or change workdir", 127
        ) from None
    except (NotADirectoryError, PermissionError) as error:
        raise StartError(f"{path}: {error.strerror}", "working directory", "change workdir or user", 126) from None
    if not inside:
        raise StartError(f"{path} is outside the container", "working directory", "change workdir")


def execute(process):
    """execvp(3) in the container, by its own PATH; 127 when nothing is found, 126 when it cannot be executed."""
    environment = dict(entry.partition("=")[::2] for entry in process.get("env", ()))
    arguments, found_but = process["args"], None
    for path in candidates(arguments[0], environment.get("PATH", _DEFAULT_PATH)):
        try:
            execve(path, arguments, environment)
        except OSError as error:
            if error.errno not in (_ENOENT, _ENOTDIR, _EACCES):
                raise not_executable(path, error) from None
            if error.errno == _EACCES:
                found_but = found_but or not_executable(path, error)
    raise found_but or not_found(arguments[0], environment.get("PATH", _DEFAULT_PATH))


def candidates(name, search):
    """Where execvp(3) would look for `name`."""
    if "/" in name or not name:
        return [name]
    return [f"{folder or '.'}/{name}" for folder in search.split(":")]


def not_executable(path, error):
    """The error for a file that is there but does not run."""
    reason = "it is for another machine, or no program" if error.errno == _ENOEXEC else error.strerror
    return StartError(f"{path} cannot be executed: {reason}", "command", "", 126)


def not_found(name, search):
    """The error for a command that is nowhere."""
    if "/" in name:
        return StartError(f"{name}: no such file, or its interpreter is missing", "command", "", 127)
    return StartError(f"{name}: command not found", "command", f"PATH is {search}", 127)
