"""The Jinja sandbox: names are looked up in a Scope, project data cannot be changed, dangerous attributes are refused."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import cache
from typing import Any

from jinja2 import BaseLoader, Template, nodes
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.parser import Parser
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from wherry.language import checks, filters, functions
from wherry.language.functions import SCOPE
from wherry.language.keywords import words
from wherry.language.magic import OMIT
from wherry.language.source import Source, SourceList, SourceMap
from wherry.language.undefined import Marker
from wherry.language.variables import MISSING, Scope

RESULT = "result"
ESCAPE = re.compile(r"""(\\[\n\\'"abfnrtvxuUN0-7])|\\""")
CHANGING = words(
    """append add clear discard difference_update extend insert intersection_update pop popitem remove reverse
    setdefault sort symmetric_difference_update update"""
)
LISTED = (set, frozenset, range, tuple, Iterator, KeysView, ValuesView, ItemsView)


class ScopeContext(Context):
    """Looks names up in the template's own variables, then in the Scope, then among the globals."""

    def resolve_or_missing(self, key: str) -> Any:
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        scope = self.parent.get(SCOPE)
        value = MISSING if scope is None else scope.run.templar.resolve(key, scope)
        return self.environment.globals.get(key, missing) if value is MISSING else value


class Environment(SandboxedEnvironment):
    """Jinja as templates in a project see it."""

    context_class = ScopeContext
    intercepted_binops = frozenset({"**", "*"})

    def __init__(self, **options: Any) -> None:
        super().__init__(
            undefined=Marker, finalize=shown, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], **options
        )
        self.filters.update(filters.table())
        self.tests.update(checks.table())
        self.globals.update(functions.table())

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member by name: of a mapping, its methods before its keys, as Ansible."""
        if isinstance(obj, dict):
            if attribute in obj and not hasattr(dict, attribute):
                return obj[attribute]
            if isinstance(obj, SourceMap) and not hasattr(dict, attribute):
                return self.undefined(obj=obj, name=attribute)
        elif isinstance(obj, Source) and not hasattr(str, attribute):
            return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Also refuse to change what the project's files say: other hosts read the same object."""
        if isinstance(obj, SourceMap | SourceList) and attr in CHANGING:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`*` and `**` with a bound on what they make."""
        if (
            operator == "**"
            and isinstance(right, int | float)
            and isinstance(left, int | float)
            and abs(right) > 10_000
        ):
            raise SecurityError(f"{left} ** {right} is too large for a template")
        if operator == "*":
            refuse_huge(left, right)
            refuse_huge(right, left)
        return super().call_binop(context, operator, left, right)


def refuse_huge(sequence: Any, times: Any) -> None:
    """Text or a list repeated past 10 million is no template's need."""
    if isinstance(sequence, str | list | tuple) and isinstance(times, int) and len(sequence) * times > 10_000_000:
        raise SecurityError("a template makes a text or list that is too large")


def shown(value: Any) -> Any:
    """A value on its way into text: None is nothing, a generator is the list of what it gives."""
    if value is None:
        return ""
    if value is OMIT:
        raise SecurityError("omit stands inside of a text; only a whole value can be omitted")
    return listed(value)


def listed(value: Any) -> Any:
    """Generators, views, sets and ranges as lists, `x if false` without an else as ""; everything else as it is."""
    if type(value) is Undefined:
        return ""
    if isinstance(value, str | bytes | list | dict | Marker) or value is None:
        return value
    return list(value) if isinstance(value, LISTED) else value


class Compiled:
    """A template that is ready to run; `single` when it is one expression, whose value keeps its type."""

    __slots__ = ("_template", "single")

    def __init__(self, template: Template, single: bool) -> None:
        self._template, self.single = template, single

    def run(self, scope: Scope) -> Any:
        """The value in the scope; may be a Marker."""
        environment = self._template.environment
        context = ScopeContext(environment, {SCOPE: scope}, self._template.name, self._template.blocks)
        if not self.single:
            return "".join(self._template.root_render_func(context))
        for _ in self._template.root_render_func(context):
            pass
        return listed(context.vars[RESULT])

    def text(self, scope: Scope) -> str:
        """The whole text in the scope."""
        return str(self.run(scope))


@cache
def variables_environment() -> Environment:
    """For strings in YAML."""
    return Environment()


def compile_text(text: str) -> Compiled:
    """A string from YAML; jinja2 errors are the caller's to explain."""
    environment = variables_environment()
    tree = parsed(text, bare=False)
    expression = only_expression(tree)
    if expression is None:
        return Compiled(environment.from_string(tree), single=False)
    return Compiled(environment.from_string(assigned(expression)), single=True)


def compile_expression(text: str) -> Compiled:
    """A bare expression (`when:`)."""
    return Compiled(variables_environment().from_string(parsed(text, bare=True)), single=True)


def parsed(text: str, *, bare: bool) -> nodes.Template:
    """The tree of a string from YAML, or of a bare expression."""
    environment = variables_environment()
    text = backslashes_kept(text, bare) if "\\" in text else str(text)
    if not bare:
        return environment.parse(text)
    parser = Parser(environment, text, state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        parser.fail(f"'{parser.stream.current.value}' is one word too many")
    return assigned(expression)


def backslashes_kept(text: str, bare: bool) -> str:
    """The text with backslashes in the strings of {{ }} doubled: there, as in Ansible, they stand for themselves.

    Elsewhere only those are that begin no escape: `x is match('\\d')`.
    """
    found, inside = "", False
    for _, kind, value in variables_environment().lexer.tokeniter(text, None, None, "variable" if bare else None):
        inside = (inside or kind == "variable_begin") and kind != "variable_end"
        found += kept(value, everything=inside) if kind == "string" else value
    return found


def kept(string: str, *, everything: bool) -> str:
    """A string of a template with its backslashes doubled, or those of them that begin no escape."""
    return string.replace("\\", "\\\\") if everything else ESCAPE.sub(lambda match: match[1] or "\\\\", string)


def only_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that consists of nothing else."""
    if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) and len(tree.body[0].nodes) == 1:
        node = tree.body[0].nodes[0]
        return None if isinstance(node, nodes.TemplateData) else node
    return None


def assigned(expression: nodes.Expr) -> nodes.Template:
    """A template that keeps the expression's value instead of printing it."""
    target = nodes.Name(RESULT, "store", lineno=1)
    tree = nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1)
    tree.set_environment(variables_environment())
    return tree


class FileLoader(BaseLoader):
    """Finds templates for include and import: beside the one that asks, then in the search path."""

    def __init__(self, read: Callable[[str], bytes], folders: Iterable[str]) -> None:
        self._read, self._folders = read, tuple(folders)

    def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        for folder in self._folders:
            path = os.path.normpath(os.path.join(folder, template))
            if os.path.isfile(path):
                return self._read(path).decode(), path, lambda: True
        raise TemplateNotFound(template)


def file_environment(options: Mapping[str, Any], loader: FileLoader) -> Environment:
    """For template files: trim_blocks on, the last newline kept; `options` come from a #jinja2: line."""
    return Environment(**{"trim_blocks": True, "keep_trailing_newline": True, "loader": loader, **options})
