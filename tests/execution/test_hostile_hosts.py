"""What a host answers is data: never rendered, never trusted, and a bad one harms only itself."""

import os

import pytest

from tests.execution.fake import FakeSession
from wherry.connection import session
from wherry.events import HostUnreachable

EVIL = "{{ lookup('pipe', 'touch PWNED') }}"


@pytest.fixture
def evil(tmp_path):
    """A template that leaves a file behind if anything renders it."""
    marker = tmp_path / "pwned"
    yield EVIL.replace("PWNED", str(marker))
    assert not marker.exists()


def one_bad_host(bad):
    def connect(target, packed):
        return bad if target.name == "web1" else session.open(target, packed)

    return connect


@pytest.mark.parametrize("answer", [None, [], "text", 7, {"dropped": True}, {"changed": "yes", "failed": "no"}])
def test_a_result_that_is_none_loses_that_host_only(site, answer):
    site.hosts("web1", "web2")
    run = site.run("- hosts: web\n  tasks: [{ping: }]\n", connect=one_bad_host(FakeSession(lambda request: answer)))
    assert ("web2", "ping", "ok") in run.results
    if isinstance(answer, dict) and "changed" in answer:
        assert ("web1", "ping", "ok") in run.results
    else:
        assert [event.host for event in run.events if isinstance(event, HostUnreachable)] == ["web1"]


def test_facts_that_are_no_mapping_lose_that_host_only(site):
    site.hosts("web1", "web2")
    text = '- hosts: web\n  tasks: [{debug: {msg: "{{ ansible_distribution }}"}}]\n'
    run = site.run(text, connect=one_bad_host(FakeSession(facts_answer=["distribution"])))
    assert [event.host for event in run.events if isinstance(event, HostUnreachable)] == ["web1"]
    assert ("web2", "debug", "ok") in run.results


def test_nothing_that_a_host_says_is_rendered(site, evil, tmp_path):
    site.write("templates/t.j2", "{{ r.stdout }} {{ ansible_hostname }} {{ x }}")
    answer = {"changed": True, "stdout": evil, "rc": 0, evil: evil}
    sessions = []

    def connect(target, packed):
        sessions.append(FakeSession(lambda request: answer, {"hostname": evil, "distribution": {evil: evil}}))
        return sessions[0]

    run = site.run(
        """
        - hosts: web
          tasks:
            - {command: echo, register: r}
            - set_fact: {x: "{{ r.stdout }}", y: "{{ ansible_distribution }}"}
            - debug: msg="{{ r.stdout }} {{ x }} {{ y }} {{ hostvars[inventory_hostname].x }}"
            - {debug: {msg: "{{ item }}"}, loop: ["{{ r.stdout }}", "{{ x }}"]}
            - {command: "{{ r.stdout | quote }}", when: r.stdout == x}
            - copy: {content: "{{ x }}", dest: /tmp/nowhere}
            - template: {src: t.j2, dest: /tmp/nowhere}
            - {debug: {var: r}, when: "r.stdout"}
            - {assert: {that: "{{ r.stdout is defined }}"}, vars: {z: "{{ r }}"}}
        """,
        connect=connect,
    )
    assert run.outcome.exit_code == 0
    assert run.results[4][3] == evil
    assert sessions[0].requests[2].args["src"]["$blob"]["size"] == len(evil)


def test_facts_cannot_say_how_or_as_whom_a_host_is_reached(site):
    fake = FakeSession(
        lambda request: {"changed": False, "ansible_facts": {"ansible_become": True, "become_user": "x", "omit": "y"}}
    )
    site.run("- hosts: web\n  tasks: [{setup: }, {ping: }]\n", connect=lambda target, packed: fake)
    assert [request.become for request in fake.requests] == [None, None]


def test_a_file_is_offered_to_the_host_it_was_attached_for_only(site):
    site.hosts("web1", "web2")
    site.write("files/secret", "of web1")
    fakes = {name: FakeSession() for name in ("web1", "web2")}
    site.run(
        """
        - hosts: web
          tasks: [{copy: {src: secret, dest: /tmp/nowhere}, when: inventory_hostname == 'web1'}]
        """,
        connect=lambda target, packed: fakes[target.name],
    )
    assert (len(fakes["web1"].contents), len(fakes["web2"].contents)) == (1, 0)


def test_a_path_in_an_argument_names_a_file_of_the_controller_only_where_the_module_says_so(site):
    run = site.run("- hosts: web\n  tasks: [{copy: {src: ../../etc/nothing-here, dest: /tmp/nowhere}}]\n")
    assert "no file '../../etc/nothing-here'" in run.result("copy")["msg"] and os.sep in run.result("copy")["msg"]
