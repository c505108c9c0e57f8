"""Hosts that cannot be trusted, reached or understood, through the real command line.

Each time: one error that says what, where and what next, the documented exit code, no traceback, and hosts that hold
what they held before and serve what they served (the fixture `deployed` sees to that).
"""

import re
import subprocess
import time

import pytest

from tests.lab.hello import PLAYBOOK
from tests.lab.refusals import CONTROL, FIRST, assert_refused, environment

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


# Host keys and connections.


@pytest.fixture
def keys(lab):
    """The public host keys, by host."""
    with open(lab.files.known_hosts) as file:
        return {line.split(",")[0]: line.split(" ", 1)[1].strip() for line in file}


def knowing(deployed, lab, name, lines):
    """An environment in which these are the known host keys."""
    path = deployed.write(f"{name}.keys", "".join(f"{lab.host(host).address} {key}\n" for host, key in lines.items()))
    return environment(deployed, name, lambda text: text.replace(lab.files.known_hosts, path))


def test_a_changed_host_key_is_refused_with_both_fingerprints_before_anybody_logs_in(deployed, lab, keys):
    env = knowing(deployed, lab, "changed", {**keys, "web1": keys["web2"]})
    before = lab.log("web1").count("Accepted")
    answer = deployed.invoke("deploy", "--env", env)
    assert_refused(answer, 5, "web1", "its key has changed", "ssh-keygen -R", "changed.keys:1")
    assert len(set(re.findall(r"SHA256:[\w+/]{43}", answer.stdout))) == 2
    assert lab.log("web1").count("Accepted") == before


@pytest.mark.parametrize("verb", ["deploy", "plan"])
def test_an_unknown_host_key_is_refused_with_its_fingerprint(deployed, lab, keys, verb):
    env = knowing(deployed, lab, "unknown", {"web2": keys["web2"], "web3": keys["web3"]})
    assert_refused(deployed.invoke(verb, "--env", env), 5, "web1", "its key is not known: SHA256:", "add it to")


def test_several_unknown_hosts_are_each_named_with_what_to_do(deployed, lab):
    env = knowing(deployed, lab, "nobody", {})
    answer = deployed.invoke("deploy", "--env", env)
    assert_refused(answer, 5, "3 hosts cannot be reached", "web1: its key", "web3: its key", "accept-new")


UNREACHABLE = {
    "port": (lambda text: text.replace(FIRST, FIRST + "ansible_port: 2299, "), "connection refused"),
    "user": (lambda text: text.replace("ansible_user: root", "ansible_user: nobody"), "accepted none of the keys"),
    "key": (lambda text: re.sub("(private_key_file: ).*", r"\1/none/key", text), "/none/key does not exist"),
}


@pytest.mark.parametrize("what", UNREACHABLE)
def test_a_host_that_cannot_be_reached_ends_a_deploy_with_nothing_changed(deployed, what):
    change, told = UNREACHABLE[what]
    answer = deployed.invoke("deploy", "--env", environment(deployed, what, change))
    assert_refused(answer, 5, "web1", told)


def test_a_host_that_does_not_answer_is_given_up_in_its_time(deployed, lab):
    lab.cut("web1")
    try:
        began = time.monotonic()
        answer = deployed.invoke("deploy", "--env", "lab")
        took = time.monotonic() - began
    finally:
        lab.mend("web1")
    assert_refused(answer, 5, "web1 (root@", "no answer in time")
    assert took < 10


def test_a_server_that_speaks_no_ssh_is_not_shown_raw(deployed, lab):
    server = (
        "import socket; s = socket.create_server(('', 2300)); print('ready', flush=True)\n"
        "for _ in range(9): c = s.accept()[0]; c.sendall(b'HTTP/1.0 400 \\x1b[31mBad\\r\\n' * 99); c.close()"
    )
    with subprocess.Popen(lab.command("web1", ["python3", "-c", server]), stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        env = environment(deployed, "http", lambda text: text.replace(FIRST, FIRST + "ansible_port: 2300, "))
        answer = deployed.invoke("deploy", "--env", env)
        process.kill()
        lab.run("web1", ["pkill", "-f", "create_server"])
    assert_refused(answer, 5, "web1", "no SSH server")


# Hosts that are not as they should be.


@pytest.fixture
def without_python(lab):
    """web1, on which every interpreter that could be found is one that fails."""
    candidates = "python3 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 /opt/*/bin/python3"
    each = f"for name in {candidates}; do path=$(readlink -f $(command -v $name)) && "
    hide = f"{each} ! mountpoint -q $path && mount --bind /bin/false $path; done; ! python3 -V"
    assert lab.run("web1", ["sh", "-c", hide]).returncode == 0
    yield
    lab.run("web1", ["sh", "-c", "awk '/bin.python3/ {print $5}' /proc/self/mountinfo | xargs -r umount"])


def test_a_host_without_python_is_told_what_to_install(deployed, without_python):
    answer = deployed.invoke("deploy", "--env", "lab")
    assert_refused(answer, 5, "web1: has no Python 3.9 or newer", "apt-get install python3")


LIARS = {
    "noise": ("head -c 3000000 /dev/urandom", "prints too much before the agent starts"),
    "an-error": (r"printf '\033]0;pwn\007no such thing\n' >&2; exit 3", r"no such thing"),
    "a-cut-greeting": ("echo; echo wherry $(echo $6 | cut -c-16) ok", "connection was lost"),
    "wrong-frames": (
        "echo; echo wherry $(echo $6 | cut -c-16) ok; head -c 99999 /dev/urandom; cat >/dev/null",
        "frame",
    ),
}


@pytest.fixture
def lying(deployed, lab):
    """lying(name, script): an environment whose web1 has this for a Python."""

    def become(name, script):
        text = f"#!/bin/sh\n{script}\n"
        lab.run("web1", ["sh", "-c", "cat >/usr/local/bin/liar; chmod +x /usr/local/bin/liar"], stdin=text)
        path = FIRST + "ansible_python_interpreter: /usr/local/bin/liar, "
        return environment(deployed, name, lambda text: text.replace(FIRST, path))

    yield become
    lab.run("web1", ["rm", "-f", "/usr/local/bin/liar"])


@pytest.mark.parametrize("what", LIARS)
def test_a_host_that_answers_garbage_is_a_host_that_cannot_be_reached(deployed, lying, what):
    script, told = LIARS[what]
    assert_refused(deployed.invoke("deploy", "--env", lying(what, script)), 5, "web1", told)


def test_status_shows_what_such_a_host_says_without_obeying_it(deployed, lying):
    answer = deployed.invoke("status", "--env", lying("status", LIARS["an-error"][0]))
    assert answer.returncode == 5, answer.stdout + answer.stderr
    assert r"\x1b]0;pwn\x07no such thing" in answer.stdout
    assert "web2" in answer.stdout and "hello:1" in answer.stdout
    assert not CONTROL.search(answer.stdout + answer.stderr)


@pytest.fixture
def bob(lab):
    """A user on web1 who may log in and nothing else."""
    make = "useradd -m bob && mkdir ~bob/.ssh && cp /root/.ssh/authorized_keys ~bob/.ssh/ && chown -R bob: ~bob"
    assert lab.run("web1", ["sh", "-c", make]).returncode == 0
    yield
    lab.run("web1", ["userdel", "-r", "bob"])


@pytest.mark.parametrize(
    ("play_line", "told"),
    [
        ("  serial: 1", ("the user is bob", "become: true")),
        ("  serial: 1\n  become: true", ("sudo to root failed", "NOPASSWD")),
    ],
    ids=["as-bob", "become"],
)
def test_a_user_who_is_not_root_cannot_deploy_and_leaves_nothing(deployed, lab, bob, play_line, told):
    deployed.write("playbooks/deploy.yml", PLAYBOOK.replace('  serial: [1, "100%"]', play_line))
    env = environment(deployed, "bob", lambda text: text.replace("ansible_user: root", "ansible_user: bob"))
    answer = deployed.invoke("deploy", "--env", env, "--limit", "web1")
    assert_refused(answer, 3, "web1", "nothing was changed", *told)
    left = lab.run("web1", ["find", "/home/bob", "/tmp", "-user", "bob", "-newer", "/home/bob/.ssh/authorized_keys"])
    assert {line.split("/")[3] for line in left.stdout.splitlines() if line.count("/") > 2} <= {".cache", ".ssh"}
