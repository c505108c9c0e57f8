"""Leases of addresses."""

import os

import pytest

from runtime.errors import NetworkError
from runtime.network import addresses
from runtime.state import Dirs, write


@pytest.fixture
def dirs(tmp_path):
    return Dirs(f"{tmp_path}/root", f"{tmp_path}/state")


def subnet(dirs, text):
    os.makedirs(dirs.root, exist_ok=True)
    write(f"{dirs.root}/settings.json", {"network_subnet": text})


def test_the_same_container_gets_the_same_address_until_it_is_released(dirs):
    first = addresses.lease(dirs, "a")
    assert addresses.lease(dirs, "a") == first == "10.88.0.2"
    assert addresses.holder(dirs, first) == "a"
    addresses.release(dirs, "a")
    addresses.release(dirs, "a")
    assert addresses.holder(dirs, first) is None


def test_an_address_that_was_let_go_rests_as_long_as_possible(dirs):
    addresses.lease(dirs, "a")
    addresses.release(dirs, "a")
    assert addresses.lease(dirs, "b") == "10.88.0.3"


def test_it_is_known_when_another_container_may_have_had_an_address_before(dirs):
    subnet(dirs, "10.9.8.0/29")
    for number in range(5):
        assert addresses.take(dirs, str(number))[1] is False
    addresses.release(dirs, "3")
    assert addresses.take(dirs, "one more") == ("10.9.8.5", True)


def test_a_full_network_is_an_error_and_a_released_address_is_found_again(dirs):
    subnet(dirs, "10.9.8.0/29")
    taken = [addresses.lease(dirs, str(n)) for n in range(5)]
    assert taken == [f"10.9.8.{n}" for n in range(2, 7)]
    with pytest.raises(NetworkError, match="all 5 addresses"):
        addresses.lease(dirs, "one more")
    addresses.release(dirs, "3")
    assert addresses.lease(dirs, "one more") == "10.9.8.5"


@pytest.mark.parametrize("text", ["10.88.0.0", "10.88.0.0/31", "x/16", "10.88/16", "300.0.0.0/8", 7])
def test_a_subnet_that_cannot_be_meant_is_an_error_that_names_the_file(dirs, text):
    subnet(dirs, text)
    with pytest.raises(NetworkError, match=r"settings\.json"):
        addresses.lease(dirs, "a")


def test_processes_that_lease_at_once_never_get_the_same_address(dirs):
    workers = [os.fork() for _ in range(4)]
    if 0 in workers:
        for number in range(25):
            addresses.lease(dirs, f"{os.getpid()}-{number}")
        os._exit(0)
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 4
    holders = [addresses.holder(dirs, f"10.88.0.{n}") for n in range(2, 102)]
    assert len(set(holders)) == 100 and None not in holders
