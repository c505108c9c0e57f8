"""Ctrl-C at any moment: an end within seconds, exit code 130, nothing begun that need not be."""

import os
import signal
import threading
import time

import pytest

from wherry.connection import session
from wherry.errors import Interrupted


def interrupting(delay):
    """A way to connect that lets Ctrl-C come `delay` seconds after the first host is connected to."""
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))

    def connect(target, packed):
        if target.name == "web1":
            timer.start()
        return session.open(target, packed)

    return connect


@pytest.mark.parametrize("delay", [0, 0.3, 1.5])
def test_an_interruption_ends_the_run_soon(site, delay, monkeypatch):
    site.hosts("web1", "web2")
    ended, close = [], session.Session.close
    monkeypatch.setattr(session.Session, "close", lambda self: ended.append(time.monotonic()) or close(self))
    began = time.monotonic()
    with pytest.raises(Interrupted) as caught:
        site.run(
            """
            - hosts: web
              tasks:
                - {command: sleep 6}
                - {file: {path: "{{ work }}/never", state: touch}}
            """,
            connect=interrupting(delay),
        )
    assert (caught.value.exit_code, caught.value.hint) == (130, "run the same command again")
    assert not ended or ended[0] - began < delay + 4  # none: interrupted before a session was open
    assert not os.path.exists(f"{site.work}/never")


def test_hosts_that_wait_for_others_are_interrupted_too(site):
    site.hosts("web1", "web2")
    with pytest.raises(Interrupted):
        site.run(
            """
            - hosts: web
              tasks:
                - {command: sleep 4, when: inventory_hostname == 'web1'}
                - {ping: , run_once: true}
            """,
            connect=interrupting(1),
        )
