"""Hosts for end-to-end tests: a lab of three with real OpenSSH, labs of a test's own, a project that deploys there."""

import os

import pytest

from tests.lab.project import Project, free_net
from wherry import lab as labs

OPENSSH = "/usr/sbin/sshd"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Three hosts, web1 to web3, with real OpenSSH, for the whole session."""
    assert os.path.exists(OPENSSH), "these tests need OpenSSH's server; .ci/run installs it"
    with labs.up(str(tmp_path_factory.mktemp("lab")), 3, net=free_net()) as running:
        yield running


@pytest.fixture
def new_lab(tmp_path):
    """A function that starts a lab of the test's own: `new_lab(count, root=..., delay_ms=...)`; gone after the test."""
    started = []

    def begin(count, **options):
        started.append(labs.up(str(tmp_path / f"lab{len(started)}"), count, net=free_net(), **options))
        return started[-1]

    yield begin
    for running in started:
        running.down()


@pytest.fixture
def project(lab, tmp_path):
    """An empty project of a user, whose environment `lab` is the three hosts."""
    return Project.lay_out(tmp_path / "project", lab)
