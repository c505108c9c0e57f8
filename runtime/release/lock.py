"""The lock of an application: one run at a time, never by hand.

`lock.json` stays when the lock is given back: the token in it only grows, and so does the release number that was seen.
Times are those of the boottime clock, which goes on while the machine sleeps; after a reboot a lock counts from the boot.
"""

import posix
import time

from .. import state
from ..container.record import start_time
from ..errors import LockedError
from . import application, record, revert

EXPIRY = 20.0  # seconds after the last heartbeat
STOPPED = 10.0  # seconds without a heartbeat after which a run seems to be gone: it sends one every 5
_FREE = {"token": 0, "number": 0, "owner": None, "run_id": None, "since": None, "heartbeat": 0.0, "boot_id": None}


class Permit:
    """A run's right to change an application; asked again before each step that cannot be taken back."""

    def __init__(self, app, token):
        self.app, self.token = app, token

    def check(self):
        """LockedError if another run has taken over."""
        held = read(self.app)
        if held["owner"] is None or held["token"] != self.token:
            raise LockedError(
                "fenced: another run has taken over" if held["owner"] else "fenced: this run no longer holds the lock",
                f"application {self.app.name}",
                "start the deploy again",
                owner=held["owner"] or "",
                live=True,
            )


def permit(containers, fields):
    """The permit that an operation's fields carry, checked."""
    found = Permit(application.find(containers, fields), fields.get("token"))
    found.check()
    return found


def take(containers, fields):
    """Take the lock, or LockedError; after an expired run, what it left uncommitted is finished or reverted.

    Returns number (the highest release number seen), token, current (the release in force), reverted (names).
    """
    app = application.find(containers, fields)
    with app.bookkeeping():
        held = read(app)
        if held["owner"] and held["run_id"] != fields["run_id"]:
            _refuse_while_held(app, held)
        if held["run_id"] != fields["run_id"]:  # else the same run asks again, its answer was lost
            held = {**held, "token": held["token"] + 1, "since": time.time(), "owner": fields["owner"]}
            held["run_id"] = fields["run_id"]
        _write(app, held, durable=True)
    with app.working():  # what still worked for the old token has noticed that it is fenced
        reverted = revert.recover(containers, app, held["run_id"])
    number = max([held["number"], *record.numbers(app)])
    return {"number": number, "token": held["token"], "current": record.current(app), "reverted": reverted}


def heartbeat(containers, fields):
    """Say that the run lives."""
    found = permit(containers, fields)
    with found.app.bookkeeping():
        found.check()
        _write(found.app, read(found.app), durable=False)
    return {}


def give_back(containers, fields):
    """Give the lock back; what is not committed is reverted first, because nobody would guard it."""
    found = permit(containers, fields)
    with found.app.working():
        reverted = revert.recover(containers, found.app, run_id=None)
    with found.app.bookkeeping():
        found.check()
        _write(found.app, {**read(found.app), "owner": None, "run_id": None, "since": None}, durable=True)
    return {"reverted": reverted}


def saw(app, number):
    """Remember a release number, so that it is never given out again, whatever becomes of the release."""
    with app.bookkeeping():
        held = read(app)
        if number > held["number"]:
            _write(app, {**held, "number": number}, durable=True)


def read(app):
    """The lock as it is on disk."""
    return state.read(app.path("lock.json"), missing=_FREE)


def shown(app):
    """The lock for `status`: owner, since, seconds until it expires, live; None when it is free."""
    held = read(app)
    if not held["owner"]:
        return None
    silent = _silent(held)
    left = max(0.0, EXPIRY - silent)
    return {"owner": held["owner"], "since": held["since"], "expires_in": left, "live": _lives(held)}


def _refuse_while_held(app, held):
    silent = _silent(held)
    if silent >= EXPIRY:
        return
    live = _lives(held)
    what = f"is being deployed by {held['owner']}"
    if not live:
        what += f", whose heartbeat stopped {silent:.0f} s ago"
    hint = "wait until that run has ended" if live else f"its lock expires in {EXPIRY - silent:.0f} s"
    raise LockedError(
        what, f"application {app.name}", hint, owner=held["owner"], expires_in=round(EXPIRY - silent, 1), live=live
    )


def _lives(held):
    """Whether the run seems to live: a heartbeat came lately, and the agent that it speaks to has not lost it."""
    pid, start = held.get("agent") or (0, None)
    return _silent(held) < STOPPED and start_time(pid) == start


def _silent(held):
    """Seconds since the last heartbeat; since the boot if that was before."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return now - held["heartbeat"] if held["boot_id"] == _boot_id() else now


def _write(app, held, durable):
    beat = {
        "heartbeat": time.clock_gettime(time.CLOCK_BOOTTIME),
        "boot_id": _boot_id(),
        "agent": [posix.getpid(), start_time(posix.getpid())],
    }
    state.write(app.path("lock.json"), {**held, **beat}, durable)


def _boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
