"""The lock of an application, without containers: who gets it, for how long, and which number."""

import time

import pytest

from runtime import state
from runtime.errors import LockedError, UsageError
from runtime.release import handle, lock
from runtime.release.application import Application
from runtime.state import Dirs


class NoContainers:
    """What the lock needs of Containers: the folders."""

    def __init__(self, path):
        self.dirs = Dirs(f"{path}/root", f"{path}/state")


@pytest.fixture
def host(tmp_path):
    return NoContainers(tmp_path)


def take(host, run, app="hello"):
    return handle("lock", {"app": app, "owner": f"{run}@laptop", "run_id": run}, host)


def change(host, **fields):
    app = Application(host.dirs, "hello")
    state.write(app.path("lock.json"), {**lock.read(app), **fields})


def test_the_first_run_of_an_application_gets_token_and_number(host):
    assert take(host, "a") == {"number": 0, "token": 1, "current": None, "reverted": []}


def test_a_run_that_asks_again_because_its_answer_was_lost_keeps_its_token(host):
    assert take(host, "a")["token"] == take(host, "a")["token"] == 1


def test_tokens_only_grow_whoever_gives_the_lock_back(host):
    for expected in (1, 2, 3):
        token = take(host, f"run {expected}")["token"]
        assert token == expected
        handle("unlock", {"app": "hello", "token": token}, host)


def test_applications_do_not_wait_for_each_other(host):
    take(host, "a")
    assert take(host, "b", app="other")["token"] == 1


def test_the_refusal_names_the_owner_and_whether_it_lives(host):
    take(host, "a")
    with pytest.raises(LockedError, match="deployed by a@laptop") as refusal:
        take(host, "b")
    assert refusal.value.live and 19 < refusal.value.expires_in <= 20


def test_a_heartbeat_keeps_the_lock(host):
    token = take(host, "a")["token"]
    change(host, heartbeat=time.clock_gettime(time.CLOCK_BOOTTIME) - 19)
    handle("heartbeat", {"app": "hello", "token": token}, host)
    with pytest.raises(LockedError) as refusal:
        take(host, "b")
    assert refusal.value.live


def test_a_stopped_heartbeat_is_told_apart_and_expires_after_20_seconds(host):
    take(host, "a")
    change(host, heartbeat=time.clock_gettime(time.CLOCK_BOOTTIME) - 15)
    with pytest.raises(LockedError, match="heartbeat stopped 15 s ago") as refusal:
        take(host, "b")
    assert not refusal.value.live and 4 < refusal.value.expires_in < 6
    change(host, heartbeat=time.clock_gettime(time.CLOCK_BOOTTIME) - 20)
    assert take(host, "b")["token"] == 2
    with pytest.raises(LockedError, match="fenced"):
        handle("heartbeat", {"app": "hello", "token": 1}, host)


def test_a_run_whose_agent_has_ended_does_not_live_however_late_its_heartbeat_was(host):
    take(host, "a")
    change(host, agent=[2**22 + 1, 1])
    with pytest.raises(LockedError) as refusal:
        take(host, "b")
    assert not refusal.value.live and refusal.value.expires_in > 19


def test_a_lock_from_before_a_reboot_counts_from_the_boot(host, monkeypatch):
    take(host, "a")
    change(host, boot_id="another", heartbeat=10.0**9)
    monkeypatch.setattr(lock.time, "clock_gettime", lambda clock: 12.0)
    with pytest.raises(LockedError) as refusal:
        take(host, "b")
    assert not refusal.value.live and refusal.value.expires_in == 8.0
    monkeypatch.setattr(lock.time, "clock_gettime", lambda clock: 20.5)
    assert take(host, "b")["token"] == 2


def test_a_number_that_was_seen_is_never_given_out_again(host):
    token = take(host, "a")["token"]
    lock.saw(Application(host.dirs, "hello"), 7)
    handle("unlock", {"app": "hello", "token": token}, host)
    assert take(host, "b")["number"] == 7


@pytest.mark.parametrize("name", ["", "..", ".x", "a/b", "A", "a b", "x" * 64, None, 7, "ä"])
def test_a_name_that_could_leave_its_folder_is_refused(host, name):
    with pytest.raises(UsageError):
        take(host, "a", app=name)


def test_an_unknown_operation_is_refused_with_the_known_ones(host):
    with pytest.raises(UsageError, match="lock, heartbeat, unlock"):
        handle("lok", {"app": "hello"}, host)


@pytest.mark.parametrize("op", ["heartbeat", "unlock", "stage", "switch", "commit", "revert"])
def test_every_change_needs_the_token_of_the_lock(host, op):
    take(host, "a")
    for token in (None, 0, 2, "1"):
        with pytest.raises(LockedError, match="fenced"):
            handle(op, {"app": "hello", "token": token, "number": 1, "name": "web", "containers": []}, host)
