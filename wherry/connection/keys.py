"""The keys that are offered to a host, in order: given files, the SSH agent's, default files; with their certificates.

With IdentitiesOnly only keys of named files are offered, whether a file or the agent holds the private half.  The agent
signs for us and is never forwarded.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import paramiko
from paramiko.pkey import UnknownKeyType

from wherry.connection.ssh_config import Settings
from wherry.connection.target import Target

TRIES = 6  # sshd's MaxAuthTries


@dataclass
class Offer:
    """What was offered and what could not be: for the error when nothing is accepted."""

    tried: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    agents: list[paramiko.Agent] = field(default_factory=list)  # they sign until the login is over

    def close(self) -> None:
        """Let go of the SSH agents."""
        for agent in self.agents:
            agent.close()


def candidates(target: Target, settings: Settings, offer: Offer) -> Iterator[tuple[str, paramiko.PKey]]:
    """(where it is from, key), each key once and at most as many as a server lets one try."""
    seen: set[bytes] = set()
    for label, key in _all(target, settings, offer):
        certificate = key.public_blob.key_blob if key.public_blob else b""
        identity = key.asbytes() + certificate
        if identity not in seen and len(seen) < TRIES:
            seen.add(identity)
            offer.tried.append(label)
            yield label, key


def _all(target: Target, settings: Settings, offer: Offer) -> Iterator[tuple[str, paramiko.PKey]]:
    for path in target.key_files:
        yield from from_file(os.path.expanduser(path), offer, wanted=True)
    files = [] if target.key_files else list(settings.identity_files)
    agent = list(from_agent(settings, offer))
    if settings.identities_only:
        named = {blob for path in [*target.key_files, *files] if (blob := public_of(os.path.expanduser(path)))}
        agent = [(label, key) for label, key in agent if key.asbytes() in named]
    yield from agent
    for path in files:
        yield from from_file(path, offer, wanted=False)
    yield from with_certificates(settings, target, offer)


def from_file(path: str, offer: Offer, wanted: bool) -> Iterator[tuple[str, paramiko.PKey]]:
    """The key in a file, first with the certificate beside it (PATH-cert.pub) if there is one."""
    if not os.path.exists(path):
        if wanted:
            offer.problems.append(f"{path} does not exist")
        return
    try:
        key = paramiko.PKey.from_path(path)
        if key.public_blob:
            yield f"{path} with its certificate", key
            key = paramiko.PKey.from_path(path)
            key.public_blob = None
        yield path, key
    except (paramiko.PasswordRequiredException, TypeError):
        offer.problems.append(f"{path} needs a passphrase (ssh-add {path})")
    except (ValueError, OSError, paramiko.SSHException, UnknownKeyType) as error:
        offer.problems.append(f"{path} is not a usable private key ({type(error).__name__}: {error})")


def with_certificates(settings: Settings, target: Target, offer: Offer) -> Iterator[tuple[str, paramiko.PKey]]:
    """The named keys with certificates from elsewhere (CertificateFile)."""
    for certificate in settings.certificate_files:
        for path in [*map(os.path.expanduser, target.key_files), *settings.identity_files]:
            for _, key in from_file(path, offer, wanted=False):
                try:
                    key.load_certificate(certificate)
                except (ValueError, OSError):
                    continue
                yield f"{path} with {certificate}", key


def from_agent(settings: Settings, offer: Offer) -> Iterator[tuple[str, paramiko.PKey]]:
    """The keys that the user's SSH agent holds."""
    path = settings.identity_agent or os.environ.get("SSH_AUTH_SOCK", "none")
    if path == "none":
        return
    try:
        offer.agents.append(Agent(path))
        for key in offer.agents[-1].get_keys():
            yield f"agent key {key.comment or key.get_name()}", key
    except (OSError, paramiko.SSHException) as error:
        offer.problems.append(f"the SSH agent at {path} does not answer ({error})")


class Agent(paramiko.Agent):
    """The agent behind a given socket."""

    def __init__(self, path: str) -> None:
        paramiko.agent.AgentSSH.__init__(self)  # paramiko's own looks at SSH_AUTH_SOCK only
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise


def public_of(path: str) -> bytes | None:
    """The public half of a key file, from PATH.pub if it lies there; None when it cannot be known."""
    import base64

    try:
        with open(f"{path}.pub", encoding="utf-8") as file:
            return base64.b64decode(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        pass
    try:
        return paramiko.PKey.from_path(path).asbytes()
    except (ValueError, TypeError, OSError, paramiko.SSHException):
        return None
