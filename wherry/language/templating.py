"""Templar: renders what the project wrote, and nothing else.

A Source is compiled once (by its text) and run against a Scope; every other string passes through unread. A rendered value is
plain data, so nothing is ever rendered twice.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, TemplateError, UndefinedVariable
from wherry.language import template_errors
from wherry.language.keywords import words
from wherry.language.magic import OMIT, HostVars, HostView, Omit
from wherry.language.names import References, names, references, task_references
from wherry.language.source import Sealed, Secret, Source, Warn, ignore, is_static
from wherry.language.suggest import did_you_mean
from wherry.language.variables import DATA, MISSING, Scope
from wherry.protocols import Outside

if TYPE_CHECKING:
    from wherry.language.environment import Compiled

__all__ = ["OMIT", "Omit", "References", "Templar", "names", "plain", "references", "task_references"]

HEADER = re.compile(r"#jinja2:[ \t]*(.*)\n")
HEADER_OPTIONS = words(
    """block_start_string block_end_string variable_start_string variable_end_string comment_start_string
    comment_end_string trim_blocks lstrip_blocks newline_sequence keep_trailing_newline"""
)


class Templar:
    """Renders Source strings with the variables of a Scope; `warn` is told what works and should not stay so."""

    def __init__(self, outside: Outside, *, warn: Warn = ignore) -> None:
        self.outside, self._warn = outside, warn
        self.warned: set[str] = set()
        self.compiled: dict[str, Compiled] = {}
        self.expressions: dict[str, Compiled] = {}

    def warn(self, text: str) -> None:
        """Tell the operator, once: what one host's templates do, every host's do."""
        if text not in self.warned:
            self.warned.add(text)
            self._warn(text)

    def render(self, value: Any, scope: Scope) -> Any:
        """`value` with every Source in it rendered, as plain data: dict, list, str, int, float, bool, None, bytes.

        A template that is one expression gives the expression's own type.  An `omit` in a mapping or list is taken out; alone
        it is returned as OMIT.  Raises UndefinedVariable, TemplateError.
        """
        if isinstance(value, Source):
            with template_errors.of_source(value, scope):
                return plain(self.value(value, scope))
        if isinstance(value, dict):
            rendered = ((plain(key), self.render(each, scope)) for key, each in value.items())
            return {key: each for key, each in rendered if each is not OMIT}
        if isinstance(value, list | tuple):
            return [each for member in value if (each := self.render(member, scope)) is not OMIT]
        return plain(value)

    def render_file(self, text: str, scope: Scope, path: str, search: Sequence[str] = ()) -> str:
        """The text of a template file (module `template`): trim_blocks on, trailing newline kept, `#jinja2:` line heeded.

        `{% include %}` and `{% import %}` look in the file's folder, then in `search`.  `text` must be the project's own.
        """
        from wherry.language import environment

        folder = os.path.dirname(os.path.abspath(path))
        options, text, skipped = header(text, path)
        loader = environment.FileLoader(self.outside.read_file, (folder, *search))
        with template_errors.of_file(path, skipped, scope):
            template = environment.file_environment(options, loader).from_string(text)
            return environment.Compiled(template, single=False).text(scope)

    def evaluate(self, expression: str, scope: Scope) -> Any:
        """The value of a bare expression of the project's own (`when:`), as plain data."""
        with template_errors.of_source(expression, scope):
            return plain(self._run(expression, scope, bare=True))

    def value(self, value: Any, scope: Scope) -> Any:
        """As render, for use inside of templates: members that cannot be rendered are markers, static data is shared."""
        if isinstance(value, Source):
            if type(value) is Sealed:
                raise ProjectError(
                    "vault is not supported yet", value.place, "this value is encrypted with ansible-vault"
                )
            if not value.is_template:
                return value
            rendered = self._run(value, scope)
            return Secret(rendered) if type(value) is Secret and isinstance(rendered, str) else rendered
        if is_static(value):
            return value
        if isinstance(value, dict):
            return {key: self.member(each, scope) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.member(each, scope) for each in value]
        return value

    def member(self, value: Any, scope: Scope) -> Any:
        """One member of a mapping or list: an undefined one fails when it is used, not when its neighbour is."""
        try:
            return self.value(value, scope)
        except UndefinedVariable as error:
            from wherry.language.undefined import Unresolved

            return Unresolved(error.name, through(scope.rendering[-1:], error))

    def variable(self, name: str, scope: Scope) -> Any:
        """The rendered value of a variable, as plain data; UndefinedVariable, TemplateError."""
        value = self.resolve(name, scope)
        if value is MISSING:
            raise UndefinedVariable(name, hint=did_you_mean(name, scope))
        return plain(value)

    def resolve(self, name: str, scope: Scope) -> Any:
        """The rendered value for use inside of templates: MISSING without definition, a marker for one that fails."""
        if name in scope.rendered:
            return scope.rendered[name]
        raw, level = scope.find(name)
        if raw is MISSING or level in DATA or is_static(raw):
            return raw
        if name in scope.rendering:
            chain = " -> ".join([*scope.rendering[scope.rendering.index(name) :], name])
            raise TemplateError(f"'{name}' refers to itself: {chain}", getattr(raw, "place", None))
        scope.rendering.append(name)
        try:
            scope.rendered[name] = value = self._marked(name, raw, scope)
        finally:
            scope.rendering.pop()
        return value

    def _marked(self, name: str, raw: Any, scope: Scope) -> Any:
        from wherry.language.undefined import Failed, Unresolved

        try:
            value = self.value(raw, scope)
        except UndefinedVariable as error:
            return Unresolved(name, through([name], error))
        except ProjectError as error:
            return Failed(name, error)
        return value

    def _run(self, text: str, scope: Scope, *, bare: bool = False) -> Any:
        """Run a template against the scope; every error gets the place of what it is about."""
        from wherry.language import environment
        from wherry.language.undefined import Marker

        with template_errors.of_source(text, scope):
            cache = self.expressions if bare else self.compiled
            compiled = cache.get(text)
            if compiled is None:
                compiled = environment.compile_expression(text) if bare else environment.compile_text(text)
                cache[str(text)] = compiled
            value = compiled.run(scope)
            if isinstance(value, Marker):
                raise value.fail()
            return ended(value, text) if isinstance(value, str) and text.endswith("\n") and not bare else value


def ended(value: str, text: str) -> str:
    """The value with as many newlines at its end as the template's text has, as in Ansible."""
    missing = (len(text) - len(text.rstrip("\n"))) - (len(value) - len(value.rstrip("\n")))
    return value + "\n" * missing


def through(names: list[str], error: UndefinedVariable) -> UndefinedVariable:
    """The error, reached through these names."""
    return UndefinedVariable(error.name, error.place, (*names, *error.chain), error.hint)


def plain(value: Any) -> Any:
    """Rendered data without our own types, without what is omitted; a marker in it raises its error.

    Dates become text as YAML writes them; a Secret stays one.
    """
    kind = type(value)
    if kind in (str, int, bool, float) or value is None or kind is Secret or value is OMIT:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict | HostVars | HostView):
        return {plain(key): plain(each) for key, each in value.items() if each is not OMIT}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value if each is not OMIT]
    if isinstance(value, datetime.date):
        return str(value) if isinstance(value, datetime.datetime) else value.isoformat()
    if kind.__module__ == "jinja2.runtime":  # what `x if false` without an else gives
        return ""
    if hasattr(kind, "fail"):
        raise value.fail()
    if callable(value):
        name = getattr(value, "__name__", kind.__name__)
        raise TemplateError(f"'{name}' is a method, not data", hint=f"write ['{name}'] for a key, {name}() to call it")
    return value


def header(text: str, path: str) -> tuple[dict[str, Any], str, int]:
    """The options of a `#jinja2: trim_blocks: False` first line, the text below it, and how many lines that took."""
    matched = HEADER.match(text)
    if matched is None:
        return {}, text, 0
    options: dict[str, Any] = {}
    for pair in matched[1].split(","):
        name, _, value = pair.partition(":")
        name, value = name.strip(), value.strip()
        if name not in HEADER_OPTIONS:
            raise TemplateError(
                f"'{name}' is not an option of a #jinja2: line", hint=did_you_mean(name, HEADER_OPTIONS)
            )
        options[name] = value == "True" if value in ("True", "False") else value.strip("'\"")
    return options, text[matched.end() :], 1
