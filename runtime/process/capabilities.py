"""Capabilities: names and masks, and the change from all of them to those of the container (capabilities(7))."""

from .. import linux
from ..errors import UsageError

_NAMES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
ALL = tuple("CAP_" + name for name in _NAMES.split())  # in order of number
_DEFAULT_NAMES = """
CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT
"""
DEFAULT = tuple("CAP_" + name for name in _DEFAULT_NAMES.split())  # podman's eleven


def chosen(add=(), drop=(), start=DEFAULT):
    """`start` with `add` and without `drop`, in order of number; "ALL" means all; prefix and case are free."""
    added, dropped = set(map(_name, add)), set(map(_name, drop))
    names = set(ALL if "ALL" in added else () if "ALL" in dropped else start)
    names = (names | added) - dropped - {"ALL"}
    return [name for name in ALL if name in names]


def _name(text):
    name = text.upper()
    if name == "ALL":
        return name
    name = name if name.startswith("CAP_") else "CAP_" + name
    if name not in ALL:
        raise UsageError(f"no capability is called {text}", "capabilities", "names are listed in capabilities(7)")
    return name


def mask(names):
    """The bit set of capability names; names that this version does not know are left out."""
    bits = 0
    for name in names or ():
        if name in ALL:
            bits |= 1 << ALL.index(name)
    return bits


def bound(sets):
    """Drop everything outside `sets["bounding"]` from the bounding set; needs CAP_SETPCAP."""
    kept = mask(sets.get("bounding"))
    for number in range(64):
        if not kept >> number & 1:
            try:
                linux.prctl(linux.PR_CAPBSET_DROP, number)
            except OSError as error:
                if error.errno == 22:  # EINVAL: the kernel knows no capability of this number or above
                    return
                raise


def limit(sets):
    """Set the effective, permitted and inheritable sets to `sets` (OCI process.capabilities), and the ambient one."""
    held = linux.capget()[1]
    effective, permitted, inheritable = (mask(sets.get(each)) for each in ("effective", "permitted", "inheritable"))
    linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
    linux.capset(effective & held, permitted & held, inheritable & held)
    for name in sets.get("ambient") or ():
        linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_RAISE, ALL.index(name))
