"""start(): a command runs as asked, or the error says which step failed and why."""

import os
import signal

import pytest

from runtime import linux
from runtime.errors import StartError
from tests.runtime.process.box import ENV, Box, refused, run, run_python
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root


@in_sandbox
def test_the_command_is_pid_1_with_its_own_hostname_environment_and_directory():
    code, output = run(
        ["sh", "-c", "echo $$ $(hostname) $GREETING $(pwd); exit 7"], env={**ENV, "GREETING": "hei"}, cwd="/srv/app"
    )
    assert (code, output) == (7, "1 box hei /srv/app\n")


@pytest.mark.parametrize(
    "argv, code, reason",
    [
        (["no-such-command"], 127, "command not found"),
        (["/no/such/file"], 127, "no such file"),
        (["/etc/passwd"], 126, "Permission denied"),
        (["/etc"], 126, "Permission denied"),
        (["/tmp/script-without-interpreter"], 127, "interpreter is missing"),
        (["/tmp/text"], 126, "no program"),
    ],
)
def test_a_command_that_cannot_run_is_an_error_with_dockers_exit_code(argv, code, reason):
    @in_sandbox
    def body():
        files = {"script-without-interpreter": "#!/no/such/interpreter\n", "text": "hello\n"}
        for name, text in files.items():
            with open(f"/run/{name}", "w", opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
                file.write(text)
        mounts = [
            {"destination": f"/tmp/{name}", "type": "bind", "source": f"/run/{name}", "options": ["bind"]}
            for name in files
        ]
        error = refused(argv, mounts=mounts)
        assert error.exit_code == code
        assert reason in str(error)

    body()


@in_sandbox
def test_path_is_searched_inside_the_container_and_a_file_that_may_not_run_is_passed_over():
    def change(spec):
        spec["process"]["env"] = ["PATH=/etc:/nowhere:/usr/bin"]  # /etc/passwd is no command, but it is there
        spec["process"]["args"] = ["id", "-u"]

    assert run(["x"], change=change) == (0, "0\n")
    error = refused(["passwd"], env={"PATH": "/etc"})
    assert error.exit_code == 126


@in_sandbox
def test_an_error_names_the_step_and_leaves_nothing_behind():
    descriptors = set(os.listdir("/proc/self/fd"))
    mounts = [{"destination": "/data", "type": "bind", "source": "/no/such/volume", "options": ["rbind"]}]
    error = refused(["true"], mounts=mounts)
    assert error.exit_code == 125
    assert "/no/such/volume is not there" in str(error)
    assert set(os.listdir("/proc/self/fd")) == descriptors
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@in_sandbox
def test_the_command_waits_for_the_network_and_does_not_run_when_it_cannot_be_made():
    seen = []

    def connect(pid):
        seen.append((pid, os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")))

    with Box(["true"], connect=connect) as box:
        assert seen == [(box.pid, True)]

    def fail(pid):
        raise StartError("no addresses left", "network")

    assert "no addresses left" in str(refused(["touch", "/tmp/ran"], connect=fail))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@in_sandbox
def test_only_the_three_standard_descriptors_are_open_whatever_the_caller_has_open():
    secret = os.open("/", os.O_RDONLY)
    os.set_inheritable(secret, True)
    code, output = run_python("import os; print(sorted(os.listdir('/proc/self/fd'))[:-1], os.getcwd())")
    assert (code, output) == (0, "['0', '1', '2'] /\n")


@pytest.mark.parametrize("number", range(3, 21))
def test_a_working_directory_through_a_leaked_descriptor_is_refused(number):
    @in_sandbox
    def body():
        for _ in range(20):
            os.set_inheritable(os.open("/", os.O_RDONLY), True)
        error = refused(["ls"], cwd=f"/proc/self/fd/{number}")
        assert error.exit_code in (125, 126, 127)

    body()


@in_sandbox
def test_signals_are_at_their_defaults_although_python_ignores_some():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    code, output = run(["grep", "-E", "Sig(Ign|Blk)", "/proc/self/status"])
    assert (code, output) == (0, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")


@in_sandbox
def test_a_limit_that_cannot_be_raised_is_clamped_and_reported():
    linux.prlimit(7, 512, 512)  # RLIMIT_NOFILE, of this process
    sets = [linux.capget()[0] & ~(1 << 24)] * 2  # without CAP_SYS_RESOURCE
    linux.capset(*sets, 0)
    with Box(["sh", "-c", "ulimit -n; ulimit -c"], ulimits={"nofile": (1024, 4096)}) as box:
        assert box.wait() == 0
        assert box.output == "512\n0\n"
        assert box.process.notices == ["RLIMIT_NOFILE: 4096 was asked for, the kernel allows 512"]


@in_sandbox
def test_a_user_other_than_root_has_its_groups_and_no_capabilities():
    code, output = run(
        ["sh", "-c", "id -u; id -g; id -G; umask; grep Cap /proc/self/status"], uid=1000, gid=100, groups=[100, 7]
    )
    lines = output.split("\n")
    assert code == 0
    assert lines[:4] == ["1000", "100", "100 7", "0022"]
    assert [line for line in lines if line.startswith(("CapInh", "CapPrm", "CapEff", "CapAmb"))] == [
        f"Cap{name}:\t0000000000000000" for name in ("Inh", "Prm", "Eff", "Amb")
    ]


@in_sandbox
def test_a_capability_asked_for_by_name_reaches_a_user_other_than_root():
    code, output = run(["grep", "CapEff", "/proc/self/status"], uid=1000, gid=1000, cap_add=["net_raw"])
    assert (code, output) == (0, f"CapEff:\t{1 << 13:016x}\n")


@in_sandbox
def test_the_terminal_lies_inside_and_belongs_to_the_user():
    with Box(
        ["sh", "-c", "tty; stat -c %u $(tty); ls /dev/console; read line; echo got $line"], uid=1000, terminal=True
    ) as box:
        os.write(box.process.terminal, b"hello\n")
        assert box.wait() == 0
        output = os.read(box.process.terminal, 4096).decode().split("\r\n")
    assert {"/dev/pts/0", "1000", "/dev/console", "got hello"} <= set(output)


@in_sandbox
def test_the_network_namespace_of_another_container_can_be_joined():
    with Box(["sleep", "60"]) as box:
        theirs = os.readlink(f"/proc/{box.pid}/ns/net")
        assert run(["readlink", "/proc/self/ns/net"], network=f"/proc/{box.pid}/ns/net") == (0, theirs + "\n")


@in_sandbox
def test_an_unprivileged_user_may_bind_port_80_in_its_own_network_namespace():
    code, output = run_python("import socket; socket.socket().bind(('', 80)); print('bound')", uid=1000, gid=1000)
    assert (code, output) == (0, "bound\n")


@in_sandbox
def test_a_sysctl_of_the_host_is_refused():
    def change(spec):
        spec["linux"]["sysctl"]["kernel.core_pattern"] = "|/tmp/evil"

    assert "belongs to the host" in str(refused(["true"], change=change))
    error = refused(
        ["true"], network="host", change=lambda spec: spec["linux"]["sysctl"].update({"net.ipv4.ip_forward": "1"})
    )
    assert "belongs to the host" in str(error)


@in_sandbox
def test_127_layers_with_long_names_are_mounted():
    layers = [f"/run/layers/{number:064d}" for number in range(127)]
    for number, layer in enumerate(layers):
        os.makedirs(layer)
        with open(f"{layer}/layer{number}", "w"):
            pass

    def change(spec):
        spec["wherry"]["overlay"]["lower"] = [*layers, "/var/cache/wherry-roots/bookworm"]

    assert run(["sh", "-c", "ls -d /layer* | wc -l"], change=change) == (0, "127\n")


@in_sandbox
def test_a_read_only_root_takes_no_writes_but_its_volumes_do():
    mounts = [{"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m"]}]
    code, output = run(["sh", "-c", "touch /data/a && touch /b"], read_only=True, mounts=mounts)
    assert code == 1
    assert "Read-only file system" in output
