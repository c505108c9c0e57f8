"""setup and ping."""

import pytest

from tests.modules.conftest import module

setup = module("setup")
FACTS = {"distribution": "Debian", "distribution_version": "12", "hostname": "web1"}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["*"], {"distribution", "distribution_version", "hostname"}),
        (["ansible_distribution*"], {"distribution", "distribution_version"}),
        (["hostname", "nothing"], {"hostname"}),
    ],
)
def test_patterns_choose_facts(patterns, names):
    assert setup.chosen(FACTS, patterns).keys() == names


def test_facts_are_returned_for_the_variables_of_the_host(machine):
    assert machine.do("setup", filter_=["hostname"]) == {"changed": False, "ansible_facts": {"hostname": "web1"}}


def test_ping_answers_and_crashes_on_demand(machine):
    assert machine.do("ping")["ping"] == "pong"
    with pytest.raises(Exception, match="boom"):
        machine.do("ping", data="crash")
