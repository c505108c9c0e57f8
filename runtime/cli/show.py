"""ps: which containers there are."""

from .. import state
from ..container.container import Containers
from ..errors import UsageError
from . import table
from .options import FLAG, VALUE, Command, Option

PS = Command(
    "ps",
    "[OPTIONS]",
    "List containers.",
    (
        Option("-a --all", FLAG, "those that do not run, too"),
        Option("-q --quiet", FLAG, "only their ids"),
        Option("-l --latest", FLAG, "only the newest, whether it runs or not"),
        Option("-n --last", VALUE, "the newest so many, whether they run or not", "NUMBER"),
        Option("--no-trunc", FLAG, "do not shorten"),
        Option("--format", VALUE, "json: one object a line", "FORMAT"),
    ),
    most=0,
)
HEADER = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
COMMAND_WIDTH = 20


def ps(dirs, words):
    """wherry ps"""
    given, _ = PS.parse(words)
    newest = 1 if given.get("latest") else int(given.get("last", 0))
    found = Containers(dirs).list()
    if newest:
        found = found[:newest]
    elif not given.get("all"):
        found = [each for each in found if each.status in ("running", "paused")]
    full = given.get("no_trunc", False)
    if given.get("quiet"):
        output = [each.id if full else each.id[:12] for each in found]
    elif given.get("format", "table") == "json":
        output = [state.encode(fields(each, full)) for each in found]
    elif given.get("format", "table") == "table":
        output = table.lines(HEADER, [row(each, full) for each in found])
    else:
        raise UsageError(f"--format {given['format']!r} is not supported", hint="use json, or leave it out")
    print("".join(line + "\n" for line in output), end="")
    return 0


def row(record, full):
    """The cells of one container."""
    shown = fields(record, full)
    return tuple(shown[key] for key in ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"))


def fields(record, full):
    """The fields that docker's `ps --format json` has, for one container."""
    return {
        "ID": record.id if full else record.id[:12],
        "Image": record.image,
        "Command": command(record, full),
        "CreatedAt": table.moment(record.created),
        "RunningFor": table.ago(record.created) + " ago",
        "State": record.status,
        "Status": status(record),
        "Ports": ports(record),
        "Names": record.name,
        "Labels": ",".join(f"{name}={value}" for name, value in record.labels.items()),
        "Networks": record.request.get("network", "bridge"),
        "ExitCode": record.exit_code,
    }


def command(record, full):
    """The command in quotes, as docker shortens it."""
    text = " ".join(record.fields["command"])
    shortened = text if full or len(text) <= COMMAND_WIDTH else text[: COMMAND_WIDTH - 1] + "…"
    return f'"{shortened}"'


def status(record):
    """The state in docker's words: "Up 3 minutes (healthy)", "Exited (137) 2 hours ago, out of memory"."""
    if record.status == "created":
        return "Created"
    if record.status == "exited":
        code = "unknown" if record.exit_code is None else record.exit_code
        since = f" {table.ago(record.finished)} ago" if record.finished else ""
        return f"Exited ({code}){since}" + (", out of memory" if record.oom else "")
    notes = [record.health["status"].replace("starting", "health: starting")] if record.health else []
    notes += ["Paused"] if record.status == "paused" else []
    notes += [] if record.monitored else ["its monitor is gone"]
    return f"Up {table.ago(record.started)}" + "".join(f" ({note})" for note in notes)


def ports(record):
    """The published ports: "127.0.0.1:8080->80/tcp"."""
    return ", ".join(
        f"{each['address']}:{each['host_port']}->{each['container_port']}/{each['protocol']}" for each in record.ports
    )
