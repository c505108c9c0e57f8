"""Steps of a rollout over a session: answered in order, heartbeats in between, errors as they were raised."""

import os
import shutil
import threading
import time

import pytest

from tests.connection.asking import ask
from tests.connection.conftest import ROOT
from wherry.connection import payload as payloads
from wherry.connection import session as sessions
from wherry.connection.target import Target
from wherry.errors import LockedError, RemoteError
from wherry.project import Project

SLOW = """
import time
from ..errors import LockedError

beats = []

def handle(op, fields, containers):
    if op == "heartbeat":
        beats.append(fields)
        return {"beats": len(beats)}
    if op == "switch":
        time.sleep(1.5)
    if op == "lock":
        raise LockedError("held by anna", fields["app"], owner="anna@laptop", expires_in=12.5, live=False)
    return {"beats": beats}
"""


@pytest.fixture
def slow(tmp_path):
    """A session whose host takes its time to switch."""
    for name in ("runtime", "modules"):
        shutil.copytree(os.path.join(ROOT, name), tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "runtime/release/__init__.py").write_text(SLOW)

    class Elsewhere(Project):
        product = str(tmp_path)

    payload = payloads.make(Elsewhere(str(tmp_path)))
    session = sessions.open(Target("here", connection="local", root=str(tmp_path / "state")), payload)
    yield session
    session.close()


def test_heartbeats_pass_while_a_step_runs(slow):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(slow.release("switch", app="shop", token=1, name="web")))
    thread.start()
    time.sleep(0.3)
    slow.notify("heartbeat", app="shop", token=1)
    thread.join()
    assert answers == [{"beats": [{"app": "shop", "token": 1}]}]


def test_a_refused_lock_keeps_its_owner_and_its_time(slow):
    with pytest.raises(LockedError) as caught:
        slow.release("lock", app="shop", owner="me", run_id="1")
    error = caught.value
    assert (error.what, error.where) == ("held by anna", "here: shop")
    assert (error.owner, error.expires_in, error.live, error.exit_code) == ("anna@laptop", 12.5, False, 6)
    assert ask(slow, "ping")["ping"] == "pong"


@pytest.mark.root
def test_the_products_own_release_steps_answer(local):
    assert local.release("applications") == {"applications": []} or local.release("applications")
    with pytest.raises(RemoteError, match="unknown release operation"):
        local.release("launch")
