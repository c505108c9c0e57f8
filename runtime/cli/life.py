"""start, stop, kill, rm, wait, pause, unpause, rename: what happens to containers that are there."""

import sys

from ..container import request
from ..container.container import Containers
from ..errors import WherryError
from .options import FLAG, VALUE, Command, Option

MANY = "CONTAINER [CONTAINER...]"
START = Command(
    "start",
    "[OPTIONS] " + MANY,
    "Start containers that do not run.",
    (
        Option("-a --attach", FLAG, "in the foreground, its output here"),
        Option("-i --interactive", FLAG, "in the foreground"),
    ),
    least=1,
)
STOP = Command(
    "stop",
    "[OPTIONS] " + MANY,
    "Ask containers to end, then kill them.",
    (Option("-t --time --timeout", VALUE, "seconds until they are killed", "SECONDS", key="time"),),
    least=1,
)
KILL = Command(
    "kill",
    "[OPTIONS] " + MANY,
    "Send a signal to the first process of containers.",
    (Option("-s --signal", VALUE, "which (KILL)", "SIGNAL"),),
    least=1,
)
RM = Command(
    "rm",
    "[OPTIONS] " + MANY,
    "Remove containers.",
    (Option("-f --force", FLAG, "kill those that run"), Option("-v --volumes", FLAG, "taken, without effect")),
    least=1,
)
WAIT = Command("wait", MANY, "Wait until containers have ended, print their exit codes.", least=1)
PAUSE = Command("pause", MANY, "Freeze all processes of containers.", least=1)
UNPAUSE = Command("unpause", MANY, "Let frozen containers go on.", least=1)
RENAME = Command("rename", "CONTAINER NAME", "Give a container another name.", least=2, most=2)


def start(dirs, words):
    """wherry start"""
    given, refs = START.parse(words)
    containers = Containers(dirs)
    if given.get("attach") or given.get("interactive"):
        return containers.start(containers.find(refs[0]), stdio=(0, 1, 2))
    return _each(containers, refs, containers.start)


def stop(dirs, words):
    """wherry stop"""
    given, refs = STOP.parse(words)
    containers = Containers(dirs)
    timeout = request.seconds(given["time"]) if "time" in given else None
    return _each(containers, refs, lambda record: containers.stop(record, timeout))


def kill(dirs, words):
    """wherry kill"""
    given, refs = KILL.parse(words)
    containers = Containers(dirs)
    return _each(containers, refs, lambda record: containers.kill(record, given.get("signal", "KILL")))


def rm(dirs, words):
    """wherry rm"""
    given, refs = RM.parse(words)
    containers = Containers(dirs)
    return _each(containers, refs, lambda record: containers.remove(record, given.get("force", False)))


def wait(dirs, words):
    """wherry wait"""
    containers = Containers(dirs)
    for ref in WAIT.parse(words)[1]:
        code = containers.wait(containers.find(ref))
        print("unknown" if code is None else code, flush=True)
    return 0


def pause(dirs, words):
    """wherry pause"""
    containers = Containers(dirs)
    return _each(containers, PAUSE.parse(words)[1], containers.freeze)


def unpause(dirs, words):
    """wherry unpause"""
    containers = Containers(dirs)
    return _each(containers, UNPAUSE.parse(words)[1], containers.thaw)


def rename(dirs, words):
    """wherry rename"""
    containers = Containers(dirs)
    ref, name = RENAME.parse(words)[1]
    containers.rename(containers.find(ref), name)
    return 0


def _each(containers, refs, operation):
    """Do it for every container, print what was named; one that fails does not keep the others from it."""
    code = 0
    for ref in refs:
        try:
            operation(containers.find(ref))
            print(ref, flush=True)
        except WherryError as error:
            print(f"wherry: {error}", file=sys.stderr)
            code = max(code, error.exit_code)
    return code
