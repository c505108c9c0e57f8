"""A host key signed by an authority (OpenSSH's PROTOCOL.certkeys): whether it is good for a host, now."""

from __future__ import annotations

import fnmatch
import time
from dataclasses import dataclass

import paramiko
from paramiko.pkey import UnknownKeyType

from wherry.errors import UntrustedError

HOST = 2
KEY_FIELDS = {"ssh-ed25519": 1, "ecdsa-sha2-": 2, "rsa-sha2-": 2, "ssh-rsa": 2}


@dataclass(frozen=True)
class Certificate:
    """The fields that decide; `signed` is what the signature is over."""

    kind: int
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    critical: bytes
    authority: bytes
    signed: bytes
    signature: bytes


def parse(blob: bytes) -> Certificate:
    """The certificate in a key blob; ValueError when it is cut."""
    message = paramiko.Message(blob)
    name = message.get_text()
    fields = next((count for prefix, count in KEY_FIELDS.items() if name.startswith(prefix)), None)
    if fields is None:
        raise ValueError(f"a certificate of the unknown type {name[:60]}")
    for _ in range(1 + fields):  # nonce, then the key's own numbers
        message.get_binary()
    message.get_int64()  # serial
    kind, key_id = message.get_int(), message.get_binary().decode("utf-8", "replace")
    principals = strings(message.get_binary())
    valid_after, valid_before = message.get_int64(), message.get_int64()
    critical = message.get_binary()
    message.get_binary()  # extensions: none is defined for hosts
    message.get_binary()  # reserved
    authority = message.get_binary()
    signed = blob[: len(blob) - len(message.get_remainder())]
    return Certificate(
        kind, key_id, principals, valid_after, valid_before, critical, authority, signed, message.get_binary()
    )


def strings(packed: bytes) -> tuple[str, ...]:
    """The strings packed in a field."""
    message, found = paramiko.Message(packed), []
    while message.get_remainder():
        found.append(message.get_binary().decode("utf-8", "replace"))
    return tuple(found)


def check(certificate: Certificate, host: str, where: str) -> None:
    """UntrustedError unless the certificate is a host's, for this host, valid now and signed by its authority."""
    now = int(time.time())
    problem = None
    if certificate.kind != HOST:
        problem = "it is a user's, not a host's"
    elif certificate.principals and not any(
        fnmatch.fnmatchcase(host.lower(), each.lower()) for each in certificate.principals
    ):
        problem = f"it is for {', '.join(certificate.principals)}"
    elif not certificate.valid_after <= now < certificate.valid_before:
        problem = "it is not valid now"
    elif certificate.critical:
        problem = "it has critical options, which hosts' have not"
    elif not is_signed(certificate):
        problem = "its signature is wrong"
    if problem:
        raise UntrustedError(f"the certificate of its host key ({certificate.key_id}) is no good: {problem}", where)


def is_signed(certificate: Certificate) -> bool:
    """Whether the authority's signature is over this certificate; SHA-1 signatures do not count."""
    name = paramiko.Message(certificate.authority).get_text()
    try:
        key = paramiko.PKey.from_type_string(name, certificate.authority)
        return bool(key.verify_ssh_sig(certificate.signed, paramiko.Message(certificate.signature)))
    except (ValueError, KeyError, paramiko.SSHException, UnknownKeyType):
        return False
