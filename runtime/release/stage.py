"""Create the containers of a release beside the running ones: nothing is started, nothing published."""

from ..container import request as requests
from ..errors import Conflict, NotFound, UsageError
from . import drain, journal, lock, record
from .application import Application, names

START_FIRST, STOP_FIRST = "start-first", "stop-first"


def run(containers, fields):
    """Stage each request as `NAME.<number>`; what already runs as asked is left alone.

    Returns containers: name, changed, id (of the staged one) and strategy of each.
    """
    permit, number = lock.permit(containers, fields), int(fields["number"])
    with permit.app.working():
        permit.check()
        lock.saw(permit.app, number)
        book = journal.load(permit.app) or journal.Journal(permit.app, number, lock.read(permit.app)["run_id"])
        if book.number != number:
            what = f"release {book.number} is neither committed nor reverted"
            raise Conflict(what, f"application {permit.app.name}", "revert it first")
        return {"containers": [_stage(containers, book, asked) for asked in fields["containers"]]}


def find(containers, name):
    """The container with exactly this name or id, or None."""
    try:
        found = name and containers.find(name)
    except NotFound:
        return None
    return found if found and name in (found.name, found.id) else None


def remove_leftover(containers, book, name):
    """Remove what is staged as `name` and was not committed."""
    found = find(containers, f"{name}.{book.number}")
    if found and found.release == book.number:
        containers.remove(found, force=True)


def strategy(asked):
    """How a container like this is replaced: the new one beside the old, if both can live at the same time."""
    wish = asked.get("rollout", {}).get("switch")
    if wish:
        return wish
    published = asked.get("ports") and asked.get("network", "bridge") == "bridge"
    return START_FIRST if published and not any(map(_is_shared, asked.get("volumes", []))) else STOP_FIRST


def _stage(containers, book, asked):
    asked = requests.checked(asked)
    if "name" not in asked:
        raise UsageError("a container of a release needs a name", f"application {book.app.name}")
    drain.check(asked)
    name = asked["name"]
    book.name(name)
    current = find(containers, name)
    _refuse_others(book.app, current)
    if current and current.status == "running" and _is_same(containers, current, asked):
        book.save()
        return {"name": name, "changed": False, "id": None, "strategy": strategy(asked)}
    book.save()  # before there is anything: what is left after a crash is found by its name
    remove_leftover(containers, book, name)
    staged = containers.create({**asked, "staged": True, "release": book.number}, name=f"{name}.{book.number}")
    book.staged[name] = staged.id
    book.save()
    return {"name": name, "changed": True, "id": book.staged[name], "strategy": strategy(asked)}


def _refuse_others(app, current):
    """Conflict when the container is part of another application's release in force."""
    others = [Application(app.dirs, each) for each in names(app.dirs) if each != app.name]
    for other in others:
        members = (record.current(other) or {}).get("containers", [])
        if current and any(each["id"] == current.id for each in members):
            what = f"container {current.name!r} belongs to application {other.name}"
            raise Conflict(what, f"application {app.name}", "give yours another name, or deploy it as that application")


def _is_same(containers, current, asked):
    image = containers.images.find(asked.get("image_id") or asked["image"])
    return containers.is_same(current, asked, image.id)


def _is_shared(volume):
    """Whether "source:target[:options]" is a named volume that is written to: two containers at once may damage it."""
    source, _, rest = str(volume).partition(":")
    options = rest.partition(":")[2].split(",")
    return not source.startswith(("/", ".", "~")) and bool(rest) and "ro" not in options
