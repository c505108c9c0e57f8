"""Which host keys are trusted: OpenSSH's known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), read by ourselves.

A line that cannot be understood is skipped, as OpenSSH does; the others still count (paramiko drops the whole file, and
with it every @revoked line).
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import fnmatch
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MARKERS = ("@cert-authority", "@revoked")


@dataclass(frozen=True)
class Entry:
    """One line: `marker` is "", "@cert-authority" or "@revoked"; `names` as written (patterns, or one hashed name)."""

    marker: str
    names: str
    kind: str
    blob: bytes
    place: str

    def matches(self, name: str) -> bool:
        """Whether the line is about this host: "example.com", "[example.com]:2222", an address."""
        if self.names.startswith("|1|"):
            return self._matches_hash(name)
        patterns = self.names.lower().split(",")
        if any(fnmatch_name(name, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
            return False
        return any(fnmatch_name(name, pattern) for pattern in patterns if not pattern.startswith("!"))

    def _matches_hash(self, name: str) -> bool:
        try:
            salt, digest = (base64.b64decode(part, validate=True) for part in self.names[3:].split("|"))
        except ValueError:
            return False
        return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


@dataclass(frozen=True)
class Keys:
    """What the files say about one host."""

    trusted: tuple[Entry, ...]
    authorities: tuple[Entry, ...]
    revoked: tuple[Entry, ...]

    def is_revoked(self, blob: bytes) -> Entry | None:
        """The line that revokes this key, if any."""
        return next((entry for entry in self.revoked if entry.blob == blob), None)

    def is_trusted(self, blob: bytes) -> bool:
        """Whether a line names exactly this key."""
        return any(entry.blob == blob for entry in self.trusted)

    def is_authority(self, blob: bytes) -> bool:
        """Whether a line names this key as an authority for the host's certificates."""
        return any(entry.blob == blob for entry in self.authorities)


def find(name: str, files: Iterable[str]) -> Keys:
    """The lines about a host in these files; a missing file is an empty one."""
    entries = [entry for path in files for entry in read(path) if entry.matches(name.lower())]
    by_marker = (tuple(each for each in entries if each.marker == marker) for marker in ("", *MARKERS))
    return Keys(*by_marker)


def read(path: str) -> Iterator[Entry]:
    """The entries of a file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except FileNotFoundError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if entry := parse(line, f"{path}:{number}"):
            yield entry


def parse(line: str, place: str = "") -> Entry | None:
    """The entry on a line; None for comments, blank lines and what is not an entry."""
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#") or marker not in ("", *MARKERS):
        return None
    names, kind, text = words[:3]
    try:
        blob = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return Entry(marker, names, kind, blob, place) if kind_of(blob) == kind else None


def kind_of(blob: bytes) -> str:
    """The key type inside a key blob (RFC 4253, 6.6)."""
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode("ascii", "replace")


def fingerprint(blob: bytes) -> str:
    """A key's fingerprint as ssh-keygen -l shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def name_of(host: str, port: int) -> str:
    """A host's name in known_hosts: with its port in brackets unless that is 22."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def fnmatch_name(name: str, pattern: str) -> bool:
    """OpenSSH's patterns know * and ?, but no sets: brackets are those of [host]:port."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def add(path: str, name: str, kind: str, blob: bytes, hashed: bool = False) -> None:
    """Append a key to a file (made 0600, its folder 0700), unless another process did so meanwhile."""
    os.makedirs(os.path.dirname(path) or ".", 0o700, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        if any(entry.matches(name) and entry.blob == blob for entry in map(parse, text.splitlines()) if entry):
            return
        newline = "" if not text or text.endswith("\n") else "\n"
        file.write(f"{newline}{hash_of(name) if hashed else name} {kind} {base64.b64encode(blob).decode()}\n")


def hash_of(name: str) -> str:
    """A name as HashKnownHosts writes it."""
    salt = secrets.token_bytes(20)
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
