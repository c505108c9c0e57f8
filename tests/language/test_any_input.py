"""Whatever text a project holds, it is read or refused: no other exception, no command."""

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherry.errors import ProjectError, WherryError
from wherry.language import arguments, conditional, host_range, pattern, source
from wherry.language.inventory import Group, Inventory
from wherry.language.source import Source

PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "x",
    " ",
    "|",
    "'",
    '"',
    "(",
    ")",
    "[",
    "]",
    ".",
    "default",
    "for",
    "in",
    "if",
    "\\",
]
PIECES += [
    "end",
    "set",
    "=",
    "==",
    "1",
    "-",
    "~",
    "omit",
    "nope",
    "lookup",
    "'pipe'",
    ",",
    ":",
    "is",
    "not",
    "raw",
    "\n",
    "é",
    "map",
    "d",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=60)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(text=TEXTS)
def test_any_text_renders_or_is_one_error(desk, text):
    scope = shared(desk)
    try:
        desk.templar.render(Source(text), scope)
    except ProjectError as error:
        assert str(error)
    assert desk.world.commands == [] or "'pipe'" in text


@MANY
@given(text=TEXTS)
def test_any_condition_holds_or_not_or_is_one_error(desk, text):
    try:
        assert conditional.test(Source(text), shared(desk)) in (True, False)
    except ProjectError as error:
        assert str(error)


def shared(desk):
    """One scope for all examples of a test."""
    if not hasattr(desk, "shared"):
        desk.shared = desk.scope("x: {y: 1}\nd: [1]\n")
    return desk.shared


@MANY
@given(text=TEXTS, module=st.sampled_from(["copy", "command"]))
def test_any_string_of_arguments_is_taken_apart_or_is_one_error(text, module):
    try:
        found = arguments.read(module, Source(text), None)
    except ProjectError:
        return
    assert all(isinstance(value, Source) for value in found.values.values())


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.from_regex(r"[a-zA-Z0-9/. _-]{0,12}", fullmatch=True)
    )
)
def test_quoted_words_come_back_as_they_were(values):
    text = " ".join(f"{name}='{value}'" for name, value in values.items())
    assert arguments.read("copy", Source(text), None).values == values


@given(st.text("web[0:1a]-,", max_size=12))
def test_any_host_name_is_expanded_or_refused(name):
    try:
        assert len(host_range.expand(name)) >= 1
    except ProjectError as error:
        assert str(error)


@given(st.text("alb[]!&~*:,@0-1", max_size=12))
def test_any_pattern_names_hosts_or_is_refused(text):
    inventory = Inventory("prod", "prod.yml", groups={"all": Group("all")})
    try:
        pattern.match(inventory, text)
    except WherryError as error:
        assert str(error)


def test_data_from_yaml_can_be_copied():
    read = source.parse("a: [b, {c: '{{ d }}'}]\n")
    assert copy.deepcopy(read) == read
    assert copy.deepcopy(read)["a"][0].place == read["a"][0].place
