"""Options in docker's way."""

import pytest

from runtime.cli.options import FLAG, LIST, VALUE, Command, HelpWanted, Option, Usage
from runtime.cli.run import RUN, request

OPTIONS = (
    Option("-d --detach", FLAG, "in the background"),
    Option("-i", FLAG, "input"),
    Option("-e --env", LIST, "a variable", "NAME=VALUE"),
    Option("--name", VALUE, "its name", "NAME"),
)
COMMAND = Command("try", "THING", "Try it.", OPTIONS, least=1, mixed=False)


@pytest.mark.parametrize(
    ("words", "given", "rest"),
    [
        (["x"], {}, ["x"]),
        (["-di", "x"], {"detach": True, "i": True}, ["x"]),
        (["--detach=false", "x"], {"detach": False}, ["x"]),
        (["-eA=1", "-e", "B=2", "--env=C=3", "x"], {"env": ["A=1", "B=2", "C=3"]}, ["x"]),
        (["-ie", "A=1", "x"], {"i": True, "env": ["A=1"]}, ["x"]),
        (["-e=A=1", "x"], {"env": ["A=1"]}, ["x"]),
        (["--name", "-x", "y", "-d"], {"name": "-x"}, ["y", "-d"]),
        (["--", "-d"], {}, ["-d"]),
    ],
)
def test_options_are_read_as_docker_reads_them(words, given, rest):
    assert COMMAND.parse(words) == (given, rest)


@pytest.mark.parametrize("words", [["--nam", "x", "y"], ["-z", "x"], ["--name"], [], ["--detach=maybe", "x"]])
def test_what_cannot_be_meant_exits_with_125(words):
    with pytest.raises(Usage) as error:
        COMMAND.parse(words)
    assert error.value.exit_code == 125
    assert "wherry try --help" in str(error.value)


def test_a_misspelled_option_is_answered_with_the_one_that_was_meant():
    with pytest.raises(Usage, match='did you mean "--detach"'):
        COMMAND.parse(["--detahc", "x"])


def test_help_lists_every_option_of_the_table():
    with pytest.raises(HelpWanted) as help_text:
        RUN.parse(["--help"])
    assert all(name in str(help_text.value) for option in RUN.options for name in option.names)


def test_the_options_of_run_become_a_request():
    words = "-p 80:80 -v a:/a -e A=1 --rm -m 64m --cpus 1.5 --pids-limit 9 -u app --entrypoint x --label a=b --health-http :80/"
    given, (image, *command) = RUN.parse([*words.split(), "img", "c", "-d"])
    assert request(given, image, command) == {
        "image": "img",
        "command": ["c", "-d"],
        "ports": ["80:80"],
        "volumes": ["a:/a"],
        "env": {"A": "1"},
        "rm": True,
        "memory": "64m",
        "cpus": "1.5",
        "pids": "9",
        "user": "app",
        "entrypoint": ["x"],
        "labels": {"a": "b"},
        "health": {"http": ":80/"},
    }
