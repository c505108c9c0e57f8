"""What is refused or noticed before any host is contacted, with its place and the next step."""

import pytest

from wherry.errors import ProjectError, UsageError, WherryError
from wherry.execution.plan import batches

PLAY = "- hosts: web\n  tasks:\n    - "


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("cpoy: {src: a, dest: b}", ["test.yml:3:7", "no module 'cpoy'", "did you mean 'copy'?"]),
        ("copy: {content: a, dset: /b}", ["test.yml:3:26", "no argument 'dset'", "did you mean 'dest'?"]),
        ("copy: {content: a}", ["test.yml:3:7", "needs the argument 'dest'"]),
        ("copy: {content: a, src: b, dest: /c}", ["'src' and 'content' exclude each other"]),
        ("copy: {dest: /c}", ["needs one of src, content"]),
        ("file: {path: /a, state: directroy}", ["test.yml:3:31", "not one of", "did you mean 'directory'?"]),
        ("file: {path: /a, state: link}", ["state=link needs src"]),
        ("file: {path: /a, recurse: perhaps}", ["'recurse' is 'perhaps', not yes or no"]),
        ("wait_for: {port: http}", ["'port' is 'http', not a whole number"]),
        ("file: {path: /a, dest: /b}", ["given 'path' twice"]),
        ("ping: now", ["ping"]),
        ("meta: flush_handler", ["did you mean 'flush_handlers'?"]),
        ("{command: ls, delegate_to: other}", ["'delegate_to' is not supported yet"]),
        ("raw: ls", ["'raw' is not supported yet"]),
        ("{command: ls, notify: restrat}", ["no handler 'restrat'"]),
        ("pause: {prompt: well?}", ["no argument 'prompt'"]),
    ],
)
def test_a_task_that_cannot_be_meant_is_an_error_with_its_place(site, task, words):
    with pytest.raises(ProjectError) as caught:
        site.plan(PLAY + task + "\n")
    for word in words:
        assert word in str(caught.value)


def test_what_is_wrong_under_a_condition_that_is_never_true_is_let_alone(site):
    plan = site.plan(PLAY + "{cpoy: {src: a}, when: false}\n")
    assert plan.plays[0].steps[0].target is None and not plan.warnings


def test_a_name_of_ansibles_is_a_warning_at_load(site):
    plan = site.plan(PLAY + "yum: {name: x}\n")
    assert "module 'yum' is Ansible's" in plan.warnings[0] and "test.yml:3:7" in plan.warnings[0]


def test_values_that_are_templates_are_checked_when_they_are_known(site):
    site.plan(PLAY + 'wait_for: {port: "{{ port }}"}\n')
    run = site.run(PLAY + '{wait_for: {port: "{{ port }}"}, vars: {port: http}}\n')
    assert "'port' is 'http', not a whole number" in run.result("wait_for")["msg"]


def test_a_projects_module_is_preferred_unless_the_name_is_qualified(site):
    site.write("modules/ping.py", '"""Ours."""\n\n\ndef run(host, data="ours"):\n    return {"said": data}\n')
    run = site.run("""
        - hosts: web
          tasks:
            - {name: ours, ping: }
            - {name: built in, ansible.builtin.ping: }
    """)
    assert run.result("ours")["said"] == "ours"
    assert run.result("built in")["ping"] == "pong"


def test_an_action_of_the_engine_cannot_be_replaced(site):
    site.write("modules/debug.py", "def run(host):\n    return True\n")
    with pytest.raises(UsageError, match="'debug' is an action of the engine"):
        site.plan(PLAY + "ping:\n")


def test_a_modules_code_is_not_run_to_read_its_arguments(site):
    site.write(
        "modules/nasty.py",
        "raise SystemExit('ran')\n\n\ndef run(host, size: 'bytes', way: 'in | out' = 'in'):\n    pass\n",
    )
    plan = site.plan(PLAY + "nasty: {size: 4M}\n")
    assert plan.plays[0].steps[0].spec.parameters["way"].choices == ("in", "out")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def run(host:\n", "is not Python"),
        ("x = 1\n", "has no function run"),
        ("RULES = f()\ndef run(host): pass\n", "is not a literal"),
    ],
)
def test_a_module_that_cannot_be_understood_is_an_error(site, text, words):
    site.write("modules/odd.py", text)
    with pytest.raises(WherryError, match=words):
        site.plan(PLAY + "odd:\n")


def test_limit_and_tags_choose_hosts_and_tasks(site):
    site.hosts("web1", "web2", "web3")
    text = """
        - hosts: web
          tasks:
            - {name: a, ping: , tags: one}
            - {name: b, ping: , tags: [two, never]}
            - {name: c, ping: , tags: always}
            - block: [{name: d, ping: }]
              tags: one
    """

    def names(**options):
        return [step.task.name for step in site.plan(text, **options).plays[0].steps]

    assert names() == ["a", "c", "d"]
    assert names(tags=["one"]) == ["a", "c", "d"]
    assert names(tags=["two"]) == ["b", "c"]
    assert names(skip_tags=["one"]) == ["c"]
    assert [host.name for host in site.plan(text, limit="web*:!web2").plays[0].hosts] == ["web1", "web3"]
    with pytest.raises(UsageError, match="no task has the tag 'oen'"):
        names(tags=["oen"])


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        ([], [10]),
        ([3], [3, 3, 3, 1]),
        (["30%"], [3, 3, 3, 1]),
        ([1, "20%", "100%"], [1, 2, 7]),
        ([0], [10]),  # `serial: 0`
        (["1%"], [1] * 10),
    ],
)
def test_serial_cuts_hosts_as_ansible_does(serial, sizes):
    from types import SimpleNamespace

    play = SimpleNamespace(serial=serial, keywords={}, place=None)
    assert [len(each) for each in batches(list(range(10)), play)] == sizes


def test_a_batch_of_no_hosts_is_an_error_and_serial_0_alone_means_all(site):
    assert len(site.plan("- hosts: web\n  serial: 0\n  tasks: []\n").plays[0].batches) == 1
    with pytest.raises(ProjectError, match="a batch of 0 hosts"):
        site.plan("- hosts: web\n  serial: [1, 0, 2]\n  tasks: []\n")


def test_a_serial_that_is_no_number_is_an_error(site):
    with pytest.raises(ProjectError, match="serial is 'some'"):
        site.plan("- hosts: web\n  serial: some\n  tasks: []\n")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("{container: {name: a, image: b}, become: true}", "for another user"),
        ("{ping: , loop: [1], loop_control: {pause: 3}}", "'pause' is not supported yet"),
        ("{ping: , connection: local}", "'connection' of a task"),
    ],
)
def test_what_a_play_cannot_do_yet_is_said_at_load(site, task, words):
    with pytest.raises(ProjectError, match=words):
        site.plan(f"- hosts: web\n  rollout: {{app: x}}\n  tasks:\n    - {task}\n")


def test_keywords_that_have_no_effect_yet_are_warned_about_once(site):
    plan = site.plan("- hosts: web\n  remote_user: bob\n  tasks:\n    - {ping: , port: 22}\n    - ping:\n")
    assert [("'remote_user'" in text, "'port'" in text) for text in plan.warnings] == [(False, True), (True, False)]


def test_localhost_needs_no_place_in_the_inventory(site):
    plan = site.plan("- hosts: localhost\n  connection: local\n  tasks: [{ping: }]\n")
    assert [host.name for host in plan.plays[0].hosts] == ["localhost"]
