"""From a request and an image to the OCI config.json of a container."""

import posix

from .. import linux
from ..errors import UsageError
from ..process import spec as process_spec
from . import etc, signals, skeleton, volumes

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RESERVED = "wherry."  # labels that an image cannot set
SECOND = 1_000_000_000  # durations in an image's config are in nanoseconds


def make(record, image, lower):
    """The spec of `record`, a container of `image` (its config) over the directories `lower`, topmost first."""
    asked, given = record.request, image.get("config") or {}
    uid, gid, groups, home = identity(asked.get("user") or given.get("User") or "", lower)
    hostname = _hostname(record)
    spec = process_spec.default(
        arguments(asked, given),
        root=record.dirs.rootfs,
        env=environment(asked, given, hostname, home),
        cwd=asked.get("workdir") or given.get("WorkingDir") or "/",
        uid=uid,
        gid=gid,
        groups=groups,
        hostname=hostname,
        overlay=overlay(record, lower),
        read_only=asked.get("read_only", False),
        terminal=asked.get("tty", False),
        mounts=[*etc.mounts(record), *tmpfs(asked), *volumes.mounts(record.dirs, asked.get("volumes", []))],
        network=asked.get("network", "bridge"),
        cap_add=asked.get("cap_add", ()),
        cap_drop=asked.get("cap_drop", ()),
        privileged=asked.get("privileged", False),
        allow_setuid=asked.get("allow_setuid", False),
        **limits(asked),
        devices=[device(each) for each in asked.get("devices", [])],
    )
    spec["wherry"].update(
        network={"mode": asked.get("network", "bridge")},
        ports=[port.to_json() for port in ports(record.dirs, asked)],
        health=health(asked, given),
        stop=stop(asked, given),
    )
    return spec


def overlay(record, lower):
    """The layers of the container's root, as `process.mounts` takes them."""
    layers = [*lower, skeleton.ensure(record.dirs)]
    return {"lower": layers, "upper": f"{record.disk_dir}/upper", "work": f"{record.disk_dir}/work"}


def arguments(asked, given):
    """What is executed: entrypoint and command, the image's where nothing else is asked."""
    entrypoint = asked.get("entrypoint", given.get("Entrypoint") or [])
    command = asked.get("command") or ([] if "entrypoint" in asked else given.get("Cmd") or [])
    found = [each for each in entrypoint if each] + command
    if not found:
        raise UsageError("nothing to run: the image names no command", hint="put a command behind the image's name")
    return found


def environment(asked, given, hostname, home):
    """The container's environment: ours, over it the image's, over it what is asked."""
    found = {"PATH": PATH, "HOSTNAME": hostname, "HOME": home}
    if asked.get("tty"):
        found["TERM"] = "xterm"
    found.update(line.split("=", 1) for line in given.get("Env") or [] if "=" in line and "\0" not in line)
    found.update(asked.get("env", {}))
    return found


def identity(user, lower):
    """(uid, gid, groups, home) of `user` as the image's own /etc/passwd and /etc/group have it."""
    if user in ("", "0", "root", "0:0", "root:root"):
        return 0, 0, (), "/root"
    from ..process import user as users

    with_passwd = [path for path in lower if _has_passwd(path)]
    fd = posix.open((with_passwd or lower)[0], posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        return users.resolve(user, fd)
    finally:
        posix.close(fd)


def _has_passwd(path):
    fd = posix.open(path, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        found = linux.openat2(fd, "etc/passwd", posix.O_PATH, resolve=linux.RESOLVE_IN_ROOT)
    except OSError:
        return False
    finally:
        posix.close(fd)
    posix.close(found)
    return True


def limits(asked):
    """The limits that are asked for, as `spec.default` takes them."""
    found = {"memory": asked.get("memory"), "cpus": asked.get("cpus")}
    if "pids" in asked:
        found["pids"] = asked["pids"] if asked["pids"] > 0 else None
    found["ulimits"] = {name: _ulimit(name, text) for name, text in asked.get("ulimits", {}).items()}
    return found


def _ulimit(name, text):
    soft, _, hard = text.partition(":")
    try:
        pair = int(soft), int(hard or soft)
    except ValueError:
        raise UsageError(f"ulimit {name}={text}: a number or SOFT:HARD is needed") from None
    return tuple(linux.RLIM_INFINITY if each < 0 else each for each in pair)


def tmpfs(asked):
    """The mounts of "/path" or "/path:size=64m,mode=700"."""
    found = []
    for text in asked.get("tmpfs", []):
        path, _, options = text.partition(":")
        if not path.startswith("/"):
            raise UsageError(f"tmpfs {text!r}: an absolute path is needed")
        options = [each for each in options.split(",") if each]
        safe = ["nosuid", "nodev", "noexec"] if "exec" not in options else ["nosuid", "nodev"]
        options = [*safe, *(each for each in options if each not in ("exec", "rw"))]
        found.append({"destination": path, "type": "tmpfs", "source": "tmpfs", "options": options})
    return found


def device(text):
    """(host path, path inside, access) of "/dev/x[:/dev/y][:rwm]"."""
    source, *rest = text.split(":")
    inside = rest.pop(0) if rest and rest[0].startswith("/") else source
    access = rest.pop(0) if rest else "rwm"
    if rest or not source.startswith("/") or not set(access) <= set("rwm"):
        raise UsageError(
            f"device {text!r} cannot be meant", hint="write it as /dev/x, /dev/x:/dev/y or /dev/x:/dev/y:rw"
        )
    return source, inside, access


def ports(dirs, asked):
    """The ports that are asked for, each once."""
    texts = asked.get("ports", [])
    if not texts:
        return []
    if asked.get("network", "bridge") != "bridge":
        raise UsageError("only a container on the network bridge can publish ports", hint="leave out -p or --network")
    from ..network.ports import parse

    address = dirs.setting("publish_address", "127.0.0.1")
    found = [port for text in texts for port in parse(text, address)]
    return list(dict.fromkeys(found))


def health(asked, given):
    """The probe that is asked for, else the image's own, else None."""
    check = given.get("Healthcheck") or {}
    test = check.get("Test") or ["NONE"]
    if "health" in asked or test[0] not in ("CMD", "CMD-SHELL"):
        return asked.get("health")
    times = {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod"}
    found = {ours: check[theirs] / SECOND for ours, theirs in times.items() if check.get(theirs)}
    retries = {"retries": check["Retries"]} if check.get("Retries") else {}
    return {"command": test[1:] if test[0] == "CMD" else test[1], **found, **retries}


def stop(asked, given):
    """The signal that asks the container to end, and how many seconds it has."""
    signal = asked.get("stop_signal") or given.get("StopSignal") or "TERM"
    return {"signal": signals.number(signal), "timeout": asked.get("stop_timeout", 10)}


def labels(asked, given):
    """The image's labels, but for those that are wherry's to set, and over them those asked for."""
    from_image = {name: value for name, value in (given.get("Labels") or {}).items() if not name.startswith(RESERVED)}
    return {**from_image, **asked.get("labels", {})}


def _hostname(record):
    if record.request.get("network") == "host":
        return posix.uname().nodename
    return record.request.get("hostname", record.id[:12])
