"""The command `wherry` as a user types it, on a real kernel."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import time

import pytest

from tests.runtime.container.machine import COMMAND, IMAGE, Machine, on_a_machine, wait_until

pytestmark = pytest.mark.root


@on_a_machine
def test_run_passes_output_input_and_exit_code_on():
    machine = Machine()
    done = machine.attempt("run", "--rm", "--network", "none", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)
    assert machine.wherry("run", "--rm", "-i", "--network", "none", IMAGE, "wc", "-c", stdin="12345") == "5"
    assert machine.wherry("run", "--rm", "--network", "none", IMAGE, "wc", "-c", stdin="12345") == "0"  # without -i
    assert machine.wherry("ps", "-aq") == ""


@on_a_machine
def test_exit_codes_are_dockers():
    machine = Machine()
    machine.wherry("run", "--rm", IMAGE, "no-such-command", code=127)
    machine.wherry("run", "--rm", IMAGE, "/etc/passwd", code=126)
    machine.wherry("run", "--rm", "no-such-image", code=125)
    machine.wherry("run", "--no-such-flag", IMAGE, code=125)
    machine.wherry("run", "--rm", IMAGE, "sh", "-c", "sh -c 'kill -9 $$'; exit $?", code=137)
    record = machine.run("--name", "web", "--network", "none", IMAGE, "sleep", "100")
    machine.wherry("exec", "web", "no-such-command", code=127)
    machine.wherry("exec", "web", "sh", "-c", "exit 9", code=9)
    machine.wherry("stop", "nobody", code=1)
    machine.wherry("kill", "web")
    assert machine.wherry("wait", "web") == "137"
    assert machine.containers.find(record.id).exit_code == 137
    machine.wherry("exec", "web", "true", code=1)


@on_a_machine
def test_a_misspelled_command_image_or_container_is_answered_with_what_was_meant():
    machine = Machine()
    machine.containers.create({"name": "web", "image": IMAGE})
    assert 'did you mean "inspect"' in machine.attempt("insepct", "web").stderr
    assert 'did you mean "web"' in machine.attempt("logs", "wbe").stderr
    assert "busybox:test" in machine.attempt("run", "busybx:test").stderr


@on_a_machine
def test_megabytes_of_input_arrive_whole_with_and_without_a_log():
    Machine()
    data = os.urandom(20_000_000)
    wanted = hashlib.sha256(data).hexdigest()
    for words in (["run", "--rm", "-i"], ["run", "-i", "--name", "kept"]):
        done = subprocess.run([*COMMAND, *words, "--network", "none", IMAGE, "cat"], input=data, capture_output=True)
        assert hashlib.sha256(done.stdout).hexdigest() == wanted
    logged = subprocess.run([*COMMAND, "logs", "kept"], capture_output=True).stdout
    assert hashlib.sha256(logged).hexdigest() == wanted


@on_a_machine
def test_a_terminal_is_the_containers_own_and_has_the_size_of_ours():
    Machine()
    screen = on_terminal(
        ["run", "-it", "--rm", "--network", "none", IMAGE, "sh", "-c", "sleep 0.5; tty; stty size; echo $TERM"]
    )
    assert screen.split() == ["/dev/pts/0", "33", "99", "xterm"]


def on_terminal(words, size=(33, 99)):
    """What appears on a terminal of that size while the command runs on it; it must exit with 0 and leave the mode alone."""
    import fcntl
    import struct
    import termios

    pid, master = pty.fork()
    if pid == 0:
        os.execv(COMMAND[0], [*COMMAND, *words])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))
    before, found = termios.tcgetattr(master), b""
    while True:
        try:
            found += os.read(master, 4096)
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, found
    assert termios.tcgetattr(master) == before
    return found.decode()


@on_a_machine
def test_an_interrupt_reaches_the_container():
    machine = Machine()
    script = "trap 'exit 5' INT; echo ready; while true; do sleep 0.05; done"
    command = subprocess.Popen(
        [*COMMAND, "run", "--rm", "--network", "none", IMAGE, "sh", "-c", script], stdout=subprocess.PIPE
    )
    assert command.stdout.readline() == b"ready\n"
    command.send_signal(signal.SIGINT)
    assert command.wait(10) == 5
    command.stdout.close()
    assert machine.wherry("ps", "-aq") == ""


@on_a_machine
def test_exec_returns_when_its_command_has_ended_though_its_children_hold_the_output():
    machine = Machine()
    machine.run("--name", "web", "--network", "none", IMAGE, "sleep", "100")
    began = time.monotonic()
    assert machine.wherry("exec", "web", "sh", "-c", "sleep 30 >/dev/null 2>&1 & echo done") == "done"
    assert time.monotonic() - began < 2


@on_a_machine
def test_exec_takes_user_folder_and_variables():
    machine = Machine()
    machine.run("--name", "web", "--network", "none", "-e", "A=1", IMAGE, "sleep", "100")
    shown = machine.wherry(
        "exec", "-u", "app", "-w", "/tmp", "-e", "B=2", "web", "sh", "-c", "id -u; id -G; pwd; echo $A$B$HOME"
    )
    assert shown.split() == ["1000", "1000", "1001", "/tmp", "12/home/app"]


@on_a_machine
def test_only_three_descriptors_are_open_inside():
    machine = Machine()
    machine.run("--name", "web", "--network", "none", IMAGE, "sleep", "100")
    for words in (["run", "--rm", "--network", "none", IMAGE], ["exec", "web"]):
        shown = machine.wherry(
            *words, "sh", "-c", "for fd in /proc/self/fd/*; do echo ${fd##*/}; done; echo /proc/$$/fd/*"
        )
        assert shown.splitlines()[-1].count("/fd/") <= 4  # 0, 1, 2, and 10 or so, which the shell itself opens


@on_a_machine
def test_logs_show_what_was_written_and_follow_to_the_end():
    machine = Machine()
    machine.run(
        "--name",
        "web",
        "--network",
        "none",
        IMAGE,
        "sh",
        "-c",
        "for i in 1 2 3; do echo $i; sleep 0.1; done; echo end >&2",
    )
    done = machine.attempt("logs", "-f", "web")
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "end\n")
    assert machine.wherry("logs", "--tail", "2", "web") == "3"
    assert machine.wherry("logs", "-t", "--tail", "4", "web").startswith("20")


@on_a_machine
def test_ps_and_images_speak_json_too():
    machine = Machine()
    machine.run("--name", "web", "-p", "8080:80", IMAGE, "sleep", "100")
    shown = json.loads(machine.wherry("ps", "--format", "json"))
    assert (shown["Names"], shown["State"], shown["Ports"]) == ("web", "running", "127.0.0.1:8080->80/tcp")
    assert json.loads(machine.wherry("images", "--format", "json"))["Tag"] == "test"
    machine.wherry("rmi", IMAGE, code=1)  # a container needs it
    machine.wherry("rm", "-f", "web")
    machine.wherry("rmi", IMAGE)
    assert machine.wherry("images", "-q") == ""


@on_a_machine
def test_limits_and_confinement_are_what_was_asked_for():
    machine = Machine()
    words = [
        "run",
        "--rm",
        "--network",
        "none",
        "--read-only",
        "--tmpfs",
        "/scratch",
        "--cap-drop",
        "ALL",
        "--ulimit",
        "nofile=64",
    ]
    shown = machine.wherry(
        *words,
        IMAGE,
        "sh",
        "-c",
        "touch /x; touch /scratch/x && echo ok; ulimit -n; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status",
    )
    assert shown.split() == ["ok", "64", "CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]


@on_a_machine
def test_a_container_outlives_the_session_that_started_it():
    machine = Machine()
    shell = subprocess.Popen(
        [
            "setsid",
            "sh",
            "-c",
            '"$@"; kill -HUP 0',
            "sh",
            *COMMAND,
            "run",
            "-d",
            "--name",
            "web",
            "--network",
            "none",
            IMAGE,
            "sleep",
            "100",
        ]
    )
    shell.wait()
    time.sleep(0.3)
    record = machine.containers.find("web")
    assert record.status == "running"
    assert record.monitored
    for fd in ("0", "1", "2"):
        assert os.readlink(f"/proc/{record.monitor}/fd/{fd}") == "/dev/null"
    machine.wherry("rm", "-f", "web")


@on_a_machine
def test_control_sockets_are_for_their_owner_only():
    machine = Machine()
    record = machine.run("--network", "none", IMAGE, "sleep", "100")
    for path in (
        f"{record.run_dir}/monitor.sock",
        *(f"/run/wherry/{each}" for each in os.listdir("/run/wherry") if each.startswith("keeper")),
    ):
        assert os.stat(path).st_mode & 0o777 == 0o600
    assert subprocess.run(["find", "/run/wherry", "-perm", "/022", "-type", "d"], capture_output=True).stdout == b""
    with open("/proc/net/unix") as file:
        assert "@" not in file.read()  # no abstract socket: it has no owner and no mode
    wait_until(lambda: machine.wherry("stop", record.name) == record.name)
