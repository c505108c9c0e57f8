"""command and shell: words, results, when nothing is run."""

import pytest

from tests.modules.conftest import module

command = module("command")


@pytest.mark.parametrize(
    ("cmd", "argv", "expand", "words"),
    [
        ("echo 'a b' c", None, True, ["echo", "a b", "c"]),
        ("echo $HOME", None, False, ["echo", "$HOME"]),
        ("echo $WHERRY_WORD ~nobody-there", None, True, ["echo", "expanded", "~nobody-there"]),
        (None, ["echo", "a b", 3], True, ["echo", "a b", "3"]),
    ],
)
def test_words_are_split_and_expanded_without_a_shell(monkeypatch, cmd, argv, expand, words):
    monkeypatch.setenv("WHERRY_WORD", "expanded")
    assert command.argument_words(cmd, argv, expand) == words


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00.000000"), (3661.25, "1:01:01.250000"), (0.0015, "0:00:00.001500")]
)
def test_durations_are_written_as_ansible_does(seconds, text):
    assert command.duration(seconds) == text


def test_a_result_has_the_keys_that_ansible_registers(machine):
    result = machine.do("command", cmd="printf 'a\\nb\\n'")
    assert (result["rc"], result["stdout"], result["stdout_lines"], result["changed"]) == (0, "a\nb", ["a", "b"], True)
    assert (
        result["cmd"] == ["printf", "a\\nb\\n"] and {"start", "end", "delta", "stderr", "stderr_lines"} <= result.keys()
    )


def test_a_code_other_than_0_is_a_failure_that_keeps_its_output(machine):
    result = machine.do("command", cmd="echo out; echo err >&2; exit 3", uses_shell=True)
    assert (result["failed"], result["rc"], result["stdout"], result["stderr"]) == (True, 3, "out", "err")


def test_a_missing_program_is_a_failure_with_code_2(machine):
    result = machine.do("command", cmd="no-such-program-here -x")
    assert (result["failed"], result["rc"]) == (True, 2) and "no-such-program-here" in result["msg"]


def test_creates_and_removes_decide_whether_anything_is_run(machine, tmp_path):
    (tmp_path / "there.txt").write_text("")
    run = {"cmd": "touch ran", "chdir": str(tmp_path)}
    assert machine.do("command", creates="*.txt", **run)["changed"] is False
    assert machine.do("command", removes="nothing", **run)["changed"] is False
    assert not (tmp_path / "ran").exists()
    assert machine.do("command", removes="there.txt", creates="ran", **run)["changed"] is True
    assert (tmp_path / "ran").exists()


def test_check_mode_runs_nothing(machine, tmp_path):
    plain = machine.do("command", cmd=f"touch {tmp_path}/ran", check=True)
    assert (plain["skipped"], plain["changed"]) == (True, False)
    assert machine.do("command", cmd=f"touch {tmp_path}/ran", creates=f"{tmp_path}/ran", check=True)["changed"] is True
    assert not (tmp_path / "ran").exists()


def test_stdin_gets_a_newline_unless_told_otherwise(machine):
    assert machine.do("command", cmd="wc -c", stdin="abc")["stdout"] == "4"
    assert machine.do("command", cmd="wc -c", stdin="abc", stdin_add_newline=False)["stdout"] == "3"


def test_output_that_is_not_utf8_or_has_no_end_is_kept_readable(machine):
    result = machine.do("command", cmd="printf '\\377a\\n\\n'", uses_shell=True, strip_empty_ends=False)
    assert result["stdout"] == "\ufffda\n\n"
