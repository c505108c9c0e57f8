"""What a host says is never a template, and a template cannot leave the sandbox."""

import json
import re

import pytest

from wherry.errors import ProjectError, TemplateError
from wherry.language import conditional, loops, source
from wherry.language.learned import Learned

ATTACK = "{{ lookup('pipe', 'touch /tmp/pwn') }}"
SOURCES = ("fact", "stdout", "hostname", "filename", "error", "dict key")
PATHS = ("argument", "hostvars", "set_fact", "loop", "delegate", "template", "when", "filter")


def learned(desk, kind):
    """A run in which host web1 gave the attack as `kind`, and the expression by which the project reads it."""
    run = desk.run("all: {hosts: {web1: , web2: }}")
    results = {
        "fact": {},
        "stdout": {"out": {"stdout": ATTACK, "stdout_lines": [ATTACK]}},
        "hostname": {},
        "filename": {"out": {"files": [{"path": "/srv/" + ATTACK}]}},
        "error": {"out": {"failed": True, "msg": ATTACK, "exception": ATTACK}},
        "dict key": {"out": {"names": {ATTACK: 1}}},
    }
    known = run.learned.setdefault("web1", Learned(registered=json.loads(json.dumps(results[kind]))))
    known.learn({"ansible_distribution": ATTACK, "hostname": ATTACK})
    known.returned({"services": {ATTACK: {"name": ATTACK}}})
    expression = {
        "fact": "ansible_facts.distribution ~ ansible_distribution",
        "stdout": "out.stdout ~ out.stdout_lines[0]",
        "hostname": "ansible_hostname",
        "filename": "out.files[0].path",
        "error": "out.msg ~ out.exception",
        "dict key": "(out.names | dict2items | first).key ~ (services | list | first)",
    }[kind]
    return run, expression


def take(desk, run, path, expression):
    """The text that comes out when the project reads the expression along the path, twice over."""
    scope = run.scope(run.inventory.hosts["web1"])
    if path == "argument":
        return desk.templar.render(source.parse("a: 'x {{ " + expression + " }}'"), scope)["a"]
    if path == "hostvars":
        expression = re.sub(r"\b(out|services|ansible_\w+)\b", r"hostvars['web1'].\1", expression)
        elsewhere = run.scope(run.inventory.hosts["web2"])
        return desk.render("{{ " + expression + " }}", elsewhere)
    if path == "set_fact":
        run.of("web1").registered["kept"] = desk.render("{{ {'v': " + expression + "} }}", scope)
        return desk.render("{{ kept.v }} {{ kept }}", scope)
    if path == "loop":
        task = desk.task("debug: {msg: '{{ item }}'}\nloop: ['{{ " + expression + " }}']")
        rounds = loops.scopes(task, scope.for_task(task))
        return "".join(desk.templar.render(task.args, each)["msg"] for _, each in rounds)
    if path == "delegate":
        task = desk.task("ping:\ndelegate_to: '{{ " + expression + " }}'\nvars: {again: '{{ " + expression + " }}'}")
        return desk.templar.render(task.delegate_to, scope) + scope.for_task(task)["again"]
    if path == "template":
        return desk.templar.render_file(
            "{% set x = " + expression + " %}{{ x }} {{ " + expression + " }}", scope, "/t.j2"
        )
    if path == "when":
        for text in (f"{expression} == 'x'", f"({expression}) is defined", "{{ " + expression + " }}", expression):
            conditional.test(source.Source(text), scope)
        return desk.render("{{ " + expression + " }}", scope)
    return desk.render("{{ [" + expression + "] | map('string') | join | to_json | from_json | trim }}", scope)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", SOURCES)
def test_what_a_host_says_is_never_rendered(desk, kind, path):
    run, expression = learned(desk, kind)
    found = take(desk, run, path, expression)
    assert ATTACK in str(found) or ATTACK.replace("'", "\\'") in str(found)
    assert not isinstance(found, source.Source)
    assert desk.world.commands == []


@pytest.mark.parametrize("kind", SOURCES)
def test_a_rendered_value_given_back_to_the_templar_stays_as_it_is(desk, kind):
    run, expression = learned(desk, kind)
    scope = run.scope(run.inventory.hosts["web1"])
    once = desk.render("{{ " + expression + " }}", scope)
    assert desk.templar.render({"again": [once, {once: once}]}, scope) == {"again": [once, {once: once}]}
    assert conditional.test(once, scope) is True
    assert desk.world.commands == []


def test_facts_do_not_change_how_a_host_is_reached(desk):
    run = desk.run("all: {hosts: {web1: {ansible_host: 10.0.0.1, ansible_user: me}}}")
    evil = {"ansible_host": "6.6.6.6", "ansible_connection": "local", "ansible_user": "root", "inventory_hostname": "x"}
    run.of("web1").returned(evil)
    run.of("web1").learn({"host": "6.6.6.6", "python_interpreter": "/tmp/evil"})
    scope = run.scope(run.inventory.hosts["web1"])
    assert (scope["ansible_host"], scope["ansible_user"]) == ("10.0.0.1", "me")
    assert "ansible_connection" not in scope
    assert "ansible_python_interpreter" not in scope
    assert scope["inventory_hostname"] == "web1"


ESCAPES = [
    "''.__class__",
    "''['__class__']",
    "'' | attr('__class__')",
    "['x'] | map(attribute='__class__') | list",
    "['x'] | map('attr', '__class__') | list",
    "'{0.__class__}'.format('x')",
    "'{x.__class__}'.format(x='x')",
    "'{0.__class__}'.format_map({'0': 1})",
    "('{0.__class__.__init__.__globals__}' | string).format(omit)",
    "['{0.__class__}'] | map('format', 1) | list | first",
    "(1).__class__.__base__.__subclasses__()",
    "lookup.__globals__",
    "lookup.__code__",
    "query.__wrapped__",
    "hostvars.__class__",
    "hostvars._scope",
    "vars._scope.run",
    "omit.__class__",
    "cycler.__init__.__globals__",
    "namespace.__init__",
    "joiner.__init__",
    "self.__init__",
    "self._TemplateReference__context",
    "x.__class__.__mro__",
    "x._mark",
    "dict.__base__",
    "range.__class__",
    "now.__globals__",
    "undef.__globals__",
    "(lookup | attr('__globals__')).os",
    "''.join.__self__.__class__",
    "{}.__class__.__subclasses__",
    "[].append.__self__.__class__",
]


@pytest.mark.parametrize("expression", ESCAPES)
def test_a_template_cannot_leave_the_sandbox(desk, expression):
    scope = desk.scope("x: text")
    try:
        found = desk.render("{{ " + expression + " }}", scope)
    except ProjectError:
        return
    # A format that Python does not look into (`map('format')` is the % of printf) gives its own text back.
    assert found == "{0.__class__}"


@pytest.mark.parametrize(
    "expression", ["''.__class__", "'' | attr('__class__')", "'{0.__class__}'.format('x')", "hostvars._scope"]
)
def test_the_error_says_what_is_not_allowed(desk, expression):
    with pytest.raises(TemplateError, match=r"not allowed in a template|is undefined"):
        desk.render("{{ " + expression + " }}")
