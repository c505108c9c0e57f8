"""Locks of several hosts: all or none, in name order, kept by a heartbeat."""

import threading

import pytest

from wherry.errors import LockedError, UnreachableError
from wherry.rollout import lock as locks
from wherry.rollout.lock import Lock


class Host:
    """One host's lock, answering as runtime/release does."""

    def __init__(self, log, name, refusals=()):
        self.log, self.name, self.refusals, self.beats = log, name, list(refusals), threading.Event()

    def release(self, op, *, become=None, **fields):
        self.log.append((op, self.name))
        if op == "lock" and self.refusals:
            raise self.refusals.pop(0)
        return {"token": 7, "number": len(self.name), "current": None, "reverted": []}

    def notify(self, kind, **fields):
        assert (kind, fields["token"]) == ("heartbeat", 7)
        self.beats.set()


class Hosts(dict):
    """Hosts by name, as Fleet offers them."""

    def reach(self, name):
        return self[name]

    def living(self, name):
        return self.get(name)


def make(hosts, said=None):
    return Lock("shop", "me", "run", hosts, lambda host, text: (said if said is not None else []).append((host, text)))


def test_hosts_are_locked_in_name_order_and_the_number_is_one_more_than_any_has_seen():
    log = []
    lock = make(Hosts({name: Host(log, name) for name in ("web2", "db", "web10")}))
    lock.take(["web2", "db", "web10"])
    assert log == [("lock", "db"), ("lock", "web10"), ("lock", "web2")]
    assert lock.next_number == len("web10") + 1
    assert lock.give_back() == {}


def test_one_refusal_gives_back_every_lock():
    log = []
    refusal = LockedError("is being deployed", "web2", owner="you", expires_in=15, live=True)
    lock = make(Hosts(web1=Host(log, "web1"), web2=Host(log, "web2", [refusal]), web3=Host(log, "web3")))
    with pytest.raises(LockedError):
        lock.take(["web1", "web2", "web3"])
    assert log == [("lock", "web1"), ("lock", "web2"), ("unlock", "web1")]


def test_a_lock_whose_heartbeat_has_stopped_is_waited_for_and_taken_over():
    log, said = [], []
    refusal = LockedError("is being deployed", "web1", owner="you", expires_in=0.1, live=False)
    lock = make(Hosts(web1=Host(log, "web1", [refusal])), said)
    lock.take(["web1"])
    assert log == [("lock", "web1"), ("lock", "web1")]
    assert "you" in said[0][1]
    lock.give_back()


def test_a_lock_that_expires_too_late_is_not_waited_for():
    refusal = LockedError("is being deployed", "web1", owner="you", expires_in=3600, live=False)
    with pytest.raises(LockedError):
        make(Hosts(web1=Host([], "web1", [refusal]))).take(["web1"])


def test_a_heartbeat_goes_to_every_host_while_locks_are_held(monkeypatch):
    monkeypatch.setattr(locks, "HEARTBEAT_EVERY", 0.02)
    hosts = Hosts(web1=Host([], "web1"), web2=Host([], "web2"))
    lock = make(hosts)
    lock.take(hosts)
    assert all(host.beats.wait(5) for host in hosts.values())
    lock.give_back()


def test_a_host_that_cannot_be_unlocked_is_named_and_the_others_are():
    log = []
    hosts = Hosts(web1=Host(log, "web1"), web2=Host(log, "web2"))
    lock = make(hosts)
    lock.take(hosts)
    lost = UnreachableError("gone", "web1")

    def broken(op, **fields):
        raise lost

    hosts["web1"].release = broken
    assert lock.give_back() == {"web1": lost}
    assert ("unlock", "web2") in log
