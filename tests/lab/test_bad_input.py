"""Bad input from the project, the network, archives, hosts and the keyboard, through the real command line.

Each time: one error that says what, where and what next, the documented exit code, no traceback, and hosts that hold
what they held before and serve what they served.
"""

import re
import signal
import subprocess
import sys
import time

import pytest

from tests.lab import archives, leftovers
from tests.lab.hello import PLAYBOOK, serving, write_archive
from tests.lab.project import Project

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
HOSTS = ("web1", "web2", "web3")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FIRST = "web1: {"  # how the first host's line of the inventory begins


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where this module's archives lie."""
    return str(tmp_path_factory.mktemp("archives"))


@pytest.fixture(scope="module")
def good(folder):
    """A good archive of hello:1."""
    return write_archive(folder, 1)


@pytest.fixture(scope="module")
def wrong(good, folder):
    """Damaged archives by kind."""
    return archives.damaged(good, folder)


@pytest.fixture(scope="module")
def serving_hosts(lab, good, tmp_path_factory):
    """The lab, whose hosts serve hello 1; what they hold, by host."""
    project = laid_out(tmp_path_factory.mktemp("deployed") / "project", lab, good)
    answer = project.invoke("deploy", "--env", "lab")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    yield {name: leftovers.of(lab, name) for name in HOSTS}
    again = project.invoke("deploy", "--env", "lab")
    assert again.returncode == 0 and again.stdout.count("changed=0") == 3, again.stdout + again.stderr
    for name in HOSTS:
        lab.run(name, ["sh", "-c", "wherry rm -f hello; rm -rf /var/lib/wherry/releases"])


@pytest.fixture
def project(lab, good, serving_hosts, tmp_path):
    """A project that deploys hello 1; after the test the hosts must be as they were."""
    yield laid_out(tmp_path / "project", lab, good)
    assert leftovers.since(lab, serving_hosts) == {}
    assert {serving(lab, name) for name in HOSTS} == {"hello 1"}


def laid_out(path, lab, archive):
    found = Project.lay_out(path, lab)
    found.write("playbooks/deploy.yml", PLAYBOOK)
    found.write("inventory/group_vars/all.yml", f'image_archive: "{archive}"\nimage: hello:1\nansible_timeout: 3\n')
    return found


def play(project, text, *words, env="lab"):
    """Run one playbook with `wherry play`."""
    project.write("playbooks/one.yml", text)
    return project.wherry("play", "one", "--env", env, *words)


def tasks(*lines, hosts="web1"):
    """A play with these tasks."""
    return "".join([f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n", *(f"    - {line}\n" for line in lines)])


def environment(project, name, change):
    """Another environment: the lab's inventory as `change` makes it."""
    with open(project.path("inventory/lab.yml")) as file:
        changed = change(file.read())
    project.write(f"inventory/{name}.yml", changed)
    return name


def assert_refused(answer, code, *words):
    """One error with these words and a hint, and the exit code."""
    text = answer.stdout + answer.stderr
    assert answer.returncode == code, text
    assert [word for word in words if word not in text] == [], text
    assert len(re.findall(r"^(?:error: |exit code \d+ in )", text, re.M)) == 1, text
    assert "hint: " in text, text
    assert "Traceback" not in text and not CONTROL.search(text), text


def logins(lab):
    """How many logins the hosts have seen."""
    return sum(lab.log(name).count("Accepted publickey") for name in HOSTS)


# The project's own files: refused before any host is contacted.

MISSPELLED = {
    "module": (tasks("comand: {cmd: uptime}"), ("one.yml:4:7: no module 'comand'", "did you mean 'command'?")),
    "module-in-free-form": (tasks("comand: uptime"), ("one.yml:4:7: no module 'comand'", "did you mean 'command'?")),
    "argument": (tasks("copy: {content: x, dst: /tmp/x}"), ("one.yml:4:26: ", "no argument 'dst'", "'dest'?")),
    "container-argument": (tasks("container: {name: x, image: y, memry: 1g}"), ("no argument 'memry'", "'memory'?")),
    "keyword-of-a-task": (tasks("{ping: , wehn: true}"), ("one.yml:4:", "'wehn' is not a keyword", "'when'?")),
    "keyword-of-a-play": ("- hosts: web\n  taks: []\n", ("one.yml:2:3: ", "'taks' is not a keyword", "'tasks'")),
    "hosts": (tasks("ping:", hosts="wbe"), ("no host or group matches 'wbe'", "did you mean 'web'")),
}


@pytest.mark.parametrize("what", MISSPELLED)
def test_what_is_misspelled_is_shown_with_its_place_before_any_host_is_contacted(project, lab, what):
    text, words = MISSPELLED[what]
    before = logins(lab)
    answer = play(project, text)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert answer.stdout == ""
    assert_refused(answer, 1, *words)
    assert logins(lab) == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--env", "lba"), ("no inventory for the environment 'lba'", "did you mean 'lab'?")),
        (("--env", "lab", "--limit", "wbe1"), ("no host or group matches 'wbe1'", "did you mean 'web1'")),
        (("--env", "lab", "--playbook", "deplyo"), ("no playbook 'deplyo'", "playbooks/deplyo.yml")),
        (("--env", "lab", "--extra", "image"), ("--extra image", "KEY=VALUE")),
    ],
    ids=["env", "limit", "playbook", "extra"],
)
@pytest.mark.parametrize("verb", ["deploy", "plan"])
def test_a_wrong_word_on_the_command_line_is_named_with_the_right_one(project, verb, words, told):
    assert_refused(project.invoke(verb, *words), 1, *told)


def test_a_misspelled_variable_stops_a_rollout_before_any_switch(project):
    project.write("playbooks/deploy.yml", PLAYBOOK.replace("{{ image_archive }}", "{{ image_archiv }}"))
    told = ("deploy.yml:15:", "'image_archiv' is undefined", "did you mean 'image_archive'?", "no host has switched")
    assert_refused(project.invoke("deploy", "--env", "lab"), 3, *told)


def test_a_misspelled_variable_outside_a_rollout_fails_its_hosts(project):
    answer = play(project, tasks("command: echo {{ imagee }}"))
    assert_refused(answer, 4, "one.yml:4:", "'imagee' is undefined", "did you mean 'image'")


# Host keys and connections.


@pytest.fixture
def keys(lab):
    """The public host keys, by host."""
    with open(lab.files.known_hosts) as file:
        return {line.split(",")[0]: line.split(" ", 1)[1].strip() for line in file}


def knowing(project, lab, name, lines):
    """An environment in which these are the known host keys."""
    path = project.write(f"{name}.keys", "".join(f"{lab.host(host).address} {key}\n" for host, key in lines.items()))
    return environment(project, name, lambda text: text.replace(lab.files.known_hosts, path))


def test_a_changed_host_key_is_refused_with_both_fingerprints_before_anybody_logs_in(project, lab, keys):
    env = knowing(project, lab, "changed", {**keys, "web1": keys["web2"]})
    before = lab.log("web1").count("Accepted")
    answer = project.invoke("deploy", "--env", env)
    assert_refused(answer, 5, "web1", "its key has changed", "ssh-keygen -R", "changed.keys:1")
    assert len(set(re.findall(r"SHA256:[\w+/]{43}", answer.stdout))) == 2
    assert lab.log("web1").count("Accepted") == before


@pytest.mark.parametrize("verb", ["deploy", "plan"])
def test_an_unknown_host_key_is_refused_with_its_fingerprint(project, lab, keys, verb):
    env = knowing(project, lab, "unknown", {"web2": keys["web2"], "web3": keys["web3"]})
    assert_refused(project.invoke(verb, "--env", env), 5, "web1", "its key is not known: SHA256:", "add it to")


def test_several_unknown_hosts_are_each_named_with_what_to_do(project, lab):
    env = knowing(project, lab, "nobody", {})
    answer = project.invoke("deploy", "--env", env)
    assert_refused(answer, 5, "3 hosts cannot be reached", "web1: its key", "web3: its key", "accept-new")


UNREACHABLE = {
    "port": (lambda text: text.replace(FIRST, FIRST + "ansible_port: 2299, "), "connection refused"),
    "user": (lambda text: text.replace("ansible_user: root", "ansible_user: nobody"), "accepted none of the keys"),
    "key": (lambda text: re.sub("(private_key_file: ).*", r"\1/none/key", text), "/none/key does not exist"),
}


@pytest.mark.parametrize("what", UNREACHABLE)
def test_a_host_that_cannot_be_reached_ends_a_deploy_with_nothing_changed(project, what):
    change, told = UNREACHABLE[what]
    answer = project.invoke("deploy", "--env", environment(project, what, change))
    assert_refused(answer, 5, "web1", told)


def test_a_host_that_does_not_answer_is_given_up_in_its_time(project, lab):
    lab.cut("web1")
    try:
        began = time.monotonic()
        answer = project.invoke("deploy", "--env", "lab")
        took = time.monotonic() - began
    finally:
        lab.mend("web1")
    assert_refused(answer, 5, "web1 (root@", "no answer in time")
    assert took < 10


def test_a_server_that_speaks_no_ssh_is_not_shown_raw(project, lab):
    server = (
        "import socket; s = socket.create_server(('', 2300)); print('ready', flush=True)\n"
        "for _ in range(2): c = s.accept()[0]; c.sendall(b'HTTP/1.0 400 \\x1b[31mBad\\r\\n' * 99); c.close()"
    )
    with subprocess.Popen(lab.command("web1", ["python3", "-c", server]), stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        env = environment(project, "http", lambda text: text.replace(FIRST, FIRST + "ansible_port: 2300, "))
        answer = project.invoke("deploy", "--env", env)
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


def test_a_host_without_python_is_told_what_to_install(project, without_python):
    answer = project.invoke("deploy", "--env", "lab")
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
def lying(project, lab):
    """lying(name, script): an environment whose web1 has this for a Python."""

    def become(name, script):
        text = f"#!/bin/sh\n{script}\n"
        lab.run("web1", ["sh", "-c", "cat >/usr/local/bin/liar; chmod +x /usr/local/bin/liar"], stdin=text)
        path = FIRST + "ansible_python_interpreter: /usr/local/bin/liar, "
        return environment(project, name, lambda text: text.replace(FIRST, path))

    yield become
    lab.run("web1", ["rm", "-f", "/usr/local/bin/liar"])


@pytest.mark.parametrize("what", LIARS)
def test_a_host_that_answers_garbage_is_a_host_that_cannot_be_reached(project, lying, what):
    script, told = LIARS[what]
    assert_refused(project.invoke("deploy", "--env", lying(what, script)), 5, "web1", told)


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
def test_a_user_who_is_not_root_cannot_deploy_and_leaves_nothing(project, lab, bob, play_line, told):
    project.write("playbooks/deploy.yml", PLAYBOOK.replace('  serial: [1, "100%"]', play_line))
    env = environment(project, "bob", lambda text: text.replace("ansible_user: root", "ansible_user: bob"))
    answer = project.invoke("deploy", "--env", env, "--limit", "web1")
    assert_refused(answer, 3, "web1", "nothing was changed", *told)
    left = lab.run("web1", ["find", "/home/bob", "/tmp", "-user", "bob", "-newer", "/home/bob/.ssh/authorized_keys"])
    assert {line.split("/")[3] for line in left.stdout.splitlines() if line.count("/") > 2} <= {".cache", ".ssh"}


# Archives.

BAD_ARCHIVES = {
    "garbage": "is not a readable tar archive",
    "truncated": "is not a readable tar archive",
    "flipped": "the layer's bytes are not what the image names",
    "missing": "no file",
    "foreign": "the image is for linux/s390x",
}


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_a_bad_archive_ends_a_rollout_before_any_switch(project, wrong, kind):
    answer = project.invoke("deploy", "--env", "lab", "--extra", f"image_archive={wrong[kind]}")
    place = "hello:1" if kind == "foreign" else wrong[kind]
    assert_refused(answer, 3, "web1, web2, web3: ", place, BAD_ARCHIVES[kind], "no host has switched")


@pytest.mark.parametrize("kind", ["truncated", "missing", "foreign"])
def test_a_bad_archive_outside_a_rollout_fails_its_task(project, wrong, kind):
    answer = play(project, tasks(f"image: {{load: '{wrong[kind]}'}}"))
    assert answer.returncode == 4, answer.stdout + answer.stderr
    assert BAD_ARCHIVES[kind] in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr


# What hosts say is data.

EVIL = "{{ lookup('pipe', 'touch /tmp/rendered') }}{{ 7 * 7 }}"


def test_templates_in_output_and_facts_are_never_rendered(project, lab):
    project.write("evil", EVIL)
    lab.run("web1", ["hostname", "{{ 7 * 7 }}"])
    try:
        answer = play(
            project,
            tasks(
                "{copy: {src: '{{ playbook_dir }}/../evil', dest: /root/evil}}",
                "{command: cat /root/evil, register: out}",
                "{set_fact: {kept: '{{ out.stdout }}'}}",
                "{command: 'echo {{ kept | quote }} {{ ansible_nodename | quote }}', register: again}",
                "{debug: {msg: 'said {{ again.stdout }} {{ hostvars.web1.kept }}'}, loop: '{{ [out.stdout] }}'}",
                "{assert: {that: again.stdout == kept + ' ' + ansible_nodename}, when: kept == out.stdout}",
                "{file: {path: /root/evil, state: absent}}",
            ),
        )
    finally:
        lab.run("web1", ["hostname", "web1"])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"said {EVIL} {{{{ 7 * 7 }}}} {EVIL}" in answer.stdout
    assert "49" not in answer.stdout
    assert lab.run("web1", ["ls", "/tmp"]).stdout == ""


def test_terminal_escapes_in_output_are_shown_and_not_obeyed(project):
    noisy = r"printf '\033[31mred\033]52;c;AAAA\007\r\n\302\233\342\200\256'"
    answer = play(
        project,
        tasks(
            f'{{shell: "{noisy}; {noisy} >&2", register: out}}'.replace("\\", "\\\\"),
            "{debug: {var: out.stdout}, loop: '{{ out.stdout_lines }}'}",
            "{fail: {msg: '{{ out.stdout }}'}, ignore_errors: true}",
            "{command: cat '{{ out.stdout }}'}",
        ),
        "-v",
    )
    assert answer.returncode == 4
    text = answer.stdout + answer.stderr
    assert "red" in text
    assert not CONTROL.search(text), sorted(set(CONTROL.findall(text)))


def test_what_a_broken_container_says_is_shown_and_not_obeyed(project):
    command = """
        command: [python3, -c, "print('\\\\x1b[2J{{ '{{' }} 7 * 7 }}', flush=True); raise SystemExit(7)"]"""
    project.write("playbooks/deploy.yml", PLAYBOOK.replace("\n        memory: 128m", command))
    answer = project.invoke("deploy", "--env", "lab")
    assert_refused(answer, 3, "web1", "exit code: 7", r"\x1b[2J{{ 7 * 7 }}", "every host goes back")


# Ctrl-C.


def interrupted(project, argv, until):
    """Start a command, wait until `until()` holds, send Ctrl-C: its output, exit code and the seconds from then on."""
    with project.lab.inside():
        process = subprocess.Popen(argv, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with process:
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()[0]
            time.sleep(0.1)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        return output, process.returncode, time.monotonic() - began


@pytest.mark.parametrize("command", [["-m", "invoke", "deploy"], ["-I", "-m", "wherry.cli", "play", "deploy"]])
def test_ctrl_c_while_connecting_ends_at_once(project, lab, command):
    began = time.monotonic()
    lab.cut("web1")
    try:
        argv = [sys.executable, *command, "--env", "lab"]
        output, code, took = interrupted(project, argv, lambda: time.monotonic() > began + 2)
    finally:
        lab.mend("web1")
    assert code == 130, output
    assert output.count("interrupted") == 1 and "Traceback" not in output, output
    assert took < 2.5


def test_ctrl_c_lets_the_running_command_end_and_begins_nothing_more(project, lab):
    project.write("playbooks/long.yml", tasks("command: sleep 4", "command: touch /tmp/never"))
    argv = [sys.executable, "-I", "-m", "wherry.cli", "play", "long", "--env", "lab"]
    running = ["pgrep", "-fx", "sleep 4"]
    output, code, took = interrupted(project, argv, lambda: lab.run("web1", running).returncode == 0)
    assert code == 130, output
    assert output.count("interrupted") == 1 and "Traceback" not in output, output
    assert took < 3
    deadline = time.monotonic() + 8
    while lab.run("web1", running).returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert lab.run("web1", ["ls", "/tmp"]).stdout == ""
