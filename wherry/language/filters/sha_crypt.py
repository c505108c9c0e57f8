"""SHA-crypt, the password hashes $5$ and $6$ of crypt(3), by Ulrich Drepper's description (Python 3.13 has no crypt)."""

from __future__ import annotations

import hashlib

LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IDENTS = {"sha256": "5", "sha512": "6"}
ROUNDS = 5000
# Which bytes of the digest make up each group of four letters.
ORDER: dict[str, list[tuple[int, int, int]]] = {
    "sha256": [
        *((0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14)),
        *((15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29)),
    ],
    "sha512": [
        (a + number, b + number, c + number)
        for number, (a, b, c) in enumerate([(0, 21, 42), (21, 42, 0), (42, 0, 21)] * 7)
    ],
}


def crypt(password: str, kind: str, salt: str, rounds: int | None = None) -> str:
    """The hash of the password as a line of /etc/shadow has it; `salt` counts up to 16 characters."""
    secret, salt_bytes = password.encode(), salt.encode()[:16]
    count = max(1000, min(rounds or ROUNDS, 999_999_999))
    first = mixed(secret, salt_bytes, kind)
    found = stretched(first, secret, salt_bytes, kind, count)
    shown = "" if count == ROUNDS else f"rounds={count}$"
    return f"${IDENTS[kind]}${shown}{salt_bytes.decode()}${encoded(found, kind)}"


def mixed(secret: bytes, salt: bytes, kind: str) -> bytes:
    """Digest A: password and salt, mixed by the bits of the password's length."""
    other = hashlib.new(kind, secret + salt + secret).digest()
    data = secret + salt + repeated(other, len(secret))
    length = len(secret)
    while length:
        data += other if length & 1 else secret
        length >>= 1
    return hashlib.new(kind, data).digest()


def stretched(first: bytes, secret: bytes, salt: bytes, kind: str, rounds: int) -> bytes:
    """The digest after all rounds."""
    p = repeated(hashlib.new(kind, secret * len(secret)).digest(), len(secret))
    s = repeated(hashlib.new(kind, salt * (16 + first[0])).digest(), len(salt))
    found = first
    for number in range(rounds):
        data = p if number & 1 else found
        if number % 3:
            data += s
        if number % 7:
            data += p
        data += found if number & 1 else p
        found = hashlib.new(kind, data).digest()
    return found


def repeated(data: bytes, length: int) -> bytes:
    """The data over and over, `length` bytes of it."""
    return (data * (length // len(data) + 1))[:length]


def encoded(digest: bytes, kind: str) -> str:
    """The digest in crypt's own base64."""
    text = "".join(letters(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in ORDER[kind])
    rest = letters(digest[63], 2) if kind == "sha512" else letters(digest[31] << 8 | digest[30], 3)
    return text + rest


def letters(value: int, count: int) -> str:
    """The value as that many letters, the lowest bits first."""
    return "".join(LETTERS[value >> 6 * place & 63] for place in range(count))
