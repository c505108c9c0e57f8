"""Loops: the items of loop and with_*, and what each round knows."""

import pytest

from wherry.errors import ProjectError, UndefinedVariable
from wherry.language import loops

VARIABLES = """
l: [1, [2, 3]]
m: {a: 1, b: 2}
users: [{name: al, keys: [x, y]}, {name: bo}]
n: 2
"""


def items(desk, loop, variables=VARIABLES):
    task = desk.task(f"ping:\n{loop}")
    return loops.items(task, desk.scope(variables).for_task(task))


@pytest.mark.parametrize(
    ("loop", "result"),
    [
        ("loop: [1, '{{ n }}']", [1, 2]),
        ("loop: '{{ l }}'", [1, [2, 3]]),
        ("loop: '{{ l | flatten }}'", [1, 2, 3]),
        ("loop: '{{ m | dict2items }}'", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
        ("with_items: '{{ l }}'", [1, 2, 3]),
        ("with_items: l", [1, 2, 3]),
        ("with_items: text", ["text"]),
        ("with_items: [a, [b, [c]]]", ["a", "b", ["c"]]),
        ("with_list: '{{ l }}'", [1, [2, 3]]),
        ("with_flattened: [a, [b, [c]]]", ["a", "b", "c"]),
        ("with_dict: '{{ m }}'", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
        ("with_dict: m", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
        ("with_nested: [[1, 2], [a]]", [[1, "a"], [2, "a"]]),
        ("with_together: [[1, 2], [a]]", [[1, "a"], [2, None]]),
        ("with_indexed_items: [a, b]", [[0, "a"], [1, "b"]]),
        ("with_sequence: start=1 end=3", ["1", "2", "3"]),
        ("with_sequence: count=3 format=web%02d", ["web01", "web02", "web03"]),
        ("with_sequence: 4-8/2:x%d", ["x4", "x6", "x8"]),
        ("with_sequence: start=3 end=1 stride=-1", ["3", "2", "1"]),
        (
            "with_subelements: ['{{ users }}', keys, {skip_missing: true}]",
            [[{"name": "al"}, "x"], [{"name": "al"}, "y"]],
        ),
        ("loop: []", []),
        ("with_items: '{{ [] }}'", []),
        ("with_dict: {}", []),
    ],
)
def test_a_loop_gives_its_items(desk, loop, result):
    assert items(desk, loop) == result


def test_loops_that_look_at_files_and_commands_go_through_outside(desk):
    desk.write("playbooks/files/one.txt", "hello\n")
    desk.world.outputs["list"] = b"a\nb\n"
    for loop, result in [
        ("with_lines: list", ["a", "b"]),
        ("with_file: [one.txt]", ["hello"]),
        ("with_first_found: [none, one.txt]", [str(desk.root / "playbooks/files/one.txt")]),
        ("with_first_found: [{files: [none], skip: true}]", []),
    ]:
        task = desk.task(f"ping:\n{loop}")
        assert loops.items(task, desk.scope(play=task.lineage[-1])) == result
    assert desk.world.commands == [["/bin/sh", "-c", "list"]]


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        ("loop: '{{ m }}'", "loop needs a list, not a mapping"),
        ("loop: text", "loop needs a list, not text"),
        ("loop: '{{ n }}'", "loop needs a list, not a number"),
        ("with_dict: [1]", "needs a mapping"),
        ("with_sequence: start=1", "needs end= or count="),
        ("with_sequence: end=999999999", "more than 100000"),
        ("with_sequence: end=x", "invalid literal"),
        ("with_subelements: ['{{ users }}', keys]", "there is no 'keys'"),
        ("with_fileglob: '*'", "not supported yet"),
    ],
)
def test_a_loop_over_something_else_is_one_clear_error(desk, loop, words):
    with pytest.raises(ProjectError, match=words):
        items(desk, loop)


def test_an_undefined_list_is_no_item_when_the_task_is_skipped_anyway(desk):
    assert items(desk, "loop: '{{ nope }}'\nwhen: n == 3") == []
    assert items(desk, "loop: '{{ nope }}'\nwhen: [item > 1, nope is defined]") == []
    with pytest.raises(UndefinedVariable, match="'nope' is undefined"):
        items(desk, "loop: '{{ nope }}'\nwhen: n == 2")


def test_each_round_knows_its_item_and_its_position(desk):
    task = desk.task(
        "debug: {msg: '{{ each }}'}\nloop: [a, b, c]\nloop_control: {loop_var: each, index_var: i, extended: true}"
    )
    rounds = list(loops.scopes(task, desk.scope(VARIABLES).for_task(task)))
    assert [desk.templar.render(task.args, scope) for _, scope in rounds] == [{"msg": "a"}, {"msg": "b"}, {"msg": "c"}]
    item, scope = rounds[1]
    assert (item, scope["each"], scope["i"], scope["ansible_loop_var"]) == ("b", "b", 1, "each")
    assert scope["ansible_loop"] == {
        "index": 2,
        "index0": 1,
        "first": False,
        "last": False,
        "length": 3,
        "revindex": 2,
        "revindex0": 1,
        "allitems": ["a", "b", "c"],
        "previtem": "a",
        "nextitem": "c",
    }


def test_a_task_without_a_loop_has_no_items(desk):
    assert items(desk, "vars: {}") is None
