"""Playbooks: what is written becomes plays of tasks; what is not Ansible's language is an error with its place.

playbooks/NAME/ holds a case: site.yml, and tasks.txt (one line a task) or error.txt (what, line:column, hint).
"""

import json
import os

import pytest

from wherry.errors import ProjectError, UsageError
from wherry.language import arguments, playbook
from wherry.language.source import Source
from wherry.language.task import Block
from wherry.project import Project, product_root

HERE = os.path.join(os.path.dirname(__file__), "playbooks")


def described(task):
    parts = [task.title, task.module, json.dumps(task.args, sort_keys=True)]
    if task.free_form is not None:
        parts.append(f"text={task.free_form!r}")
    if task.args_from:
        parts.append(f"more={str(task.args_from)!r}")
    for name in ("when", "tags", "notify", "listen"):
        if value := getattr(task, name):
            parts.append(f"{name}={sorted(value) if name == 'tags' else list(value)}")
    if task.loop:
        parts.append(f"{task.loop.variable} of {task.loop.kind} {task.loop.value}")
    for name in ("register", "become", "delegate_to", "ignore_errors", "check_mode", "environment"):
        if (value := getattr(task, name)) not in (None, False, []):
            parts.append(f"{name}={value}")
    return " | ".join(parts)


@pytest.mark.parametrize("case", sorted(os.listdir(HERE)))
def test_a_playbook_is_read_as_its_case_says(case):
    folder = os.path.join(HERE, case)
    project = Project(os.path.dirname(HERE))
    path = os.path.join(folder, "site.yml")
    if os.path.exists(os.path.join(folder, "error.txt")):
        with pytest.raises(ProjectError) as caught:
            playbook.load(project, path)
        place = caught.value.place
        found = f"{caught.value.what}\n{place.line}:{place.column}\n{caught.value.hint}\n"
        expected = "error.txt"
    else:
        found = "".join(described(task) + "\n" for play in playbook.load(project, path).plays for task in play.walk())
        expected = "tasks.txt"
    with open(os.path.join(folder, expected)) as file:
        assert found == file.read()


def test_keywords_are_inherited_from_the_inside_out(desk):
    play = desk.playbook("""
- hosts: all
  become: true
  tags: [play]
  environment: {A: 1}
  module_defaults: {copy: {mode: "0600"}, ansible.builtin.file: {mode: "0700"}}
  tasks:
    - when: outer
      become: false
      ignore_errors: true
      block:
        - name: inner
          when: [one, two]
          become: true
          tags: a,b
          environment: {B: 2}
          ansible.builtin.copy: {src: a, dest: b}
        - copy: {src: a, dest: b}
      always:
        - file: {path: /x}
""").plays[0]
    inner, plain, always = play.walk()
    assert isinstance(play.tasks[0], Block)
    assert (inner.become, plain.become, always.become) == (True, False, False)
    assert inner.when == ("outer", "one", "two")
    assert inner.tags == {"play", "a", "b"}
    assert inner.ignore_errors is True
    assert inner.environment == [{"A": 1}, {"B": 2}]
    assert inner.module_defaults == {"mode": "0600"}
    assert always.module_defaults == {"mode": "0700"}
    assert (inner.module, inner.written) == ("copy", "ansible.builtin.copy")


def test_a_play_keeps_its_raw_keywords(desk):
    play = desk.playbook("""
- name: "deploy {{ app }}"
  hosts: [web, "!db"]
  serial: [1, "30%"]
  order: sorted
  gather_facts: no
  max_fail_percentage: 10
  rollout: {app: hello, min_healthy_time: 5}
  vars: {a: 1}
  vars_files: [x.yml, [y.yml, z.yml]]
  handlers:
    - name: restart
      listen: web changed
      command: true
""").plays[0]
    assert play.name == "deploy {{ app }}"
    assert play.pattern == "web,!db"
    assert play.serial == [1, "30%"]
    assert (play.order, play.gather_facts, play.max_fail_percentage) == ("sorted", False, 10)
    assert play.rollout == {"app": "hello", "min_healthy_time": 5}
    assert play.vars_files == ["x.yml", ["y.yml", "z.yml"]]
    handler = next(play.walk())
    assert handler.handler
    assert handler.listen == ("web changed",)
    assert handler.free_form == "True"


@pytest.mark.parametrize(
    "module", ["include_tasks", "import_role", "include_role", "import_tasks", "pause", "add_host"]
)
def test_what_comes_later_is_an_error_only_where_it_would_run(desk, module):
    task = desk.task(f"{module}: name=x")
    with pytest.raises(ProjectError, match=f"'{module}' is not supported yet") as caught:
        task.refuse_later()
    assert caught.value.place == task.place


def test_an_unknown_playbook_is_named_with_where_it_was_looked_for(desk):
    desk.write("playbooks/restart.yml", "[]")
    with pytest.raises(UsageError, match="no playbook 'restrat'") as caught:
        playbook.load(desk.project, "restrat")
    assert "did you mean 'restart'?" in caught.value.hint
    assert caught.value.hint.count(f"{desk.project.playbooks}/restrat.yml") == 1


def test_where_project_and_product_are_one_folder_each_place_is_named_once():
    with pytest.raises(UsageError) as caught:
        Project(product_root()).playbook_path("deplyo")
    assert "did you mean 'deploy'?" in caught.value.hint
    assert caught.value.hint.count("deplyo.yml") == 1


@pytest.mark.parametrize(
    ("rollout", "words"),
    [
        ("{appp: hello}", "'appp' is not known in rollout.*did you mean 'app'"),
        ("{app: hello, min_helthy_time: 3}", "'min_helthy_time' is not known in rollout.*'min_healthy_time'"),
        ("{keep: 3}", "rollout names no application"),
    ],
)
def test_a_wrong_key_of_a_rollout_is_named_with_the_right_one(desk, rollout, words):
    with pytest.raises(ProjectError, match=f"(?s){words}"):
        desk.playbook(f"- hosts: all\n  rollout: {rollout}\n")


@pytest.mark.parametrize(
    ("module", "text", "values", "free_form"),
    [
        ("copy", "src=a dest=b", {"src": "a", "dest": "b"}, None),
        ("copy", "dest='/a b' mode=0644", {"dest": "/a b", "mode": "0644"}, None),
        ("copy", 'content="x = y" dest=/z', {"content": "x = y", "dest": "/z"}, None),
        (
            "copy",
            "dest={{ a | default('x y') }}/b mode={{ m }}",
            {"dest": "{{ a | default('x y') }}/b", "mode": "{{ m }}"},
            None,
        ),
        ("copy", "content='a\\nb' dest=/z", {"content": "a\nb", "dest": "/z"}, None),
        ("debug", "msg='say \"hi\"'", {"msg": 'say "hi"'}, None),
        ("apt", "update_cache=yes cache_valid_time=3600", {"update_cache": "yes", "cache_valid_time": "3600"}, None),
        ("command", "echo hi", {}, "echo hi"),
        ("command", "foo creates=/x", {"creates": "/x"}, "foo"),
        ("command", "chdir=/a make DESTDIR=/b creates=/x -j2", {"chdir": "/a", "creates": "/x"}, "make DESTDIR=/b -j2"),
        ("shell", "echo 'creates=/no'", {}, "echo 'creates=/no'"),
        ("shell", "a=1\nfor i in 1 2; do\n  echo $i\ndone", {}, "a=1\nfor i in 1 2; do\n  echo $i\ndone"),
        ("command", "echo {{ x if y == 'creates=/z' else '' }}", {}, "echo {{ x if y == 'creates=/z' else '' }}"),
        ("command", "echo {{ 'a' }} removes={{ p }}", {"removes": "{{ p }}"}, "echo {{ 'a' }}"),
        ("meta", "flush_handlers", {}, "flush_handlers"),
        ("include_tasks", "setup-{{ os }}.yml", {}, "setup-{{ os }}.yml"),
        ("include_tasks", "file=a.yml", {"file": "a.yml"}, None),
        ("set_fact", "a=1 b='{{ c }}'", {"a": "1", "b": "{{ c }}"}, None),
    ],
)
def test_a_string_of_arguments_is_taken_apart_as_in_ansible(module, text, values, free_form):
    found = arguments.read(module, Source(text), None)
    assert (found.values, found.free_form) == (values, free_form)


def test_arguments_from_a_string_know_their_column(desk):
    task = desk.task("copy: src=a dest='{{ nope }}'")
    place = task.args["dest"].place
    assert place.excerpt().splitlines()[0][place.column + 3 :].startswith("{{ nope }}")
