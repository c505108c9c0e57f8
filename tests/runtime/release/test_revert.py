"""Back to the old release from wherever a switch was cut off."""

import os

import pytest

from runtime.errors import Conflict
from runtime.release import ports
from tests.runtime.release import hello
from tests.runtime.release.deployer import Deployer, age, host, names
from tests.sandbox import in_sandbox


@in_sandbox
def test_a_flip_that_nobody_could_write_down_any_more_is_taken_back(monkeypatch):
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        with monkeypatch.context() as cut:
            cut.setattr(ports, "hand_over", lambda *words: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                deploy.switch()
        assert hello.ask() == "2"
        age(deploy, 21)
        assert Deployer(containers, "run 3").lock().answer["reverted"] == ["web"]
        assert hello.ask() == "1" and names(containers) == {"web": "running"}


@in_sandbox
def test_a_container_whose_monitor_was_killed_can_still_be_replaced_and_returned_to():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        os.kill(containers.find("web").monitor, 9)
        deploy = Deployer(containers, "run 2").lock()
        deploy.stage(hello.request(2))
        assert deploy.switch()["failed"] is False
        assert hello.ask() == "2"
        assert deploy("revert") == {"reverted": ["web"]}
        assert hello.ask() == "1"
        deploy("unlock")
        Deployer(containers, "run 3").deploy(hello.request(3))
        assert hello.ask() == "3" and names(containers) == {"web": "running"}


@in_sandbox
def test_a_container_of_one_application_is_not_seized_by_another():
    with host() as containers:
        Deployer(containers).deploy(hello.request(1))
        other = Deployer(containers, "run 2", app="other").lock()
        with pytest.raises(Conflict, match="belongs to application hello"):
            other.stage(hello.request(2))
        assert names(containers) == {"web": "running"}
