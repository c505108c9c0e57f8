"""The system calls that Python's standard library lacks, each under its kernel name; x86_64 and aarch64.

They go through `_ctypes`, the core of ctypes, because importing the package would double the start of a container.
A call that fails raises OSError: errno as the kernel gave it, "mount: Permission denied" as the text.
Paths are str or bytes; a descriptor argument `dir_fd` may be AT_FDCWD.
"""

import _ctypes
from _signal import SIG_DFL, getsignal
from _struct import pack, unpack_from
from posix import O_CLOEXEC, close, listdir, strerror, uname

# name: (x86_64, aarch64); calls since 5.1 have one number everywhere
_NUMBERS = {
    "rt_sigprocmask": (14, 135),
    "ioctl": (16, 29),
    "clone": (56, 220),
    "capset": (126, 91),
    "capget": (125, 90),
    "personality": (135, 92),
    "fstatfs": (138, 44),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "mount": (165, 40),
    "umount2": (166, 39),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "prlimit64": (302, 261),
    "syncfs": (306, 267),
    "setns": (308, 268),
    "renameat2": (316, 276),
    "seccomp": (317, 277),
    "memfd_create": (319, 279),
    "bpf": (321, 280),
    "pidfd_send_signal": (424, 424),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
    "close_range": (436, 436),
    "openat2": (437, 437),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
}
MACHINE = uname().machine
_COLUMN = {"x86_64": 0, "aarch64": 1}.get(MACHINE)

ENOSYS = 38
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x8000, 0x100
SIGCHLD, SIG_SETMASK = 17, 2

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_SYNCHRONOUS, MS_REMOUNT = 1, 2, 4, 8, 16, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_MOVE, MS_REC = 1024, 2048, 4096, 8192, 16384
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
MS_RELATIME, MS_STRICTATIME = 1 << 21, 1 << 24
MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW = 1, 2, 8

MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR_NODIRATIME = 0x10, 0x20, 0x80
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 0x4, 0x40
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6

CLONE_NEWTIME, CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_PIDFD, CLONE_PARENT, CLONE_INTO_CGROUP = 0x1000, 0x8000, 0x200000000

PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 1, 3, 4, 8
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 23, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_SET_NAME = 38, 47, 15
PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 2, 4

RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 1, 2, 4, 8, 16
O_PATH = 0o10000000
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
MFD_CLOEXEC, MFD_ALLOW_SEALING = 1, 2
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG = 1, 2
KEYCTL_JOIN_SESSION_KEYRING = 1
RLIM_INFINITY = (1 << 64) - 1


class _Long(_ctypes._SimpleCData):
    _type_ = "l"


class _Word(_ctypes._SimpleCData):
    _type_ = "P"  # takes what a system call takes: a number, None, bytes or a buffer


class _Byte(_ctypes._SimpleCData):
    _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long
    _argtypes_ = (_Long, *[_Word] * 6)


class _FunctionHoldingGIL(_ctypes.CFuncPtr):
    # For clone: if another thread took the interpreter's lock meanwhile, the child would wait for it for ever.
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO | _ctypes.FUNCFLAG_PYTHONAPI
    _restype_ = _Long
    _argtypes_ = (_Long, *[_Word] * 6)


class _SignalFunction(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL
    _restype_ = _Long
    _argtypes_ = (_Long, _Word)


_libc = _ctypes.dlopen(None, 0)
_address = _ctypes.dlsym(_libc, "syscall")
_syscall = _Function(_address)
_syscall_holding_gil = _FunctionHoldingGIL(_address)
_signal = _SignalFunction(_ctypes.dlsym(_libc, "signal"))
_NUMBER = {} if _COLUMN is None else {name: columns[_COLUMN] for name, columns in _NUMBERS.items()}


def _call(name, a=0, b=0, c=0, d=0, e=0, f=0, function=_syscall):
    """Make the system call `name`; its arguments are numbers, bytes, buffers and None (a null pointer)."""
    if name not in _NUMBER:
        raise OSError(ENOSYS, f"{name}: there is no table of system calls for {MACHINE}")
    result = function(_NUMBER[name], a, b, c, d, e, f)
    if result == -1:
        code = _ctypes.get_errno()
        raise OSError(code, f"{name}: {strerror(code)}")
    return result


def _text(value):
    """`value` as the bytes of a C string; None stays None."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if value is not None and b"\0" in value:
        raise ValueError(f"a null byte in {value!r}")  # C would silently use the part before it
    return value


def buffer(size):
    """Zeroed memory that the kernel may write to; read it with bytes()."""
    return (_Byte * size)()


def copied(content):
    """Memory of our own with `content`, whose address (_ctypes.addressof) may go into a packed argument."""
    return (_Byte * len(content)).from_buffer_copy(content)


# --- mounts -----------------------------------------------------------------------------------------------------------


def mount(source, target, fstype, flags=0, data=None):
    """mount(2)."""
    _call("mount", _text(source), _text(target), _text(fstype), flags, _text(data))


def umount2(target, flags=0):
    """umount2(2)."""
    _call("umount2", _text(target), flags)


def pivot_root(new_root, put_old):
    """pivot_root(2)."""
    _call("pivot_root", _text(new_root), _text(put_old))


def open_tree(dir_fd, path="", flags=OPEN_TREE_CLONE):
    """A descriptor of the mount at `path`, by default of a private copy of it; an empty path means `dir_fd` itself."""
    empty = 0 if path else AT_EMPTY_PATH
    return _call("open_tree", dir_fd, _text(path), flags | empty | O_CLOEXEC)


def move_mount(tree_fd, target_fd):
    """Attach the mount `tree_fd` on top of what the descriptor `target_fd` refers to."""
    _call("move_mount", tree_fd, b"", target_fd, b"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)


def mount_setattr(dir_fd, path="", flags=0, attr_set=0, attr_clr=0, propagation=0):
    """Change attributes of a mount, with AT_RECURSIVE of all below it; kernel 5.12."""
    empty = 0 if path else AT_EMPTY_PATH
    attributes = pack("4Q", attr_set, attr_clr, propagation, 0)
    _call("mount_setattr", dir_fd, _text(path), flags | empty, attributes, len(attributes))


def fsopen(fstype):
    """A context in which a new filesystem of type `fstype` is configured."""
    return _call("fsopen", _text(fstype), 1)


def fsconfig(fs_fd, command, key=None, value=None):
    """Set one option of a filesystem context, or create the filesystem."""
    _call("fsconfig", fs_fd, command, _text(key), _text(value), 0)


def fsmount(fs_fd, attributes=0):
    """A descriptor of a mount of the configured filesystem, attached nowhere yet."""
    return _call("fsmount", fs_fd, 1, attributes)


def fstatfs(fd):
    """The magic number of the filesystem that `fd` is on."""
    answer = buffer(128)
    _call("fstatfs", fd, answer)
    return unpack_from("q", answer)[0]


def syncfs(fd):
    """Write everything of the filesystem that `fd` is on to its disk."""
    _call("syncfs", fd)


# --- files ------------------------------------------------------------------------------------------------------------


def openat2(dir_fd, path, flags, mode=0, resolve=0):
    """Open `path` under the restrictions `resolve`; kernel 5.6."""
    how = pack("3Q", flags | O_CLOEXEC, mode, resolve)
    return _call("openat2", dir_fd, _text(path), how, len(how))


def renameat2(old_fd, old, new_fd, new, flags):
    """Rename with RENAME_NOREPLACE or RENAME_EXCHANGE."""
    _call("renameat2", old_fd, _text(old), new_fd, _text(new), flags)


def close_range(first, last=0xFFFFFFFF):
    """Close all descriptors from `first` to `last`; before kernel 5.9 one by one, as /proc lists them."""
    try:
        _call("close_range", first, last, 0)
    except OSError as error:
        if error.errno != ENOSYS:
            raise
        close_listed(first, last)


def close_listed(first, last=0xFFFFFFFF):
    """Close all descriptors from `first` to `last` that /proc/self/fd lists."""
    for fd in map(int, listdir("/proc/self/fd")):
        if first <= fd <= last:
            try:
                close(fd)
            except OSError:
                pass  # the descriptor that listed the folder is gone already


def memfd_create(name, flags=MFD_CLOEXEC):
    """A file in memory."""
    return _call("memfd_create", _text(name), flags)


def ioctl(fd, request, argument=0):
    """ioctl(2); `argument` is a number, bytes, or a buffer that the kernel writes to."""
    return _call("ioctl", fd, request, argument)


# --- processes --------------------------------------------------------------------------------------------------------


def clone3(flags, cgroup_fd=None):
    """Fork into the new namespaces of `flags`: (pid, pidfd) in the parent, (0, -1) in the child.

    As after fork(2), only the calling thread lives in the child. With `cgroup_fd` the child is born in that v2 cgroup
    (kernel 5.7). Python's after-fork hooks do not run: the child must do little and then execve.
    """
    pidfd = buffer(4)
    flags |= CLONE_PIDFD | (CLONE_INTO_CGROUP if cgroup_fd is not None else 0)
    signal = 0 if flags & CLONE_PARENT else SIGCHLD  # then it is that of the caller itself
    arguments = pack("11Q", flags, _ctypes.addressof(pidfd), 0, 0, signal, 0, 0, 0, 0, 0, cgroup_fd or 0)
    try:
        pid = _call("clone3", arguments, len(arguments), function=_syscall_holding_gil)
    except OSError as error:
        if error.errno != ENOSYS or cgroup_fd is not None:
            raise
        pid = clone(flags | signal, pidfd)
    return (pid, unpack_from("i", pidfd)[0]) if pid else (0, -1)


def clone(flags, pidfd):
    """clone(2), for where a filter answers clone3 with ENOSYS; the pidfd is written to `pidfd`."""
    # The third argument is the parent's tid, which CLONE_PIDFD redefines; it has this place on both machines.
    return _call("clone", flags, 0, pidfd, 0, 0, function=_syscall_holding_gil)


def unshare(flags):
    """unshare(2)."""
    _call("unshare", flags)


def setns(fd, flags=0):
    """Join the namespace of `fd`, or those of a pidfd that `flags` names (kernel 5.8)."""
    _call("setns", fd, flags)


def pidfd_open(pid):
    """A descriptor of the process `pid`."""
    return _call("pidfd_open", pid, 0)


def pidfd_send_signal(pidfd, signal):
    """Send `signal` to exactly the process of `pidfd`, however numbers are reused."""
    _call("pidfd_send_signal", pidfd, signal, None, 0)


def pidfd_getfd(pidfd, fd):
    """A duplicate of the descriptor `fd` of another process; kernel 5.6."""
    return _call("pidfd_getfd", pidfd, fd, 0)


def prctl(option, second=0, third=0, fourth=0, fifth=0):
    """prctl(2)."""
    return _call("prctl", option, second, third, fourth, fifth)


def prlimit(resource, soft, hard, pid=0):
    """Set a resource limit (0 is this process)."""
    _call("prlimit64", pid, resource, pack("2Q", soft, hard), None)


def getrlimit(resource, pid=0):
    """(soft, hard) of a resource limit."""
    answer = buffer(16)
    _call("prlimit64", pid, resource, None, answer)
    return unpack_from("2Q", answer)


def reset_signals():
    """Default action for every classic signal and none blocked; what is ignored would stay ignored after execve."""
    for number in range(1, 32):
        if getsignal(number) != SIG_DFL:  # as Python knows it: most are at their defaults
            _signal(number, None)
    _call("rt_sigprocmask", SIG_SETMASK, bytes(8), None, 8)


def personality(value):
    """personality(2)."""
    return _call("personality", value)


def sethostname(name):
    """sethostname(2)."""
    name = _text(name)
    _call("sethostname", name, len(name))


def setdomainname(name):
    """setdomainname(2)."""
    name = _text(name)
    _call("setdomainname", name, len(name))


# --- privileges -------------------------------------------------------------------------------------------------------

_CAPABILITY_VERSION_3 = 0x20080522


def capset(effective, permitted, inheritable):
    """Set this process's capability sets, each a mask of 64 bits."""
    low, high = 0xFFFFFFFF, 32
    sets = (effective, permitted, inheritable)
    data = pack("6I", *[each & low for each in sets], *[each >> high for each in sets])
    _call("capset", pack("Ii", _CAPABILITY_VERSION_3, 0), data)


def capget():
    """(effective, permitted, inheritable) of this process."""
    data = buffer(24)
    _call("capget", pack("Ii", _CAPABILITY_VERSION_3, 0), data)
    words = unpack_from("6I", data)
    return tuple(words[index] | words[index + 3] << 32 for index in range(3))


def seccomp(program, flags=0):
    """Put this process under the BPF `program` (bytes of struct sock_filter), for good."""
    instructions = copied(program)
    header = pack("HxxxxxxQ", len(program) // 8, _ctypes.addressof(instructions))
    _call("seccomp", SECCOMP_SET_MODE_FILTER, flags, header)


def keyctl(operation, second=0):
    """keyctl(2); KEYCTL_JOIN_SESSION_KEYRING gives this process a new, empty session keyring."""
    return _call("keyctl", operation, second, 0, 0, 0)


def bpf(command, attributes):
    """bpf(2); `attributes` is a packed union bpf_attr."""
    return _call("bpf", command, attributes, len(attributes))
