"""Lookups: what templates may learn from the controller, all of it through Outside. What they give is data, never rendered."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.errors import ProjectError, TemplateError, UndefinedVariable, WherryError
from wherry.language import loop_forms
from wherry.language.source import Source
from wherry.language.suggest import did_you_mean
from wherry.language.variables import Scope


@dataclass(frozen=True)
class Request:
    """One call of a lookup; `folder` is where the playbook lies."""

    terms: Sequence[Any]
    options: Mapping[str, Any]
    scope: Scope
    folder: str

    def option(self, name: str, default: Any = None) -> Any:
        """A named option."""
        return self.options.get(name, default)

    def find(self, name: str, kind: str) -> str | None:
        """The file of that name: absolute, in `kind`/ beside the playbook, beside the playbook, in the project."""
        project = self.scope.run.project
        folders = [os.path.join(self.folder, kind), self.folder, *([project.root] if project else [])]
        paths = [name] if os.path.isabs(name) else [os.path.join(folder, name) for folder in folders]
        return next((path for path in paths if self.exists(path)), None)

    def exists(self, path: str) -> bool:
        """Whether the file can be read."""
        try:
            self.scope.run.templar.outside.read_file(path)
        except (OSError, WherryError):
            return False
        return True

    def read(self, name: str, kind: str) -> str:
        """The text of a file; ProjectError where there is none."""
        path = self.find(str(name), kind)
        if path is None:
            raise TemplateError(
                f"there is no file '{name}'", hint=f"looked in {kind}/ beside the playbook, and beside it"
            )
        return self.scope.run.templar.outside.read_file(path).decode()


def run(kind: str, terms: Sequence[Any], options: Mapping[str, Any], scope: Scope, folder: str) -> list[Any]:
    """The values that the lookup `kind` gives for the terms."""
    name = kind.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    found = LOOKUPS.get(name)
    if found is None:
        raise TemplateError(f"there is no lookup '{kind}'", hint=did_you_mean(name, LOOKUPS))
    return found(Request(terms, options, scope, folder))


def env(request: Request) -> list[Any]:
    """Variables of the controller's environment; "" or `default` for those that are not set."""
    environment = request.scope.run.templar.outside.environment()
    return [environment.get(str(term), request.option("default", "")) for term in request.terms]


def file(request: Request) -> list[Any]:
    """The text of files on the controller, without white space at the end."""
    texts = [request.read(term, "files") for term in request.terms]
    texts = [text.lstrip() if request.option("lstrip", False) else text for text in texts]
    return [text.rstrip() if request.option("rstrip", True) else text for text in texts]


def variables(request: Request) -> list[Any]:
    """Variables by name; `default` for those that are not defined."""
    found = []
    for term in request.terms:
        try:
            found.append(request.scope[str(term)])
        except UndefinedVariable:
            if "default" not in request.options:
                raise
            found.append(request.options["default"])
    return found


def varnames(request: Request) -> list[Any]:
    """Names of variables that a regular expression finds."""
    return [name for term in request.terms for name in request.scope if re.search(str(term), name)]


def template(request: Request) -> list[Any]:
    """Template files, rendered."""
    found = []
    for term in request.terms:
        path = request.find(str(term), "templates")
        if path is None:
            raise TemplateError(
                f"there is no template '{term}'", hint="looked in templates/ beside the playbook, and beside it"
            )
        text = request.scope.run.templar.outside.read_file(path).decode()
        scope = request.scope
        if added := request.option("template_vars"):
            scope = scope.with_loop(added)
        found.append(scope.run.templar.render_file(text, scope, path))
    return found


def pipe(request: Request) -> list[Any]:
    """What shell commands on the controller print, without white space at the end."""
    return [shell(request, term).rstrip() for term in request.terms]


def lines(request: Request) -> list[Any]:
    """What shell commands on the controller print, line by line."""
    return [line for term in request.terms for line in shell(request, term).splitlines()]


def shell(request: Request, command: Any) -> str:
    """The output of one command line."""
    return request.scope.run.templar.outside.run(["/bin/sh", "-c", str(command)]).decode()


def first_found(request: Request) -> list[Any]:
    """The first file that exists, of names or of `files:` below `paths:`; none with `skip: true`."""
    skip = bool(request.option("skip", False))
    names: list[str] = []
    for term in [*request.terms, dict(request.options)] if "files" in request.options else request.terms:
        if isinstance(term, Mapping):
            skip = skip or bool(term.get("skip", False))
            names += below(term)
        else:
            names += [str(each) for each in loop_forms.flattened(term)]
    for name in names:
        for kind in ("vars", "files", "templates", "tasks"):
            path = request.find(name, kind)
            if path is not None:
                return [path]
    if skip:
        return []
    raise TemplateError(f"none of these files exists: {', '.join(names)}", hint="add one, or `skip: true`")


def below(term: Mapping[str, Any]) -> list[str]:
    """Every file of `files:` in every folder of `paths:`."""
    files, paths = listed(term.get("files")), listed(term.get("paths"))
    return [os.path.join(path, name) for path in paths for name in files] if paths else files


def listed(value: Any) -> list[str]:
    """A list, or a text with commas, as texts."""
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else str(value).replace(";", ",").split(",")


def password(request: Request) -> list[Any]:
    """The first line of password files; a random password for /dev/null."""
    found = []
    for term in request.terms:
        path, *rest = str(term).split()
        options = {**dict(word.split("=", 1) for word in rest if "=" in word), **request.options}
        if path == "/dev/null":
            found.append(random_password(request, int(options.get("length", 20)), options.get("chars")))
            continue
        text = request.read(path, "files")
        found.append((text.splitlines() or [""])[0].split(" salt=")[0])
    return found


def random_password(request: Request, length: int, chars: Any) -> str:
    """Random characters, each equally likely."""
    letters = alphabet(chars)
    limit = 256 - 256 % len(letters)
    found = ""
    while len(found) < length:
        drawn = request.scope.run.templar.outside.random(2 * length)
        found += "".join(letters[byte % len(letters)] for byte in drawn if byte < limit)
    return found[:length]


def alphabet(chars: Any) -> str:
    """`ascii_letters,digits,.,:` as characters; names are those of Python's string module."""
    names = listed(chars) or ["ascii_letters", "digits", ".", ",", ":", "-", "_"]
    known = ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits", "octdigits", "punctuation")
    return "".join(dict.fromkeys("".join(getattr(string, name) if name in known else name for name in names)))


def formed(kind: str) -> Callable[[Request], list[Any]]:
    """A loop's form as a lookup."""

    def give(request: Request) -> list[Any]:
        terms = list(request.terms)
        return loop_forms.FORMS[kind](terms[0] if kind == "dict" and len(terms) == 1 else terms)

    return give


def random_choice(request: Request) -> list[Any]:
    """One of the terms."""
    terms = loop_forms.one_level(list(request.terms))
    drawn = int.from_bytes(request.scope.run.templar.outside.random(8), "big")
    return [terms[drawn % len(terms)]] if terms else []


def not_yet(request: Request) -> list[Any]:
    """Lookups that later versions have."""
    raise ProjectError("this lookup is not supported yet", origin(request), "list the files in the playbook")


def origin(request: Request) -> Any:
    """Where the lookup was written, when that is known."""
    first = request.terms[0] if request.terms else None
    return first.place if isinstance(first, Source) else None


LOOKUPS: dict[str, Callable[[Request], list[Any]]] = {
    "env": env,
    "file": file,
    "vars": variables,
    "varnames": varnames,
    "template": template,
    "pipe": pipe,
    "lines": lines,
    "first_found": first_found,
    "password": password,
    "random_choice": random_choice,
    "fileglob": not_yet,
    "url": not_yet,
    **{
        kind: formed(kind)
        for kind in (
            "dict",
            "items",
            "list",
            "flattened",
            "nested",
            "together",
            "indexed_items",
            "sequence",
            "subelements",
        )
    },
}
