"""What a value looks at is known without rendering it."""

import pytest

from wherry.language import source, templating
from wherry.language.names import References

VARIABLES = """
url: "http://{{ host }}:{{ port }}/"
host: "{{ ansible_facts['default_ipv4'].address }}"
port: 80
deep: {a: ["{{ url }}"]}
circle: "{{ circle2 }}"
circle2: "{{ circle }}"
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain", set()),
        ("{{ a.b['c'] ~ d }}", {"a", "d"}),
        ("{% for x in l %}{{ x }}{{ y }}{% endfor %}", {"l", "y"}),
        ("{{ result.rc }}", {"result"}),
        ("{{ lookup('env', 'HOME') }}", set()),
        ("{{ lookup('vars', 'a') ~ vars['b'] ~ vars.c }}", {"a", "b", "c", "vars"}),
        ("{{ range(n) | map('string') }}", {"n"}),
        ("{{ broken", set()),
    ],
)
def test_a_template_names_its_variables(text, names):
    assert templating.names(source.Source(text)) == names


def test_names_are_followed_through_definitions(desk):
    scope = desk.scope(VARIABLES)
    assert templating.names(source.Source("{{ deep }}"), scope) == {"deep", "url", "host", "port", "ansible_facts"}
    assert templating.names(source.Source("{{ circle }}"), scope) == {"circle", "circle2"}
    assert templating.names(["{{ not_ours }}", 1, None], scope) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ ansible_distribution }}", {"facts": {"distribution"}}),
        ("{{ ansible_facts.os_family }}", {"facts": {"os_family"}}),
        ("{{ ansible_facts['ansible_lsb'].id }}", {"facts": {"lsb"}}),
        ("{{ url }}", {"facts": {"default_ipv4"}}),
        ("{{ ansible_facts }}", {"all_facts": True}),
        ("{{ ansible_facts[name] }}", {"all_facts": True}),
        ("{{ ansible_facts.a ~ (ansible_facts | length) }}", {"facts": {"a"}, "all_facts": True}),
        ("{{ ansible_host }} {{ ansible_check_mode }}", {}),
        ("{{ hostvars['web2'].x }}", {"other_hosts": True}),
        ("{{ groups.web | length }}", {"other_hosts": True}),
        ("{{ lookup('vars', name) }}", {"anything": True}),
        ("{{ vars[name] }}", {"anything": True}),
        ("{{ lookup(kind, 'x') }}", {"anything": True}),
        ("{{ lookup('template', 'x.j2') }}", {"anything": True}),
    ],
)
def test_facts_other_hosts_and_computed_names_are_told(desk, text, expected):
    found = templating.references([source.Source(text)], desk.scope(VARIABLES))
    assert found.facts == expected.get("facts", set())
    for name in ("all_facts", "other_hosts", "anything"):
        assert getattr(found, name) is expected.get(name, False), name


def test_conditions_and_template_files_are_read_as_such(desk):
    found = templating.references([], conditions=[source.parse("w: [a.b == 'c', 'd in e']")["w"]], files=["{{ f }}\n"])
    assert found.names == {"a", "d", "e", "f"}


def test_a_task_looks_at_what_its_keywords_look_at(desk):
    task = desk.task(
        "name: 'n {{ a }}'\ncommand: echo {{ b }} creates={{ c }}\nwhen: d\nloop: '{{ e }}'\nchanged_when: [f.rc]\nuntil: g\n"
        "environment: {X: '{{ h }}'}\nbecome_user: '{{ i }}'\nvars: {own: '{{ j }}'}\nfailed_when: item and own\n"
        "notify: '{{ z }}'\nretries: '{{ k }}'\nmodule_defaults: {command: {chdir: '{{ m }}'}}"
    )
    assert templating.task_references(task, desk.scope()).names == {*"abcdefghijkm", "own"}


def test_registered_results_are_names_that_are_not_followed(desk):
    run = desk.run()
    run.of("web1").registered["out"] = "{{ secret }}"
    found = templating.names(source.Source("{{ out }}"), run.scope(run.inventory.hosts["web1"]))
    assert found == {"out"}


def test_references_add_up():
    one, two = References(names=frozenset("a"), anything=True), References(facts=frozenset("b"))
    assert (one | two) == References(names=frozenset("a"), facts=frozenset("b"), anything=True)
