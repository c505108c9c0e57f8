"""What a hostile program tries in a container; prints {attempt: outcome} as JSON. Runs inside, with the standard library.

An outcome is "done", the name of an errno, "killed", or the text that the attempt returned.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import signal
import socket
import struct
import sys

if not (os.path.exists("/.container-of-a-test") and os.statvfs("/proc/sys").f_flag & os.ST_RDONLY):
    sys.exit("probe.py attacks the system it runs on: only in a confined container of the tests")

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"


def syscall(number_x86, number_arm, *arguments):
    result = libc.syscall(
        number_x86 if X86 else number_arm,
        *[ctypes.c_long(each) if isinstance(each, int) else each for each in arguments],
    )
    if result == -1:
        raise OSError(ctypes.get_errno(), "")
    return "done"


def read(path):
    with open(path, "rb") as file:
        return f"{len(file.read(4096))} bytes"


def write(path, text="1"):
    with open(path, "w") as file:
        file.write(text)


def ioctl(request):
    _master, slave = os.openpty()
    fcntl.ioctl(slave, request, b"x")


def ioctl_with_high_bits(request):
    """The kernel looks at 32 bits of a request; a filter that compares 64 is fooled."""
    _master, slave = os.openpty()
    syscall(16, 29, slave, 0x1_0000_0000 | request, ctypes.create_string_buffer(b"x"))


def foreign_call():
    """getpid by int 0x80, the i386 way."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20; int 0x80; ret
    return str(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))())


def setuid_program():
    """A copy of id that is setuid root, run as another user."""
    if os.getuid() == 0:
        return "root"
    return os.popen("/suid-id -u").read().strip()


def write_host_memory():
    os.mknod("/tmp/mem", 0o600 | 0o020000, os.makedev(1, 1))
    read("/tmp/mem")


def open_own_root_by_handle():
    handle = ctypes.create_string_buffer(b"\x08\x00\x00\x00\x01\x00\x00\x00" + b"\x02" + b"\0" * 16)
    directory = os.open("/", os.O_RDONLY)
    return syscall(304, 265, directory, handle, 0)


TARGET = ctypes.create_string_buffer(8)
IOVEC = struct.pack("QQ", ctypes.addressof(TARGET), 8)

ATTEMPTS = {
    # C6: the kernel's files
    "write core_pattern": lambda: write("/proc/sys/kernel/core_pattern", "|/tmp/x"),
    "write sysrq": lambda: write("/proc/sysrq-trigger", "h") if os.path.exists("/proc/sysrq-trigger") else "EROFS",
    "read kcore": lambda: read("/proc/kcore"),
    "read keys": lambda: read("/proc/keys"),
    "read timer_list": lambda: read("/proc/timer_list"),
    "read interrupts": lambda: read("/proc/interrupts"),
    "list firmware": lambda: str(os.listdir("/sys/firmware")),
    "list acpi": lambda: str(os.listdir("/proc/acpi")) if os.path.exists("/proc/acpi") else "[]",
    "write sysfs": lambda: write(
        "/sys/kernel/mm/ksm/run" if os.path.exists("/sys/kernel/mm/ksm/run") else "/sys/kernel/profiling"
    ),
    "write irq": lambda: write("/proc/irq/default_smp_affinity", "1"),
    # C7: cgroups and user namespaces
    "make a cgroup": lambda: os.mkdir(
        "/sys/fs/cgroup/memory/x" if os.path.exists("/sys/fs/cgroup/memory") else "/sys/fs/cgroup/x"
    ),
    "release_agent": lambda: write("/sys/fs/cgroup/memory/release_agent", "/tmp/x"),
    "raise the memory limit": lambda: write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"),
    "unshare a user namespace": lambda: syscall(272, 97, 0x10000000),
    "clone into a user namespace": lambda: syscall(56, 220, 0x10000000 | 17, 0, 0, 0, 0),
    "clone with high bits": lambda: syscall(56, 220, 0x1_0000_0000 | 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": lambda: syscall(435, 435, ctypes.create_string_buffer(88), 88),
    "mount": lambda: syscall(165, 40, b"cgroup", b"/tmp", b"cgroup", 0, b"memory"),
    "remount /proc/sys": lambda: syscall(165, 40, None, b"/proc/sys", None, 32 | 4096, None),
    "umount a mask": lambda: syscall(166, 39, b"/proc/keys", 2),
    # C8: sockets and system calls
    "AF_ALG": lambda: socket.socket(38, 5),
    "AF_VSOCK": lambda: socket.socket(40, 1),
    "AF_VSOCK with high bits": lambda: syscall(41, 198, 0x1_0000_0028, 1, 0),
    "AF_PACKET": lambda: socket.socket(17, 3, 0x300),
    "audit": lambda: socket.socket(16, 3, 9),
    "audit with high bits": lambda: syscall(41, 198, 0x1_0000_0010, 3, 0x1_0000_0009),
    "netlink route": lambda: socket.socket(16, 3, 0).close() or "done",
    "io_uring_setup": lambda: syscall(425, 425, 1, ctypes.create_string_buffer(120)),
    "bpf": lambda: syscall(321, 280, 0, ctypes.create_string_buffer(120), 120),
    "userfaultfd": lambda: syscall(323, 282, 0),
    "perf_event_open": lambda: syscall(298, 241, ctypes.create_string_buffer(120), 0, -1, -1, 0),
    "add_key": lambda: syscall(248, 217, b"user", b"x", b"y", 1, -3),
    "keyctl": lambda: syscall(250, 219, 0, -3, 0),
    "kexec_load": lambda: syscall(246, 104, 0, 0, 0, 0),
    "init_module": lambda: syscall(175, 105, b"", 0, b""),
    "open_by_handle_at": open_own_root_by_handle,
    "open_tree": lambda: syscall(428, 428, -100, b"/", 1),
    "fsopen": lambda: syscall(430, 430, b"tmpfs", 0),
    "setns": lambda: syscall(308, 268, os.open("/proc/self/ns/net", 0), 0),
    "swapon": lambda: syscall(167, 224, b"/tmp/x", 0),
    "reboot": lambda: syscall(169, 142, 0, 0, 0, 0),
    "a call that no kernel has": lambda: syscall(600, 600),
    "an x32 call": lambda: syscall(0x40000000 + 39, 600),
    "an i386 call": foreign_call if X86 else lambda: os.kill(os.getpid(), 9),
    "personality READ_IMPLIES_EXEC": lambda: syscall(135, 92, 0x0400000),
    # C9: the terminal
    "TIOCSTI": lambda: ioctl(0x5412),
    "TIOCLINUX": lambda: ioctl(0x541C),
    "TIOCSTI with high bits": lambda: ioctl_with_high_bits(0x5412),
    # C10: devices, other processes, setuid
    "read /dev/mem": write_host_memory,
    "ptrace the host": lambda: syscall(101, 117, 16, 4000000, 0, 0),
    "read the host's memory": lambda: syscall(310, 270, 4000000, IOVEC, 1, IOVEC, 1, 0),
    "run a setuid program": setuid_program,
    # what must go on working
    "fork": lambda: os.waitpid(os.fork() or os._exit(0), 0)[1] == 0 and "done",
    "null": lambda: write("/dev/null"),
    "urandom": lambda: read("/dev/urandom"),
    "chown": lambda: os.chown("/tmp/mine", 7, 7),
    "own limit": lambda: (
        read("/sys/fs/cgroup/memory/memory.limit_in_bytes") and "done"
        if os.path.exists("/sys/fs/cgroup/memory")
        else "done"
    ),
}


def attempt(action):
    """The outcome of one attempt, made in a process of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            outcome = action() or "done"
        except OSError as error:
            outcome = errno.errorcode.get(error.errno, str(error.errno))
        os.write(writer, str(outcome).encode())
        os._exit(0)
    os.close(writer)
    outcome = os.read(reader, 4096).decode()
    status = os.waitpid(pid, 0)[1]
    os.close(reader)
    return "killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGSYS, signal.SIGKILL) else outcome


with open("/tmp/mine", "w"):
    pass
with open("/proc/self/status") as file:
    status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
outcomes = {name: attempt(action) for name, action in ATTEMPTS.items()}
outcomes.update({name: status[name] for name in ("NoNewPrivs", "CapInh", "Seccomp")})
sys.stdout.write(json.dumps(outcomes))
