"""logs: what a container has written."""

from ..container import plumbing
from ..container.container import Containers
from .options import FLAG, VALUE, Command, Option, Usage

LOGS = Command(
    "logs",
    "[OPTIONS] CONTAINER",
    "Print what a container has written; its stderr goes to stderr.",
    (
        Option("-f --follow", FLAG, "go on until it ends"),
        Option("-n --tail", VALUE, "only the last so many lines, or all", "NUMBER"),
        Option("-t --timestamps", FLAG, "put the time before each line"),
    ),
    least=1,
    most=1,
)


def logs(dirs, words):
    """wherry logs"""
    given, (ref,) = LOGS.parse(words)
    containers = Containers(dirs)
    lines = containers.log_lines(containers.find(ref), _tail(given), given.get("follow", False))
    within = {}  # whether a stream is in the middle of a line
    for line in lines:
        stamp = given.get("timestamps") and not within.get(line.stream)
        text = (line.time.encode() + b" " if stamp else b"") + line.text + (b"\n" if line.ended else b"")
        within[line.stream] = not line.ended
        if not plumbing.write_all(2 if line.stream == "stderr" else 1, text):
            break  # whoever read our output has seen enough
    return 0


def _tail(given):
    text = given.get("tail", "all")
    if text == "all":
        return None
    if not text.isdigit():
        raise Usage(f"--tail {text}: a number or all is needed")
    return int(text)
