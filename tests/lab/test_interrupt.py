"""Ctrl-C at the command line outside of a switch: an end within seconds, exit code 130, no half of anything on the hosts."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.lab.refusals import tasks
from wherry import pack

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def interrupted(deployed, argv, until):
    """Start a command, wait until `until()` holds, send Ctrl-C: its output, exit code and the seconds from then on."""
    with deployed.lab.inside():
        process = subprocess.Popen(argv, cwd=deployed.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with process:
        deadline = time.monotonic() + 20
        while not until():
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()[0]
            time.sleep(0.1)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        return output, process.returncode, time.monotonic() - began


@pytest.mark.parametrize("command", [["-m", "invoke", "deploy"], ["-I", "-m", "wherry.cli", "play", "deploy"]])
def test_ctrl_c_while_connecting_ends_at_once(deployed, lab, command):
    began = time.monotonic()
    lab.cut("web1")
    try:
        argv = [sys.executable, *command, "--env", "lab"]
        output, code, took = interrupted(deployed, argv, lambda: time.monotonic() > began + 2)
    finally:
        lab.mend("web1")
    assert code == 130, output
    assert output.count("interrupted") == 1 and "Traceback" not in output, output
    assert took < 2.5


def test_ctrl_c_while_an_image_is_sent_leaves_no_half_of_it(deployed, lab, tmp_path):
    content, path = f"{tmp_path}/random", f"{tmp_path}/big.tar"
    with open(content, "wb") as file:
        file.write(os.urandom(100 << 20))
    pack.pack(path, files={"/random": content}, command=["none"], name="big:1")
    deployed.write("playbooks/big.yml", tasks(f"image: {{load: {path}}}"))
    argv = [sys.executable, "-I", "-m", "wherry.cli", "play", "big", "--env", "lab"]
    find = ["find", "/var/lib/wherry/images", "-name", "random", "-size", "+1M"]
    output, code, took = interrupted(deployed, argv, lambda: lab.run("web1", find).stdout)
    assert code == 130, output
    assert output.count("interrupted") == 1 and "Traceback" not in output, output
    assert took < 5
    assert "big" not in lab.run("web1", ["wherry", "images"]).stdout
    deadline = time.monotonic() + 5
    while lab.run("web1", [*find, "-o", "-path", "*/tmp/*"]).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert deployed.run(argv).returncode == 0
    assert lab.run("web1", ["wherry", "rmi", "big:1"]).returncode == 0


def test_ctrl_c_lets_the_running_command_end_and_begins_nothing_more(deployed, lab):
    deployed.write("playbooks/long.yml", tasks("command: sleep 4", "command: touch /tmp/never"))
    argv = [sys.executable, "-I", "-m", "wherry.cli", "play", "long", "--env", "lab"]
    running = ["pgrep", "-fx", "sleep 4"]
    output, code, took = interrupted(deployed, argv, lambda: lab.run("web1", running).returncode == 0)
    assert code == 130, output
    assert output.count("interrupted") == 1 and "Traceback" not in output, output
    assert took < 3
    deadline = time.monotonic() + 8
    while lab.run("web1", running).returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert lab.run("web1", ["ls", "/tmp"]).stdout == ""
