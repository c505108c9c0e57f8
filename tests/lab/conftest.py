"""Hosts for end-to-end tests: a lab of three with real OpenSSH, labs of a test's own, a project that deploys there."""

import os

import pytest

from tests.lab import leftovers
from tests.lab.hello import PLAYBOOK, serving, write_archive
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


@pytest.fixture(scope="session")
def hello_archive(tmp_path_factory):
    """An archive of hello:1."""
    return write_archive(str(tmp_path_factory.mktemp("hello")), 1)


@pytest.fixture(scope="module")
def before(lab, hello_archive, tmp_path_factory):
    """The lab's hosts serve hello 1: what they hold, by host; after the module they have nothing again."""
    project = with_hello(tmp_path_factory.mktemp("before") / "project", lab, hello_archive)
    answer = project.invoke("deploy", "--env", "lab")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    yield {host.name: leftovers.of(lab, host.name) for host in lab.hosts}
    again = project.invoke("deploy", "--env", "lab")
    assert again.returncode == 0 and "no release is made" in again.stdout, again.stdout + again.stderr
    for host in lab.hosts:
        lab.run(host.name, ["sh", "-c", "wherry rm -f hello; rm -rf /var/lib/wherry/releases"])


@pytest.fixture
def deployed(lab, hello_archive, before, tmp_path):
    """A project that has deployed hello 1; after the test the hosts must hold and serve what they did."""
    yield with_hello(tmp_path / "project", lab, hello_archive)
    assert leftovers.since(lab, before) == {}
    assert {serving(lab, host.name) for host in lab.hosts} == {"hello 1"}


def with_hello(path, lab, archive):
    """A project with the playbook of hello and this archive."""
    project = Project.lay_out(path, lab)
    project.write("playbooks/deploy.yml", PLAYBOOK)
    project.write("inventory/group_vars/all.yml", f'image_archive: "{archive}"\nimage: hello:1\nansible_timeout: 3\n')
    return project
