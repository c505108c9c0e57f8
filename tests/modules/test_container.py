"""The container module: what it asks of the runtime, for each state."""

from types import SimpleNamespace

import pytest

from tests.modules.conftest import module

container = module("container")


class Containers:
    """Records what is asked for; `here` is the status by name."""

    def __init__(self, **here):
        self.here, self.asked = here, []

    def list(self):
        return [
            SimpleNamespace(name=name, status=status, id="1", image="app", image_id="2", address=None, ports=[])
            for name, status in self.here.items()
        ]

    def ensure(self, wanted):
        self.asked.append(("ensure", wanted))
        self.here[wanted["name"]] = "running"
        return True

    def create(self, wanted):
        self.asked.append(("create", wanted))

    def stop(self, found):
        self.asked.append(("stop", found.name))

    def remove(self, found):
        self.asked.append(("remove", found.name))


def host(check=False, **here):
    return SimpleNamespace(check=check, containers=Containers(**here))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"command": "run --port 80 'a b'"}, {"command": ["run", "--port", "80", "a b"]}),
        ({"command": ["run", 80]}, {"command": ["run", "80"]}),
        ({"ports": [8080], "env": {"A": 1}}, {"ports": ["8080"], "env": {"A": 1}}),
        ({"tty": False, "user": None, "pids": 0}, {"pids": 0}),
    ],
)
def test_arguments_become_a_request_of_what_is_given(given, wanted):
    assert container.request(given) == wanted


def test_a_started_container_is_ensured_and_shown():
    machine = host()
    result = container.run(machine, "web", image="app", command="serve", state="started")
    assert machine.containers.asked == [("ensure", {"name": "web", "image": "app", "command": ["serve"]})]
    assert result["changed"]
    assert result["container"]["status"] == "running"


@pytest.mark.parametrize(
    ("state", "status", "steps"),
    [
        ("stopped", "running", [("stop", "web")]),
        ("stopped", "exited", []),
        ("absent", "running", [("stop", "web"), ("remove", "web")]),
        ("created", "exited", []),
    ],
)
def test_each_state_takes_the_steps_that_lead_to_it(state, status, steps):
    machine = host(web=status)
    result = container.run(machine, "web", image="app", state=state)
    assert machine.containers.asked == steps
    assert (result if isinstance(result, bool) else result["changed"]) == bool(steps)


def test_nothing_is_done_in_check_mode():
    machine = host(check=True, web="running")
    assert container.run(machine, "web", state="absent")["changed"]
    assert container.run(machine, "web", state="stopped") is True
    assert container.run(machine, "other", image="app", state="created") is True
    assert machine.containers.asked == []
