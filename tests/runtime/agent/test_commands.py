"""Programs run to their end, whatever they print and leave behind."""

import sys
import time

import pytest

from runtime.agent import commands
from runtime.errors import NotFound, UsageError


def test_output_and_code_are_kept_apart():
    done = commands.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.rc, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_input_environment_and_folder_reach_the_program(tmp_path):
    done = commands.run(["sh", "-c", "cat; echo $WORD; pwd"], stdin="text\n", env={"WORD": "value"}, cwd=str(tmp_path))
    assert done.stdout == f"text\nvalue\n{tmp_path}\n"
    assert commands.run(["cat"]).stdout == ""


def test_much_input_and_output_at_once_do_not_block():
    data = "line\n" * 400_000
    assert commands.run(["cat"], stdin=data).stdout == data


def test_a_program_that_does_not_read_its_input_is_no_error():
    assert commands.run(["true"], stdin="x" * 1_000_000).rc == 0


def test_a_program_killed_by_a_signal_has_a_negative_code():
    assert commands.run(["sh", "-c", "kill -9 $$"]).rc == -9


def test_a_missing_program_is_told_by_its_code(tmp_path):
    done = commands.run(["/no/such/program"])
    assert (done.rc, done.missing) == (127, True)
    with pytest.raises(NotFound):
        commands.run(["true"], cwd=str(tmp_path / "none"))


@pytest.mark.parametrize("argv", ["echo hello", [], None])
def test_a_command_that_is_no_list_is_a_usage_error(argv):
    with pytest.raises(UsageError):
        commands.run(argv)


def test_output_beyond_the_limit_is_cut_and_the_program_ends(monkeypatch):
    monkeypatch.setattr(commands, "OUTPUT_LIMIT", 1000)
    done = commands.run([sys.executable, "-c", "print('x' * 5_000_000)"])
    assert (done.rc, len(done.stdout), done.cut) == (0, 1000, True)


def test_output_that_is_not_utf_8_is_replaced():
    assert commands.run(["printf", "caf\\351"]).stdout == "caf\ufffd"


def test_a_daemon_that_keeps_the_pipes_is_not_waited_for():
    started = time.monotonic()
    done = commands.run(["sh", "-c", "sleep 5 & echo started"])
    assert done.stdout == "started\n"
    assert time.monotonic() - started < 2
