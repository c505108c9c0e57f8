"""One more command in a running container: what `exec` and probes by command do."""

import posix

from ..errors import Conflict
from ..process import enter
from ..process import user as users
from . import foreground, plumbing


def run(record, argv, *, stdio, env=None, user=None, workdir=None, tty=False):
    """Run `argv` in the container and return its exit code; with `tty` on a terminal of its own, copied to `stdio`.

    Returns when the command has ended, even if something it started goes on and holds its output open.
    """
    pipes = plumbing.connect(stdio, None, interactive=True, tty=tty)
    env = {"TERM": "xterm", **(env or {})} if tty else env
    process = inside(record, argv, stdio=pipes.child_ends(), env=env, user=user, workdir=workdir, tty=tty)
    foreground.accompany(process, pipes, stdio, tty)
    return exit_code(process)


def inside(record, argv, *, stdio, env=None, user=None, workdir=None, tty=False):
    """Start `argv` in the container: its Process. Conflict when the container does not run; StartError 126, 127."""
    if record.status != "running":
        raise Conflict(f"is {record.status}", record.name, _remedy(record))
    process = process_section(record, argv, env or {}, user, workdir, tty)
    return enter.enter(record.pid, process, stdio=stdio, spec=record.spec)


def process_section(record, argv, env, user, workdir, tty):
    """The OCI `process` of the command: the container's own, but for what is asked."""
    own = record.spec["process"]
    names = {line.partition("=")[0] for line in own["env"]} & set(env)
    kept = [line for line in own["env"] if line.partition("=")[0] not in names]
    section = {**own, "args": list(argv), "terminal": tty, "cwd": workdir or own["cwd"]}
    section["env"] = kept + [f"{name}={value}" for name, value in env.items()]
    return as_user(record, section, user) if user else section


def as_user(record, section, user):
    """The section with the identity that `user` has in the container; users other than root hold no capabilities."""
    fd = posix.open(f"/proc/{record.pid}/root", posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        uid, gid, groups, home = users.resolve(user, fd)
    finally:
        posix.close(fd)
    held = section["capabilities"]["bounding"] if uid == 0 else []
    sets = {**section["capabilities"], "effective": held, "permitted": held, "inheritable": [], "ambient": []}
    env = [line for line in section["env"] if not line.startswith("HOME=")] + [f"HOME={home}"]
    identity = {"uid": uid, "gid": gid, "additionalGids": list(groups)}
    return {**section, "user": identity, "capabilities": sets, "env": env}


def exit_code(process):
    """Wait for the end of a process that we started; 128+n when a signal ended it."""
    code = posix.waitstatus_to_exitcode(posix.waitpid(process.pid, 0)[1])
    posix.close(process.pidfd)
    return code if code >= 0 else 128 - code


def _remedy(record):
    if record.status == "paused":
        return f"let it go on with: wherry unpause {record.name}"
    return f"start it with: wherry start {record.name}"
