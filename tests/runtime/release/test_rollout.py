"""Rollouts on one host with real containers: what a deploy does to who asks meanwhile, and the way back."""

import os
import time

import pytest

from runtime.errors import Conflict, LockedError, NotFound
from runtime.network import nftables
from runtime.release import handle, lock
from tests.runtime.release import hello
from tests.runtime.release.deployer import Deployer, age, host, names
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root


@in_sandbox
def test_a_first_deploy_publishes_only_what_passed_the_gate_and_keeps_a_record():
    with host() as containers:
        deploy = Deployer(containers).lock()
        assert (deploy.number, deploy.answer["current"]) == (1, None)
        (staged,) = deploy.stage(hello.request(1))
        assert staged["changed"] and staged["strategy"] == "start-first"
        assert names(containers) == {"web.1": "created"}
        assert hello.ask() == "ConnectionRefusedError"
        assert deploy.switch()["failed"] is False
        assert hello.ask() == "1"
        assert deploy("status")["uncommitted"] == 1
        deploy.commit()
        deploy("unlock")
        assert names(containers) == {"web": "running"}
        (release,) = deploy("history")["releases"]
        assert (release["number"], release["commit"]) == (1, "c1")
        status = deploy("status")
        assert status["lock"] is None and status["containers"][0]["status"] == "running"
        assert handle("applications", {}, containers) == {"applications": [{"app": "hello", "number": 1}]}


@in_sandbox
def test_no_request_fails_while_a_server_that_can_drain_is_replaced():
    with host() as containers:
        drain = {"drain": {"signal": "USR1"}}
        Deployer(containers).deploy(hello.request(1, rollout=drain))
        with hello.Load() as load:
            for version in (2, 3, 4):
                Deployer(containers, f"run {version}").deploy(hello.request(version, rollout=drain))
        assert load.failures == []
        assert load.versions() == ["1", "2", "3", "4"]
        assert len(load.answers) > 100


@in_sandbox
def test_no_new_connection_fails_while_a_server_that_knows_no_drain_is_replaced():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        with hello.Load() as load:
            for version in (2, 3, 4):
                Deployer(containers, f"run {version}").deploy(hello.request(version))
        assert [each for each in load.failures if each[0] == "new"] == []
        assert len(load.failures) <= 3  # kept connections in the race that HTTP/1.1 has
        assert load.versions() == ["1", "2", "3", "4"]


@in_sandbox
def test_the_old_container_is_frozen_until_the_commit_and_holds_no_connection():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        old = containers.find("web")
        assert deploy.switch()["failed"] is False
        assert names(containers) == {"web": "paused", "web.2": "running"}
        assert hello.ask(80, old.address) == "ConnectionRefusedError"
        deploy.commit()
        assert names(containers) == {"web": "running"}
        assert {address for _, address in nftables.published()} == {containers.find("web").address}


@in_sandbox
def test_what_already_runs_as_asked_is_left_alone():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        before = containers.find("web").id
        deploy = Deployer(containers, "run 2").lock()
        (staged,) = deploy.stage(hello.request(1))
        assert staged == {"name": "web", "changed": False, "id": None, "strategy": "start-first"}
        assert deploy.switch() == {"failed": False, "changed": False, "name": "web"}
        deploy.commit()
        assert containers.find("web").id == before
        assert [each["id"] for each in deploy("history")["releases"][-1]["containers"]] == [before]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("exits", {"reason": "ended with exit code 3", "exit_code": 3}),
        ("deaf", {"reason": "was not healthy within 3 s", "exit_code": None}),
        ("sick", {"reason": "was not healthy within 3 s", "exit_code": None}),
    ],
)
@in_sandbox
def test_a_broken_version_is_removed_and_the_old_one_never_stopped_serving(mode, expected):
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        with hello.Load() as load:
            deploy = Deployer(containers, "run 2").lock()
            deploy.stage(hello.request(2, mode=mode))
            answer = deploy.switch()
            assert deploy("revert") == {"reverted": []}
            deploy("unlock")
        assert answer["failed"] and {key: answer[key] for key in expected} == expected
        check_words(mode, answer)
        assert load.failures == [] and load.versions() == ["1"]
        assert names(containers) == {"web": "running"}


def check_words(mode, answer):
    if mode == "exits":
        assert answer["logs"][-2:] == ["no configuration found", "giving up"] or "giving up" in answer["logs"]
    if mode == "deaf":
        assert answer["logs"] == ["waiting for a database"] and answer["listening"] == []
        assert "refused" in answer["probe"]
    if mode == "sick":
        assert "500" in answer["probe"] and answer["listening"] == ["0.0.0.0:80"]


@in_sandbox
def test_a_revert_leads_every_port_back_without_a_failed_request():
    with host() as containers:
        drain = {"drain": {"signal": "USR1"}}
        ports = [f"{hello.PORT}:80", "public:8081:80"]
        Deployer(containers).deploy(hello.request(1, ports=ports, rollout=drain))
        before = containers.find("web").id
        with hello.Load() as load:
            deploy = Deployer(containers, "run 2").lock()
            deploy.stage(hello.request(2, ports=ports, rollout=drain))
            assert deploy.switch()["failed"] is False
            time.sleep(0.3)
            assert deploy("revert") == {"reverted": ["web"]}
            assert deploy("revert") == {"reverted": []}
        assert load.failures == [] and load.versions() == ["1", "2"]
        assert sorted(load.answers)[-1][1] == "1"
        assert hello.ask(8081) == "1"
        assert names(containers) == {"web": "running"} and containers.find("web").id == before
        with pytest.raises(Conflict):
            containers.start(containers.create(hello.request(9, name="thief")))  # the ports are held again


@in_sandbox
def test_a_revert_starts_an_old_container_again_that_retired_by_stopping():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2, rollout={"retire": "stop"}))
        assert deploy.switch()["failed"] is False
        assert names(containers) == {"web": "exited", "web.2": "running"}
        assert deploy("revert") == {"reverted": ["web"]}
        assert hello.ask() == "1"
        web = containers.find("web")
        containers.stop(web)
        containers.start(containers.find("web"))
        assert hello.wait_for("1")


@in_sandbox
def test_a_committed_container_publishes_its_ports_when_it_is_started_again():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        Deployer(containers, "run 2").deploy(hello.request(2))
        web = containers.find("web")
        containers.stop(web)
        assert hello.ask() == "ConnectionRefusedError"
        containers.start(containers.find("web"))
        assert hello.wait_for("2")


@in_sandbox
def test_ports_may_come_and_go_and_change_their_address_with_a_release():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1, ports=["8080:80", "8081:80"]))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2, ports=["public:8080:80", "8082:80"]))
        assert deploy.switch()["failed"] is False
        assert [hello.ask(8080), hello.ask(8081), hello.ask(8082)] == ["2", "ConnectionRefusedError", "2"]
        deploy("revert")
        assert [hello.ask(8080), hello.ask(8081), hello.ask(8082)] == ["1", "1", "ConnectionRefusedError"]


@in_sandbox
def test_a_new_port_that_somebody_else_has_fails_the_switch_and_leaves_the_old_one_serving():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        Deployer(containers, app="other").deploy(hello.request("other", name="other", ports=["8082:80"]))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2, ports=["8080:80", "8082:80"]))
        answer = deploy.switch()
        assert answer["failed"] and "8082" in answer["reason"]
        assert [hello.ask(8080), hello.ask(8082)] == ["1", "other"]


@in_sandbox
def test_a_container_with_a_volume_of_its_own_is_stopped_before_its_successor_starts():
    with host() as containers:
        volumes = ["/usr:/usr:ro", "data:/data"]
        Deployer(containers).deploy(hello.request(1, volumes=volumes))
        deploy = Deployer(containers, "run 2").lock()
        (staged,) = deploy.stage(hello.request(2, volumes=volumes))
        assert staged["strategy"] == "stop-first"
        answer = deploy.switch()
        assert answer["failed"] is False, answer
        assert (hello.ask(), names(containers)["web"]) == ("2", "exited")
        assert deploy("revert") == {"reverted": ["web"]}
        assert hello.ask() == "1"
        deploy.number += 1
        deploy.stage(hello.request(3, volumes=volumes, mode="exits"))
        assert deploy.switch()["failed"] and hello.ask() == "1"


@in_sandbox
def test_a_second_run_is_refused_while_the_first_one_lives():
    with host() as containers:
        Deployer(containers).lock()
        with pytest.raises(LockedError) as refusal:
            Deployer(containers, "run 2").lock()
        assert refusal.value.live and refusal.value.owner == "tester of run 1"
        assert Deployer(containers).lock().token == 1  # the same run asks again


@in_sandbox
def test_a_run_whose_heartbeat_stopped_is_taken_over_reverted_and_fenced():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        lost = Deployer(containers, "run 2").lock()
        lost.stage(hello.request(2), hello.request(2, name="side", ports=["8090:80"]))
        assert lost.switch()["failed"] is False
        assert hello.ask() == "2"
        age(lost, 12)
        with pytest.raises(LockedError) as refusal:
            Deployer(containers, "run 3").lock()
        assert not refusal.value.live and 5 < refusal.value.expires_in < 9
        age(lost, 21)
        after = Deployer(containers, "run 3").lock()
        assert after.answer["reverted"] == ["web"] and after.token > lost.token
        assert hello.ask() == "1" and names(containers) == {"web": "running"}
        for op, fields in [("heartbeat", {}), ("switch", {"name": "side"}), ("commit", {"number": 2, "record": {}})]:
            with pytest.raises(LockedError, match="fenced"):
                lost(op, **fields)
        assert after.number == 3  # a number is never given out twice


@in_sandbox
def test_a_run_that_is_fenced_in_the_middle_of_a_gate_stops_there():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        slow = Deployer(containers, "run 2").lock()
        slow.stage(hello.request(2, mode="deaf", rollout={"start_timeout": 60}))
        child = os.fork()
        if child == 0:
            try:
                slow.switch()
            except LockedError:
                os._exit(6)
            os._exit(0)
        time.sleep(1)
        age(slow, 21)
        began = time.monotonic()
        assert Deployer(containers, "run 3").lock().answer["reverted"] == ["web"]
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 6
        assert time.monotonic() - began < 15
        assert hello.ask() == "1" and names(containers) == {"web": "running"}


@pytest.mark.parametrize("delay", [0.05, 0.4, 0.8, 1.2])
@in_sandbox
def test_an_agent_that_is_killed_at_any_moment_leaves_what_the_next_run_reverts(delay):
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        child = os.fork()
        if child == 0:
            deploy.switch()
            time.sleep(60)
        time.sleep(delay)
        os.kill(child, 9)
        os.waitpid(child, 0)
        age(deploy, 21)
        assert Deployer(containers, "run 3").lock().answer["reverted"] == ["web"]
        assert hello.ask() == "1" and names(containers) == {"web": "running"}
        Deployer(containers, "run 3").deploy(hello.request(3))
        assert hello.ask() == "3"


@in_sandbox
def test_a_commit_that_was_interrupted_is_finished_by_the_next_run():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        deploy.switch()
        app = lock.permit(containers, {"app": "hello", "token": deploy.token}).app
        from runtime.release import record

        record.write(app, deploy.number, {"containers": []})  # as if killed right after the record
        age(deploy, 21)
        after = Deployer(containers, "run 3").lock()
        assert after.answer["reverted"] == [] and after.answer["current"]["number"] == 2
        assert hello.ask() == "2" and names(containers) == {"web": "running"}


@in_sandbox
def test_giving_the_lock_back_never_leaves_an_uncommitted_switch():
    with host() as containers:
        deploy = Deployer(containers).lock()
        deploy.stage(hello.request(1))
        deploy.switch()
        assert deploy("unlock") == {"reverted": ["web"]}
        assert names(containers) == {} and hello.ask() == "ConnectionRefusedError"


@in_sandbox
def test_old_records_are_pruned_and_a_missing_one_is_named():
    with host() as containers:
        for version in range(1, 4):
            deploy = Deployer(containers, f"run {version}").lock()
            deploy.stage(hello.request("same"))
            deploy.switch()
            deploy("commit", number=deploy.number, record={}, keep=2)
            deploy("unlock")
        assert [each["number"] for each in deploy("history")["releases"]] == [2, 3]
        from runtime.release import application, record

        with pytest.raises(NotFound, match="kept releases: 2, 3"):
            record.read(application.Application(containers.dirs, "hello"), 1)
        image_id = containers.find("web").image_id
        assert record.keepers_of(containers.dirs, image_id)[0].endswith(" of hello")
        assert record.keepers_of(containers.dirs, "sha256:none") == []
