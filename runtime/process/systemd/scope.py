"""The scope: the unit of systemd that keepers, monitors and containers live in, so that they outlive who started them.

systemd gives it a cgroup and leaves what is below to us (Delegate=yes); it is not touched when systemd reloads, or ends
a login with everything in it.

    system.slice/wherry.scope     on v2 no process of its own, so that controllers can be enabled for what is below
        keeper                    keepers and monitors
        <container id>            made by the container's monitor (`cgroup.create`)

The first keeper has it made, later ones join it, and it ends with its last process. org.freedesktop.systemd1(5).
"""

import posix
from time import sleep

from ...errors import KernelError
from .. import cgroup, hierarchies
from . import bus

SOCKET = "/run/systemd/private"
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
EXISTS = "org.freedesktop.systemd1.UnitExists"
SLICE, UNIT, KEEPER = hierarchies.KEEPERS.split("/")
PATIENCE = 10.0  # seconds; systemd answers in milliseconds, unless it reloads
NO_LIMIT = (1 << 64) - 1
STOPPING = 15_000_000  # microseconds that containers get when the machine goes down, as docker gives them


def join():
    """Move this process, which is root's, into the scope.

    ProtocolError, KernelError, OSError when systemd does not do it in time.
    """
    with bus.Connection(SOCKET, PATIENCE) as systemd:
        for _ in range(int(PATIENCE / 0.05)):
            if _make(systemd) or _attach(systemd):
                return
            sleep(0.05)  # it has just been made and has no folder for keepers yet, or its last process has just ended
    raise KernelError("this process could neither make nor join it", UNIT, f"see: systemctl status {UNIT}")


def properties(pid):
    """The scope as systemd is to make it around the process `pid`: [(name, (type, value))] of systemd.scope(5)."""
    return [
        ("Description", ("s", "wherry: containers and what keeps them")),
        ("Slice", ("s", SLICE)),
        ("PIDs", ("au", [pid])),
        ("Delegate", ("b", True)),
        ("CollectMode", ("s", "inactive-or-failed")),  # one that failed is in nobody's way
        ("KillMode", ("s", "control-group")),  # when it is stopped, and only then
        ("TimeoutStopUSec", ("t", STOPPING)),
        ("TasksMax", ("t", NO_LIMIT)),  # each container has a limit of its own
    ]


def _make(systemd):
    """Have the scope made with this process in it; False when it exists."""
    try:
        arguments = (UNIT, "fail", properties(posix.getpid()), [])
        job = systemd.call(SYSTEMD, "StartTransientUnit", "ssa(sv)a(sa(sv))", *arguments)[0]
    except bus.Refused as refusal:
        if refusal.name == EXISTS:
            return False
        raise
    result = systemd.signal("JobRemoved", lambda removed: removed[1] == job)[3]
    if result != "done":
        raise KernelError(f"systemd could not start it: {result}", UNIT, f"see: systemctl status {UNIT}")
    _enter_folder()
    return True


def _attach(systemd):
    """Have this process moved into the scope, which exists (systemd 238); False when that did not work."""
    found = hierarchies.find()
    is_folder_needed = found.v2 and not found.v1  # the scope's own cgroup takes no process there
    folder = f"/{KEEPER}" if is_folder_needed else "/"
    try:
        systemd.call(SYSTEMD, "AttachProcessesToUnit", "ssau", UNIT, folder, [posix.getpid()])
    except bus.Refused:
        return False
    if not is_folder_needed:
        _enter_folder()
    return True


def _enter_folder():
    """Go on to the folder for keepers, which v1 does not have."""
    v2 = hierarchies.find().v2
    if not v2:
        return
    folder = f"{v2}/{hierarchies.KEEPERS}"
    try:
        posix.mkdir(folder)
    except FileExistsError:
        pass  # of an earlier keeper
    cgroup.Cgroup(UNIT, {}, folder, {}).join(is_in_v2=False)
