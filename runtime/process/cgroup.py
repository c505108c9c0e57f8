"""The cgroup of a container: its limits, and freeze, kill and statistics for all its processes at once.

On v1 a container has a folder in each hierarchy it needs, on v2 one folder; which it is, is decided for each controller
by itself, because both may be mounted. Kernel: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
"""

from posix import O_CLOEXEC, O_DIRECTORY, O_RDONLY, O_WRONLY, close, kill, mkdir, rmdir, scandir, write
from posix import open as open_file
from time import monotonic, sleep

from ..errors import KernelError, NotFound
from . import devices, hierarchies, limits

_NEEDED = ("memory", "cpu", "cpuacct", "pids", "devices", "freezer")
_ON_V2 = ("memory", "cpu", "pids", "freezer")  # cpuacct and devices are no controllers of their own there
_PATIENCE = 5.0  # seconds that the kernel gets to freeze, to kill, to let go
_SIGKILL = 9
_UNLIMITED = 1 << 60
_EINVAL, _EBUSY = 22, 16


def create(name, resources):
    """Make the cgroup `name` ("wherry/<id>") with its limits (OCI linux.resources); KernelError names what failed."""
    found = hierarchies.find()
    wants_cpuset = bool((resources.get("cpu") or {}).get("cpus"))
    cgroup = _located(found, name, (*_NEEDED, "cpuset") if wants_cpuset else _NEEDED)
    if cgroup.v2:
        top = found.v2
        if hierarchies.is_in_scope():
            top, cgroup.v2 = f"{found.v2}/{hierarchies.SCOPE}", _in_scope(found, name)
        _delegate(top, cgroup.v2[len(top) + 1 :], [each for each in _ON_V2[:3] if each not in cgroup.v1])
    for folder in cgroup.folders:
        _make(folder)
    try:
        cgroup.update(resources)
        devices.restrict(cgroup, resources.get("devices") or ())
    except BaseException:
        cgroup.remove()
        raise
    return cgroup


def open(name):  # noqa: A001 - cgroup.open()
    """The cgroup `name`, made earlier; NotFound if it is gone."""
    found = hierarchies.find()
    cgroup = _located(found, name, (*_NEEDED, "cpuset"))
    cgroup.v1 = {controller: folder for controller, folder in cgroup.v1.items() if _exists(folder)}
    cgroup.v2 = next(filter(_exists, (cgroup.v2, _in_scope(found, name))), None) if cgroup.v2 else None
    if not cgroup.folders:
        raise NotFound(f"there is no cgroup {name}")
    return cgroup


def of(pid):
    """The cgroup that `pid` is in, or None when it is in none that is in view."""
    for line in _read(f"/proc/{pid}/cgroup").splitlines():
        controllers, name = line.split(":", 2)[1:]
        if name != "/" and (not controllers or set(controllers.split(",")) & set(_NEEDED)):
            try:
                return open(name.lstrip("/"))
            except NotFound:
                continue
    return None


class Cgroup:
    """v1: {controller: folder} for what is mounted as version 1; v2: the folder for everything else, or None.

    mounted: {mount point: controllers} of the v1 hierarchies that it has a folder in.
    """

    def __init__(self, name, v1, v2, mounted):
        self.name, self.v1, self.v2, self.mounted = name, v1, v2, mounted

    @property
    def folders(self):
        """Every folder once."""
        return list(dict.fromkeys([*self.v1.values(), *([self.v2] if self.v2 else [])]))

    @property
    def birth_fd(self):
        """A descriptor of the v2 folder for CLONE_INTO_CGROUP, or None."""
        return open_file(self.v2, O_RDONLY | O_DIRECTORY | O_CLOEXEC) if self.v2 else None

    def add(self, pid):
        """Move the process `pid` with all its threads into the cgroup."""
        for folder in self.folders:
            _write(f"{folder}/cgroup.procs", str(pid))

    def join(self, is_in_v2):
        """Move this process, which has one thread, into the cgroup; it may have been born in the v2 folder."""
        if self.v2 and not is_in_v2:
            _write(f"{self.v2}/cgroup.procs", "0")
        for folder in dict.fromkeys(self.v1.values()):
            # Not cgroup.procs: that waits for every CPU of the machine, up to 20 ms
            _write(f"{folder}/tasks", "0")

    def update(self, resources):
        """Set or change limits."""
        # v1 insists on memory <= memory with swap after every write, so one refused at first may fit after the others.
        refused = [each for each in self._limits(resources) if not _limit(*each, is_last_try=False)]
        for path, value in refused:
            _limit(path, value)

    def _limits(self, resources):
        """[(path, value)] for the version that each controller is mounted as."""
        v1 = [(self.v1.get(controller), file, value) for controller, file, value in limits.v1(resources)]
        v2 = [(self.v2, file, value) for controller, file, value in limits.v2(resources) if controller not in self.v1]
        return [(f"{folder}/{file}", value) for folder, file, value in [*v1, *v2] if folder]

    def freeze(self):
        """Stop all processes; returns when none runs any more."""
        self._set_frozen(True)

    def thaw(self):
        """Let all processes go on."""
        self._set_frozen(False)

    def _set_frozen(self, frozen):
        if "freezer" in self.v1:
            path, wanted = f"{self.v1['freezer']}/freezer.state", "FROZEN" if frozen else "THAWED"
            _write(path, wanted)
            _wait(lambda: _read(path).strip() == wanted, "freeze" if frozen else "thaw", self.name)
        else:
            _write(f"{self.v2}/cgroup.freeze", str(int(frozen)))
            _wait(lambda: _field(f"{self.v2}/cgroup.events", "frozen") == int(frozen), "freeze", self.name)

    def kill(self):
        """SIGKILL every process, those included that are being forked; returns when none is left alive."""
        if not self.pids():
            return  # and so nobody who could fork
        if self.v2 and "freezer" not in self.v1 and _exists(f"{self.v2}/cgroup.kill"):
            _write(f"{self.v2}/cgroup.kill", "1")  # 5.14
        else:
            self._kill_frozen()
        _wait(lambda: not any(map(_is_alive, self.pids())), "kill", self.name)

    def _kill_frozen(self):
        """While frozen nobody can fork away from the list; the signal acts when they thaw."""
        self.freeze()
        for pid in self.pids():
            try:
                kill(pid, _SIGKILL)
            except ProcessLookupError:
                pass  # it had ended before the freeze
        self.thaw()

    def pids(self):
        """The numbers of all processes in it, as this pid namespace counts."""
        folder = self.v1.get("pids") or self.v1.get("freezer") or self.v2
        return [int(line) for line in _read(f"{folder}/cgroup.procs").split()]

    def stats(self):
        """{"memory", "memory_limit" (None: unlimited), "cpu_usec", "pids", "oom_kills"}; memory without file cache."""
        used, cached = self._memory()
        limit = self._value("memory", "memory.limit_in_bytes", "memory.max")
        return {
            "memory": max(0, used - cached),
            "memory_limit": limit if limit is not None and limit < _UNLIMITED else None,
            "cpu_usec": self._cpu(),
            "pids": self._value("pids", "pids.current", "pids.current") or 0,
            "oom_kills": self.oom_kills(),
        }

    def oom_kills(self):
        """How many of its processes the kernel killed because the memory limit was reached."""
        if "memory" in self.v1:
            return _field(f"{self.v1['memory']}/memory.oom_control", "oom_kill")
        return _field(f"{self.v2}/memory.events", "oom_kill") if self.v2 else 0

    def _memory(self):
        used = self._value("memory", "memory.usage_in_bytes", "memory.current") or 0
        if "memory" in self.v1:
            return used, _field(f"{self.v1['memory']}/memory.stat", "total_inactive_file")
        return used, _field(f"{self.v2}/memory.stat", "inactive_file") if self.v2 else 0

    def _cpu(self):
        if "cpuacct" in self.v1:
            return int(_read(f"{self.v1['cpuacct']}/cpuacct.usage")) // 1000
        return _field(f"{self.v2}/cpu.stat", "usage_usec") if self.v2 else 0

    def _value(self, controller, v1_file, v2_file):
        """A file with one number; None for "max", or when the controller is not there."""
        path = f"{self.v1[controller]}/{v1_file}" if controller in self.v1 else f"{self.v2}/{v2_file}"
        try:
            text = _read(path).strip()
        except FileNotFoundError:
            return None
        return None if text == "max" else int(text)

    def remove(self):
        """Remove it with everything below; its processes have ended. Removing what is gone is no error."""
        for folder in self.folders:
            _remove(folder)


def _limit(path, value, is_last_try=True):
    """Write one limit; False when the kernel refused the value and it is not the last try."""
    try:
        _write(path, value)
    except FileNotFoundError:
        if "swap" not in path and "memsw" not in path:  # kernels without swap accounting lack these
            raise KernelError(f"this kernel cannot set {path.rpartition('/')[2]}", "cgroup", "drop the limit") from None
    except OSError as error:
        if error.errno == _EINVAL and not is_last_try:
            return False
        raise KernelError(f"{value} was refused: {error.strerror}", path, "change the limit") from None
    return True


def _located(found, name, needed):
    v1 = {each: f"{found.folder(each)}/{name}" for each in needed if found.folder(each)}
    on_v2 = found.v2 and any(each not in v1 for each in _ON_V2)
    if not v1 and not on_v2:
        raise KernelError("no cgroup filesystem is mounted", "/sys/fs/cgroup", "mount cgroup2 there")
    mounted = {place: controllers for place, controllers in found.v1.items() if set(controllers) & set(v1)}
    return Cgroup(name, v1, f"{found.v2}/{name}" if on_v2 else None, mounted)


def _in_scope(found, name):
    """The v2 folder of a cgroup that was made by a process in systemd's scope."""
    return f"{found.v2}/{name.replace('wherry', hierarchies.SCOPE, 1)}"


def _make(folder):
    try:
        mkdir(folder)
    except FileNotFoundError:
        _make(folder.rpartition("/")[0])
        mkdir(folder)
    except FileExistsError:
        pass
    except OSError as error:
        raise KernelError(f"the cgroup could not be made: {error.strerror}", folder) from None
    if folder.startswith("/sys") and "/cpuset/" in folder:
        _inherit_cpuset(folder)


def _inherit_cpuset(folder):
    """A v1 cpuset takes no process before it has CPUs and memory nodes: begin with those of its parent."""
    parent = folder.rpartition("/")[0]
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not _read(f"{folder}/{file}").strip():
            _write(f"{folder}/{file}", _read(f"{parent}/{file}").strip())


def _delegate(root, name, wanted):
    """Enable the v2 controllers for the children of the root and of each folder above `name`."""
    folder = root
    for part in [*name.split("/")[:-1], ""]:
        available = _read(f"{folder}/cgroup.controllers").split()
        enabled = " ".join("+" + each for each in wanted if each in available)
        if enabled:
            try:
                _write(f"{folder}/cgroup.subtree_control", enabled)
            except OSError as error:
                if error.errno != _EBUSY:
                    raise
                raise KernelError(
                    "cgroup controllers cannot be enabled here", folder, "move its processes into a cgroup below it"
                ) from None
        if part:
            folder = f"{folder}/{part}"
            _make(folder)


def _remove(folder):
    """rmdir, from the leaves up; a cgroup is busy for some moments after its last process."""
    end = monotonic() + _PATIENCE
    while True:
        try:
            return rmdir(folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno != _EBUSY or monotonic() > end:
                raise KernelError(f"the cgroup could not be removed: {error.strerror}", folder) from None
        for entry in scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                _remove(entry.path)
        sleep(0.0005)


def _wait(condition, what, name):
    end = monotonic() + _PATIENCE
    while not condition():
        if monotonic() > end:
            raise KernelError(f"the kernel did not {what} the cgroup within {_PATIENCE:.0f} s", name)
        sleep(0.001)


def _is_alive(pid):
    """Whether `pid` is a process and no zombie."""
    try:
        return hierarchies.contents(f"/proc/{pid}/stat").rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _exists(path):
    try:
        close(open_file(path, O_RDONLY | O_CLOEXEC))
    except PermissionError:
        return True  # a file that can only be written
    except FileNotFoundError:
        return False
    return True


def _read(path):
    return hierarchies.contents(path).decode()


def _field(path, name):
    """The number behind `name` in a file of "name number" lines; 0 if there is none."""
    for line in _read(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _write(path, text):
    fd = open_file(path, O_WRONLY | O_CLOEXEC)
    try:
        write(fd, text.encode())
    finally:
        close(fd)
