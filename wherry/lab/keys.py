"""Ed25519 keys in OpenSSH's format, made once a project."""

from __future__ import annotations

import os


def ensure_key(path: str) -> str:
    """Make a key pair at `path` and `path`.pub unless it is there; return the public line ("ssh-ed25519 AAAA...")."""
    if not os.path.exists(path + ".pub"):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        private, public = _generate()
        _write(path, private, 0o600)
        _write(path + ".pub", public + b"\n", 0o644)
    with open(path + ".pub", encoding="ascii") as file:
        return file.read().strip()


def _generate() -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives import serialization as form  # late: 60 ms, needed once
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    return private, key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)


def _write(path: str, content: bytes, mode: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
