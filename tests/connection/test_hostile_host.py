"""A host that does not keep the protocol harms nobody but itself."""

import resource
import time

import pytest

from tests.connection.asking import ask
from tests.connection.fakeagent import target
from wherry.connection import session as sessions
from wherry.connection.content import BytesContent
from wherry.connection.session import TaskRequest
from wherry.errors import ProtocolError, RemoteError, UnreachableError

WANT = '{"type": "want", "stream": "1", "digests": ["sha256:x"], "accept": []}'
ANSWERS = {
    "an endless frame": 'write(b"\\xff" * 100)',
    "a frame that is no JSON": 'send(b"nonsense")',
    "a list": 'send(b"[1, 2]")',
    "a deep header": 'send(b"[" * 100000)',
    "a huge number": 'send(b\'{"type": "result", "id": 1, "result": \' + b"9" * 200000 + b"}")',
    "an unknown type": 'send({"type": "launch"})',
    "an answer to nothing": 'send({"type": "result", "id": 77, "result": {}})',
    "an answer twice": '[send({"type": "result", "id": 2, "result": {}}) for _ in range(2)]',
    "an answer that is text": 'send({"type": "result", "id": 1, "result": "fine"})',
    "an answer without number": 'send({"type": "result", "result": {}})',
    "an answer with a true number": 'send({"type": "result", "id": [1], "result": {}})',
    "data that nobody reads": 'send({"type": "data", "id": 1}, b"x")',
    "a question without digests": 'send({"type": "want", "stream": "1"})',
    "the end in the middle of a frame": 'write(b"\\0\\0\\0\\x20\\0\\0"); sys.exit()',
    "too much credit": f'write(frame({WANT}) + frame({{"type": "credit", "stream": "1", "bytes": 1 << 40}}))',
    "negative credit": f'write(frame({WANT}) + frame({{"type": "credit", "stream": "1", "bytes": -5}}))',
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_not_the_protocol_ends_the_session_with_one_clear_error(tmp_path, open_session, answer):
    session = open_session(target(tmp_path, f"ok(); send(ready); read(); {ANSWERS[answer]}; sys.stdin.read()"))
    with pytest.raises(UnreachableError) as caught:
        ask(session, "ping")
        ask(session, "ping")
    assert "liar" in caught.value.where
    with pytest.raises(UnreachableError):
        session.submit(TaskRequest("ping", {}))


@pytest.mark.parametrize(
    "script",
    [
        "sys.stdin.read()",
        "write(b'x' * 10_000_000)",
        "ok(); send({'type': 'result', 'id': 1, 'result': {}})",
        "ok(); write(b'\\xff' * 50)",
        "ok(); sys.stdin.read()",
        "write(('\\nwherry %s error \\x1b[31mred\\n' % digest[:16]).encode())",
        "sys.exit()",
    ],
)
def test_a_host_that_does_not_start_an_agent_is_an_error_in_time(tmp_path, payload, script, monkeypatch):
    monkeypatch.setattr("wherry.connection.boot.START_TIME", 1.0)
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        sessions.open(target(tmp_path, script), payload)
    assert time.monotonic() - started < 15


def test_a_frame_that_trickles_ends_the_session_at_its_deadline(tmp_path, open_session, monkeypatch):
    monkeypatch.setattr(sessions, "FRAME_TIME", 0.5)
    trickle = 'for byte in b"\\0\\0\\1\\0": write(bytes([byte])); time.sleep(0.7)'
    session = open_session(target(tmp_path, f"ok(); send(ready); read()\n{trickle}"))
    started = time.monotonic()
    with pytest.raises(ProtocolError):
        ask(session, "ping")
    assert time.monotonic() - started < 4


def test_endless_output_takes_no_memory(tmp_path, open_session):
    flood = 'body = b"x" * 65536\nfor _ in range(3000): send({"type": "part"}, body)'
    session = open_session(target(tmp_path, f"ok(); send(ready); read()\n{flood}"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ProtocolError):
        ask(session, "ping")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 160 << 10


def test_a_host_gets_no_file_of_the_controller_and_no_other_hosts_content(tmp_path, open_session):
    wants = '["/etc/passwd"], ["../../etc/passwd"], ["sha256:" + "0" * 64]'
    script = f"""ok(); send(ready); read()
answers = []
for number, digests in enumerate([{wants}]):
    send({{"type": "want", "stream": str(number), "digests": digests, "accept": []}})
    answers.append(read()[0])
send({{"type": "result", "id": 1, "result": {{"answers": answers}}}}); sys.stdin.read()"""
    session = open_session(target(tmp_path, script))
    session.contents["sha256:mine"] = BytesContent(b"mine")
    answers = ask(session, "ping")["answers"]
    assert [answer["type"] for answer in answers] == ["end"] * 3
    assert all("not among what this run sends" in answer["error"] for answer in answers)
    assert session.content_sent == 0


def test_an_error_of_the_host_keeps_its_kind_and_names_the_host(tmp_path, open_session):
    error = '{"kind": "NoSpace", "what": "the disk is full", "where": "/var", "hint": "free some"}'
    session = open_session(
        target(
            tmp_path,
            f'ok(); send(ready); read(); send({{"type": "result", "id": 1, "error": {error}}}); sys.stdin.read()',
        )
    )
    with pytest.raises(RemoteError) as caught:
        session.release("status", app="shop")
    assert (caught.value.kind, caught.value.where, caught.value.hint) == ("NoSpace", "liar: /var", "free some")


@pytest.mark.parametrize(
    "error", ['"text"', '{"kind": 5, "exit_code": "x"}', '{"kind": "LockedError", "expires_in": "soon"}']
)
def test_an_error_that_is_no_error_is_still_one(tmp_path, open_session, error):
    session = open_session(
        target(
            tmp_path,
            f'ok(); send(ready); read(); send({{"type": "result", "id": 1, "error": {error}}}); sys.stdin.read()',
        )
    )
    from wherry.errors import WherryError

    with pytest.raises(WherryError):
        session.release("status", app="shop")
