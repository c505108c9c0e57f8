"""Probes: what they find, and the judgement that follows."""

import pytest

from runtime.container import health
from runtime.errors import WherryError
from tests.runtime.container.machine import IMAGE, Machine, on_a_machine, wait_until


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (":8080/up", (8080, "/up")),
        ("8080/up", (8080, "/up")),
        ("http://x:81/", (81, "/")),
        ("/up", (80, "/up")),
        (":9", (9, "/")),
    ],
)
def test_a_target_of_an_http_probe_may_be_written_in_several_ways(target, place):
    assert health.http_target(target) == place


def test_a_target_without_a_port_that_is_a_number_is_refused():
    with pytest.raises(WherryError):
        health.http_target("web:http/")


@pytest.mark.root
@on_a_machine
def test_each_kind_of_probe_sees_the_difference():
    machine = Machine()
    record = machine.run("--name", "web", IMAGE, "httpd", "-f", "-p", "80", "-h", "/etc")
    wait_until(lambda: health.probe(record, {"tcp": 80})[0])
    assert health.probe(record, {"http": ":80/group"})[0]
    assert not health.probe(record, {"http": ":80/none"})[0]
    assert not health.probe(record, {"tcp": 81})[0]
    assert health.probe(record, {"command": "exit 0"})[0]
    assert health.probe(record, {"command": ["cat", "/etc/group"]}) == (
        True,
        "root:x:0:\napp:x:1000:\nextra:x:1001:app",
    )
    assert health.probe(record, {"command": "echo no; exit 3"}) == (False, "exit code 3; no")
    passed, text = health.probe(record, {"command": "sleep 9", "timeout": 0.2})
    assert not passed
    assert "0.2 s" in text
    machine.wherry("rm", "-f", "web")


@pytest.mark.root
@on_a_machine
def test_a_monitor_judges_after_several_failures_and_again_after_one_success():
    machine = Machine()
    probe = ["--health-cmd", "test -e /root/ok", "--health-interval", "0.1s", "--health-retries", "2"]
    record = machine.run("--name", "web", "--network", "none", *probe, IMAGE, "sleep", "100")
    wait_until(lambda: machine.containers.health(record) == "unhealthy")
    assert "(unhealthy)" in machine.wherry("ps")
    machine.wherry("exec", "web", "touch", "/root/ok")
    wait_until(lambda: machine.containers.health(record) == "healthy")
    assert machine.inspect("web")["State"]["Health"]["FailingStreak"] == 0
    machine.wherry("rm", "-f", "web")
