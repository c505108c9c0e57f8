"""What went wrong on several hosts, said once for all that have it in common. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

HINT = "hint: "


@dataclass(frozen=True)
class Reason:
    """A cause, the hosts that have it, and what the error advises to do."""

    hosts: tuple[str, ...]
    text: str
    hint: str

    def __str__(self) -> str:
        return f"{', '.join(self.hosts)}: {self.text}"


def of(texts: Mapping[str, str]) -> list[Reason]:
    """The causes in these error texts (by host), in the order of the hosts' names."""
    groups: dict[tuple[str, str], list[str]] = {}
    for host, text in sorted(texts.items()):
        groups.setdefault(_parts(host, text), []).append(host)
    return [Reason(tuple(hosts), text, hint) for (text, hint), hosts in groups.items()]


def in_one_line(texts: Mapping[str, str]) -> str:
    """All causes, without what is advised."""
    return "; ".join(map(str, of(texts)))


def hint(texts: Mapping[str, str]) -> str:
    """What the errors advise, each advice once."""
    return "; ".join(dict.fromkeys(each.hint for each in of(texts) if each.hint))


def _parts(host: str, text: str) -> tuple[str, str]:
    """An error's first line without the host that it begins with, and its hint."""
    first, *rest = text.splitlines() or [""]
    advice = next((line.strip().removeprefix(HINT) for line in rest if line.strip().startswith(HINT)), "")
    return re.sub(rf"^(?:{re.escape(host)}(?: \([^)]*\))?: )+", "", first), advice
