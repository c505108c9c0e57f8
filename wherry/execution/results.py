"""A result's way from what a host sent to what is registered and shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.errors import ProjectError, ProtocolError
from wherry.language import conditional
from wherry.language.task import Task
from wherry.language.variables import Scope

SKIPPED = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
DROPPED = {"dropped": True}  # the answer of a host to what stands behind a failed task, and to nothing else
NO_ITEMS = {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}


def checked(answer: Any, host: str) -> dict[str, Any]:
    """What a host sent as a result; ProtocolError for anything that cannot be one."""
    if not isinstance(answer, dict) or answer == DROPPED:
        what = (
            "a task dropped that it was to do"
            if isinstance(answer, dict)
            else f"a result that is a {type(answer).__name__}"
        )
        raise ProtocolError(what, host, "the host does not keep the protocol")
    flags = {name: answer.get(name) is True for name in ("changed", "failed")}
    skipped = {"skipped": True} if answer.get("skipped") is True else {}
    return {**{key: value for key, value in answer.items() if key != "skipped"}, **flags, **skipped}


def checked_facts(answer: Any, host: str) -> dict[str, Any]:
    """What a host sent as facts; ProtocolError for anything that cannot be that."""
    if not isinstance(answer, dict) or not all(isinstance(name, str) for name in answer):
        raise ProtocolError("facts that are no mapping of names", host, "the host does not keep the protocol")
    return answer


def registered(result: dict[str, Any]) -> dict[str, Any]:
    """What a variable holds of a result: output by lines too, nothing that only reports read."""
    found = {key: value for key, value in result.items() if not key.startswith("_")}
    found.setdefault("failed", False)
    for name in ("stdout", "stderr"):
        if isinstance(result.get(name), str):
            found.setdefault(f"{name}_lines", result[name].splitlines())
    return found


def failure(error: Exception) -> dict[str, Any]:
    """The result of a task that could not be carried out."""
    return {"changed": False, "failed": True, "msg": str(error)}


def judged(result: dict[str, Any], task: Task, scope: Scope) -> dict[str, Any]:
    """The result with `changed_when` and `failed_when` applied; both see it under the task's `register:` name."""
    if result.get("skipped"):
        return result
    try:
        if task.changed_when is not None:
            result = {**result, "changed": conditional.test(task.changed_when, with_result(scope, task, result))}
        if task.failed_when is not None:
            failed = conditional.test(task.failed_when, with_result(scope, task, result))
            result = {**result, "failed": failed, "failed_when_result": failed}
    except ProjectError as error:
        return {**result, **failure(error)}
    return result


def with_result(scope: Scope, task: Task, result: dict[str, Any]) -> Scope:
    """The scope in which a task's conditions about its own result are tested."""
    return scope.with_registered({task.register: result}) if task.register else scope


def combined(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The result of a loop from those of its items."""
    if not results:
        return dict(NO_ITEMS)
    failed = any(each.get("failed") for each in results)
    skipped = all(each.get("skipped") for each in results)
    message = "One or more items failed" if failed else "All items skipped" if skipped else "All items completed"
    return {
        "changed": any(each.get("changed") for each in results),
        "msg": message,
        "results": list(results),
        **({"failed": True} if failed else {}),
        **({"skipped": True} if skipped else {}),
    }


def status(result: dict[str, Any], ignore_errors: bool) -> str:
    """The word for a result: ok, changed, skipped, failed or ignored."""
    if result.get("failed"):
        return "ignored" if ignore_errors else "failed"
    if result.get("skipped"):
        return "skipped"
    return "changed" if result.get("changed") else "ok"


def counted(word: str, result: dict[str, Any]) -> tuple[str, ...]:
    """What a finished task adds to its host's counts; an ignored failure and a change are ok too, as in Ansible."""
    if word == "ignored":
        return ("ok", "ignored", "changed") if result.get("changed") else ("ok", "ignored")
    return ("ok", "changed") if word == "changed" else (word,)
