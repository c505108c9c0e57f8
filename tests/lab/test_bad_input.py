"""Bad input from the project's files, the command line, archives, and data of hosts, through the real command line.

Each time: one error that says what, where and what next, the documented exit code, no traceback, and hosts that hold
what they held before and serve what they served (the fixture `deployed` sees to that).
"""

import pytest

from tests.lab import archives
from tests.lab.hello import PLAYBOOK
from tests.lab.refusals import CONTROL, assert_refused, play, tasks

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def wrong(hello_archive, tmp_path_factory):
    """Damaged archives by kind."""
    return archives.damaged(hello_archive, str(tmp_path_factory.mktemp("wrong")))


def logins(lab):
    """How many logins the hosts have seen."""
    return sum(lab.log(name).count("Accepted publickey") for name in ("web1", "web2", "web3"))


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
def test_what_is_misspelled_is_shown_with_its_place_before_any_host_is_contacted(deployed, lab, what):
    text, words = MISSPELLED[what]
    before = logins(lab)
    answer = play(deployed, text)
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
def test_a_wrong_word_on_the_command_line_is_named_with_the_right_one(deployed, verb, words, told):
    assert_refused(deployed.invoke(verb, *words), 1, *told)


def test_a_misspelled_variable_stops_a_rollout_before_any_switch(deployed):
    deployed.write("playbooks/deploy.yml", PLAYBOOK.replace("{{ image_archive }}", "{{ image_archiv }}"))
    told = ("deploy.yml:15:", "'image_archiv' is undefined", "did you mean 'image_archive'?", "no host has switched")
    assert_refused(deployed.invoke("deploy", "--env", "lab"), 3, *told)


def test_a_misspelled_variable_outside_a_rollout_fails_its_hosts(deployed):
    answer = play(deployed, tasks("command: echo {{ imagee }}"))
    assert_refused(answer, 4, "one.yml:4:", "'imagee' is undefined", "did you mean 'image'")


# Archives.

BAD_ARCHIVES = {
    "garbage": "is not a readable tar archive",
    "truncated": "is not a readable tar archive",
    "flipped": "the layer's bytes are not what the image names",
    "missing": "no file",
    "foreign": "the image is for linux/s390x",
}


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_a_bad_archive_ends_a_rollout_before_any_switch(deployed, wrong, kind):
    answer = deployed.invoke("deploy", "--env", "lab", "--extra", f"image_archive={wrong[kind]}")
    place = "hello:1" if kind == "foreign" else wrong[kind]
    assert_refused(answer, 3, "web1, web2, web3: ", place, BAD_ARCHIVES[kind], "no host has switched")


@pytest.mark.parametrize("kind", ["truncated", "missing", "foreign"])
def test_a_bad_archive_outside_a_rollout_fails_its_task(deployed, wrong, kind):
    answer = play(deployed, tasks(f"image: {{load: '{wrong[kind]}'}}"))
    assert answer.returncode == 4, answer.stdout + answer.stderr
    assert BAD_ARCHIVES[kind] in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr


# What hosts say is data.

EVIL = "{{ lookup('pipe', 'touch /tmp/rendered') }}{{ 7 * 7 }}"


def test_templates_in_output_and_facts_are_never_rendered(deployed, lab):
    deployed.write("evil", EVIL)
    lab.run("web1", ["sh", "-c", "echo '{{ 7 * 7 }}' >/proc/sys/kernel/hostname"])
    try:
        answer = play(
            deployed,
            tasks(
                "{copy: {src: '{{ playbook_dir }}/../evil', dest: /root/evil}}",
                "{command: cat /root/evil, register: out}",
                "{set_fact: {kept: '{{ out.stdout }}'}}",
                "{command: 'echo {{ kept | quote }} {{ ansible_nodename | quote }}', register: again}",
                "{debug: {msg: 'said {{ again.stdout }} {{ hostvars.web1.kept }}'}, loop: '{{ [out.stdout] }}'}",
                "{assert: {that: again.stdout == kept + ' ' + ansible_nodename}, when: kept == out.stdout}",
                "{file: {path: /root/evil, state: absent}}",
                facts="true",
            ),
        )
    finally:
        lab.run("web1", ["hostname", "web1"])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"said {EVIL} {{{{ 7 * 7 }}}} {EVIL}" in answer.stdout, answer.stdout
    assert "49" not in answer.stdout
    assert lab.run("web1", ["ls", "/tmp"]).stdout == ""


def test_terminal_escapes_in_output_are_shown_and_not_obeyed(deployed):
    noisy = r'printf "\033[31mred\033]52;c;AAAA\007\r\n\302\233\342\200\256"'
    answer = play(
        deployed,
        tasks(
            f"{{shell: '{noisy}; {noisy} >&2', register: out}}",
            "{debug: {var: out.stdout}, loop: '{{ out.stdout_lines }}'}",
            "{fail: {msg: '{{ out.stdout }}'}, ignore_errors: true}",
            "{command: 'cat {{ out.stdout | quote }}'}",
        ),
        "-v",
    )
    assert answer.returncode == 4
    text = answer.stdout + answer.stderr
    assert "red" in text
    assert not CONTROL.search(text), sorted(set(CONTROL.findall(text)))


def test_what_a_broken_container_says_is_shown_and_not_obeyed(deployed):
    command = """
        command: [python3, -c, "print('\\\\x1b[2J{{ '{{' }} 7 * 7 }}', flush=True); raise SystemExit(7)"]"""
    deployed.write("playbooks/deploy.yml", PLAYBOOK.replace("\n        memory: 128m", command))
    answer = deployed.invoke("deploy", "--env", "lab")
    assert_refused(answer, 3, "web1", "exit code: 7", r"\x1b[2J{{ 7 * 7 }}", "every host goes back")
