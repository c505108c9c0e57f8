"""Inventory variables become connections."""

import pytest

from wherry.errors import UsageError, WherryError
from wherry.rollout.fleet import in_parallel, target


def test_ansibles_names_are_understood_and_paths_are_the_projects():
    variables = {
        "ansible_host": "192.0.2.7",
        "ansible_port": "2222",
        "ansible_user": "deploy",
        "ansible_ssh_private_key_file": "keys/id",
        "ansible_python_interpreter": "auto",
        "wherry_known_hosts": "/etc/known",
    }
    found = target("web1", variables, "/project")
    assert (found.address, found.port, found.user) == ("192.0.2.7", 2222, "deploy")
    assert found.key_files == ("/project/keys/id",)
    assert found.known_hosts_file == "/etc/known"
    assert found.python is None


def test_without_variables_the_hosts_name_is_its_address():
    found = target("web1", {}, "/project")
    assert (found.host, found.port, found.user, found.connection, found.accept_new) == (
        "web1",
        None,
        None,
        "ssh",
        False,
    )


@pytest.mark.parametrize(
    ("variables", "hops"),
    [
        ({"wherry_jump": "a,b"}, ("a", "b")),
        ({"wherry_jump": ["a"]}, ("a",)),
        ({"ansible_ssh_common_args": "-J a,b"}, ("a", "b")),
        ({"ansible_ssh_common_args": "-o ProxyJump=a"}, ("a",)),
    ],
)
def test_jump_hosts_are_named_in_the_inventory(variables, hops):
    assert target("web1", variables, "/project").jump == hops


@pytest.mark.parametrize(
    "variables", [{"ansible_ssh_common_args": "-o ProxyCommand=x"}, {"ansible_connection": "winrm"}]
)
def test_what_is_not_understood_is_an_error_that_names_the_host(variables):
    with pytest.raises(UsageError, match="web1"):
        target("web1", variables, "/project")


def test_work_in_parallel_gives_results_and_errors_by_name():
    def act(item):
        if item == 2:
            raise WherryError("two")
        return item * 10

    results, errors = in_parallel({"a": 1, "b": 2, "c": 3}, act)
    assert results == {"a": 10, "c": 30}
    assert str(errors["b"]) == "two"
