"""End to end: a saved image, three hosts with OpenSSH, a rollout that reaches all of them or none."""

import signal
import time

import pytest

from tests.lab.hello import PLAYBOOK, serving, write_archive

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]
HOSTS = ("web1", "web2", "web3")


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Versions 1 and 2, and a version 3 that is broken on web3."""
    folder = str(tmp_path_factory.mktemp("archives"))
    return {1: write_archive(folder, 1), 2: write_archive(folder, 2), 3: write_archive(folder, 3, broken_on="web3")}


@pytest.fixture
def deploy(project, archives):
    """deploy(version) in a project of its own."""
    project.write("playbooks/deploy.yml", PLAYBOOK)

    def run(version, *words):
        return project.invoke("deploy", "--env", "lab", *extra(archives, version), *words)

    run.project = project
    yield run
    for name in HOSTS:  # every test begins with hosts that have nothing
        project.lab.run(
            name, ["sh", "-c", "wherry ps -aq 2>/dev/null | xargs -r wherry rm -f; rm -rf /var/lib/wherry/releases"]
        )


def extra(archives, version):
    return ("--extra", f"image_archive={archives[version]}", "--extra", f"image=hello:{version}")


def all_serve(project, text):
    return {serving(project.lab, name) for name in HOSTS} == {text}


def locks(project):
    """The locks that `status` shows."""
    return [line for line in project.invoke("status", "--env", "lab").stdout.splitlines() if "locked by" in line]


def test_a_first_deploy_serves_on_every_host_and_a_second_changes_nothing_and_sends_no_content(deploy):
    first = deploy(1)
    assert first.returncode == 0, first.stdout + first.stderr
    assert all_serve(deploy.project, "hello 1")
    second = deploy(1)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("changed=0") == 3
    assert "no release is made" in second.stdout


def test_an_update_fails_no_request_and_a_broken_one_is_reverted_on_every_host(deploy):
    assert deploy(1).returncode == 0
    with deploy.project.load(8080) as load:
        assert deploy(2).returncode == 0
        assert all_serve(deploy.project, "hello 2")
        broken = deploy(3)
    assert broken.returncode == 3, broken.stdout + broken.stderr
    assert "database has schema 2" in broken.stdout  # the probe's own words are part of the reason
    assert all_serve(deploy.project, "hello 2")
    assert load.requests > 100
    assert load.failed_requests == 0, load.failures
    assert locks(deploy.project) == []


def test_history_knows_each_release_and_rollback_goes_to_the_one_before(deploy):
    assert deploy(1).returncode == 0
    assert deploy(2).returncode == 0
    history = deploy.project.invoke("history", "--env", "lab").stdout
    assert "hello:1" in history and "hello:2" in history
    back = deploy.project.invoke("rollback", "--env", "lab")
    assert back.returncode == 0, back.stdout + back.stderr
    assert all_serve(deploy.project, "hello 1")
    status = deploy.project.invoke("status", "--env", "lab").stdout
    assert status.count("running") == 3
    assert "rollback to" in deploy.project.invoke("history", "--env", "lab").stdout


def test_a_rollback_to_a_release_that_is_not_kept_says_which_ones_are(deploy):
    assert deploy(1).returncode == 0
    answer = deploy.project.invoke("rollback", "--env", "lab", "--to", "77")
    assert answer.returncode == 1
    assert "kept on all hosts: " in answer.stderr


def wait_for(process, text):
    """Read a running deploy's output until `text` is in it."""
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"ended without {text!r}:\n{seen}")


def test_a_killed_controller_leaves_nothing_that_the_next_run_does_not_mend(deploy, archives):
    assert deploy(1).returncode == 0
    with deploy.project.start("deploy", "--env", "lab", *extra(archives, 2)) as process:
        wait_for(process, "serves release")
        process.kill()
    began = time.monotonic()
    again = deploy(2)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "heartbeat has stopped" in again.stdout or time.monotonic() - began > 10
    assert all_serve(deploy.project, "hello 2")
    assert deploy(2).stdout.count("changed=0") == 3


@pytest.mark.parametrize("moment", ["release", "batch 1", "serves release"])
def test_ctrl_c_reverts_and_unlocks(deploy, archives, moment):
    assert deploy(1).returncode == 0
    with deploy.project.start("deploy", "--env", "lab", *extra(archives, 2)) as process:
        wait_for(process, moment)
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert all_serve(deploy.project, "hello 1")
    assert locks(deploy.project) == []


def test_a_second_controller_is_refused_while_the_first_one_works(deploy, archives):
    assert deploy(1).returncode == 0
    with deploy.project.start("deploy", "--env", "lab", *extra(archives, 2)) as process:
        wait_for(process, "release")
        refused = deploy(2)
        process.stdout.read()
    assert refused.returncode == 6, refused.stdout + refused.stderr
    assert "is being deployed by" in refused.stdout + refused.stderr
    assert process.returncode == 0


def test_a_host_that_is_cut_off_before_the_deploy_ends_it_with_nothing_changed(deploy):
    assert deploy(1).returncode == 0
    deploy.project.lab.cut("web3")
    try:
        answer = deploy(2)
    finally:
        deploy.project.lab.mend("web3")
    assert answer.returncode == 5, answer.stdout + answer.stderr
    assert "web3" in answer.stdout + answer.stderr
    assert all_serve(deploy.project, "hello 1")


def test_a_port_in_use_is_named_with_the_release_reverted(deploy):
    lab = deploy.project.lab
    lab.run("web2", ["sh", "-c", "python3 -m http.server 8080 >/dev/null 2>&1 & echo $! > /tmp/server.pid"])
    time.sleep(0.5)
    try:
        answer = deploy(1)
    finally:
        lab.run("web2", ["sh", "-c", "kill $(cat /tmp/server.pid)"])
    assert answer.returncode == 3, answer.stdout + answer.stderr
    assert "8080" in answer.stdout
    assert lab.run("web1", ["wherry", "ps", "-aq"]).stdout == ""


def test_a_full_disk_while_the_image_loads_ends_at_staging_and_leaves_nothing(deploy):
    lab = deploy.project.lab
    full = "mount -t tmpfs -o size=12m,mode=700 tmpfs /var/lib/wherry"
    assert lab.run("web1", ["sh", "-c", full]).returncode == 0
    try:
        answer = deploy(1)
        left = lab.run("web1", ["sh", "-c", "find /var/lib/wherry/images -type f | grep -c layers"]).stdout.strip()
    finally:
        lab.run("web1", ["umount", "-l", "/var/lib/wherry"])
    assert answer.returncode == 3, answer.stdout + answer.stderr
    assert "free" in answer.stdout and "web1" in answer.stdout
    assert left == "0"
