"""Requests: what is understood, what is refused, what counts as the same."""

import pytest

from runtime.container import request
from runtime.errors import UsageError


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [(1048576, 1 << 20), ("512m", 512 << 20), ("1.5g", 3 << 29), ("2GiB", 2 << 30), ("64 kB", 64 << 10), ("9", 9)],
)
def test_sizes_are_understood_as_docker_does(text, bytes_):
    assert request.size(text) == bytes_


@pytest.mark.parametrize(
    ("text", "seconds"), [(5, 5), (0.5, 0.5), ("10s", 10), ("1m30s", 90), ("500ms", 0.5), ("2h", 7200), ("7", 7)]
)
def test_times_are_understood_as_docker_does(text, seconds):
    assert request.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "wrong",
    [
        {"imagee": "x"},
        {"memory": "lots"},
        {"memory": "1k"},
        {"cpus": "many"},
        {"network": "bridges"},
        {"env": {"A=B": "c"}},
        {"command": "one text"},
        {"name": "-x"},
        {"name": "a/b"},
        {"workdir": "relative"},
        {"health": {"interval": 1}},
        {"health": {"command": "x", "http": ":80/"}},
        {"health": {"command": "x", "intervall": 1}},
        {"restart": "always"},
        {"user": "a\0b"},
        {"tty": "yes"},
        {"stop_timeout": "soon"},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(UsageError):
        request.checked(wrong)


def test_a_misspelled_key_is_answered_with_the_one_that_was_meant():
    with pytest.raises(UsageError, match='did you mean "volumes"'):
        request.checked({"volums": []})


def test_what_is_left_out_and_what_is_empty_is_the_same():
    assert request.checked({"image": "x", "env": {}, "ports": [], "tty": False, "user": None}) == {"image": "x"}


def test_a_container_is_the_same_whatever_it_is_called_or_how_it_is_replaced():
    one = request.checked({"name": "web", "image": "app:1", "env": {"A": 1}, "rollout": {"drain_timeout": "5s"}})
    other = request.checked({"name": "web.7", "image": "sha256:1", "env": {"A": "1"}, "staged": True, "release": 7})
    assert request.same(one, other)
    assert not request.same(one, request.checked({"image": "app:1", "env": {"A": "2"}}))
