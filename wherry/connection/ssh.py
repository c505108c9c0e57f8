"""One SSH connection, hop by hop: TCP, key exchange, the host's key checked, then and only then the user's keys."""

from __future__ import annotations

import logging
import random
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import paramiko

from wherry.connection import keys, known_hosts, ssh_config
from wherry.connection.ssh_config import Settings
from wherry.connection.target import Target
from wherry.connection.trust import Trust
from wherry.connection.wire import WRITE_LIMIT
from wherry.errors import UnreachableError, WherryError

HOP_LIMIT = 8
KEEPALIVE = 10  # seconds
SILENCE = 30_000  # milliseconds that sent bytes may stay unacknowledged before the kernel gives up
BUSY_WAITS = (0.2, 0.5, 1.0, 2.0)  # before trying again when a server resets before its banner (MaxStartups)
WEAK = {
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "macs": ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"),
    "kex": ("diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"),
    "keys": ("ssh-rsa", "ssh-dss"),
    "pubkeys": ("ssh-rsa", "ssh-dss"),
}

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # it logs what it also raises


@dataclass(frozen=True)
class Hop:
    """One host on the way, with the settings that hold for it."""

    target: Target
    settings: Settings

    @property
    def where(self) -> str:
        """Its place in messages."""
        at = f"{self.settings.user}@{self.settings.hostname}:{self.settings.port}"
        return f"{self.target.name} ({at})"

    def trust(self) -> Trust:
        """What is known about its key."""
        settings, target = self.settings, self.target
        host = settings.host_key_alias or settings.hostname
        name = settings.host_key_alias or known_hosts.name_of(host, settings.port)
        files = (target.known_hosts_file,) if target.known_hosts_file else settings.known_hosts_files
        return Trust(
            host=host,
            name=name,
            where=self.where,
            keys=known_hosts.find(name, files),
            pinned=target.host_key,
            accept_new=target.accept_new or settings.accept_new,
            file=files[0],
            hashed=settings.hash_known_hosts,
        )


class PromptSocket(socket.socket):
    """Acknowledges at once what it receives: sshd sends with Nagle's algorithm until a command runs, and would wait 40 ms."""

    @classmethod
    def connect_to(cls, host: str, port: int, timeout: float) -> PromptSocket:
        """A connection to the first address of the host that answers."""
        sock = socket.create_connection((host, port), timeout)
        prompt = cls(sock.family, sock.type, sock.proto, sock.detach())
        prompt.settimeout(timeout)
        return prompt

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As socket.recv."""
        data = super().recv(size, flags)
        if hasattr(socket, "TCP_QUICKACK"):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # lasts until the next exchange only
        return data


class SecureTransport(paramiko.Transport):
    """paramiko's transport without weak algorithms, and with the host key algorithms that can be verified."""

    def __init__(
        self, sock: socket.socket | paramiko.Channel | paramiko.ProxyCommand, algorithms: tuple[str, ...]
    ) -> None:
        super().__init__(sock, disabled_algorithms=WEAK)
        self._algorithms = algorithms

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Host key algorithms, best first."""
        return self._algorithms


class Connection:
    """An authenticated connection; closing it closes every hop."""

    def __init__(self, hops: list[paramiko.Transport], where: str) -> None:
        self._hops, self._where = hops, where

    def execute(self, command: str) -> ChannelTransport:
        """Start a command whose standard input and output carry the session."""
        return ChannelTransport(self._channel(command), self)

    def output(self, command: str) -> str:
        """What a short command prints, at most 64 KiB."""
        channel = self._channel(command)
        channel.settimeout(30)
        data = b""
        try:
            while len(data) < 65536 and (more := channel.recv(65536)):
                data += more
        except TimeoutError:
            pass
        channel.close()
        return data.decode("utf-8", "replace")

    def close(self) -> None:
        """Close the connection to the host, then those to the hops before it."""
        for transport in reversed(self._hops):
            transport.close()

    def _channel(self, command: str) -> paramiko.Channel:
        try:
            channel = self._open_session()
            channel.exec_command(command)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise UnreachableError(
                f"no command can be run: {error}", self._where, "may this user run commands over SSH?"
            ) from None
        return channel

    def _open_session(self) -> paramiko.Channel:
        for pause in (0.1, 0.3, 1.0):
            try:
                return self._hops[-1].open_session(timeout=30)
            except paramiko.ChannelException:
                time.sleep(pause)  # MaxSessions 1, and the session before this one is not quite over there
        return self._hops[-1].open_session(timeout=30)


class ChannelTransport:
    """An exec channel."""

    def __init__(self, channel: paramiko.Channel, connection: Connection) -> None:
        self.sent = self.received = 0
        self._channel, self._connection = channel, connection

    def send(self, data: bytes) -> None:
        """Send all of it, in writes of a size that paramiko does not slice again."""
        for start in range(0, len(data), WRITE_LIMIT):
            piece = data[start : start + WRITE_LIMIT]
            while piece:
                try:
                    written = self._channel.send(piece)
                except (EOFError, paramiko.SSHException) as error:
                    raise OSError(str(error) or "the connection is closed") from None
                if not written:
                    raise OSError("the channel is closed")
                self.sent += written
                piece = piece[written:]

    def receive(self) -> bytes:
        """Some bytes; none at the end; TimeoutError at the time limit."""
        data = self._channel.recv(65536)
        self.received += len(data)
        return data

    def readable(self) -> bool:
        """Whether `receive` would return at once."""
        return bool(self._channel.recv_ready() or self._channel.closed or self._channel.eof_received)

    def set_timeout(self, seconds: float | None) -> None:
        """How long `receive` may take."""
        self._channel.settimeout(seconds)

    def last_words(self) -> str:
        """The end of what the command printed as errors."""
        self._channel.settimeout(1)
        try:
            return self._channel.recv_stderr(65536)[-2000:].decode("utf-8", "replace").strip()
        except TimeoutError:
            return ""

    def end(self) -> None:
        """End the stream, keep the connection."""
        self._channel.status_event.wait(2)
        self._channel.close()

    def close(self) -> None:
        """End the stream, give the agent a moment to leave, close the connection."""
        try:
            self._channel.shutdown_write()
            self._channel.status_event.wait(2)
        except (OSError, EOFError, paramiko.SSHException):
            pass  # gone already
        self._connection.close()

    def abort(self) -> None:
        """End the stream now; a receive that waits returns."""
        self._connection.close()


def connect(target: Target) -> Connection:
    """An authenticated connection to the host; UnreachableError or UntrustedError that says which hop and why."""
    hops: list[paramiko.Transport] = []
    where = target.name
    try:
        for hop in route(target):
            where = hop.where
            sock = forward(hops[-1], hop) if hops else None
            hops.append(open_transport(hop, sock))
            authenticate(hops[-1], hop)
        return Connection(hops, where)
    except BaseException as error:
        for transport in reversed(hops):
            transport.close()
        if isinstance(error, (paramiko.SSHException, EOFError, OSError)):
            raise UnreachableError(
                reason(error), where, "is SSH running there, and may this machine reach it?"
            ) from None
        raise


def route(target: Target) -> Iterator[Hop]:
    """The hops from here to the host, the host last."""
    settings = settings_of(target)
    jumps = list(target.jump) or [each for each in settings.proxy_jump.split(",") if each]
    if len(jumps) >= HOP_LIMIT:
        raise UnreachableError(f"more than {HOP_LIMIT} hops", target.name, "look for a circle in ProxyJump")
    for number, text in enumerate(jumps):
        user, host, port = parse_jump(text, target.name)
        hop = replace(target, name=host, address=host, user=user, port=port, jump=(), host_key=None)
        found = settings_of(hop)
        if number == 0 and found.proxy_jump and not target.jump:
            yield from route(replace(hop, jump=tuple(found.proxy_jump.split(","))))
        else:
            yield Hop(hop, found)
    yield Hop(target, settings)


def settings_of(target: Target) -> Settings:
    """The user's settings for a target."""
    return ssh_config.lookup(target.host, target.port, target.user, target.ssh_config)


def parse_jump(text: str, where: str) -> tuple[str | None, str, int | None]:
    """user, host, port of "user@host:port" (also "ssh://...", "[address]:port")."""
    found = re.fullmatch(r"(?:ssh://)?(?:([^@]+)@)?(\[[^\]]+\]|[^:@]+)(?::(\d+))?/?", text.strip())
    if not found:
        raise UnreachableError(f"'{text}' is not a hop", where, "write user@host:port")
    return found[1], found[2].strip("[]"), int(found[3]) if found[3] else None


def forward(before: paramiko.Transport, hop: Hop) -> paramiko.Channel:
    """A channel through the hop before to this one."""
    address = (hop.settings.hostname, hop.settings.port)
    return before.open_channel("direct-tcpip", address, ("127.0.0.1", 0), timeout=hop.target.timeout)


def open_transport(hop: Hop, sock: paramiko.Channel | None) -> SecureTransport:
    """Key exchange with a host whose key is trusted; tries again while the server is too busy to greet."""
    for pause in (*BUSY_WAITS, None):
        try:
            return exchange_keys(hop, sock or dial(hop))
        except (paramiko.SSHException, EOFError, ConnectionResetError) as error:
            if pause is None or sock is not None or "banner" not in str(error).lower():
                raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads clients, decides nothing
    raise AssertionError("unreachable")


def dial(hop: Hop) -> socket.socket | paramiko.ProxyCommand:
    """A TCP connection to a host, or the command that stands for one."""
    settings = hop.settings
    if settings.proxy_command and not hop.target.jump:
        return paramiko.ProxyCommand(settings.proxy_command)
    sock = PromptSocket.connect_to(settings.hostname, settings.port, hop.target.timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Nagle costs 40 ms an exchange
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)  # notices a dead network within 40 s
    return sock


def exchange_keys(hop: Hop, sock: socket.socket | paramiko.Channel | paramiko.ProxyCommand) -> SecureTransport:
    """A transport after key exchange, the host's key checked."""
    trust = hop.trust()
    transport = SecureTransport(sock, trust.algorithms())
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = hop.target.timeout
    try:
        transport.start_client(timeout=hop.target.timeout)
        trust.check(transport.get_remote_server_key())
        transport.set_keepalive(KEEPALIVE)
    except BaseException:
        transport.close()
        raise
    return transport


def authenticate(transport: paramiko.Transport, hop: Hop) -> None:
    """Log in with the first of the user's keys that is accepted."""
    offer = keys.Offer()
    try:
        if not any(accepts(transport, hop, key, offer) for _, key in keys.candidates(hop.target, hop.settings, offer)):
            raise refused(hop, "accepted none of the keys" if offer.tried else "no key to offer", offer)
    finally:
        offer.close()


def accepts(transport: paramiko.Transport, hop: Hop, key: paramiko.PKey, offer: keys.Offer) -> bool:
    """Whether the server is content with this key."""
    try:
        return transport.is_active() and not transport.auth_publickey(hop.settings.user, key)
    except paramiko.BadAuthenticationType as error:
        raise refused(hop, f"accepts no keys, only {', '.join(error.allowed_types)}", offer) from None
    except paramiko.AuthenticationException:
        return False
    except paramiko.SSHException as error:
        offer.problems.append(str(error))
        return False


def refused(hop: Hop, what: str, offer: keys.Offer) -> WherryError:
    """The error that names what was offered."""
    tried = f"; offered: {', '.join(offer.tried)}" if offer.tried else ""
    problems = f"; {'; '.join(offer.problems)}" if offer.problems else ""
    hint = f"put the public key into ~{hop.settings.user}/.ssh/authorized_keys there, or name another key or user"
    return UnreachableError(f"{what}{tried}{problems}", hop.where, hint)


def reason(error: BaseException) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved ({error.strerror})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, paramiko.SSHException) and ("banner" in str(error) or "protocol version" in str(error)):
        return "what answers there is no SSH server, or it is too busy to greet"
    return str(error) or "the connection was closed"
