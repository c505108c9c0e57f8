"""What a rollout sees of a run: plays, batches, container tasks, failures; and what it can make ready before."""

import pytest

from tests.execution.fake import FakeSession
from wherry.errors import RemoteError
from wherry.execution import stage
from wherry.execution.hooks import NoHooks

ROLLOUT = """
    - hosts: web
      serial: 1
      rollout: {app: hello}
      tasks:
        - {name: before, command: "true"}
        - {name: app, container: {name: app, image: "app:{{ version }}"}, vars: {version: 2}}
        - {name: after, ping: }
"""


class Recorder(NoHooks):
    """Notes every call; answers container tasks with `answer`."""

    def __init__(self, answer=None):
        self.calls, self.answer = [], answer

    def begin_play(self, play, host_runs):
        self.calls.append(("begin", [run.name for run in host_runs]))

    def before_batch(self, play, number, host_runs):
        self.calls.append(("before", number, [run.name for run in host_runs]))

    def container(self, host_run, task, args):
        self.calls.append(("container", host_run.name, args, host_run.session.requests[-1].module))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def failed(self, host_run, reason):
        self.calls.append(
            ("failed", host_run.name, str(reason.get("msg")) if isinstance(reason, dict) else str(reason))
        )

    def after_batch(self, play, number, host_runs):
        self.calls.append(("after", number))

    def end_play(self, play, host_runs, failed):
        self.calls.append(("end", failed))


@pytest.fixture
def fakes(site):
    """Two hosts that answer everything with success."""
    site.hosts("web1", "web2")
    sessions = {name: FakeSession() for name in ("web1", "web2")}
    return sessions, lambda target, packed: sessions[target.name]


def test_hooks_are_called_in_order_and_do_container_tasks(site, fakes):
    sessions, connect = fakes
    hooks = Recorder({"changed": True, "id": "x"})
    run = site.run(ROLLOUT, hooks=hooks, connect=connect)
    args = {"name": "app", "image": "app:2"}
    assert [call[:2] for call in hooks.calls] == [
        ("begin", ["web1", "web2"]),
        ("before", 0),
        ("container", "web1"),
        ("after", 0),
        ("before", 1),
        ("container", "web2"),
        ("after", 1),
        ("end", False),
    ]
    assert args.items() <= hooks.calls[2][2].items() and hooks.calls[2][3] == "command"
    assert run.result("app") == {"changed": True, "failed": False, "id": "x"}
    assert [request.module for request in sessions["web1"].requests] == ["command", "ping"]


def test_hooks_that_do_nothing_let_the_module_do_it(site, fakes):
    sessions, connect = fakes
    site.run(ROLLOUT, hooks=Recorder(), connect=connect)
    assert [request.module for request in sessions["web2"].requests] == ["command", "container", "ping"]


@pytest.mark.parametrize("answer", [{"failed": True, "msg": "gate"}, RemoteError("Conflict", "gate")])
def test_a_failure_in_a_rollout_ends_the_play_before_the_next_batch(site, fakes, answer):
    sessions, connect = fakes
    hooks = Recorder(answer)
    run = site.run(ROLLOUT, hooks=hooks, connect=connect)
    assert [call[0] for call in hooks.calls] == ["begin", "before", "container", "failed", "end"]
    assert "gate" in hooks.calls[3][2] and hooks.calls[4] == ("end", True)
    assert sessions["web2"].requests == [] and run.outcome.failed == ["web1"]


def test_a_lost_host_in_a_rollout_ends_the_play_for_all(site):
    from wherry.errors import UnreachableError

    class Lost(FakeSession):
        def wait(self, ticket):
            raise UnreachableError("lost", "web1")

    site.hosts("web1", "web2")
    hooks = Recorder({"changed": True})
    run = site.run(ROLLOUT, hooks=hooks, connect=lambda target, packed: Lost())
    assert [call[0] for call in hooks.calls] == ["begin", "before", "failed", "end"]
    assert run.outcome.exit_code == 5


def test_check_mode_leaves_container_tasks_to_the_module(site, fakes):
    sessions, connect = fakes
    hooks = Recorder({"changed": True})
    site.run(ROLLOUT, hooks=hooks, connect=connect, check=True)
    assert not [call for call in hooks.calls if call[0] == "container"]
    assert all(request.check for request in sessions["web1"].requests)


def test_what_variables_and_facts_decide_is_ready_before_the_first_batch(site):
    staged = {}

    class Stage(NoHooks):
        def begin_play(self, play, host_runs):
            for run in host_runs:
                ready, later = stage.requests(run)
                staged[run.name] = (
                    [(each.module, each.args.get("name")) for each in ready],
                    [step.task.name for step in later],
                )

    site.hosts("web1", "web2")
    fakes = {name: FakeSession(facts_answer={"hostname": name}) for name in ("web1", "web2")}
    site.run(
        """
        - hosts: web
          rollout: {app: hello}
          tasks:
            - {command: echo 3, register: said}
            - {container: {name: "{{ item }}-{{ ansible_hostname }}", image: i}, loop: [a, b]}
            - {container: {name: only, image: i}, when: inventory_hostname == 'web2'}
            - {name: later, container: {name: "x{{ said.stdout }}", image: i}}
            - {runtime: {}}
        """,
        hooks=Stage(),
        connect=lambda target, packed: fakes[target.name],
    )
    assert staged["web1"] == ([("runtime", None), ("container", "a-web1"), ("container", "b-web1")], ["later"])
    assert staged["web2"][0][-1] == ("container", "only")
