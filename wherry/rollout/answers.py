"""What hosts answer to the steps of a rollout, looked at before it is used: a host may be broken, or lie. Pure."""

from __future__ import annotations

from typing import Any

from wherry.errors import ProtocolError

NUMBER, LARGEST = (int, float), 1e11  # the largest also bounds times, which the C library is asked to show
# A type or several; [shape] a list of such; {key: shape} at least these, "key?" may be missing or null; {"*": shape} any keys.
CONTAINER = {"name": str, "image?": str, "request?": dict}
RECORD = {"number": int, "when?": NUMBER, "author?": str, "commit?": str, "containers?": [CONTAINER]}
PORT = {"address": str, "host_port": int, "container_port": int, "protocol": str}
SHAPES: dict[str, Any] = {
    "lock": {"token": int, "number": int, "current?": RECORD, "reverted?": [str]},
    "stage": {"containers": [{"name": str, "changed": bool}]},
    "switch": {"failed?": bool, "milliseconds?": {"*": NUMBER}, "logs?": list, "listening?": list},
    "revert": {"reverted?": [str]},
    "applications": {"applications": [{"app": str}]},
    "history": {"releases": [RECORD]},
    "status": {
        "current?": RECORD,
        "containers": [{**CONTAINER, "status": str, "ports?": [(str, PORT)]}],
        "lock?": {"owner": str, "live": bool, "expires_in": NUMBER},
        "uncommitted?": int,
    },
}


def checked(op: str, answer: dict[str, Any], host: str) -> dict[str, Any]:
    """The answer of a host to `op`; ProtocolError when what is used of it is not there or of another kind."""
    problem = mismatch(SHAPES.get(op, {}), answer)
    if problem:
        hint = "is another version of wherry at work there, or somebody who answers in its place?"
        raise ProtocolError(f"answers '{op}' with something that makes no sense: {problem}", host, hint)
    return answer


def mismatch(shape: Any, value: Any, where: str = "the answer") -> str:
    """What is wrong with a value, in words; empty when it has the shape."""
    if isinstance(shape, dict):
        return _mapping(shape, value, where)
    if isinstance(shape, list):
        return _list(shape[0], value, where)
    if isinstance(shape, tuple) and any(isinstance(each, dict) for each in shape):
        problems = [mismatch(each, value, where) for each in shape]
        return "" if "" in problems else problems[0]
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        return f"{where} is {type(value).__name__}"
    if isinstance(value, int | float) and not -LARGEST < value < LARGEST:
        return f"{where} is out of range"
    return ""


def _mapping(shape: dict[str, Any], value: Any, where: str) -> str:
    if not isinstance(value, dict):
        return f"{where} is {type(value).__name__}"
    for key, inner in shape.items():
        name = key.removesuffix("?")
        if key == "*":
            problem = next(filter(None, (mismatch(inner, each, where) for each in value.values())), "")
        elif key.endswith("?") and value.get(name) is None:
            continue
        elif name not in value:
            return f"{where} has no '{name}'"
        else:
            problem = mismatch(inner, value[name], f"'{name}'")
        if problem:
            return problem
    return ""


def _list(shape: Any, value: Any, where: str) -> str:
    if not isinstance(value, list):
        return f"{where} is {type(value).__name__}"
    return next(filter(None, (mismatch(shape, each, f"an item of {where}") for each in value)), "")
