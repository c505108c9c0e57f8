"""A session with a real agent behind a real OpenSSH."""

import os
import time

import pytest

from tests.connection.asking import ask, own_module, run
from wherry.connection.content import BytesContent, FileContent
from wherry.connection.session import Become, TaskRequest
from wherry.connection.target import Target
from wherry.errors import Interrupted, RemoteError, UnreachableError


@pytest.mark.root
def test_an_agent_greets_and_answers(server, open_session):
    session = open_session(server.target())
    assert session.ready["uid"] == 0
    assert session.ready["kernel"] == os.uname().release
    assert ask(session, "ping") == {"changed": False, "ping": "pong"}


@pytest.mark.root
def test_a_second_connection_sends_no_payload(server, open_session):
    first = open_session(server.target())
    first.close()
    second = open_session(server.target())
    assert ask(second, "ping")["ping"] == "pong"
    assert first.sent > 50_000
    assert second.sent < 300
    assert second.content_sent == 0


@pytest.mark.root
def test_a_hundred_tasks_take_few_round_trips(server, open_session, make_proxy):
    proxy = make_proxy(server.port, delay=0.02)
    server.know(f"[127.0.0.1]:{proxy.port} {server.public('host_ed25519')}")
    session = open_session(server.target(port=proxy.port))
    ask(session, "ping")
    started = time.monotonic()
    tickets = [session.submit(TaskRequest("ping", {})) for _ in range(100)]
    assert session.outstanding() > 50
    assert all(session.wait(ticket)["ping"] == "pong" for ticket in tickets)
    round_trips = (time.monotonic() - started) / 0.04
    assert round_trips < 0.3 * 100 / 4
    assert session.outstanding() == 0


@pytest.mark.root
def test_a_trivial_task_costs_little(server, open_session):
    session = open_session(server.target())
    ask(session, "ping")
    started = time.monotonic()
    for _ in range(100):
        ask(session, "ping")
    assert (time.monotonic() - started) / 100 < 0.003


@pytest.mark.root
def test_a_large_blob_arrives_in_bounded_memory(server, open_session, tmp_path):
    source = tmp_path / "big"
    with open(source, "wb") as file:
        for _ in range(64):
            file.write(os.urandom(1 << 20))
    session = open_session(server.target())
    content = FileContent.of(str(source))
    digest = run(session, "def run(host, path): return {'digest': host.digest(path)}", args={"path": str(source)})[
        "digest"
    ]
    session.contents[digest] = content
    module = """
import resource
def run(host, dest, src):
    result = host.write(dest, src)
    result["peak_kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return result
"""
    args = {"dest": str(tmp_path / "copy"), "src": {"$blob": {"digest": digest, "size": content.size}}}
    result = run(session, module, args=args)
    assert result["changed"], result
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert result["peak_kib"] < 48 << 10
    assert content.size <= session.content_sent < content.size * 1.01
    before = session.content_sent
    assert not run(session, module, args=args)["changed"]
    assert session.content_sent == before


def test_text_travels_compressed(server, open_session, tmp_path):
    session = open_session(server.target())
    content = BytesContent(b"the same line again\n" * 5000)
    session.contents[content.digest] = content
    blob = {"$blob": {"digest": content.digest, "size": content.size}}
    run(
        session,
        "def run(host, dest, src): return host.write(dest, src)",
        args={"dest": str(tmp_path / "text"), "src": blob},
    )
    assert (tmp_path / "text").read_bytes() == content.data
    assert session.content_sent < content.size / 10


def test_content_that_changed_meanwhile_is_refused(local, tmp_path):
    wanted, other = BytesContent(b"one" * 1000), BytesContent(b"two" * 1000)
    local.contents[wanted.digest] = other
    (tmp_path / "file").write_text("old")
    blob = {"$blob": {"digest": wanted.digest, "size": wanted.size}}
    module = "def run(host, dest, src): return host.write(dest, src)"
    result = run(local, module, args={"dest": str(tmp_path / "file"), "src": blob})
    assert result["failed"]
    assert "not what was announced" in result["msg"]
    assert sorted(os.listdir(tmp_path)) == ["file", "home", "state"]
    assert (tmp_path / "file").read_text() == "old"


def test_content_that_was_not_attached_is_never_sent(local):
    module = "def run(host): return {'data': b''.join(host.pull('/etc/passwd')).decode()}"
    result = run(local, module)
    assert result["failed"]
    assert "not among what this run sends" in result["msg"]


def test_a_module_that_raises_fails_its_task_with_its_traceback(local):
    result = run(local, "def run(host): raise ValueError('not so')")
    assert result["failed"]
    assert result["msg"] == "ValueError: not so"
    assert "modules/own.py" in result["exception"]
    assert ask(local, "ping")["ping"] == "pong"


def test_a_module_can_fail_with_words_of_its_own(local):
    result = run(local, "def run(host): host.warn('old'); host.fail('no room', free=3)")
    assert result == {"changed": False, "failed": True, "msg": "no room", "free": 3, "warnings": ["old"]}


def test_a_result_that_json_lacks_is_a_failure_not_the_end(local):
    assert "cannot be sent" in run(local, "def run(host): return {'changed': False, 'data': {1, 2}}")["msg"]
    assert ask(local, "ping")["ping"] == "pong"


def test_a_result_longer_than_a_frame_arrives_whole(local):
    result = run(local, "def run(host): return {'changed': False, 'text': 'ü' * 1_000_000}")
    assert result["text"] == "ü" * 1_000_000


def test_arguments_longer_than_a_frame_arrive_whole(local):
    assert (
        run(local, "def run(host, text): return {'size': len(text)}", args={"text": "x" * 900_000})["size"] == 900_000
    )


def test_tasks_behind_a_failed_one_are_dropped_until_the_epoch_is_raised(local):
    fail = own_module(local, "def run(host): host.fail('no')")
    requests = [
        TaskRequest("own", {}, digest=fail, ignore_errors=True),
        TaskRequest("ping", {}),
        TaskRequest("own", {}, digest=fail, group=7),
        TaskRequest("ping", {}, group=7),
        TaskRequest("ping", {}),
        TaskRequest("ping", {}, epoch=1),
    ]
    results = [local.wait(ticket) for ticket in [local.submit(request) for request in requests]]
    kinds = ["dropped" if result.get("dropped") else "failed" if result.get("failed") else "ok" for result in results]
    assert kinds == ["failed", "ok", "failed", "ok", "dropped", "ok"]


def test_a_task_with_a_time_limit_is_ended_with_what_it_started(local, tmp_path):
    module = f"def run(host): return host.command(['sh', '-c', 'sleep 3; touch {tmp_path}/late']).rc"
    started = time.monotonic()
    result = run(local, module, timeout=0.5)
    assert result["failed"]
    assert result["msg"] == "timed out after 0.5 s"
    assert time.monotonic() - started < 2.5
    time.sleep(3.2)
    assert not (tmp_path / "late").exists()


def test_a_task_within_its_time_limit_gets_content_too(local, tmp_path):
    content = BytesContent(b"content " * 100)
    local.contents[content.digest] = content
    blob = {"$blob": {"digest": content.digest, "size": content.size}}
    module = "def run(host, dest, src): return host.write(dest, src)"
    result = run(local, module, args={"dest": str(tmp_path / "new"), "src": blob}, timeout=30)
    assert result["changed"]
    assert (tmp_path / "new").read_bytes() == content.data


@pytest.mark.root
def test_from_root_a_task_runs_as_another_user_with_that_users_groups(server, open_session, tmp_path):
    session = open_session(server.target())
    module = """
import os
def run(host):
    import runtime.image.tar                      # what is imported late must not need root's folder
    return {"uid": os.getuid(), "euid": os.geteuid(), "gid": os.getgid(), "groups": os.getgroups(),
            "home": os.environ["HOME"], "folder": host.stat("/var/lib/wherry") and None}
"""
    result = run(session, module, become=Become("nobody"))
    assert (result["uid"], result["euid"], result["gid"], result["groups"]) == (65534, 65534, 65534, [65534])
    assert session.facts(["user_id"], become=Become("nobody")) == {"user_id": "nobody"}
    assert session.facts(["user_id"]) == {"user_id": "root"}
    assert ask(session, "ping")["ping"] == "pong"


@pytest.mark.root
def test_a_user_who_does_not_exist_fails_the_task(local):
    result = run(local, "def run(host): return False", become=Become("mallory"))
    assert result["msg"].startswith("become: there is no user 'mallory'")


def test_content_that_a_module_offers_can_be_read(local, tmp_path):
    from wherry.protocols import Blob

    data = os.urandom(3 << 20)
    (tmp_path / "file").write_bytes(data)
    module = "def run(host, path):\n blob = host.offer(path)\n return {'digest': blob.digest, 'size': blob.size}"
    offer = run(local, module, args={"path": str(tmp_path / "file")})
    assert b"".join(local.read(Blob(offer["digest"], offer["size"]))) == data
    with pytest.raises(RemoteError, match="not offered"):
        list(local.read(Blob("sha256:" + "0" * 64, 5)))


def test_progress_is_told_while_a_task_runs(open_session, tmp_path):
    lines = []
    session = open_session(Target("here", connection="local", root=str(tmp_path / "s")), progress=lines.append)
    run(session, "def run(host): host.output('half way')")
    assert lines == ["half way"]


def test_an_environment_reaches_the_programs_of_a_task(local):
    module = "def run(host): return {'text': host.query(['sh', '-c', 'echo $GREETING']).stdout}"
    assert run(local, module, environment={"GREETING": "hello"})["text"] == "hello\n"


def test_an_interrupt_wakes_whoever_waits(local):
    import threading

    threading.Timer(0.3, local.interrupt).start()
    ticket = local.submit(
        TaskRequest("own", {}, digest=own_module(local, "import time\ndef run(host): time.sleep(20)"))
    )
    started = time.monotonic()
    with pytest.raises(Interrupted):
        local.wait(ticket)
    assert time.monotonic() - started < 3
    with pytest.raises(Interrupted):
        local.submit(TaskRequest("ping", {}))


@pytest.mark.root
def test_a_cut_connection_is_an_error_that_names_the_host(server, open_session, make_proxy):
    proxy = make_proxy(server.port)
    server.know(f"[127.0.0.1]:{proxy.port} {server.public('host_ed25519')}")
    session = open_session(server.target(port=proxy.port))
    ask(session, "ping")
    assert session.alive
    proxy.close()
    with pytest.raises(UnreachableError, match="web1"):
        ask(session, "ping")
    assert not session.alive


@pytest.mark.root
def test_an_agent_ends_with_its_channel_and_leaves_no_half_written_file(server, open_session, tmp_path, make_proxy):
    proxy = make_proxy(server.port)
    server.know(f"[127.0.0.1]:{proxy.port} {server.public('host_ed25519')}")
    session = open_session(server.target(port=proxy.port))
    pid = run(session, "import os\ndef run(host): return {'pid': os.getpid()}")["pid"]
    module = f"""
import time
def run(host):
    host.command(['sh', '-c', 'sleep 1; echo done > {tmp_path}/first'])
    time.sleep(1)
    host.write('{tmp_path}/second', 'x')
"""
    session.submit(TaskRequest("own", {}, digest=own_module(session, module)))
    with pytest.raises(UnreachableError):
        import threading

        threading.Timer(0.5, proxy.close).start()
        ask(session, "ping")
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            break
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
    assert (tmp_path / "first").exists()
    time.sleep(0.5)
    assert not (tmp_path / "second").exists()


@pytest.mark.root
def test_a_session_whose_connection_is_gone_closes_without_an_error(server, open_session, make_proxy):
    proxy = make_proxy(server.port)
    server.know(f"[127.0.0.1]:{proxy.port} {server.public('host_ed25519')}")
    for pause in (0.0, 0.01, 0.1):
        session = open_session(server.target(port=proxy.port))
        proxy.cut()
        time.sleep(pause)
        session.close()
