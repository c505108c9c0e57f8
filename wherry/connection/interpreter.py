"""A host whose python3 is missing, too old or incomplete: look for another one, else say what to install."""

from __future__ import annotations

import shlex
from typing import Protocol

from wherry.connection.target import Target
from wherry.errors import UnreachableError

NEEDED = "Python 3.9 or newer with its standard library"
SEARCH = """
for p in python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 \
  /usr/local/bin/python3 /opt/*/bin/python3 /usr/libexec/platform-python; do
  q=$(command -v "$p") && "$q" -I -S -c 'import sys, json, zlib, _ctypes; sys.exit(sys.version_info < (3, 9))' 2>/dev/null &&
  echo "wherry python $q" && exit
done
. /etc/os-release 2>/dev/null; echo "wherry none ${ID_LIKE:-} ${ID:-}"
"""
INSTALL = (
    (("debian", "ubuntu"), "apt-get install python3"),
    (("rhel", "fedora", "centos"), "dnf install python3.11"),
    (("suse", "opensuse"), "zypper install python311"),
    (("alpine",), "apk add python3"),
    (("arch",), "pacman -S python"),
)


class Unfit(Exception):
    """The interpreter that was tried cannot run the agent; says what it lacks."""


class Shell(Protocol):
    """A connection that can run a command."""

    def output(self, command: str) -> str:
        """What it prints."""


def find(connection: Shell, target: Target, unfit: Unfit) -> str:
    """The path of another interpreter that fits; UnreachableError that says what to install."""
    if target.python:
        raise lacking(
            target,
            f"{target.python}: {unfit or 'cannot be run'}",
            "",
            "correct the host's `ansible_python_interpreter`",
        )
    for line in connection.output("exec /bin/sh -c " + shlex.quote(SEARCH)).splitlines():
        if line.startswith("wherry python /"):
            return line.removeprefix("wherry python ")
        if line.startswith("wherry none"):
            raise lacking(target, str(unfit), line)
    raise lacking(target, str(unfit), "")


def lacking(target: Target, reason: str, system: str, hint: str = "") -> UnreachableError:
    """The error that names what to install on this kind of system."""
    words = system.replace("-", " ").split()
    known = next((command for names, command in INSTALL if any(name in words for name in names)), "install it")
    what = f"has no {NEEDED}" + (f" ({reason.strip()[:300]})" if reason.strip() else "")
    return UnreachableError(what, target.name, hint or f"as root there: {known}")
