"""YAML keeps its places, means what it means to Ansible, and cannot be turned against the reader."""

import datetime
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.errors import ProjectError
from wherry.language import source
from wherry.language.source import Sealed, Source, is_static, key_place, place_of


def at(place):
    return (place.line, place.column)


def test_every_key_and_value_knows_its_line_and_column(tmp_path):
    file = tmp_path / "a.yml"
    file.write_text("one: 1\ntwo:\n  - text\n  - {three: yes}\n")
    read = source.load(str(file))
    assert at(place_of(read, "one")) == (1, 6)
    assert at(key_place(read, "two")) == (2, 1)
    assert at(place_of(read["two"])) == (3, 3)
    assert at(read["two"][0].place) == (3, 5)
    assert at(place_of(read["two"][1], "three")) == (4, 13)
    assert str(read["two"][0].place) == f"{file}:3:5"
    assert read["two"][0].place.excerpt() == "      - text\n        ^"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),
        ("'0644'", "0644"),
        ("0o644", "0o644"),
        ("0x1f", 31),
        ("yes", True),
        ("Off", False),
        ("on", True),
        ("~", None),
        ("null", None),
        ("1.5", 1.5),
        ("1_000", 1000),
        ("12:30:45", 45045),
        ("1.10", 1.1),
        ("2020-01-02", datetime.date(2020, 1, 2)),
        ("y", "y"),
        ("NO", False),
        ("=", "="),
        ("!unsafe '{{ x }}'", "{{ x }}"),
        ("!!str 5", "5"),
        ("!!binary aGk=", b"hi"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_scalars_are_those_of_yaml_1_1(text, value):
    assert source.parse("a: " + text)["a"] == value


def test_only_strings_of_the_file_are_sources():
    read = source.parse("a: text\nb: !unsafe '{{ x }}'\nc: !vault |\n  $ANSIBLE_VAULT;1.1\n")
    assert isinstance(read["a"], Source)
    assert not isinstance(read["b"], Source)
    assert type(read["c"]) is Sealed
    assert not isinstance(read["a"].upper(), Source)
    assert not isinstance(read["a"] + "b", Source)


def test_merged_keys_stand_behind_own_ones_and_keep_their_place():
    read = source.parse("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nall:\n  <<: [*b, *o]\n  x: 9\n")
    assert read["all"] == {"x": 9, "y": 2, "z": 4}
    assert at(place_of(read["all"], "z")) == (2, 21)


def test_a_key_that_is_written_twice_is_a_warning():
    warnings = []
    assert source.parse("a: 1\na: 2\n", "f.yml", warn=warnings.append) == {"a": 2}
    assert warnings == ["f.yml:2:1: 'a' is written twice in this mapping; the last one counts"]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "expand to more than a million"),
        ("a: &a [*a]\n", "contains it"),
        ("a: &a {b: *a}\n", "contains it"),
        ("[" * 5000, "nesting"),
        ("[" * 150 + "]" * 150, "nested too deeply"),
        ("a: *nothing\n", "undefined alias"),
        ("a: !python/object:os.system x\n", "tag"),
        ("a: !!python/name:os.system\n", "tag"),
        ("a: 2020-99-99\n", "not what it looks like"),
        ("a: 1\n---\nb: 2\n", "one document"),
        ("a: \x07\n", "control characters"),
    ],
)
def test_hostile_yaml_is_refused_with_its_place(text, words):
    with pytest.raises(ProjectError, match=words) as caught:
        source.parse(text, "f.yml")
    assert caught.value.place is not None


def test_merges_do_not_multiply():
    text = "a: &a {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{'*a' + (str(n - 1) if n else '')}, {'*a' + (str(n - 1) if n else '')}]}}\n"
        for n in range(12)
    )
    assert source.parse(text)["a11"] == {"x": 1}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: {{ x }}\n", "must stand in quotes"),
        ("- {{ x }}\n", "must stand in quotes"),
        ("a: b: c\n", "value that holds ': '"),
        ('a: "x" y\n', "after its closing quote"),
        ("a: 'it's'\n", "after its closing quote"),
        ("\ta: 1\n", "no tab"),
        ("a:\n\t- 1\n", "no tab"),
        ("a: @x\n", "cannot begin with"),
        ("a: %x\n", "cannot begin with"),
        ("a: *\n", "cannot begin with \\*"),
        ('a: "\\d"\n', "use single quotes"),
        ("a: 1\n  b: 2\n", "indentation"),
    ],
)
def test_the_traps_of_yaml_have_their_hints(text, hint):
    with pytest.raises(ProjectError, match=hint):
        source.parse(text, "f.yml")


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "latin.yml").write_bytes(b"a: \xff\n")
    with pytest.raises(ProjectError, match="not UTF-8"):
        source.load(str(tmp_path / "latin.yml"))
    with pytest.raises(ProjectError, match="No such file"):
        source.load(str(tmp_path / "none.yml"))


def test_a_source_survives_pickling_with_its_place():
    read = source.parse("a: text\n", "f.yml")["a"]
    assert pickle.loads(pickle.dumps(read)).place == read.place


def test_static_data_is_told_from_templates():
    read = source.parse("a: {b: [text]}\nc: {d: ['{{ x }}']}\ne: '{% if x %}'\n")
    assert is_static(read["a"])
    assert not is_static(read["c"])
    assert not is_static(read["e"])


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        source.parse(text, "f.yml")
    except ProjectError as error:
        assert str(error)
