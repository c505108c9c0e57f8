"""What a host gets of wherry, and that it runs nothing else."""

import os
import shutil
import subprocess
import zlib

import pytest

from tests.connection.asking import ask, run
from tests.connection.conftest import PYTHONS, ROOT
from wherry.connection import payload as payloads
from wherry.connection.target import Target
from wherry.errors import UnreachableError
from wherry.project import Project


def here(tmp_path, **changes):
    """A target on this machine with its state in a temporary folder."""
    return Target("here", connection="local", root=str(tmp_path / "state"), **changes)


@pytest.fixture
def stored(tmp_path, payload, open_session):
    """The folder of a payload that was stored and compiled."""
    open_session(here(tmp_path)).close()
    folder = tmp_path / "state/payload" / payload.digest
    wait_for(lambda: list(folder.glob("compiled-*")))
    return folder


def wait_for(condition):
    """Return when it holds."""
    import time

    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited 20 s")


def test_the_same_files_make_the_same_payload_whatever_their_times(tmp_path):
    made = []
    for copy, source in (("one", ROOT), ("two", tmp_path / "one")):
        for name in ("runtime", "modules"):
            shutil.copytree(os.path.join(source, name), tmp_path / copy / name, copy_function=shutil.copyfile)

        class Elsewhere(Project):
            product = str(tmp_path / copy)

        os.makedirs(tmp_path / copy / "runtime/__pycache__", exist_ok=True)
        (tmp_path / copy / "runtime/__pycache__/x.cpython-311.pyc").write_bytes(copy.encode())
        os.utime(tmp_path / copy / "runtime/errors.py", (0, len(made)))
        made.append(payloads.make(Elsewhere(str(tmp_path))))
    assert (made[0].digest, made[0].archive) == (made[1].digest, made[1].archive)


def test_a_payload_holds_source_and_nothing_else(payload):
    assert {os.path.splitext(path)[1] for path in payload.files} <= {".py", ".sh"}
    assert all(path.split("/")[0] in ("runtime", "modules") for path in payload.files)
    assert len(payload.archive) < 400_000


def test_the_boot_program_is_small_and_has_no_quotes_that_a_shell_would_mind(payload):
    assert len(payload.boot) < 1000
    assert "'" not in payload.boot
    assert "!r" not in payload.boot


def test_a_stored_payload_is_closed_to_others(stored):
    for path in [stored.parent, stored, *stored.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.stat().st_uid == os.geteuid()


@pytest.mark.parametrize("victim", ["runtime/agent/serve.py", "runtime/agent/load.py", "manifest", "modules/ping.py"])
def test_a_flipped_byte_is_noticed_and_the_payload_sent_again(stored, tmp_path, open_session, victim):
    damage(stored / victim)
    session = open_session(here(tmp_path))
    assert session.sent > 50_000
    assert ask(session, "ping")["ping"] == "pong"
    session.close()
    again = open_session(here(tmp_path))
    assert again.sent == 0


def test_damaged_bytecode_is_not_run(stored, tmp_path, open_session):
    (compiled,) = stored.glob("runtime/agent/__pycache__/serve.*.pyc")
    damage(compiled)
    session = open_session(here(tmp_path))
    assert session.sent == 0
    assert ask(session, "ping")["ping"] == "pong"


def test_a_missing_file_makes_the_payload_asked_for_again(stored, tmp_path, open_session):
    (stored / "modules/ping.py").unlink()
    assert open_session(here(tmp_path)).sent > 50_000


def damage(path):
    """Flip a bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.root
@pytest.mark.parametrize("how", ["folder of another user", "folder open to others", "link"])
def test_a_folder_that_others_can_change_is_refused(tmp_path, open_session, how):
    state = tmp_path / "state"
    if how == "link":
        os.makedirs(tmp_path / "elsewhere")
        os.makedirs(state)
        os.symlink(tmp_path / "elsewhere", state / "payload")
    else:
        os.makedirs(state / "payload")
        os.chown(state / "payload", *((65534, 65534) if how == "folder of another user" else (0, 0)))
        os.chmod(state / "payload", 0o700 if how == "folder of another user" else 0o777)
    with pytest.raises(UnreachableError, match="the agent cannot start"):
        open_session(here(tmp_path))
    assert how != "link" or os.listdir(tmp_path / "elsewhere") == []


def test_nothing_from_the_environment_or_the_working_folder_is_run(tmp_path, open_session, monkeypatch):
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("json", "zlib", "struct", "sitecustomize", "usercustomize", "hashlib", "runtime"):
        (evil / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')\n")
    monkeypatch.setenv("PYTHONPATH", str(evil))
    monkeypatch.setenv("PYTHONSTARTUP", str(evil / "json.py"))
    monkeypatch.chdir(evil)
    assert ask(open_session(here(tmp_path)), "ping")["ping"] == "pong"
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("version", PYTHONS)
def test_the_agent_runs_on_other_pythons(tmp_path, open_session, version):
    session = open_session(here(tmp_path, python=PYTHONS[version]))
    assert session.ready["python"].startswith(version)
    assert ask(session, "ping")["ping"] == "pong"
    assert set(session.facts(["*"])) >= {"distribution", "hostname", "mounts", "env", "date_time", "processor_vcpus"}


EVERYTHING = """
import os
def run(host, folder):
    at = lambda name: os.path.join(folder, name)
    assert host.write(at("a/../file"), "text", mode="u=rw,go=", owner="root", group="root")
    assert not host.write_text(at("file"), "text", mode="0600")
    assert host.copy(at("file"), at("copy"), mode="preserve") and host.link(at("link"), "file")
    assert host.make_dir(at("x/y")) and host.set_attributes(at("x"), mode="0711", recurse=True)
    assert host.list(folder) == ["copy", "file", "link", "x"] and host.stat(at("link")).target == "file"
    assert host.command(["cat"], stdin="in").stdout == "in" and host.query(["no-such-program"]).missing
    assert host.fact("hostname") and len(host.fact("*")) > 40
    assert host.remove(at("x")) and host.remove(at("copy")) and not host.remove(at("x"))
    import runtime.container.container, runtime.image.store, runtime.release, runtime.network.nftables
    return {"changed": True, "diff": host.diffs}
"""


@pytest.mark.root
@pytest.mark.parametrize("version", PYTHONS)
def test_all_that_a_module_is_handed_works_on_other_pythons(tmp_path, open_session, version):
    session = open_session(here(tmp_path, python=PYTHONS[version]))
    (tmp_path / "work").mkdir()
    result = run(session, EVERYTHING, args={"folder": str(tmp_path / "work")}, diff=True)
    assert result.get("changed"), result.get("exception", result)
    assert run(
        session,
        EVERYTHING.replace('owner="root", group="root"', ""),
        args={"folder": str(tmp_path / "work")},
        timeout=20,
    )


def test_an_agent_starts_with_few_imports(stored, tmp_path, open_session):
    module = "import sys\ndef run(host): return {'modules': sorted(sys.modules)}"
    loaded = set(run(open_session(here(tmp_path)), module)["modules"])
    assert not loaded & {
        "json",
        "re",
        "subprocess",
        "socket",
        "tempfile",
        "shutil",
        "traceback",
        "enum",
        "typing",
        "ctypes",
        "runtime.linux",
    }


def in_root(tmp_path, root, before):
    """A program that runs a root file system's python3, in a mount namespace of its own prepared by `before`."""
    script = tmp_path / "python"
    command = f'{before}; exec chroot {root} /usr/bin/python3 "$@"'
    script.write_text(f"#!/bin/sh\nexec unshare -m --propagation private /bin/sh -c '{command}' x \"$@\"\n")
    script.chmod(0o755)
    return script


@pytest.mark.root
@pytest.mark.parametrize(("release", "version"), [("bullseye", "3.9"), ("bookworm", "3.11"), ("trixie", "3.13")])
def test_the_agent_runs_in_debians_own_python(tmp_path, open_session, debian_root, release, version):
    root = debian_root(release)
    script = in_root(tmp_path, root, f"mount -t proc proc {root}/proc; mount -t tmpfs tmpfs {root}/tmp")
    session = open_session(Target(release, connection="local", python=str(script), root="/tmp/wherry", timeout=30))
    assert session.ready["python"].startswith(version)
    assert ask(session, "ping")["ping"] == "pong"
    facts = session.facts(["distribution", "distribution_release", "os_family", "pkg_mgr", "python_version"])
    assert facts["distribution_release"] == release
    assert (facts["distribution"], facts["os_family"], facts["pkg_mgr"]) == ("Debian", "Debian", "apt")


def test_a_python_that_is_too_old_says_so(tmp_path, payload):
    argv = ["-I", "-S", "-B", "-c", payload.boot, payload.digest, str(tmp_path)]
    done = subprocess.run(["/root/.pyenv/versions/3.6.15/bin/python3", *argv], capture_output=True, text=True)
    assert done.stdout.strip() == f"wherry {payload.digest[:16]} lacks Python 3.9, it is 3.6.15"


@pytest.mark.root
def test_a_host_with_an_old_python3_and_a_newer_one_beside_uses_that(make_server, open_session, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    os.symlink("/root/.pyenv/versions/3.6.15/bin/python3", programs / "python3")
    os.symlink(PYTHONS["3.9"], programs / "python3.9")
    server = make_server(f"SetEnv PATH={programs}:/usr/sbin:/usr/bin:/sbin:/bin")
    rc_free = server.target(python=None)
    session = open_session(rc_free)
    assert session.ready["python"].startswith(("3.9", "3.1"))


@pytest.mark.root
def test_a_host_without_python_is_told_what_to_install(make_server, open_session, tmp_path, debian_root):
    root = debian_root("bookworm")
    script = tmp_path / "login"
    script.write_text(
        "#!/bin/sh\nexec unshare -m --propagation private /bin/sh -c '"
        f"mkdir -p {tmp_path}/b; cp -P {root}/usr/bin/dash {root}/usr/bin/sh {tmp_path}/b; mount --bind {tmp_path}/b {root}/usr/bin; "
        f'exec chroot {root} /bin/sh -c "$SSH_ORIGINAL_COMMAND"\'\n'
    )
    script.chmod(0o755)
    server = make_server(f"ForceCommand {script}")
    with pytest.raises(UnreachableError) as caught:
        open_session(server.target(python=None))
    assert "has no Python 3.9 or newer" in caught.value.what
    assert "apt-get install python3" in caught.value.hint
    assert caught.value.exit_code == 5


@pytest.mark.root
def test_a_python_without_its_library_is_named_with_what_it_lacks(tmp_path, open_session, debian_root):
    root = debian_root("bookworm")
    library = f"{root}/usr/lib/python3.11"
    shutil.copytree(library, tmp_path / "library", symlinks=True, ignore=shutil.ignore_patterns("json", "__pycache__"))
    hide = f"mount --bind {tmp_path}/library {library}; mount -t tmpfs tmpfs {root}/tmp"
    script = in_root(tmp_path, root, hide)
    with pytest.raises(UnreachableError, match="its python3 lacks json"):
        open_session(Target("minimal", connection="local", python=str(script), root="/tmp/wherry"))


def test_the_minified_boot_program_is_the_same_program(payload):
    source = payload.files[payloads.BOOT_FILE].decode()
    assert compile(payload.boot, "boot", "exec").co_names == compile(source, "boot", "exec").co_names[1:]


def test_packed_content_has_its_length_in_front():
    packed = payloads.packed(b"content")
    assert zlib.decompress(packed[8:]) == b"content"
    assert int(packed[:8]) == len(packed) - 8
