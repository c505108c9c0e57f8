"""Whether the key that a host showed is the one that is trusted; decided before anything about the user is sent."""

from __future__ import annotations

from dataclasses import dataclass

import paramiko

from wherry.connection import host_certificate, known_hosts
from wherry.connection.known_hosts import Keys, fingerprint
from wherry.errors import UntrustedError

PREFERRED = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
CERTIFICATE = "-cert-v01@openssh.com"


@dataclass(frozen=True)
class Trust:
    """What is known about one host: `name` as in known_hosts, `where` for messages."""

    host: str
    name: str
    where: str
    keys: Keys
    pinned: str | None = None
    accept_new: bool = False
    file: str = ""
    hashed: bool = False

    def algorithms(self) -> tuple[str, ...]:
        """Host key algorithms in the order in which they are asked for: those that can be verified first."""
        known = {entry.kind for entry in self.keys.trusted} | ({self.pinned.split()[0]} if self.pinned else set())
        first = tuple(each for each in PREFERRED if each in known or (each.startswith("rsa-") and "ssh-rsa" in known))
        certificates = (
            tuple(each + CERTIFICATE for each in PREFERRED) if self.keys.authorities and not self.pinned else ()
        )
        rest = tuple(each for each in PREFERRED if each not in first)
        return certificates + first + rest

    def check(self, key: paramiko.PKey) -> None:
        """UntrustedError unless the key is trusted; an unknown one is written down when that is allowed."""
        blob, certificate = key.asbytes(), None
        if key.public_blob and key.public_blob.key_type.endswith(CERTIFICATE):
            certificate = host_certificate.parse(key.public_blob.key_blob)
        for each in (blob, certificate.authority if certificate else b""):
            if line := self.keys.is_revoked(each):
                raise UntrustedError(f"its key {fingerprint(each)} is revoked", self.where, f"the line is {line.place}")
        if self.pinned:
            self._check_pin(blob)
        elif certificate and self.keys.is_authority(certificate.authority):
            host_certificate.check(certificate, self.host, self.where)
        elif not self.keys.is_trusted(blob):
            self._refuse_or_accept(key.get_name(), blob)

    def _check_pin(self, blob: bytes) -> None:
        assert self.pinned
        words = self.pinned.split()
        pin = words[0] if words[0].startswith("SHA256:") else fingerprint_of(words, self.where)
        if pin.rstrip("=") != fingerprint(blob):
            hint = "if that is right, correct the pinned host key in the inventory"
            raise UntrustedError(f"its key is {fingerprint(blob)}; the inventory pins {pin}", self.where, hint)

    def _refuse_or_accept(self, kind: str, blob: bytes) -> None:
        if self.keys.trusted:
            old = ", ".join(f"{fingerprint(entry.blob)} ({entry.kind}, {entry.place})" for entry in self.keys.trusted)
            raise UntrustedError(
                f"its key has changed: it shows {fingerprint(blob)} ({kind}); known is {old}",
                self.where,
                f"somebody may be in between; if the host was really set up anew: ssh-keygen -R '{self.name}'"
                + (f" -f {self.file}" if self.file else ""),
            )
        if not self.accept_new:
            raise UntrustedError(
                f"its key is not known: {fingerprint(blob)} ({kind})",
                self.where,
                f"compare that with the host's own and add it to {self.file or '~/.ssh/known_hosts'}, "
                "or allow new hosts with accept-new, or pin it in the inventory",
            )
        known_hosts.add(self.file, self.name, kind, blob, self.hashed)


def fingerprint_of(words: list[str], where: str) -> str:
    """The fingerprint of a pinned key in the form "TYPE BASE64"."""
    entry = known_hosts.parse(" ".join(["pinned", *words[:2]]))
    if entry is None:
        raise UntrustedError(
            "the pinned host key is neither SHA256:... nor a public key", where, "for example ssh-ed25519 AAAA..."
        )
    return fingerprint(entry.blob)
