"""What a container may do unless told otherwise, as an OCI runtime-spec config; pure.

Everything is denied that a service does not need: eleven capabilities for uid 0 and none for others, no_new_privs,
a seccomp list, masked and read-only paths, 2048 processes, no core files, no devices but the standard ones.
"""

from posix import cpu_count

from . import capabilities, profile

PIDS_LIMIT = 2048
SHM_SIZE = 64 << 20

MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
SYSCTLS = {  # in a network namespace of its own only, as docker
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
}
# null, zero, full, random, urandom, tty, console, ptmx, terminals
_DEVICES = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (136, None))


def default(
    argv,
    *,
    root="",
    env=(),
    cwd="/",
    uid=0,
    gid=0,
    groups=(),
    hostname="",
    overlay=None,
    read_only=False,
    terminal=False,
    mounts=(),
    network="bridge",
    cap_add=(),
    cap_drop=(),
    privileged=False,
    allow_setuid=False,
    memory=None,
    cpus=None,
    pids=PIDS_LIMIT,
    cpuset=None,
    ulimits=None,
    devices=(),
    shm_size=SHM_SIZE,
    rootless=False,
):
    """The config.json of a container.

    env: {name: value} or ["NAME=value"].  overlay: {"lower", "upper", "work"} as `mounts` takes it, or None.
    network: "bridge" and "none" give a network namespace, "host" gives none, a path joins that one.
    memory: bytes.  cpus: how many, may be a fraction.  ulimits: {"nofile": (soft, hard)}.
    devices: host paths, or (host path, path inside, access).
    """
    caps = list(capabilities.ALL) if privileged else capabilities.chosen(cap_add, cap_drop)
    return {
        "ociVersion": "1.0.2",
        "root": {"path": root, "readonly": read_only},
        "hostname": hostname,
        "process": {
            "terminal": terminal,
            "user": {"uid": uid, "gid": gid, "additionalGids": list(groups)},
            "args": list(argv),
            "env": environment(env),
            "cwd": cwd,
            "capabilities": process_capabilities(caps, uid, kept=() if privileged else cap_add),
            "noNewPrivileges": not (allow_setuid or privileged),
            "rlimits": rlimits(ulimits or {}),
        },
        "mounts": standard_mounts(shm_size, writable=privileged) + list(mounts),
        "linux": {
            "namespaces": namespaces(network, rootless),
            "sysctl": {} if network == "host" or network.startswith("/") else dict(SYSCTLS),
            "devices": [device(each) for each in devices],
            "resources": resources(memory, cpus, pids, cpuset, devices, all_devices=privileged),
            **({} if privileged else confinement(caps)),
        },
        "wherry": {"overlay": overlay},
    }


def environment(env):
    """A mapping or a list as the list that the specification wants."""
    return env if isinstance(env, list) else [f"{name}={value}" for name, value in dict(env).items()]


def process_capabilities(caps, uid, kept):
    """The sets of the process: nothing is inheritable; a user other than root holds only what was `kept` for it."""
    held = caps if uid == 0 else []
    asked = [] if uid == 0 else capabilities.chosen(kept, start=())
    return {
        "bounding": caps,
        "effective": held or asked,
        "permitted": held or asked,
        "inheritable": asked,
        "ambient": asked,
    }


def rlimits(ulimits):
    """OCI rlimits: those asked for, and no core files unless asked for."""
    limits = {"core": (0, 0), **ulimits}
    return [{"type": f"RLIMIT_{name.upper()}", "soft": soft, "hard": hard} for name, (soft, hard) in limits.items()]


def standard_mounts(shm_size, writable):
    """The kernel's filesystems as every container has them; /sys and the cgroups are read-only unless `writable`."""
    safe = ["nosuid", "noexec", "nodev"]
    access = "rw" if writable else "ro"
    return [
        _mount("/proc", "proc", safe),
        _mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
        _mount("/dev/shm", "tmpfs", [*safe, "mode=1777", f"size={shm_size}"]),
        _mount("/dev/mqueue", "mqueue", safe),
        _mount("/sys", "sysfs", [*safe, access]),
        _mount("/sys/fs/cgroup", "cgroup", [*safe, access]),
    ]


def _mount(destination, fstype, options):
    return {"destination": destination, "type": fstype, "source": fstype, "options": options}


def namespaces(network, rootless):
    """The namespaces of a container; with `rootless` one for users too."""
    kinds = ["pid", "ipc", "uts", "mount", "cgroup"] + (["user"] if rootless else [])
    own = [{"type": kind} for kind in kinds]
    if network == "host":
        return own
    return [*own, {"type": "network", "path": network} if network.startswith("/") else {"type": "network"}]


def confinement(caps):
    """The parts of `linux` that `privileged` leaves out."""
    throttles = [f"/sys/devices/system/cpu/cpu{number}/thermal_throttle" for number in range(cpu_count() or 1)]
    return {"maskedPaths": [*MASKED, *throttles], "readonlyPaths": list(READ_ONLY), "seccomp": profile.default(caps)}


def resources(memory=None, cpus=None, pids=PIDS_LIMIT, cpuset=None, devices=(), all_devices=False):
    """OCI linux.resources; memory includes swap, so that a limit is a limit."""
    limits = {"devices": [{"allow": True, "access": "rwm"}] if all_devices else device_rules(devices)}
    if pids is not None:
        limits["pids"] = {"limit": pids}
    if memory is not None:
        limits["memory"] = {"limit": memory, "swap": memory}
    if cpus is not None:
        limits["cpu"] = {"quota": int(cpus * 100_000), "period": 100_000}
    if cpuset is not None:
        limits["cpu"] = {**limits.get("cpu", {}), "cpus": cpuset}
    return limits


def device_rules(devices):
    """Nothing may be opened but the standard devices and `devices`; nodes of any kind may be made (they open nothing)."""
    made = [{"allow": True, "type": kind, "access": "m"} for kind in "cb"]
    standard = [
        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"} for major, minor in _DEVICES
    ]
    asked = [{"allow": True, "path": each[0], "access": each[2]} for each in map(_triple, devices)]
    return [{"allow": False, "access": "rwm"}, *made, *standard, *asked]


def device(asked):
    """A wherry device entry: the node is made after the host's one when the container starts."""
    source, inside, _ = _triple(asked)
    return {"path": inside, "source": source}


def _triple(asked):
    return (asked, asked, "rwm") if isinstance(asked, str) else tuple(asked)
