"""The runtime module: the command on a host, and never over a file that is not ours."""

import os
import sys

from tests.modules.conftest import MODULES, module

runtime = module("runtime")


def test_the_launcher_is_filled_in_for_one_payload_and_one_interpreter():
    with open(os.path.join(MODULES, "..", "runtime", "cli", "launcher.py")) as file:
        text = runtime.filled_in(file.read(), "/payload/1", sys.executable)
    assert '\npayload = "/payload/1"\n' in text
    assert text.splitlines()[0] == f"#!{sys.executable} -ISB"
    assert runtime.MARK in text.splitlines()[1]


def test_a_file_that_is_not_ours_is_not_written_over(machine, tmp_path):
    path = tmp_path / "wherry"
    path.write_text("#!/bin/sh\necho somebody else's\n")
    answer = machine.do("runtime", path=str(path))
    assert answer["failed"]
    assert str(path) in answer["msg"]
    assert "somebody" in path.read_text()


def test_the_command_is_removed_only_if_it_is_there(machine, tmp_path):
    path = tmp_path / "wherry"
    path.write_text(f"#!/bin/sh\n{runtime.MARK} ours\n")
    assert machine.do("runtime", path=str(path), state="absent")["changed"]
    assert not machine.do("runtime", path=str(path), state="absent")["changed"]
