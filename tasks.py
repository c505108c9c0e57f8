"""The project's own tasks: wherry's (`deploy`, `status`, ...) and what its developers run."""

import os
import shutil
import subprocess
import sys

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from wherry.tasks import namespace as deployment

ROOT = os.path.dirname(os.path.abspath(__file__))
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


def python(*arguments: str) -> None:
    """Run a command of this checkout's environment; its exit code becomes ours."""
    result = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False)
    if result.returncode:
        raise Exit(code=result.returncode)


@task
def check(_: Context) -> None:
    """Lint, types, import contracts, sizes, what wheel and sdist contain."""
    python("-m", "ruff", "check", ".")
    python("-m", "ruff", "format", "--check", ".")
    python("-m", "mypy")
    python("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    python("-m", "tests.sizes", str(LONGEST_FILE), str(LONGEST_FUNCTION))
    python("-m", "pytest", "-q", "tests/packaging")


@task(help={"only": "a test path instead of all", "long": "also the tests that take minutes"})
def test(_: Context, only: str = "", long: bool = False) -> None:
    """Install what the tests need (as root), run `check`, then every test."""
    install_packages()
    if not only:
        check(_)
    python("-m", "pytest", *([only] if only else ["tests"]), *(["--long"] if long else []))


def install_packages() -> None:
    """The Debian packages of tests/apt-packages that are missing; without root, the command that would install them."""
    with open(os.path.join(ROOT, "tests", "apt-packages"), encoding="utf-8") as file:
        names = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    missing = [name for name in names if not installed(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Exit(f"the tests need Debian packages that are missing; as root run: {' '.join(command)}", code=1)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def installed(name: str) -> bool:
    """Whether dpkg has the package, configured."""
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", name]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


@task(name="test-vm")
def test_vm(_: Context) -> None:
    """A deploy to a stock Debian server under emulation: systemd, cgroup v2 only (minutes; needs qemu)."""
    python("-m", "pytest", "--long", "--timeout", "0", "tests/vm")


@task(help={"name": "one benchmark; all without it", "json": "figures as JSON"})
def bench(_: Context, name: str = "", json: bool = False) -> None:
    """Figures beside those of docker, podman, crun, ansible, pyinfra and ssh, medians and ratios of one run."""
    python("-m", "tests.bench", *([name] if name else []), *(["--json"] if json else []))


@task(help={"keep": "leave the hosts and .wherry/demo/app.tar for `./inv deploy --env lab`"})
def demo(_: Context, keep: bool = False) -> None:
    """Three throwaway hosts, three versions, one of them broken: a rollout told as a story, every claim checked."""
    python("-m", "wherry.demo", *(["--keep"] if keep else []))


namespace = Collection(*deployment.tasks.values())
for each in (check, test, test_vm, bench, demo):
    namespace.add_task(each)
