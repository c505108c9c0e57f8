"""The containers of this host: create, start, stop, remove, and what can be asked of them."""

import posix
import time

from .. import linux, state
from ..errors import Conflict, NotFound, UsageError
from . import config, names, request, signals
from . import record as records
from .index import Index

SETTLING = 30  # seconds a monitor may take to clean up behind its container
KILL = 9


class Containers:
    """All operations on the containers below `dirs`.

    images: finds images and their layers (image.store.Store).  check: `ensure` only says whether it would change anything.
    """

    def __init__(self, dirs, images=None, check=False):
        self.dirs, self._images, self._check = dirs, images, check
        self._index = Index(dirs)

    @property
    def images(self):
        """The image store."""
        if self._images is None:
            from ..image.store import Store

            self._images = Store(self.dirs, users=self.users_of)
        return self._images

    def list(self):
        """Every container, the newest first; one that lost its monitor is settled before it is shown."""
        found = []
        for each in records.ids(self.dirs):
            try:
                found.append(self._settled(records.load(self.dirs, each)))
            except NotFound:
                continue  # being made or removed right now
        found = [each for each in found if each is not None]
        return sorted(found, key=lambda each: each.created, reverse=True)

    def find(self, ref):
        """The container with this name, or whose id alone begins so; NotFound with what may be meant, or Conflict."""
        found = self._settled(records.load(self.dirs, self._index.find(ref)))
        if not found:
            raise NotFound(f"no container {ref!r}", hint="it has just ended and was to be removed then")
        return found

    def create(self, asked, name=None):
        """Make the container that the request asks for, not started; Conflict when its name (or `name`) is taken."""
        asked = request.checked(asked)
        if "image" not in asked:
            raise UsageError("a container needs an image")
        image = self.images.find(asked.get("image_id") or asked["image"])
        container_id = names.new_id()
        fields = {
            "id": container_id,
            "name": name or asked.get("name") or names.make(container_id),
            "image": asked["image"],
            "image_id": image.id,
            "request": asked,
            "created": time.time(),
            "labels": config.labels(asked, image.config.get("config") or {}),
            "release": asked.get("release"),
        }
        found = records.Record(self.dirs, fields)
        fields["command"] = config.arguments(asked, image.config.get("config") or {})
        spec = config.make(found, image.config, self.images.lower_dirs(image))
        posix.mkdir(found.run_dir, 0o700)
        try:
            self._index.claim(found.name, container_id)
            found.make(spec)
        except (Conflict, OSError):
            self.erase(found)
            raise
        return found

    def start(self, record, stdio=None):
        """Start a container: in the background, or with `stdio` (three descriptors) here and return its exit code.

        StartError with exit code 125, 126 or 127 when it cannot be; its ports and address are free again then.
        """
        if record.status in records.LIVE:
            return None
        self._await_monitor(record)  # of an earlier run, which is still cleaning up
        if stdio is None:
            from . import keeper

            keeper.start(record)
            record.reload()
            return None
        from .foreground import run

        return run(self, record, stdio)

    def stop(self, record, timeout=None):
        """Ask the container to end, kill it after `timeout` seconds (its own stop_timeout), return when it is gone.

        A stop signal that its first process does not handle is SIGKILL at once: the kernel would drop it.
        """
        if record.status not in records.LIVE:
            return
        wish = record.spec["wherry"]["stop"]
        pidfd = self._pidfd(record)
        if pidfd is not None:
            try:
                self._end(record, pidfd, wish["signal"], wish["timeout"] if timeout is None else timeout)
            finally:
                posix.close(pidfd)
        self.wait(record)

    def kill(self, record, signal="KILL"):
        """Send a signal to the container's first process; Conflict when it does not run."""
        pidfd = self._pidfd(record) if record.status in records.LIVE else None
        if pidfd is None:
            raise Conflict("is not running", record.name, f"start it with: wherry start {record.name}")
        linux.pidfd_send_signal(pidfd, signals.number(signal))
        posix.close(pidfd)

    def wait(self, record):
        """Return the exit code when the container has ended and is cleaned up; None when nobody saw how it ended."""
        self._await_monitor(record)
        record.reload()
        if record.alive:  # without a monitor
            _wait_for(record.pid)
        self._settled(record)
        return record.exit_code

    def remove(self, record, force=False):
        """Remove a container and its files; Conflict while it runs, unless `force` kills it first."""
        with record.locked():
            record.reload()  # a start that was under way has ended now
        if record.status in records.LIVE:
            if not force:
                raise Conflict("is running", record.name, f"stop it first, or: wherry rm -f {record.name}")
            self.stop(record, timeout=0)
        self._await_monitor(record)
        with record.locked():
            self.erase(record)

    def erase(self, record):
        """Remove all files of a container that does not run, its name last."""
        record.erase()
        self._index.release(record.name, record.id)

    def rename(self, record, name):
        """Give the container another name; Conflict when it is taken."""
        self._index.claim(names.check(name), record.id)
        old, record.fields["name"] = record.name, name
        record.save()
        self._index.release(old, record.id)
        self.answer_to(record, name)

    def answer_to(self, record, name):
        """Let `name` mean this running container for the others of its network, whatever its own name is."""
        record.reload()
        if record.address:
            from ..network import addresses
            from . import etc

            etc.answer_to(record, addresses.subnet(self.dirs).gateway, name)

    def freeze(self, record):
        """Stop all processes of the container where they are."""
        self._set_freezer(record, "freeze", "paused")

    def thaw(self, record):
        """Let the processes of a frozen container go on."""
        self._set_freezer(record, "thaw", "running")

    @staticmethod
    def _set_freezer(record, what, status):
        """Have the container's monitor do it; done here for one whose monitor was killed."""
        if record.monitored or not record.alive:
            from . import monitor

            getattr(monitor, what)(record)
            record.reload()
        else:
            from ..process import cgroup

            getattr(cgroup.open(f"wherry/{record.id}"), what)()
            record.update(status=status)

    def exec(self, record, argv, *, stdio, env=None, user=None, workdir=None, tty=False):
        """Run one more command in a running container and return its exit code; StartError with 126 or 127."""
        from . import session

        return session.run(record, argv, stdio=stdio, env=env, user=user, workdir=workdir, tty=tty)

    def logs(self, record, tail=None, follow=False):
        """The output so far as an iterator of bytes, the last `tail` lines of it; with `follow` until it ends."""
        for line in self.log_lines(record, tail, follow):
            yield line.text + (b"\n" if line.ended else b"")

    def log_lines(self, record, tail=None, follow=False):
        """As `logs`, each line with its time and stream (logs.Line)."""
        from . import logs, plumbing

        directory = plumbing.log_directory(record)
        if not state.exists(f"{directory}/log"):
            return iter(())
        if follow:
            return logs.follow(directory, tail, ended=lambda: not record.monitored)
        return logs.read(directory, tail)

    def probe(self, record):
        """Probe the container once: (whether it is well, what was found); without a probe of its own, whether it runs."""
        from .health import probe

        record.reload()
        if record.status != "running":
            return False, f"{record.name} is {record.status}"
        wish = record.spec["wherry"]["health"]
        return probe(record, wish) if wish else (True, "running")

    def health(self, record):
        """starting, healthy or unhealthy as the monitor's probes have it; None for a container without a probe."""
        record.reload()
        return record.health and record.health["status"]

    def ensure(self, asked):
        """Have the container that is asked for running under its name: False when it is, else replace it: True.

        "The same" compares what was asked and the image's id, not resolved defaults: a newer wherry with new defaults
        replaces nothing.
        """
        if self._check:
            return not self.is_ensured(asked)
        asked = request.checked(asked)
        if "name" not in asked:
            raise UsageError("a container that is to be kept as it is needs a name")
        image = self.images.find(asked.get("image_id") or asked["image"])
        current = self._by_name(asked["name"])
        if current and self.is_same(current, asked, image.id):
            return self._ensure_running(current)
        waiting = f"{asked['name']}.next"  # made before the old one is stopped: what cannot be made replaces nothing
        left_over = self._by_name(waiting)
        if left_over:
            self.remove(left_over, force=True)
        successor = self.create(asked, name=waiting)
        if current:
            self._require_ports(successor, current)
            self.stop(current)
            self.remove(current)
        self.rename(successor, asked["name"])
        self.start(successor)
        return True

    def _require_ports(self, successor, current):
        """Conflict, and no successor, when it is to publish a port that somebody else than `current` has."""
        from ..network.ports import Port
        from .endpoint import bind

        ours = {(each["protocol"], each["host_port"]) for each in current.ports}
        try:
            for each in successor.spec["wherry"]["ports"]:
                if (each["protocol"], each["host_port"]) not in ours:
                    bind(Port.from_json(each)).close()
        except Conflict:
            self.remove(successor)
            raise

    def _ensure_running(self, record):
        if record.status == "running":
            return False
        self.thaw(record) if record.status == "paused" else self.start(record)
        return True

    def is_ensured(self, asked):
        """Whether `ensure` would change nothing."""
        asked = request.checked(asked)
        current = self._by_name(asked.get("name", ""))
        try:
            image = self.images.find(asked.get("image_id") or asked["image"])
        except NotFound:
            return False  # the task that brings it has changed nothing either
        return bool(current) and current.status == "running" and self.is_same(current, asked, image.id)

    def is_same(self, record, asked, image_id):
        """Whether `record` is already what the checked request asks for."""
        return record.image_id == image_id and request.same(record.request, asked)

    def users_of(self, image_id):
        """What needs the image: "container NAME" of each container made from it."""
        return [f"container {each.name}" for each in self.list() if each.image_id == image_id]

    def _by_name(self, name):
        container_id = self._index.by_name(name)
        try:
            return container_id and self._settled(records.load(self.dirs, container_id))
        except NotFound:
            return None

    # --- containers that lost their monitor -------------------------------------------------------------------------

    def _settled(self, record):
        """The record, made true when the monitor died without a word; None when that was the end of the container."""
        if record.monitored or not record.lost:
            return record
        from . import settle

        settle.after_lost_monitor(record)
        if record.ephemeral:
            self.erase(record)
            return None
        return record

    @staticmethod
    def _await_monitor(record):
        """Wait until the container's monitor has cleaned up and ended, if it has one."""
        if record.monitored:
            _wait_for(record.monitor)

    @staticmethod
    def _pidfd(record):
        """A descriptor of the container's first process; None when it has ended."""
        try:
            pidfd = linux.pidfd_open(record.pid)
        except OSError:
            return None
        if record.alive:  # asked after the open: the number may have been used again before
            return pidfd
        posix.close(pidfd)
        return None

    def _end(self, record, pidfd, signal, timeout):
        linux.pidfd_send_signal(pidfd, signal if signals.is_handled(record.pid, signal) else KILL)
        if record.status == "paused":
            self.thaw(record)
        if not wait_readable(pidfd, timeout):
            linux.pidfd_send_signal(pidfd, KILL)
            wait_readable(pidfd, SETTLING)


def _wait_for(pid):
    try:
        pidfd = linux.pidfd_open(pid)
    except OSError:
        return  # it has ended meanwhile
    wait_readable(pidfd, None)
    posix.close(pidfd)


def wait_readable(fd, seconds):
    """Whether `fd` becomes readable (a pidfd: its process ends) within `seconds`; None waits for ever."""
    import select

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))
