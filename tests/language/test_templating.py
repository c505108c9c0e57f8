"""Templates: native results, strict names, errors that show the way, and template files."""

import os
import subprocess
import sys
import time

import pytest

from wherry.errors import ProjectError, TemplateError, UndefinedVariable
from wherry.language import source
from wherry.language.source import Secret, Source
from wherry.language.templating import OMIT


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("{{ n }}", 5),
        ("{{ n }} ", "5 "),
        ("{{ n }}\n", 5),
        ("{{ day }}{{ n }}\n", "2020-01-025\n"),
        ("{{ 'text' }}\n", "text\n"),
        ("{{ 'text\n' }}\n", "text\n"),
        ("a\n{{ n }}\n\n", "a\n5\n\n"),
        ("a{{ n }}b", "a5b"),
        ("{{ l }}", [1, 2]),
        ("x{{ l }}", "x[1, 2]"),
        ("{{ none }}", None),
        ("[{{ none }}]", "[]"),
        ("{{ true }}{{ false }}", "TrueFalse"),
        ("{{ m }}", {"k": 5}),
        ("{{ m.k }}", 5),
        ("{{ m['k'] + 1 }}", 6),
        ("{% if n == 5 %}yes{% endif %}", "yes"),
        ("{# only a remark #}", ""),
        ("{{ '{{ n }}' }}", "{{ n }}"),
        ("{{ l | map('string') }}", ["1", "2"]),
        ("{{ m.keys() }}", ["k"]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ day }}", "2020-01-02"),
        ("{{ day.year }}", 2020),
        ("{{ 'x' if false }}", ""),
        ("{% raw %}{{ n }}{% endraw %}", "{{ n }}"),
        ("{% set x = [] %}{% for i in l %}{% do x.append(i * 2) %}{% endfor %}{{ x }}", "[2, 4]"),
        ("{% for i in l %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}", "1"),
        ("{{ 'a.b' | regex_replace('\\.', '\\\\') }}", "a\\b"),
    ],
)
def test_one_expression_keeps_its_type_and_the_rest_is_text(desk, text, result):
    scope = desk.scope("n: 5\nl: [1, 2]\nm: {k: '{{ n }}'}\nday: 2020-01-02\n")
    found = desk.render(text, scope)
    assert (found, type(found)) == (result, type(result))


def test_rendering_walks_mappings_and_lists_and_leaves_out_what_is_omitted(desk):
    scope = desk.scope("n: 5\nmaybe: '{{ omit }}'")
    raw = source.parse(
        "a: '{{ n }}'\nb: {c: ['{{ n }}', '{{ omit }}', x]}\nd: '{{ nope | default(omit) }}'\ne: '{{ maybe }}'\nf: 1\n"
    )
    assert desk.templar.render(raw, scope) == {"a": 5, "b": {"c": [5, "x"]}, "f": 1}
    assert desk.render("{{ omit }}", scope) is OMIT
    with pytest.raises(TemplateError, match="omit stands inside of a text"):
        desk.render("x{{ omit }}", scope)


def test_rendered_data_holds_no_type_of_ours(desk):
    scope = desk.scope("m: {k: [text, {x: y}]}")
    found = desk.templar.render(source.parse("a: {b: [text]}\nc: '{{ m }}'"), scope)

    def kinds(value):
        members = value.items() if isinstance(value, dict) else value if isinstance(value, list) else []
        return {type(value)}.union(*(kinds(each) for each in members)) if members else {type(value)}

    assert kinds(found["c"]) | kinds(found["a"]) <= {dict, list, str, tuple}


@pytest.mark.parametrize(
    ("variables", "text", "message", "column"),
    [
        ("", "x{{ port }}", "'port' is undefined", 4),
        ("", "{{ a + nope }}", "'a' is undefined", 3),
        ("a: 1", "{{ a + nope }}", "'nope' is undefined", 7),
        ("web: {port: 1}", "{{ web.prot }}", "'web.prot' is undefined", 3),
        ("web: {port: 1}", "{{ web['prot'] }}", "'web['prot']' is undefined", 3),
        ("", "{{ nope.port }}", "'nope' is undefined", 3),
        ("", "{{ hostvars.web9.port }}", "'hostvars.web9' is undefined", 3),
        ("", "{{ [nope] }}", "'nope' is undefined", 4),
        ("", "{% for i in nope %}{% endfor %}", "'nope' is undefined", 12),
        ("", "{% if nope %}{% endif %}", "'nope' is undefined", 6),
        ("", "{{ nope | int }}", "'nope' is undefined", 3),
    ],
)
def test_an_undefined_name_is_shown_where_it_stands(desk, variables, text, message, column):
    file = desk.write("playbooks/vars.yml", f'text: "{text}"\n')
    with pytest.raises(UndefinedVariable) as caught:
        desk.templar.render(source.load(file)["text"], desk.scope(variables))
    assert caught.value.what == message
    assert (caught.value.place.line, caught.value.place.column) == (1, 8 + column)


def test_the_chain_and_near_names_are_told(desk):
    scope = desk.scope("ports: 1\nurl: 'http://{{ base }}'\nbase: |\n  x\n  {{ port }}\n")
    with pytest.raises(UndefinedVariable) as caught:
        desk.render("{{ url }}", scope)
    assert (caught.value.name, caught.value.chain) == ("port", ("url", "base"))
    assert str(caught.value.place).endswith("web1.yml:5:6")
    assert str(caught.value).endswith(
        "'port' is undefined (through url -> base)\n      {{ port }}\n         ^\n  hint: did you mean 'ports'?"
    )


def test_a_member_that_is_missing_names_its_neighbours(desk):
    with pytest.raises(UndefinedVariable, match="did you mean 'stdout'"):
        desk.render("{{ out.stdot }}", desk.scope("out: {stdout: x, rc: 0}"))


def test_default_hides_what_is_undefined_and_nothing_else(desk):
    scope = desk.scope("a: '{{ nope }}'\nb: '{{ 1 + [] }}'\n")
    assert desk.render("{{ a | default('x') }} {{ a.b.c | default('y') }} {{ a is defined }}", scope) == "x y False"
    for text in ("{{ b | default('x') }}", "{{ b is defined }}", "{{ b is undefined }}"):
        with pytest.raises(TemplateError, match="unsupported operand"):
            desk.render(text, scope)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ 1 +", "unexpected|expected"),
        ("{% if x %}", "endif"),
        ("{{ x | nofilter }}", "No filter named 'nofilter'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", "can only concatenate"),
        ("{{ [1, 2] | random(1, 2, 3, 4, 5) }}", "argument"),
        ("{{ {'a': 1}.items }}", "'items' is a method"),
        ("{% include 'x' %}", "no loader|no template"),
        ("{{ range(10000000) }}", "[Rr]ange"),
    ],
)
def test_a_template_that_fails_is_one_clear_error_with_its_place(desk, text, words):
    file = desk.write("playbooks/vars.yml", f'text: "{text}"\n')
    with pytest.raises(ProjectError, match=words) as caught:
        desk.templar.render(source.load(file)["text"], desk.scope("x: 1"))
    assert caught.value.place.line == 1


def test_a_secret_stays_one_through_rendering(desk):
    scope = desk.scope("who: me")
    assert isinstance(desk.templar.render(Secret("{{ who }}"), scope), Secret)
    with pytest.raises(ProjectError, match="vault is not supported yet"):
        desk.templar.render(source.parse("a: !vault x"), scope)


def test_a_vaulted_value_that_is_not_used_does_no_harm(desk):
    scope = desk.scope("key: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\nx: 1\n")
    assert desk.render("{{ x }}", scope) == 1
    with pytest.raises(ProjectError, match="vault"):
        desk.render("{{ key }}", scope)


def template(desk, text, variables="x: 1\nl: [a, b]\n", **files):
    for name, content in files.items():
        desk.write(f"playbooks/templates/{name}.j2", content)
    path = desk.write("playbooks/templates/main.j2", text)
    return desk.templar.render_file(text, desk.scope(variables), path)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("x = {{ x }}\n", "x = 1\n"),
        ("{% for i in l %}\n- {{ i }}\n{% endfor %}\n", "- a\n- b\n"),
        ("no newline", "no newline"),
        ("{{ x }}", "1"),
        ("{{ none }}|\n\n", "|\n\n"),
        ("# {{ ansible_managed }}\n", "# Managed by wherry\n"),
        ("#jinja2: trim_blocks: False\n{% if x %}\ny\n{% endif %}\n", "\ny\n\n"),
        ("#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ x ]] {{ x }}\n", "1 {{ x }}\n"),
        ("{% include 'part.j2' %}!\n", "part 1 \n!\n"),
        ("{% set y = 7 %}{% include 'part.j2' %}", "part 1 7\n"),
        ("{% import 'macros.j2' as m %}{{ m.hi('you') }}\n", "hi you\n"),
        ("{% from 'macros.j2' import where with context %}{{ where() }}", "web1"),
        ("{% extends 'base.j2' %}{% block b %}{{ x }}{% endblock %}", "<1>\n"),
        ("{{ 'a\\tb' }}\n", "a\tb\n"),
    ],
)
def test_template_files_are_those_of_ansible(desk, text, result):
    parts = {
        "part": "part {{ x }} {{ y | default('') }}\n",
        "macros": "{% macro hi(n) %}hi {{ n }}{% endmacro %}{% macro where() %}{{ inventory_hostname }}{% endmacro %}",
        "base": "<{% block b %}{% endblock %}>\n",
    }
    assert template(desk, text, **parts) == result


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a\nb {{ prt }}\n", "'prt' is undefined", 2),
        ("#jinja2: trim_blocks: False\na\nb {{ prt }}\n", "'prt' is undefined", 3),
        ("a\n\n{% if x %}\n", "endif", 3),
        ("a\n{{ x | nope }}\n", "No filter named 'nope'", 2),
        ("a\n{{ x + 'a' }}\n", "unsupported operand", 2),
        ("a\n{% include 'none.j2' %}\n", "there is no template 'none.j2'", 2),
        ("a\n{{ ''.__class__ }}", "not allowed", 2),
        ("{% include 'main.j2' %}", "includes itself", 1),
    ],
)
def test_an_error_in_a_template_file_has_its_line(desk, text, words, line):
    with pytest.raises(ProjectError, match=words) as caught:
        template(desk, text)
    assert (os.path.basename(caught.value.place.file), caught.value.place.line) == ("main.j2", line)


def test_an_unknown_option_of_the_first_line_is_an_error(desk):
    with pytest.raises(TemplateError, match="did you mean 'trim_blocks'"):
        template(desk, "#jinja2: trim_block: False\n")


def test_project_data_cannot_be_changed_by_a_template(desk):
    scope = desk.scope("l: [1]\nm: {a: 1}\n")
    for text in ("{{ l.append(2) }}", "{{ m.update({'b': 2}) }}", "{{ groups.all.clear() }}", "{% do m.pop('a') %}"):
        with pytest.raises(TemplateError, match="not allowed in a template"):
            desk.render(text, scope)
    assert (scope["l"], scope["m"]) == ([1], {"a": 1})


def test_members_of_our_own_types_are_not_seen(desk):
    scope = desk.scope("place: here\nm: {place: 1}\ns: text\n")
    assert desk.render(
        "{{ m.place }} {{ s.place is defined }} {{ s.is_template is defined }} {{ m._marks is defined }}", scope
    ) == ("1 False False False")


def test_jinja_is_not_imported_before_something_is_rendered(desk):
    desk.write("inventory/prod.yml", "all: {hosts: {a: {x: 1}}}")
    path = desk.write("playbooks/site.yml", "- hosts: all\n  tasks:\n    - command: uptime\n      when: true\n")
    code = f"""
import sys
from wherry.language import conditional, inventory, loops, playbook, templating, variables
from wherry.project import Project
project = Project({str(desk.root)!r})
read = inventory.load(project, "prod")
play = playbook.load(project, {path!r}).plays[0]
templar = templating.Templar(None)
scope = variables.Run(read, templar, project).scope(read.hosts["a"], play)
for task in play.walk():
    assert conditional.test(list(task.when), scope)
    assert templar.render([task.args, task.free_form], scope) == [{{}}, "uptime"]
    assert scope["x"] == 1
sys.exit("jinja2" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_many_hosts_and_tasks_render_quickly(desk):
    hosts = "".join(f"    h{n}: {{port: {n}}}\n" for n in range(100))
    run = desk.run(f"all:\n  vars: {{url: 'http://{{{{ inventory_hostname }}}}:{{{{ port }}}}'}}\n  hosts:\n{hosts}")
    tasks = "".join(f"    - command: echo {{{{ url }}}} {n}\n      when: port == 7\n" for n in range(20))
    play = desk.playbook("- hosts: all\n  tasks:\n" + tasks).plays[0]
    begin = time.perf_counter()
    for host in run.inventory.hosts.values():
        scope = run.scope(host, play)
        for task in play.walk():
            desk.templar.render(task.free_form, scope.for_task(task))
    assert time.perf_counter() - begin < 5  # 0.2 s on an idle machine


def test_a_source_made_here_renders_without_a_place(desk):
    with pytest.raises(UndefinedVariable) as caught:
        desk.templar.render(Source("{{ nope }}"), desk.scope())
    assert caught.value.place is None
