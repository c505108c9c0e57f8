"""Signals by name, and whether a process would notice one."""

import _signal

from ..errors import UsageError
from .nearest import hint

SYNONYMS = {"IOT": "ABRT", "CLD": "CHLD", "POLL": "IO"}
TERM = 15


def number(text):
    """The number of "TERM", "SIGTERM", "15" or 15; UsageError for what is no signal."""
    text = str(text).upper()
    if text in ("TERM", "SIGTERM"):
        return TERM  # the usual one, without looking at all of them
    known = {
        each[3:]: int(getattr(_signal, each)) for each in dir(_signal) if each[:3] == "SIG" and each[3:4].isalpha()
    }
    name = text[3:] if text.startswith("SIG") else text
    found = known.get(SYNONYMS.get(name, name)) or (int(text) if text.isdigit() else 0)
    if name.startswith("RTMIN+") and name[6:].isdigit():
        found = known["RTMIN"] + int(name[6:])
    if not 0 < found <= known["RTMAX"]:
        raise UsageError(f"{text!r} is no signal", hint=hint(name, known, "such as TERM, INT, HUP, KILL or a number"))
    return found


def is_handled(pid, signal):
    """Whether process `pid` has a handler for `signal`: without one the kernel drops it when `pid` is a PID 1."""
    with open(f"/proc/{pid}/status", "rb") as file:
        caught = next(line for line in file if line.startswith(b"SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal - 1) & 1)
