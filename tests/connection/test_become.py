"""Tasks as another user: a second agent, without a password, and never from a folder that the user could change."""

import os
import sys

import pytest

from tests.connection.asking import ask, run
from wherry.connection.content import BytesContent
from wherry.connection.session import Become
from wherry.connection.target import Target

pytestmark = pytest.mark.root

WHO = "import os\ndef run(host): return {'uid': os.getuid(), 'groups': os.getgroups(), 'folder': host._agent.payload.folder}"


def as_nobody(tmp_path, sudoers):
    """A target on this machine whose agent is nobody, who may do with sudo what `sudoers` says (in a mount namespace)."""
    (tmp_path / "sudoers").write_text(sudoers)
    os.chmod(tmp_path / "sudoers", 0o440)
    script = tmp_path / "python"
    become = "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent"
    script.write_text(
        "#!/bin/sh\nexec unshare -m --propagation private /bin/sh -c '"
        f"mount --bind {tmp_path}/sudoers /etc/sudoers; mount -t tmpfs -o mode=755 tmpfs /var/lib; "
        f'exec {become} /usr/bin/python3 "$@"\' x "$@"\n'
    )
    script.chmod(0o755)
    state = tmp_path / "nobody"
    state.mkdir()
    os.chown(state, 65534, 65534)
    for folder in [tmp_path, *tmp_path.parents]:
        if str(folder).startswith("/tmp/pytest"):
            os.chmod(folder, 0o711 if folder != tmp_path else 0o755)
    return Target("here", connection="local", python=str(script), root=str(state))


def test_from_nobody_sudo_gives_root_who_runs_from_a_folder_of_his_own(tmp_path, open_session):
    session = open_session(as_nobody(tmp_path, "nobody ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n"))
    assert session.ready["uid"] == 65534
    mine = run(session, WHO)
    assert (mine["uid"], os.path.dirname(os.path.dirname(mine["folder"]))) == (65534, str(tmp_path / "nobody"))
    roots = run(session, WHO, become=Become("root"))
    assert (roots["uid"], os.path.dirname(roots["folder"])) == (0, "/var/lib/wherry/payload")
    content = BytesContent(b"of root " * 1000)
    session.contents[content.digest] = content
    args = {"dest": str(tmp_path / "file"), "src": {"$blob": {"digest": content.digest, "size": content.size}}}
    source = "def run(host, dest, src): return host.write(dest, src, mode='0600')"
    assert run(session, source, args=args, become=Become("root"))["changed"]
    assert (tmp_path / "file").read_bytes() == content.data
    assert (tmp_path / "file").stat().st_uid == 0
    assert ask(session, "ping")["ping"] == "pong"


def test_another_user_through_sudo_holds_everything_in_memory(tmp_path, open_session):
    session = open_session(as_nobody(tmp_path, "nobody ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n"))
    result = run(session, WHO, become=Become("daemon"))
    assert (result["uid"], result["groups"], result["folder"]) == (1, [1], None)


def test_sudo_that_wants_a_password_is_an_error_with_a_remedy(tmp_path, open_session):
    session = open_session(as_nobody(tmp_path, "nobody ALL=(ALL) ALL\n"))
    result = run(session, WHO, become=Become("root"))
    assert result["failed"]
    assert "password is required" in result["msg"]
    assert "NOPASSWD" in result["msg"]
    assert ask(session, "ping")["ping"] == "pong"


def test_a_method_that_is_not_there_is_named(tmp_path, open_session):
    session = open_session(as_nobody(tmp_path, ""))
    assert "become_method 'doas' is not supported" in run(session, WHO, become=Become("root", "doas"))["msg"]


def test_one_agent_serves_all_tasks_of_a_user(local):
    pids = {
        run(local, "import os\ndef run(host): return {'pid': os.getpid()}", become=Become("nobody"))["pid"]
        for _ in range(3)
    }
    assert len(pids) == 1


def test_a_users_agent_that_was_killed_is_started_again(local):
    kill = "import os\ndef run(host): os.kill(os.getpid(), 9)"
    assert "ended in the middle of a task" in run(local, kill, become=Become("nobody"))["msg"]
    assert run(local, WHO, become=Become("nobody"), epoch=1)["uid"] == 65534


def test_a_user_cannot_get_back_to_root(local):
    source = "import os\ndef run(host):\n try:\n  os.setuid(0)\n except PermissionError:\n  return {'kept': True}"
    assert run(local, source, become=Become("nobody"))["kept"]


def test_users_agents_end_with_the_session(tmp_path, open_session, payload):
    from wherry.connection import session as sessions

    session = sessions.open(
        Target("here", connection="local", root=str(tmp_path / "s"), python=sys.executable), payload
    )
    pid = run(session, "import os\ndef run(host): return {'pid': os.getpid()}", become=Become("nobody"))["pid"]
    session.close()
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            return
        __import__("time").sleep(0.02)
    raise AssertionError("the agent for nobody is still there")
