"""An SSH server for lab hosts on machines without OpenSSH: public keys and commands over pipes, nothing else.

paramiko is its only library. A terminal, forwarding, SFTP are refused. It sees this machine's files, because it imports
from there; what it starts for a client enters the host's root first.
"""

from __future__ import annotations

import base64
import logging
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable

import paramiko
from paramiko import common

from wherry.lab.root import ENVIRONMENT

WINDOW, PACKET = 8 << 20, 1 << 15  # above paramiko's 2 MiB: fewer stalls on window updates
CHUNK = 1 << 18
EXIT_SIGNAL_REQUEST = 98  # SSH_MSG_CHANNEL_REQUEST (RFC 4254, 6.10): paramiko has no call for an exit signal
GONE = (OSError, EOFError, paramiko.SSHException)


def serve(address: str, port: int, host_key: str, authorized_key: str, enter_root: Callable[[], None]) -> None:
    """Serve clients that hold `authorized_key` (a public key line) for ever; `enter_root` runs in each new process."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # a client that breaks off is no event here
    key = paramiko.Ed25519Key.from_private_key_file(host_key)
    kind, data = authorized_key.split()[:2]
    server = Server((kind, base64.b64decode(data)), enter_root)
    with socket.create_server((address, port), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_converse, args=(connection, key, server), daemon=True).start()


class Server(paramiko.ServerInterface):
    """What is allowed: one key, session channels, exec."""

    def __init__(self, authorized: tuple[str, bytes], enter_root: Callable[[], None]) -> None:
        self.authorized = authorized
        self.enter_root = enter_root

    def get_allowed_auths(self, username: str) -> str:
        """Public keys only."""
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Root, with the lab's key."""
        known = username == "root" and (key.get_name(), key.asbytes()) == self.authorized
        return common.AUTH_SUCCESSFUL if known else common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Sessions only."""
        allowed = kind == "session"
        return common.OPEN_SUCCEEDED if allowed else common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        """No variables, as sshd without AcceptEnv."""
        return False

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Run the command; in a thread, because the client may hear nothing before this has returned."""
        threading.Thread(target=_execute, args=(channel, command, self.enter_root), daemon=True).start()
        return True


def _converse(connection: socket.socket, host_key: paramiko.PKey, server: Server) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(connection, default_window_size=WINDOW, default_max_packet_size=PACKET)
    transport.add_server_key(host_key)
    try:
        transport.start_server(server=server)
        held: set[paramiko.Channel] = set()  # paramiko knows channels by weak reference: one nobody holds is closed
        while transport.is_active():
            held = {channel for channel in held | {transport.accept(5)} if channel and not channel.closed}
    except GONE:
        pass  # a client that breaks off or speaks something else
    finally:
        transport.close()


def _execute(channel: paramiko.Channel, command: bytes, enter_root: Callable[[], None]) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        preexec_fn=enter_root,  # noqa: PLW1509 - three system calls, no locks, no imports
        env={**ENVIRONMENT, "HOME": "/root", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/sh"},
    )
    assert process.stdin and process.stdout and process.stderr
    readers = [
        threading.Thread(target=_drain, args=(process.stdout.fileno(), channel.sendall), daemon=True),
        threading.Thread(target=_drain, args=(process.stderr.fileno(), channel.sendall_stderr), daemon=True),
    ]
    for thread in [threading.Thread(target=_feed, args=(channel, process), daemon=True), *readers]:
        thread.start()
    process.wait()
    for thread in readers:  # all output, then the exit status, then close: the other order loses the end
        thread.join()
    process.stdout.close()
    process.stderr.close()
    _report(channel, process.returncode)


def _feed(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    try:
        while data := channel.recv(CHUNK):
            view = memoryview(data)
            while view:
                view = view[process.stdin.write(view) :]
    except (OSError, ValueError):
        pass  # nobody reads any more
    process.stdin.close()


def _drain(fd: int, send: Callable[[bytes], object]) -> None:
    try:
        while data := os.read(fd, CHUNK):
            send(data)  # blocks while the client's window is full, and so does the process, as it should
    except GONE:
        pass  # the client has gone; the process will get SIGPIPE


def _report(channel: paramiko.Channel, code: int) -> None:
    try:
        if code >= 0:
            channel.send_exit_status(code)
        else:
            _send_exit_signal(channel, signal.Signals(-code).name.removeprefix("SIG"))
        channel.close()
    except GONE:
        pass  # nobody wants to know any more


def _send_exit_signal(channel: paramiko.Channel, name: str) -> None:
    message = paramiko.Message()
    message.add_byte(bytes([EXIT_SIGNAL_REQUEST]))
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)
    message.add_string(name)
    message.add_boolean(False)  # no core dump
    message.add_string("")
    message.add_string("")
    transport = channel.get_transport()
    transport._send_user_message(message)  # type: ignore[attr-defined]
