"""Back to the old release from wherever a switch was cut off."""

import pytest

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
