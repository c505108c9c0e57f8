"""What a play's `rollout:` says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from wherry.errors import ProjectError
from wherry.protocols import Place

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


@dataclass(frozen=True)
class Application:
    """What is deployed as one: locks and releases belong to it.

    app: its name, lower case.  keep: releases that stay on each host, at least 2, so that a rollback needs no transfer.
    min_healthy_time: seconds for which a new container's probe must pass.  start_timeout: seconds until the first pass.
    drain_timeout: seconds an old container's connections may take to end.
    retire: what becomes of the old container until the commit: "freeze" (warm, a revert takes milliseconds) or "stop".
    """

    app: str
    keep: int = 5
    min_healthy_time: float = 1.0
    start_timeout: float = 60.0
    drain_timeout: float = 30.0
    retire: str = "freeze"

    def container_defaults(self) -> dict[str, Any]:
        """What each container's own `rollout` section starts from."""
        return {
            "min_healthy_time": self.min_healthy_time,
            "start_timeout": self.start_timeout,
            "drain_timeout": self.drain_timeout,
            "retire": self.retire,
        }


def from_play(options: dict[str, Any], place: Place | None) -> Application:
    """The application that `rollout:` describes, its keys known ones; raises ProjectError for a value that cannot be meant."""
    name = str(options.get("app", ""))
    if not NAME.fullmatch(name):
        raise ProjectError(f"rollout: needs app: NAME (lower case letters, digits, . _ -), got '{name}'", place)
    numbers = {key: _number(key, options[key], place) for key in options if key not in ("app", "retire")}
    retire = str(options.get("retire", "freeze"))
    if retire not in ("freeze", "stop"):
        raise ProjectError(f"rollout: retire is 'freeze' or 'stop', not '{retire}'", place)
    keep = int(numbers.pop("keep", 5))
    if keep < 2:
        raise ProjectError("rollout: keep must be at least 2: the release in force and one to go back to", place)
    return Application(app=name, keep=keep, retire=retire, **numbers)


def _number(key: str, value: Any, place: Place | None) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 86400:
        raise ProjectError(
            f"rollout: {key} is a number of {'releases' if key == 'keep' else 'seconds'}, not '{value}'", place
        )
    return number
