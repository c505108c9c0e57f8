"""Make a release the one in force: old containers go, new ones get their names, the record stays."""

from ..container import monitor
from ..errors import Conflict, WherryError
from ..network import nftables
from . import journal, lock, record, stage

KEEP = 5


def run(containers, fields):
    """Commit release `number` with the controller's `record` and keep the newest `keep` releases.

    Done again after a lost answer it changes nothing.  Returns number and containers (name, id, image, image_id).
    """
    permit, number = lock.permit(containers, fields), int(fields["number"])
    with permit.app.working():
        permit.check()
        book = journal.load(permit.app)
        if book is None and number in record.numbers(permit.app):
            return {"number": number, "containers": record.read(permit.app, number)["containers"]}
        if book and book.number != number:
            what = f"release {book.number} is under way, not {number}"
            raise Conflict(what, f"application {permit.app.name}", "revert it first")
        lock.saw(permit.app, number)
        members = _members(containers, book) if book else []
        # From here on the release is in force: who finds a journal beside its record finishes, nobody goes back.
        record.write(permit.app, number, {**fields["record"], "containers": members})
        if book:
            finish(containers, book)
        record.prune(permit.app, int(fields.get("keep", KEEP)))
    return {"number": number, "containers": members}


def finish(containers, book):
    """Remove the old containers of a committed release, name the new ones, remove what was staged for nothing."""
    olds = [stage.find(containers, each["old"]) for each in book.switches]
    for old in filter(None, olds):
        _ask_to_end(old)
    for old in filter(None, olds):
        containers.stop(old)
        containers.remove(old, force=True)
    for switched in book.switches:
        new = stage.find(containers, switched["new"])
        if new and new.name != switched["name"]:
            new.request.pop("staged", None)  # from now on a start publishes its ports
            containers.rename(new, switched["name"])
    for name in book.names:
        stage.remove_leftover(containers, book, name)
    book.remove()


def _members(containers, book):
    """What the release consists of on this host: new containers, and unchanged ones that were staged as they are."""
    switched = {each["name"]: each["new"] for each in book.switches}
    found = [(name, stage.find(containers, switched.get(name, name))) for name in book.names]
    return [_member(name, each) for name, each in found if each]


def _member(name, container):
    """A container as the record keeps it: enough to be made again, from the very same image."""
    asked = {key: value for key, value in container.request.items() if key not in ("staged", "release")}
    known = {"name": name, "id": container.id, "image": container.image, "image_id": container.image_id}
    return {**known, "request": {**asked, "name": name, "image_id": container.image_id}}


def _ask_to_end(old):
    """Send the stop signal without waiting: all old containers of a host end at the same time."""
    if old.address:
        nftables.unreject(old.address)
    try:
        monitor.stop(old)
    except (WherryError, OSError):
        pass  # it does not run; `stop` and `remove` see to the rest
