"""What a module says about itself: its signature, RULES and docstring, read with ast; host code never runs here."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from wherry.errors import WherryError

KINDS = ("str", "int", "float", "bool", "list", "dict", "path", "mode", "bytes", "raw")


@dataclass(frozen=True)
class Parameter:
    """One argument of a module: `kind` is one of KINDS, `choices` is empty when any value will do."""

    name: str
    kind: str = "raw"
    choices: tuple[str, ...] = ()
    required: bool = False
    default: Any = None
    written: str = ""  # as the signature has it: a trailing _ keeps clear of Python's words


@dataclass(frozen=True)
class Rules:
    """A module's RULES literal: what a signature cannot say.

    exclusive, one_of: groups of arguments.  required_if: (argument, value, what it then needs).  secret: never shown.
    free_form: the argument that `command: TEXT` means.  returns_facts: the result may hold `ansible_facts`.
    open: any other argument is taken too.  expressions: conditions and names, which an action gets unrendered.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    exclusive: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[str, Any, tuple[str, ...]], ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    secret: tuple[str, ...] = ()
    free_form: str = ""
    returns_facts: bool = False
    open: bool = False
    expressions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModuleSpec:
    """A module's file and what it accepts; `own` tells a project's module from a built-in one."""

    name: str
    path: str
    parameters: Mapping[str, Parameter]
    rules: Rules
    doc: str
    prepares: bool
    finishes: bool
    own: bool

    @cached_property
    def source(self) -> bytes:
        """The module's file."""
        with open(self.path, "rb") as file:
            return file.read()

    @cached_property
    def digest(self) -> str:
        """The digest under which a project's own module is sent."""
        return "sha256:" + hashlib.sha256(self.source).hexdigest()

    @cached_property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """`prepare` and `finish`, loaded from the file under a name that shadows nothing."""
        from importlib.util import module_from_spec, spec_from_file_location

        spec = spec_from_file_location(f"wherry_module_{self.name}", self.path)
        if spec is None or spec.loader is None:
            raise WherryError(f"module '{self.name}' cannot be loaded", self.path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return {name: getattr(module, name) for name in ("prepare", "finish") if hasattr(module, name)}


def read(path: str, *, own: bool) -> ModuleSpec:
    """The spec of the module in `path`; WherryError names the file and line of what is not understood."""
    name = os.path.basename(path).removesuffix(".py")
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except (SyntaxError, ValueError) as error:
        raise WherryError(f"module '{name}' is not Python: {error}", path) from None
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if "run" not in functions:
        raise WherryError(f"module '{name}' has no function run(host, ...)", path, "see a built-in module for the form")
    return ModuleSpec(
        name=name,
        path=path,
        parameters={each.name: each for each in _parameters(functions["run"], path)},
        rules=_rules(tree, path),
        doc=ast.get_docstring(functions["run"]) or ast.get_docstring(tree) or "",
        prepares="prepare" in functions,
        finishes="finish" in functions,
        own=own,
    )


def _parameters(run: ast.FunctionDef, path: str) -> list[Parameter]:
    arguments = [*run.args.posonlyargs, *run.args.args][1:] + run.args.kwonlyargs
    positional = len(run.args.posonlyargs) + len(run.args.args) - 1
    missing = positional - len(run.args.defaults)
    defaults: list[ast.expr | None] = [None] * missing + list(run.args.defaults) + list(run.args.kw_defaults)
    return [_parameter(argument, default, path) for argument, default in zip(arguments, defaults, strict=True)]


def _parameter(argument: ast.arg, default: ast.expr | None, path: str) -> Parameter:
    value = None if default is None else _literal(default, path)
    kind, choices = _annotation(argument.annotation, path) if argument.annotation else (_kind_of(value), ())
    name = argument.arg.removesuffix("_")
    return Parameter(name, kind, choices, required=default is None, default=value, written=argument.arg)


def _kind_of(default: Any) -> str:
    if isinstance(default, bool | int | float | str | list | dict):
        return type(default).__name__
    return "raw"


def _annotation(node: ast.expr, path: str) -> tuple[str, tuple[str, ...]]:
    """Kind and choices: KINDS and 'a | b' as modules write them, typing's words as actions do."""
    if isinstance(node, ast.BinOp):  # X | None
        return _annotation(node.left, path)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return "str", tuple(ast.literal_eval(node.slice))
    text = _word(node.value if isinstance(node, ast.Subscript) else node)
    if text in KINDS:
        return text, ()
    if "|" in text:
        return "str", tuple(choice.strip() for choice in text.split("|"))
    raise WherryError(
        f"annotation {ast.unparse(node)} is not understood",
        f"{path}:{node.lineno}:{node.col_offset + 1}",
        f"use one of {', '.join(KINDS)}, or choices like 'present | absent'",
    )


def _word(node: ast.expr) -> str:
    word = node.id if isinstance(node, ast.Name) else node.value if isinstance(node, ast.Constant) else ""
    return {"Any": "raw"}.get(str(word), str(word))


def _rules(tree: ast.Module, path: str) -> Rules:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "RULES" for t in node.targets):
            return _rules_from(_literal(node.value, path), f"{path}:{node.lineno}")
    return Rules()


def _rules_from(literal: Any, where: str) -> Rules:
    known = {each.name for each in fields(Rules)}
    if not isinstance(literal, dict) or not literal.keys() <= known:
        raise WherryError("RULES is not understood", where, f"a dict with keys of {', '.join(sorted(known))}")
    groups = {key: tuple(map(tuple, literal[key])) for key in ("exclusive", "one_of") if key in literal}
    conditions = tuple((name, value, tuple(needed)) for name, value, needed in literal.get("required_if", ()))
    return Rules(**{**literal, **groups, "required_if": conditions})


def _literal(node: ast.expr, path: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        where = f"{path}:{node.lineno}:{node.col_offset + 1}"
        raise WherryError(
            f"{ast.unparse(node)} is not a literal", where, "the controller never runs host code"
        ) from None
