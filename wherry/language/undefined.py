"""What stands for a value that is not there: fails when it is used, and knows why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2.exceptions import UndefinedError
from jinja2.runtime import StrictUndefined
from jinja2.utils import missing

from wherry.errors import ProjectError, TemplateError, UndefinedVariable
from wherry.language.suggest import did_you_mean


class Marker(StrictUndefined):
    """A name or member that is not there; members of it are not there either, so that `a.b.c | default(x)` works."""

    __slots__ = ()

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = UndefinedError
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if exc is UndefinedError:
            self._undefined_exception = self._explained  # type: ignore[assignment]

    def _explained(self, message: str | None) -> ProjectError:
        name, owner = str(self._undefined_name), self._undefined_obj
        if self._undefined_hint:
            return UndefinedVariable(name, hint=str(self._undefined_hint))
        members = list(owner) if isinstance(owner, Mapping) else []
        return UndefinedVariable(name, hint=did_you_mean(name, members))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def fail(self) -> ProjectError:
        """The error to raise for using it."""
        error = self._undefined_exception(self._undefined_message)
        if isinstance(error, ProjectError):
            return error
        return TemplateError(f"not allowed in a template: {error}")


class Unresolved(Marker):
    """A variable whose definition uses something that is not there."""

    __slots__ = ("_cause",)

    def __init__(self, name: str, cause: ProjectError) -> None:
        super().__init__(name=name)
        self._cause = cause
        self._undefined_exception = lambda message: cause  # type: ignore[assignment]


class Failed(Unresolved):
    """A variable whose definition cannot be rendered for another reason; `default` does not hide it."""

    __slots__ = ()
