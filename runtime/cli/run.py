"""run and create: from docker's flags to a request."""

import posix
import sys

from .. import errors
from ..container.container import Containers
from .options import FLAG, LIST, VALUE, Command, Option, Usage

FLAGS = (
    Option("-d --detach", FLAG, "run in the background and print the container's id"),
    Option("-i --interactive", FLAG, "keep stdin open"),
    Option("-t --tty", FLAG, "give the container a terminal of its own"),
    Option("--rm", FLAG, "remove the container when it has ended"),
    Option("--name", VALUE, "its name", "NAME"),
    Option("-e --env", LIST, "set a variable; without = it is taken from here", "NAME[=VALUE]"),
    Option("--env-file", LIST, "read variables from a file, one a line", "FILE"),
    Option("-p --publish", LIST, "let a port of this host lead to one of the container", "[ADDRESS:]HOST:CONTAINER"),
    Option("-v --volume", LIST, "mount a folder of this host or a named volume", "SOURCE:PATH[:ro]"),
    Option("-w --workdir", VALUE, "the directory to start in", "PATH"),
    Option("-u --user", VALUE, "user, and group, by name or number", "USER[:GROUP]"),
    Option("-h --hostname", VALUE, "its host name", "NAME"),
    Option("--network --net", VALUE, "bridge (the default), host or none", "NETWORK", key="network"),
    Option("-m --memory", VALUE, "most memory, swap included, such as 512m", "SIZE"),
    Option("--cpus", VALUE, "most processors, such as 1.5", "NUMBER"),
    Option("--pids-limit", VALUE, "most processes; 0 for no limit (2048)", "NUMBER"),
    Option("--ulimit", LIST, "a resource limit, such as nofile=1024:2048", "NAME=SOFT[:HARD]"),
    Option("--read-only", FLAG, "make the root file system read-only"),
    Option("--tmpfs", LIST, "mount an empty file system in memory", "PATH[:OPTIONS]"),
    Option("--entrypoint", VALUE, "the command before the arguments; empty for none", "COMMAND"),
    Option("--cap-add", LIST, "add a capability", "NAME"),
    Option("--cap-drop", LIST, "drop a capability", "NAME"),
    Option("--privileged", FLAG, "take almost all confinement away"),
    Option("--allow-setuid", FLAG, "let set-user-id programs gain rights (no_new_privs off)"),
    Option("--device", LIST, "a device of this host", "PATH[:PATH[:rwm]]"),
    Option("-l --label", LIST, "a label", "NAME=VALUE"),
    Option("--stop-signal", VALUE, "what asks it to end (TERM)", "SIGNAL"),
    Option("--stop-timeout", VALUE, "seconds from that to SIGKILL (10)", "SECONDS"),
    Option("--health-cmd", VALUE, "a command that exits 0 when the container is well", "COMMAND"),
    Option("--health-http", VALUE, "a URL that answers 2xx or 3xx when it is well", ":PORT/PATH"),
    Option("--health-tcp", VALUE, "a port that accepts connections when it is well", "PORT"),
    Option("--health-interval", VALUE, "time between probes (30s)", "TIME"),
    Option("--health-timeout", VALUE, "most time for one (30s)", "TIME"),
    Option("--health-retries", VALUE, "failures in a row that make it unhealthy (3)", "NUMBER"),
    Option("--health-start-period", VALUE, "time in which failures do not count (0s)", "TIME"),
    Option("--restart", VALUE, "no; other policies are not supported yet", "POLICY"),
)
RUN = Command(
    "run", "[OPTIONS] IMAGE [COMMAND] [ARG...]", "Run a command in a new container.", FLAGS, least=1, mixed=False
)
CREATE = Command(
    "create", "[OPTIONS] IMAGE [COMMAND] [ARG...]", "Make a container, do not start it.", FLAGS, least=1, mixed=False
)

TEXTS = {"name", "workdir", "user", "hostname", "network", "memory", "stop_signal", "stop_timeout", "restart"}
LISTS = {
    "publish": "ports",
    "volume": "volumes",
    "tmpfs": "tmpfs",
    "cap_add": "cap_add",
    "cap_drop": "cap_drop",
    "device": "devices",
}
TRUTHS = {"interactive", "tty", "rm", "read_only", "privileged", "allow_setuid"}
HEALTH = {"health_cmd": "command", "health_http": "http", "health_tcp": "tcp"}
HEALTH_NUMBERS = ("health_interval", "health_timeout", "health_start_period", "health_retries")


def run(dirs, words):
    """wherry run"""
    given, (image, *command) = RUN.parse(words)
    detached = given.pop("detach", False)
    require_terminal(given, detached)
    containers = Containers(dirs)
    with _start_errors():
        record = containers.create(request(given, image, command))
        if not detached:
            return containers.start(record, stdio=(0, 1, 2))
        _start_detached(containers, record)
    print(record.id)
    return 0


def create(dirs, words):
    """wherry create"""
    given, (image, *command) = CREATE.parse(words)
    with _start_errors():
        print(Containers(dirs).create(request(given, image, command)).id)
    return 0


def _start_detached(containers, record):
    try:
        containers.start(record)
    except errors.WherryError:
        if record.ephemeral:
            containers.erase(record)
        raise
    for notice in record.notices:
        print(f"wherry: {notice}", file=sys.stderr)


class _start_errors:  # noqa: N801 - reads as a statement
    """Errors on the way to a container's start exit with 125, if they have no number of docker's of their own."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, errors.WherryError) and not isinstance(error, errors.StartError):
            error.exit_code = 125


def request(given, image, command):
    """The request for a container of `image` that the parsed options ask for."""
    asked = {"image": image, "command": command}
    asked.update({key: given[key] for key in (TEXTS | TRUTHS) & given.keys()})
    asked.update({LISTS[key]: given[key] for key in LISTS.keys() & given.keys()})
    if "entrypoint" in given:
        asked["entrypoint"] = [given["entrypoint"]]
    if "cpus" in given:
        asked["cpus"] = given["cpus"]
    if "pids_limit" in given:
        asked["pids"] = given["pids_limit"]
    if "ulimit" in given:
        asked["ulimits"] = dict(_pair("--ulimit", text) for text in given["ulimit"])
    if "label" in given:
        asked["labels"] = dict(text.partition("=")[::2] for text in given["label"])
    if "env" in given or "env_file" in given:
        asked["env"] = environment(given.get("env", []), given.get("env_file", []))
    asked["health"] = health(given)
    return asked


def environment(texts, files):
    """The variables of -e and --env-file: `NAME=VALUE`, or `NAME` for the value it has here."""
    found = {}
    for text in [*(line for path in files for line in _lines(path)), *texts]:
        name, equals, value = text.partition("=")
        if equals:
            found[name] = value
        elif name.encode() in posix.environ:
            found[name] = posix.environ[name.encode()].decode("utf-8", "surrogateescape")
    return found


def health(given):
    """The probe of --health-..., or None."""
    kinds = [key for key in HEALTH if key in given]
    if not kinds:
        return None
    found = {HEALTH[kinds[0]]: given[kinds[0]]}
    for key in HEALTH_NUMBERS:
        if key in given:
            found[key.partition("_")[2]] = int(given[key]) if key == "health_retries" else given[key]
    return found


def require_terminal(given, detached):
    """-it needs a terminal to read keys from."""
    if given.get("tty") and given.get("interactive") and not detached and not posix.isatty(0):
        raise Usage("the input device is not a TTY", hint="leave out -t, or run it on a terminal")


def _pair(flag, text):
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Usage(f"{flag} {text}: NAME=VALUE is needed")
    return name, value


def _lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip() and not line.strip().startswith("#")]
    except OSError as error:
        raise Usage(f"--env-file {path}: {error.strerror}") from None
