"""Run commands in throwaway containers of the test's own; call these inside `in_sandbox` only."""

import itertools
import os
import select
import shutil

from runtime import linux
from runtime.errors import StartError
from runtime.process import cgroup, init, spec

BOOKWORM = "/var/cache/wherry-roots/bookworm"
HOST_USR = {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]}  # for python3
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_count = itertools.count()


class Box:
    """A container that runs until the `with` block ends; `process` is what start() returned."""

    def __init__(self, argv, *, image=BOOKWORM, connect=None, stdio=None, change=None, **options):
        self.folder = f"/var/lib/wherry/box{next(_count)}"
        for name in ("upper", "work", "root"):
            os.makedirs(f"{self.folder}/{name}")
        overlay = {"lower": [image], "upper": f"{self.folder}/upper", "work": f"{self.folder}/work"}
        options = {"env": ENV, "hostname": "box", "network": "none", "overlay": overlay, **options}
        self.spec = spec.default(argv, root=f"{self.folder}/root", **options)
        if change:
            change(self.spec)
        self.connect = connect
        self.stdout = os.memfd_create("stdout")
        self.null = os.open("/dev/null", os.O_RDWR)
        self.stdio = (self.null, self.stdout, self.stdout) if stdio is None else stdio

    def __enter__(self):
        self.cgroup = cgroup.create(f"wherry/test{os.getpid()}-{next(_count)}", self.spec["linux"]["resources"])
        try:
            terminal = self.spec["process"]["terminal"]
            self.process = init.start(
                self.spec, stdio=None if terminal else self.stdio, cgroup=self.cgroup, connect=self.connect
            )
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, *_):
        self.cgroup.kill()
        try:
            os.waitpid(self.process.pid, 0)
        except ChildProcessError:
            pass  # the test has waited
        os.close(self.process.pidfd)
        if self.process.terminal is not None:
            os.close(self.process.terminal)
        self._clean()

    def _clean(self):
        self.cgroup.remove()
        os.close(self.stdout)
        os.close(self.null)
        shutil.rmtree(self.folder)

    @property
    def pid(self):
        return self.process.pid

    def wait(self):
        """The exit code of the first process, which has 20 seconds."""
        if not select.select([self.process.pidfd], [], [], 20)[0]:
            raise AssertionError(f"the command runs on; so far: {self.output}")
        return os.waitstatus_to_exitcode(os.waitpid(self.process.pid, 0)[1])

    @property
    def output(self):
        """What it has written to stdout and stderr."""
        return os.pread(self.stdout, 1 << 20, 0).decode()


def run(argv, **options):
    """(exit code, output) of a command in a container of its own."""
    with Box(argv, **options) as box:
        return box.wait(), box.output


def run_python(code, **options):
    """As `run`, for Python code: the machine's own /usr is mounted for it."""
    mounts = [HOST_USR, *options.pop("mounts", ())]
    return run(["/usr/bin/python3", "-I", "-c", code], mounts=mounts, **options)


def refused(argv, **options):
    """The StartError of a command that does not start."""
    try:
        code, output = run(argv, **options)
    except StartError as error:
        return error
    raise AssertionError(f"it started, and ended with {code}: {output}")


def image(name, *folders, links=None):
    """A small image directory with `folders` and symbolic `links`, beside what bookworm has in /usr."""
    root = f"/var/lib/wherry/image-{name}"
    for folder in ("usr", "etc", "tmp", "var", "root", *folders):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    for link, target in {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", **(links or {})}.items():
        os.makedirs(os.path.dirname(f"{root}/{link}"), exist_ok=True)
        os.symlink(target, f"{root}/{link}")
    return root


def bound_tmpfs(path):
    """A tmpfs at `path` of the sandbox."""
    os.makedirs(path, exist_ok=True)
    linux.mount("tmpfs", path, "tmpfs")
    return path
