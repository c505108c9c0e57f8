"""One host: requests out, results back, content when the host asks for it.

Requests may be submitted long before their results are waited for; the agent does them in order.  While a thread waits,
it takes in whatever the host sends and serves the content that is asked for.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from wherry.connection import boot
from wherry.connection.payload import Payload
from wherry.connection.request import Become, TaskRequest, Ticket, as_user
from wherry.connection.target import Target
from wherry.connection.transport import Transport
from wherry.connection.upload import Upload
from wherry.connection.wire import Decoder, Frame, Header, frames
from wherry.errors import Interrupted, ProtocolError, UnreachableError, WherryError, from_wire
from wherry.protocols import Blob, Content

__all__ = ["Become", "Session", "Target", "TaskRequest", "Ticket", "open"]

FRAME_TIME = 60.0  # seconds that a frame may take from its first byte to its last
Progress = Callable[[str], None]


def open(target: Target, payload: Payload, *, progress: Progress | None = None) -> Session:  # noqa: A001 - session.open
    """A session with a running agent on the host; UnreachableError or UntrustedError when there can be none."""
    transport, begun = boot.start(target, payload)
    try:
        return Session(target, transport, progress, begun)
    except BaseException:
        transport.close()
        raise


class Session:
    """One agent; `ready` is its greeting, `contents` what it may ask for, the counters are bytes on its channel."""

    def __init__(
        self, target: Target, transport: Transport, progress: Progress | None = None, begun: bytes = b""
    ) -> None:
        self.target = target
        self.contents: dict[str, Content] = {}
        self.content_sent = 0
        self._transport, self._progress = transport, progress or (lambda text: None)
        self._decoder = Decoder()
        self._number = 0
        self._replies: dict[int, Header | None] = {}  # None: still outstanding
        self._reads: dict[int, deque[bytes]] = {}
        self._uploads: dict[str, Upload] = {}
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._pumping = False
        self._error: WherryError | None = None
        self.ready: Header = self._greeting(begun)

    @property
    def sent(self) -> int:
        """Bytes sent so far, the start of the agent included."""
        return self._transport.sent

    @property
    def received(self) -> int:
        """Bytes received so far."""
        return self._transport.received

    @property
    def alive(self) -> bool:
        """Whether requests can be made, as far as is known."""
        return self._error is None

    def submit(self, request: TaskRequest) -> Ticket:
        """Send a task; its result is had by `wait`."""
        return self._request(request.to_wire())

    def wait(self, ticket: Ticket) -> dict[str, Any]:
        """The result of a task; {"dropped": True} when one before it failed."""
        reply = self._wait(ticket)
        return {"dropped": True} if reply["type"] == "dropped" else self._result(reply)

    def facts(self, names: list[str], become: Become | None = None) -> dict[str, Any]:
        """Facts by Ansible's names without `ansible_`; those that the host does not have are missing. "*" is all."""
        return self._result(self._wait(self._request({"type": "facts", "names": names, **as_user(become)})))

    def release(self, op: str, *, become: Become | None = None, **fields: Any) -> dict[str, Any]:
        """Do a step of a rollout on the host, on that user's containers; raises what the host raised."""
        header = {"type": "release", "op": op, "fields": fields, **as_user(become)}
        return self._result(self._wait(self._request(header)))

    def notify(self, kind: str, *, become: Become | None = None, **fields: Any) -> None:
        """Send a frame that has no answer (from any thread)."""
        self._send({"type": kind, **fields, **as_user(become)})

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Content that a module offered; ProtocolError when it is not what the blob says."""
        ticket = self._request({"type": "read", "digest": blob.digest})
        chunks = self._reads[ticket.number] = deque()
        hashed, size = hashlib.sha256(), 0
        try:
            while chunks or self._replies.get(ticket.number) is None:
                self._pump_until(lambda: bool(chunks) or self._replies.get(ticket.number) is not None)
                while chunks:
                    size += len(chunks[0])
                    if size > blob.size:
                        raise ProtocolError(f"sent more than the {blob.size} bytes it announced", self.target.name)
                    hashed.update(chunks[0])
                    yield chunks.popleft()
        finally:
            del self._reads[ticket.number]
        self._result(self._wait(ticket))
        if f"sha256:{hashed.hexdigest()}" != blob.digest:
            raise ProtocolError("sent other content than it announced", self.target.name)

    def outstanding(self) -> int:
        """How many requests have no answer yet."""
        with self._changed:
            return sum(reply is None for reply in self._replies.values())

    def interrupt(self) -> None:
        """End the session at once, from any thread: whoever waits gets Interrupted."""
        self._fail(Interrupted("interrupted", self.target.name))
        self._transport.abort()

    def close(self) -> None:
        """Let the agent end and close the connection; requests that nobody waited for may not be done."""
        if self._error is None:
            try:
                self._send({"type": "bye"})
            except WherryError:
                pass  # gone already
            self._fail(UnreachableError("the session is closed", self.target.name))
        self._transport.close()

    def _greeting(self, begun: bytes) -> Header:
        self._transport.set_timeout(max(self.target.timeout, 1))
        try:
            frame = self._receive(begun or self._transport.receive())
            while frame is None:
                frame = self._receive(self._transport.receive())
        except TimeoutError:
            raise UnreachableError(
                "the agent does not greet in time", self.target.name, "is the host very slow?"
            ) from None
        self._transport.set_timeout(None)
        if frame[0]["type"] != "ready":
            raise ProtocolError(f"the agent began with {frame[0]['type']!r}", self.target.name)
        return frame[0]

    def _request(self, header: Header) -> Ticket:
        with self._changed:
            self._number += 1
            ticket = Ticket(self._number)
            self._replies[ticket.number] = None
        self._send({**header, "id": ticket.number})
        return ticket

    def _send(self, header: Header, body: bytes = b"") -> None:
        data = frames(header, body)
        with self._sending:
            if self._error:
                raise self._error
            try:
                self._transport.send(data)
            except OSError as error:
                raise self._lost(str(error)) from None

    def _wait(self, ticket: Ticket) -> Header:
        self._pump_until(lambda: self._replies[ticket.number] is not None)
        reply = self._replies.pop(ticket.number)
        assert reply is not None
        return reply

    def _result(self, reply: Header) -> dict[str, Any]:
        if isinstance(error := reply.get("error"), dict):
            try:
                raise from_wire(error, self.target.name)
            except (TypeError, ValueError):
                raise self._fail(ProtocolError("an error that makes no sense", self.target.name)) from None
        result = reply.get("result")
        if not isinstance(result, dict):
            raise self._fail(ProtocolError("a result that is not an object", self.target.name))
        return result

    def _pump_until(self, done: Callable[[], bool]) -> None:
        """Take in what the host sends until `done`; one thread does it, others that wait are told."""
        while True:
            with self._changed:
                while self._pumping and not done() and self._error is None:
                    self._changed.wait()
                if done():
                    return
                if self._error:
                    raise self._error
                self._pumping = True
            try:
                self._pump()
            except WherryError as error:
                raise self._fail(self._named(error)) from None
            finally:
                with self._changed:
                    self._pumping = False
                    self._changed.notify_all()

    def _pump(self) -> None:
        """Send a piece of content if there is one and nothing to read, else read."""
        frame = self._decoder.take()
        while frame is None:
            upload = next((each for each in self._uploads.values() if each.ready), None)
            if upload and not self._transport.readable():
                self._serve(upload)
                return
            frame = self._receive(self._read())
        self._dispatch(*frame)

    def _read(self) -> bytes:
        self._transport.set_timeout(FRAME_TIME if self._decoder.waiting else None)
        try:
            return self._transport.receive()
        except TimeoutError:
            raise ProtocolError(f"no more of a frame in {FRAME_TIME:.0f} s", self.target.name) from None
        except OSError as error:
            raise self._lost(str(error)) from None

    def _receive(self, data: bytes) -> Frame | None:
        if not data:
            raise self._error or self._lost(self._transport.last_words())
        self._decoder.feed(data)
        try:
            return self._decoder.take()
        except ProtocolError as error:
            raise self._named(error) from None

    def _named(self, error: WherryError) -> WherryError:
        """The error with the host as its place."""
        error.where = error.where or self.target.name
        if isinstance(error, ProtocolError):
            error.hint = error.hint or "what answers there is not wherry's agent: look at the host's python3 and shell"
        return error

    def _dispatch(self, header: Header, body: bytes) -> None:
        kind, number = header["type"], header.get("id")
        if kind in ("result", "dropped", "data"):
            self._reply(kind, number, header, body)
        elif kind == "want":
            self._begin(header)
        elif kind in ("credit", "stop"):
            if upload := self._uploads.get(str(header.get("stream"))):
                upload.credit(header)
        elif kind == "output":
            self._progress(str(header.get("text", ""))[:4096])
        elif kind == "error":
            raise ProtocolError(f"the agent gave up: {str(header.get('text'))[:500]}", self.target.name)
        else:
            raise ProtocolError(f"a frame of the unknown type {kind[:40]!r}", self.target.name)

    def _reply(self, kind: str, number: Any, header: Header, body: bytes) -> None:
        with self._changed:
            if not isinstance(number, int) or self._replies.get(number, header) is not None:
                raise ProtocolError(f"an answer to nothing that was asked ({str(number)[:40]})", self.target.name)
            if kind == "data":
                if number not in self._reads:
                    raise ProtocolError("content that nobody reads", self.target.name)
                self._reads[number].append(body)
            else:
                self._replies[number] = header
            self._changed.notify_all()

    def _begin(self, header: Header) -> None:
        stream, digests = str(header.get("stream"))[:80], header.get("digests")
        if not isinstance(digests, list) or stream in self._uploads or len(self._uploads) > 100:
            raise ProtocolError("a question for content that makes no sense", self.target.name)
        plain = self.target.connection == "local" or "zlib" not in header.get("accept", ())
        self._uploads[stream] = Upload(
            stream, [str(digest) for digest in digests], self.contents, "raw" if plain else "zlib"
        )

    def _serve(self, upload: Upload) -> None:
        header, body = upload.next()
        self.content_sent += len(body)
        self._send(header, body)
        if upload.ended:
            del self._uploads[upload.stream]

    def _lost(self, why: str) -> WherryError:
        hint = "what ran there may have finished; run again to converge"
        return self._fail(
            UnreachableError(f"the connection was lost{': ' + why if why else ''}", self.target.name, hint)
        )

    def _fail(self, error: WherryError) -> WherryError:
        """Remember the first error: from now on every call raises it."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
            return self._error
