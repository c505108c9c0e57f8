"""What this host knows of its applications: read only, without a lock."""

from ..errors import NotFound
from . import application, journal, lock, record


def history(containers, fields):
    """releases: the kept records, the oldest first."""
    app = application.find(containers, fields)
    return {"releases": [record.read(app, number) for number in record.numbers(app)]}


def status(containers, fields):
    """current: the release in force; containers: how its containers are now; lock; uncommitted: a release's number."""
    app = application.find(containers, fields)
    current, book = record.current(app), journal.load(app)
    names = [each["name"] for each in (current or {}).get("containers", [])]
    shown = [_shown(containers, name) for name in names]
    return {"current": current, "containers": shown, "lock": lock.shown(app), "uncommitted": book and book.number}


def applications(containers, fields):
    """applications: app and number of the release in force (None before the first) of each."""
    apps = [application.Application(containers.dirs, name) for name in application.names(containers.dirs)]
    return {"applications": [{"app": app.name, "number": (record.numbers(app) or [None])[-1]} for app in apps]}


def _shown(containers, name):
    try:
        found = containers.find(name)
    except NotFound:
        return {"name": name, "status": "missing"}
    return {
        "name": name,
        "id": found.id,
        "image": found.image,
        "image_id": found.image_id,
        "status": found.status,
        "health": containers.health(found),
        "address": found.address,
        "ports": found.ports,
        "started": found.started,
        "exit_code": found.exit_code,
    }
