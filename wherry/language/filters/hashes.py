"""Digests, and passwords as crypt(3) writes them."""

from __future__ import annotations

import hashlib
import string
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from wherry.language.filters import sha_crypt
from wherry.language.functions import scope_of

SALT = string.ascii_letters + string.digits + "./"
KINDS = {"sha512": "sha512", "sha512_crypt": "sha512", "sha256": "sha256", "sha256_crypt": "sha256"}


def digest(value: Any, hashtype: str = "sha1") -> str:
    """The digest of a text, in hex."""
    made = hashlib.new(hashtype)
    made.update(str(value).encode("utf-8", "surrogateescape"))
    return made.hexdigest()


def md5(value: Any) -> str:
    """The MD5 of a text."""
    return digest(value, "md5")


@pass_context
def password_hash(
    context: Context, password: Any, hashtype: str = "sha512", salt: str | None = None, salt_size: int | None = None,
    rounds: int | None = None, ident: str | None = None,
) -> str:  # fmt: skip
    """A password as /etc/shadow has it: sha512 or sha256; the salt is random unless given."""
    if hashtype not in KINDS:
        raise ValueError(f"password_hash knows {', '.join(KINDS)}, not '{hashtype}'")
    if salt is None:
        drawn = scope_of(context).run.templar.outside.random(salt_size or 16)
        salt = "".join(SALT[byte % len(SALT)] for byte in drawn)
    return sha_crypt.crypt(str(password), KINDS[hashtype], str(salt), rounds)


FILTERS = {"hash": digest, "checksum": digest, "sha1": digest, "md5": md5, "password_hash": password_hash}
