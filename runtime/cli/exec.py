"""exec: one more command in a running container."""

import posix

from ..container.container import Containers
from .options import FLAG, LIST, VALUE, Command, Option
from .run import environment, require_terminal

EXEC = Command(
    "exec",
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    "Run a command in a running container.",
    (
        Option("-i --interactive", FLAG, "keep stdin open"),
        Option("-t --tty", FLAG, "give it a terminal of its own"),
        Option("-e --env", LIST, "set a variable", "NAME[=VALUE]"),
        Option("--env-file", LIST, "read variables from a file", "FILE"),
        Option("-u --user", VALUE, "user, and group, by name or number", "USER[:GROUP]"),
        Option("-w --workdir", VALUE, "the directory to start in", "PATH"),
    ),
    least=2,
    mixed=False,
)


def exec_(dirs, words):
    """wherry exec"""
    given, (ref, *argv) = EXEC.parse(words)
    require_terminal(given, detached=False)
    containers = Containers(dirs)
    stdin = 0 if given.get("interactive") else posix.open("/dev/null", posix.O_RDONLY | posix.O_CLOEXEC)
    return containers.exec(
        containers.find(ref),
        argv,
        stdio=(stdin, 1, 2),
        env=environment(given.get("env", []), given.get("env_file", [])),
        user=given.get("user"),
        workdir=given.get("workdir"),
        tty=given.get("tty", False),
    )
