"""Hosts that answer what they should not."""

import pytest

from wherry.errors import ProtocolError
from wherry.rollout import answers

GOOD = {
    "lock": {"token": 3, "number": 2, "current": {"number": 2, "containers": [{"name": "web"}]}},
    "stage": {"containers": [{"name": "web", "changed": True, "id": None}]},
    "switch": {"milliseconds": {"flip": 1.5}},
    "revert": {"reverted": ["web"]},
    "history": {"releases": [{"number": 1, "when": 1e9, "author": "anna"}]},
    "status": {
        "current": None,
        "containers": [
            {
                "name": "web",
                "status": "running",
                "ports": ["80", {**dict.fromkeys(("address", "protocol"), "x"), "host_port": 1, "container_port": 2}],
            }
        ],
        "lock": {"owner": "anna", "live": True, "expires_in": 3},
    },
    "commit": {"anything": 1},
}
BAD = {
    "lock": [{}, {"token": "3", "number": 2}, {"token": True, "number": 2}, {"token": 10**400, "number": 2}],
    "stage": [{"containers": {}}, {"containers": [[]]}, {"containers": [{"name": "web"}]}],
    "switch": [{"milliseconds": {"flip": "fast"}}, {"failed": "no"}],
    "revert": [{"reverted": "web"}, {"reverted": [1]}],
    "history": [{"releases": [{"number": None}]}, {"releases": [{"number": 1, "when": 1e300}]}],
    "status": [{"containers": [{"name": "web", "status": "running", "ports": [7]}]}, {"containers": 1}],
}


@pytest.mark.parametrize("op", GOOD)
def test_a_good_answer_is_passed_on(op):
    assert answers.checked(op, GOOD[op], "web1") is GOOD[op]


@pytest.mark.parametrize(("op", "answer"), [(op, each) for op, bad in BAD.items() for each in bad])
def test_an_answer_that_makes_no_sense_names_the_host(op, answer):
    with pytest.raises(ProtocolError, match=f"answers '{op}' with something that makes no sense") as caught:
        answers.checked(op, answer, "web1")
    assert caught.value.where == "web1" and caught.value.exit_code == 5
