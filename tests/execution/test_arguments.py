"""Values as arguments: Ansible's rules for each kind."""

import pytest

from wherry.errors import ProjectError
from wherry.execution.arguments import convert
from wherry.execution.module_spec import Parameter

GOOD = [
    ("str", 8080, "8080"),
    ("str", {"a": 1}, '{"a": 1}'),
    ("str", True, "True"),
    ("int", "42", 42),
    ("int", 3.0, 3),
    ("float", "1.5", 1.5),
    ("bool", "yes", True),
    ("bool", "Off", False),
    ("bool", 1, True),
    ("bool", "0", False),
    ("list", "a, b,c", ["a", "b", "c"]),
    ("list", "", []),
    ("list", 7, [7]),
    ("list", ("a",), ["a"]),
    ("dict", "a=1, b=x=y", {"a": "1", "b": "x=y"}),
    ("dict", '{"a": [1]}', {"a": [1]}),
    ("mode", 0o644, 0o644),
    ("mode", "u=rw,g=r", "u=rw,g=r"),
    ("bytes", "64M", 64 << 20),
    ("bytes", "1.5 GiB", 3 << 29),
    ("bytes", "10kb", 10 << 10),
    ("bytes", 17, 17),
    ("raw", [1], [1]),
]
BAD = [
    ("int", "many"),
    ("int", 1.5),
    ("int", True),
    ("float", "x"),
    ("bool", "perhaps"),
    ("bool", 2),
    ("list", {"a": 1}),
    ("dict", "plain"),
    ("dict", [1]),
    ("dict", "{broken"),
    ("mode", True),
    ("mode", [6]),
    ("bytes", "12 apples"),
    ("bytes", ""),
]


@pytest.mark.parametrize(("kind", "value", "converted"), GOOD)
def test_a_value_becomes_its_parameters_kind(kind, value, converted):
    result = convert(Parameter("it", kind), value, lambda: None)
    assert result == converted and type(result) is type(converted)


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_a_value_of_another_kind_is_an_error_that_shows_it(kind, value):
    with pytest.raises(ProjectError) as caught:
        convert(Parameter("it", kind), value, lambda: None)
    assert repr(value) in str(caught.value) and "'it'" in str(caught.value)
