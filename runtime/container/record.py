"""What is known of one container: what it is to be (`record.json`, `config.json`) and how it is now (`state.json`).

The first two lie in <root>/containers/<id>, or with `--rm` in <state>/containers/<id>, where `state.json` always lies:
it is gone after a reboot, as the processes are; then the copy on disk, taken at each change of status, counts.
"""

import posix

from .. import state
from ..errors import NotFound

NEVER_RAN = {"status": "created", "pid": 0, "monitor": 0, "exit_code": None, "address": None, "ports": []}
LIVE = ("running", "paused")


class Record:
    """One container; `fields` are fixed at creation (but for name and release), `now` changes as it lives."""

    def __init__(self, dirs, fields, now=None):
        self.dirs, self.fields, self.now = dirs, fields, dict(NEVER_RAN if now is None else now)
        self._spec = None

    id = property(lambda self: self.fields["id"])
    name = property(lambda self: self.fields["name"])
    image = property(lambda self: self.fields["image"])
    image_id = property(lambda self: self.fields["image_id"])
    request = property(lambda self: self.fields["request"])
    created = property(lambda self: self.fields["created"])
    release = property(lambda self: self.fields.get("release"))
    labels = property(lambda self: self.fields["labels"])
    pid = property(lambda self: self.now["pid"])
    monitor = property(lambda self: self.now["monitor"])
    started = property(lambda self: self.now.get("started"))
    finished = property(lambda self: self.now.get("finished"))
    oom = property(lambda self: self.now.get("oom", False))
    address = property(lambda self: self.now["address"])
    ports = property(lambda self: self.now["ports"])
    health = property(lambda self: self.now.get("health"))
    error = property(lambda self: self.now.get("error"))
    notices = property(lambda self: self.now.get("notices", []))
    ephemeral = property(lambda self: bool(self.request.get("rm")))

    @property
    def status(self):
        """created, running, paused or exited; never running when the process is gone, whatever was written last."""
        return "exited" if self.lost else self.now["status"]

    @property
    def exit_code(self):
        """The exit code, 128+n after a signal; None while it runs and when nobody was there to see it end."""
        return None if self.lost else self.now["exit_code"]

    @property
    def lost(self):
        """Whether it is on record as living but its process is gone: the monitor died, or the machine was restarted."""
        return self.now["status"] in LIVE and not self.alive

    @property
    def alive(self):
        """Whether the container's first process is there."""
        return is_process(self.now["pid"], self.now.get("pid_start"))

    @property
    def monitored(self):
        """Whether the process that owns this container is there."""
        return is_process(self.now["monitor"], self.now.get("monitor_start"))

    @property
    def home(self):
        """The directory of the record and the spec."""
        return self.run_dir if self.ephemeral else self.disk_dir

    @property
    def run_dir(self):
        """The directory of what a reboot ends: state, control socket, /etc files."""
        return f"{self.dirs.run}/{self.id}"

    @property
    def disk_dir(self):
        """The directory of what needs a disk: the overlay's upper directory and the log."""
        return f"{self.dirs.containers}/{self.id}"

    @property
    def spec(self):
        """The OCI config.json, with wherry's own section."""
        if self._spec is None:
            self._spec = state.read(f"{self.home}/config.json")
        return self._spec

    def make(self, spec):
        """Write a new container's files; its run directory must be there and its name be claimed before."""
        self._spec = spec
        for path in (self.disk_dir, f"{self.disk_dir}/work"):
            posix.mkdir(path, 0o700)
        self._make_upper(spec["wherry"]["overlay"])
        state.write(f"{self.home}/config.json", spec, durable=not self.ephemeral)
        self.save()

    @staticmethod
    def _make_upper(overlay):
        """The upper directory; it lends the container's / its owner and mode, which are the image's."""
        root = posix.stat(overlay["lower"][0])
        posix.mkdir(overlay["upper"])
        posix.chown(overlay["upper"], root.st_uid, root.st_gid)
        posix.chmod(overlay["upper"], root.st_mode & 0o7777)

    def locked(self):
        """A context in which nobody else starts or removes the container; what a reboot has taken is there again."""
        for path in (self.dirs.rootfs, self.run_dir):
            state.ensure_private(path)
        return state.locked(f"{self.run_dir}/lock")

    def save(self):
        """Write the record: after creation only its name and release change, and only under its lock."""
        state.write(f"{self.home}/record.json", self.fields, durable=not self.ephemeral)

    def update(self, **changes):
        """Change the state and write it; a copy of each new status stays on disk for after a reboot."""
        self.now.update(changes)
        state.write(f"{self.run_dir}/state.json", self.now, durable=False)
        if "status" in changes and not self.ephemeral:
            state.write(f"{self.disk_dir}/state.json", self.now, durable=False)

    def ended(self, moment):
        """Say that nothing of the container runs any more; one that is about to be removed needs no file that says so."""
        end = {"status": "exited", "finished": moment, "pid": 0, "ports": [], "address": None}
        self.now.update(end) if self.ephemeral else self.update(**end)

    def reload(self):
        """Read the state again, as the monitor last wrote it."""
        self.now = state.read(f"{self.run_dir}/state.json", missing=self.now)

    def erase(self):
        """Remove everything of this container, the record last: what is removed by half is still on record."""
        for name in ("upper", "work", "log"):
            state.remove_tree(f"{self.disk_dir}/{name}")
        for path in (self.disk_dir, self.run_dir):
            state.remove_tree(path)


def load(dirs, container_id):
    """The record of `container_id`; NotFound."""
    for parent in (dirs.run, dirs.containers):
        fields = state.read(f"{parent}/{container_id}/record.json", missing=None)
        if fields is not None:
            return Record(dirs, fields, _now(dirs, container_id))
    raise NotFound(f"no container {container_id}")


def _now(dirs, container_id):
    now = state.read(f"{dirs.run}/{container_id}/state.json", missing=None)
    if now is None:  # never started, or the machine was restarted: no process of then is left
        now = {**state.read(f"{dirs.containers}/{container_id}/state.json", missing=NEVER_RAN), "pid": 0, "monitor": 0}
    return now


def ids(dirs):
    """The ids of all containers that have a directory."""
    return sorted({*posix.listdir(dirs.run), *posix.listdir(dirs.containers)})


def start_time(pid):
    """When process `pid` began, in clock ticks since boot; None when there is no such process or it is a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_process(pid, started):
    """Whether `pid` is still the process that began at `started`: numbers are used again, this pair is not."""
    return pid > 0 and started is not None and start_time(pid) == started
