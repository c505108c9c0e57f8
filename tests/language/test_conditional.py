"""Conditions: bare expressions, lists, and what is not quite a condition."""

import os

import pytest
import yaml

from wherry.errors import ProjectError, TemplateError, UndefinedVariable
from wherry.language import conditional, source

VARIABLES = """
n: 5
yes_: true
name: web
empty: []
full: [1]
l: [1]
word: 'false'
out: {rc: 0, changed: true}
ref: "{{ n == 5 }}"
ref_false: "{{ n == 6 }}"
"""

with open(os.path.join(os.path.dirname(__file__), "conditions", "cases.yml")) as file:
    CASES = yaml.safe_load(file)


@pytest.mark.parametrize(("text", "result"), CASES)
def test_a_condition_holds_as_in_ansible(desk, text, result):
    assert check(desk, text) is result


def check(desk, text):
    return conditional.test(source.parse("when: " + text)["when"], desk.scope(VARIABLES))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("n == 5", True),
        ("n > 5 or name == 'web'", True),
        ("not yes_", False),
        ("[n == 5, yes_]", True),
        ("[n == 5, n == 6]", False),
        ("[]", True),
        ("", True),
        ("''", True),
        ("true", True),
        ("no", False),
        ("'true'", True),
        ("'False'", False),
        ("nope is defined", False),
        ("nope is not defined or nope", True),
        ("nope | default(false)", False),
        ("out is changed and out.rc == 0", True),
        ("name is match('w\\w+')", True),
        ("name in ['web', 'db']", True),
    ],
)
def test_a_condition_is_a_bare_expression(desk, text, result):
    assert check(desk, text) is result
    assert desk.warnings == []


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("name", True),
        ("empty", False),
        ("full", True),
        ("n", True),
        ("0", False),
        ("word", True),
        ("full | length", True),
        ("\"'web' if n else ''\"", True),
    ],
)
def test_what_is_no_boolean_counts_by_its_truth_with_a_warning(desk, text, result):
    assert check(desk, text) is result
    assert "not true or false" in desk.warnings[0]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('"{{ n == 5 }}"', True),
        ('"{{ n }} == 5"', True),
        ("\"'{{ name }}' == 'web'\"", True),
        ('"{{ word }}"', False),
        ('"{{ yes_ }} and {{ n }} == 6"', False),
    ],
)
def test_braces_that_a_condition_does_not_need_are_a_warning(desk, text, result):
    assert check(desk, text) is result
    assert "without {{ }}" in desk.warnings[0]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("nope", UndefinedVariable, "'nope' is undefined"),
        ("out.rv == 0", UndefinedVariable, "'out.rv' is undefined"),
        ("n = 5", TemplateError, "word too many"),
        ("n ==", TemplateError, "expected|unexpected"),
        ("'{% if n %}1{% endif %}'", TemplateError, "holds no"),
        ("n == 5 n", TemplateError, "'n' is one word too many"),
    ],
)
def test_a_wrong_condition_is_one_clear_error(desk, text, error, words):
    with pytest.raises(error, match=words) as caught:
        check(desk, text)
    assert isinstance(caught.value, ProjectError)
    assert caught.value.place.line == 1


def test_a_warning_is_given_once_for_all_hosts(desk):
    condition, scope = source.parse("when: n")["when"], desk.scope(VARIABLES)
    assert [conditional.test(condition, scope) for _ in range(3)] == [True, True, True]
    assert len(desk.warnings) == 1


def test_text_that_is_not_from_the_project_is_never_an_expression(desk):
    assert conditional.test("lookup('pipe', 'touch /tmp/pwn')", desk.scope(VARIABLES)) is True
    assert conditional.test("false", desk.scope(VARIABLES)) is False
    assert desk.world.commands == []


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        (None, True),
        (True, True),
        (False, False),
        ("false", False),
        ("x", None),
        (["x", False], False),
        (["True"], True),
        (["x"], None),
    ],
)
def test_what_needs_no_variable_is_known_at_once(condition, result):
    assert conditional.static(condition) is result
