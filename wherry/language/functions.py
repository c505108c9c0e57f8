"""What templates call by name: lookup, query, now, undef."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from wherry.errors import TemplateError, WherryError
from wherry.language import lookups
from wherry.language.undefined import Marker
from wherry.language.variables import Scope

SCOPE = " scope"  # no template can say this name


def table() -> dict[str, Callable[..., Any]]:
    """The functions by the name that templates call them."""
    return {"lookup": lookup, "query": query, "q": query, "now": now, "undef": undef}


def scope_of(context: Context) -> Scope:
    """The variables that a template is rendered with."""
    scope = context.parent.get(SCOPE)
    if scope is None:
        raise TemplateError("this needs the variables of the host", hint="import the template `with context`")
    assert isinstance(scope, Scope)
    return scope


@pass_context
def lookup(
    context: Context, kind: str, *terms: Any, wantlist: bool = False, errors: str = "strict", **options: Any
) -> Any:
    """What a lookup gives: texts joined by commas, one value as it is, a list with wantlist=True."""
    try:
        found = looked_up(context, kind, terms, options)
    except (WherryError, OSError) as error:
        if errors == "strict":
            raise
        if errors == "warn":
            scope_of(context).run.templar.warn(f"lookup '{kind}': {error}")
        return [] if wantlist else None
    if wantlist:
        return found
    if all(isinstance(each, str) for each in found):
        return ",".join(found)
    return found[0] if len(found) == 1 else found


@pass_context
def query(context: Context, kind: str, *terms: Any, **options: Any) -> Any:
    """What a lookup gives, as a list."""
    options.pop("wantlist", None)
    return lookup(context, kind, *terms, wantlist=True, **options)


def looked_up(context: Context, kind: str, terms: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    """Run the lookup with terms that are all there."""
    for term in (*terms, *options.values()):
        if isinstance(term, Marker):
            raise term.fail()
    scope = scope_of(context)
    folder = os.path.dirname(os.path.abspath(scope.play.path)) if scope.play else os.getcwd()
    return lookups.run(kind, list(terms), options, scope, folder)


@pass_context
def now(context: Context, utc: bool = False, fmt: str | None = None) -> Any:
    """The time, as an object or as text in the format."""
    seconds = scope_of(context).run.templar.outside.now()
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC if utc else None)
    return moment.strftime(fmt) if fmt else moment.replace(tzinfo=None)


def undef(hint: str | None = None) -> Marker:
    """A value that is not there: the one who uses it reads the hint."""
    return Marker(hint=hint or "mandatory variable has not been overridden", name="undef()")
