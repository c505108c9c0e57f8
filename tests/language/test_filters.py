"""Filters, tests and lookups give what Ansible gives."""

import json
import os

import pytest
import yaml

from wherry.errors import TemplateError, UndefinedVariable, WherryError
from wherry.language import filters, source

HERE = os.path.join(os.path.dirname(__file__), "filters")
OUTPUTS = {'printf "a b\\n"': b"a b\n", 'printf "a\\nb\\n"': b"a\nb\n"}

with open(os.path.join(HERE, "cases.yml")) as file:
    CASES = list(yaml.safe_load(file).items())


@pytest.mark.parametrize(("expression", "result"), CASES, ids=[case for case, _ in CASES])
def test_an_expression_gives_what_ansible_gives(desk, expression, result):
    desk.world.outputs = OUTPUTS
    with open(os.path.join(HERE, "variables.yml")) as file:
        scope = desk.scope(file.read())
    found = json.loads(json.dumps(desk.render("{{ " + expression + " }}", scope)))
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(
    ("expression", "error", "words"),
    [
        ("missing | mandatory", UndefinedVariable, "'missing' is undefined"),
        ("missing | mandatory('set it')", UndefinedVariable, "set it"),
        ("[1] | combine", TemplateError, "combine needs mappings"),
        ("{} | combine({}, list_merge='x')", TemplateError, "not a list_merge"),
        ("'x' | from_json", TemplateError, "Expecting value"),
        ("'x' | hash('nope')", TemplateError, "unsupported hash type"),
        ("'x' | password_hash('md5')", TemplateError, "sha512"),
        ("'x' | human_to_bytes", TemplateError, "not a size"),
        ("'1XB' | human_to_bytes", TemplateError, "not a unit"),
        ("'x' | b64decode", TemplateError, "base64"),
        ("'a' | regex_search('(', '\\1')", TemplateError, "unterminated"),
        ("'a' | comment('nope')", TemplateError, "not a style"),
        ("1 | tojsn", TemplateError, "did you mean 'tojson'"),
        ("1 is versoin('2')", TemplateError, "did you mean 'version'"),
        ("'1' is version('2', '~')", TemplateError, "does not compare"),
        ("'x' is changed", TemplateError, "registered result"),
        ("lookup('fille', 'x')", TemplateError, "did you mean 'file'"),
        ("lookup('file', 'x')", TemplateError, "there is no file 'x'"),
        ("lookup('pipe', 'false')", WherryError, "ended with 127"),
        ("lookup('vars', 'nope')", UndefinedVariable, "'nope' is undefined"),
        ("lookup('url', 'http://x')", WherryError, "not supported yet"),
        ("2 ** 100000", TemplateError, "too large"),
        ("'x' * 100000000", TemplateError, "too large"),
    ],
)
def test_a_wrong_argument_is_one_clear_error(desk, expression, error, words):
    with pytest.raises(error, match=words.replace("(", "\\(")):
        desk.render("{{ " + expression + " }}")


def test_every_filter_is_known_by_its_full_name_too(desk):
    assert desk.render("{{ {'a': 1} | ansible.builtin.combine({'b': 2}) | ansible.builtin.dict2items | length }}") == 2
    assert {"default", "to_nice_yaml", "upper"} <= set(filters.names())


def test_a_random_salt_comes_from_outside(desk):
    assert desk.render("{{ 'x' | password_hash }}") == desk.render("{{ 'x' | password_hash }}")
    assert desk.render("{{ 'x' | password_hash }}").startswith("$6$")


def test_text_that_from_yaml_gives_is_data(desk):
    found = desk.scope("made: \"{{ '{{ 1 }}' | to_yaml | from_yaml }}\"")["made"]
    assert found == "{{ 1 }}"
    assert not isinstance(found, source.Source)


def test_lookups_of_files_search_beside_the_playbook(desk):
    play = desk.playbook("- hosts: all\n  tasks: []\n").plays[0]
    desk.write("playbooks/files/motd", "hello\n\n")
    desk.write("playbooks/templates/hi.j2", "hi {{ name }}\n")
    desk.write("playbooks/vars/Debian.yml", "")
    desk.write("playbooks/secret", "hunter2\n")
    scope = desk.scope("name: me", play=play)
    assert desk.render("{{ lookup('file', 'motd') }}", scope) == "hello"
    assert desk.render("{{ lookup('template', 'hi.j2') }}", scope) == "hi me\n"
    assert desk.render("{{ lookup('password', 'secret') }}", scope) == "hunter2"
    found = desk.render("{{ lookup('first_found', {'files': ['no.yml', 'Debian.yml'], 'paths': ['vars']}) }}", scope)
    assert found.endswith("playbooks/vars/Debian.yml")
    assert desk.render("{{ query('first_found', ['no'], skip=true) }}", scope) == []
    with pytest.raises(TemplateError, match="none of these files exists"):
        desk.render("{{ lookup('first_found', 'no.yml') }}", scope)


def test_random_passwords_have_the_length_and_letters_asked_for(desk):
    found = desk.render("{{ lookup('password', '/dev/null', length=40, chars=['digits', 'x']) }}")
    assert len(found) == 40
    assert set(found) <= set("0123456789x")


def test_a_lookup_may_fail_quietly(desk):
    assert desk.render("{{ lookup('file', 'none', errors='ignore') | default('x', true) }}") == "x"
    desk.render("{{ query('file', 'none', errors='warn') }}")
    assert "there is no file 'none'" in desk.warnings[0]


def test_environment_and_clock_are_those_of_outside(desk):
    desk.world.variables["WHO"] = "me"
    desk.world.time = 86400.0 * 365
    assert desk.render("{{ lookup('env', 'WHO', 'NOPE') }}") == "me,"
    assert (
        desk.render("{{ now(utc=true).year }} {{ now(true, '%Y-%m') }} {{ '%Y' | strftime(utc=true) }}")
        == "1971 1971-01 1971"
    )
    assert desk.render("{{ '~/x' | expanduser }} {{ '$WHO/${NOPE}' | expandvars }}") == "/home/me/x me/${NOPE}"
