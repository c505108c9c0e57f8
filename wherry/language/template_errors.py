"""Errors of templates, with the place of the word they are about."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING

from wherry.errors import ProjectError, TemplateError, UndefinedVariable, WherryError
from wherry.language.source import place_of
from wherry.language.suggest import did_you_mean
from wherry.protocols import Place

if TYPE_CHECKING:
    from wherry.language.variables import Scope

QUOTED = re.compile(r"'([^']+)'")
MAX_LINES = 200  # to look through for the word


@cache
def failures() -> tuple[type[Exception], ...]:
    """What rendering may raise: Jinja's own errors, and those of filters and methods that get an unfit argument."""
    from jinja2 import TemplateError as JinjaError

    return (JinjaError, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, re.error)


@contextmanager
def of_source(text: str, scope: Scope) -> Iterator[None]:
    """Whatever goes wrong in a string from YAML, as a ProjectError with its place."""
    try:
        yield
    except UndefinedVariable as error:
        raise placed(error, text, scope) from None
    except ProjectError as error:
        if error.place is not None or place_of(text) is None:
            raise
        raise type(error)(error.what, place_of(text), error.hint) from error
    except WherryError as error:
        if type(error) is not WherryError:
            raise
        raise TemplateError(error.what, place_of(text), error.hint) from error
    except RecursionError:
        raise TemplateError("the template refers to itself too deeply", place_of(text)) from None
    except failures() as error:
        what, word = said(error)
        raise TemplateError(what, place_of_word(text, word), advice(what, word)) from error


@contextmanager
def of_file(path: str, skipped: int, scope: Scope) -> Iterator[None]:
    """The same for a template file, of which the first `skipped` lines were not compiled."""
    try:
        yield
    except UndefinedVariable as error:
        if error.place is not None:
            raise
        place = word_in_file(path, line_of(error.__traceback__) + skipped, error.name)
        name = dotted(error.name, linecache.getline(path, place.line))
        raise UndefinedVariable(name, place, error.chain, hint_for(error, name, scope)) from None
    except WherryError:
        raise
    except RecursionError:
        raise TemplateError("the template includes itself too deeply", Place(path, 1, 1)) from None
    except failures() as error:
        what, word = said(error)
        line = getattr(error, "lineno", None) or line_of(error.__traceback__)
        raise TemplateError(what, word_in_file(path, line + skipped, word), advice(what, word)) from error


def said(error: Exception) -> tuple[str, str]:
    """What went wrong, and the word it is about if the message quotes one."""
    message = str(getattr(error, "message", None) or error) or type(error).__name__
    if type(error).__name__ == "SecurityError":
        message = f"not allowed in a template: {message}"
    elif type(error).__name__ == "TemplateNotFound":
        message = f"there is no template '{message}'"
    elif isinstance(error, KeyError | AttributeError | TypeError | ValueError | IndexError | ZeroDivisionError):
        message = f"the template failed: {message}"
    quoted = QUOTED.search(message)
    return message, quoted[1] if quoted else ""


def advice(what: str, word: str) -> str:
    """A hint for an unknown filter or test."""
    from wherry.language import checks, filters

    if what.startswith("No filter named"):
        return did_you_mean(word, filters.names())
    if what.startswith("No test named"):
        return did_you_mean(word, checks.table())
    return ""


def placed(error: UndefinedVariable, text: str, scope: Scope) -> UndefinedVariable:
    """The error with the place of its name in `text`, unless it happened further in."""
    if error.place is not None:
        return error
    name = dotted(error.name, text)
    return UndefinedVariable(name, place_of_word(text, name), error.chain, hint_for(error, name, scope))


def hint_for(error: UndefinedVariable, name: str, scope: Scope) -> str:
    """Names that look like it, unless the error knows better; a member of something has its own."""
    return error.hint or (did_you_mean(name, scope) if name == error.name else "")


def dotted(name: str, text: str) -> str:
    """The member `name` with what stands before it in the text: web.port."""
    found = re.search(rf"(?<![\w.])[A-Za-z_][\w.]*\.{re.escape(name)}\b", text)
    if found is None:
        found = re.search(rf"(?<![\w.])[A-Za-z_][\w.]*\[['\"]{re.escape(name)}['\"]\]", text)
    return found[0] if found else name


def place_of_word(text: str, word: str) -> Place | None:
    """Where `word` stands in the file that `text` was read from, else where the text begins."""
    place = place_of(text)
    if place is None or not word:
        return place
    expression = pattern(word)
    for number in range(place.line, place.line + min(text.count("\n") + 3, MAX_LINES)):
        line = linecache.getline(place.file, number)
        if found := expression.search(line, place.column - 1 if number == place.line else 0):
            return Place(place.file, number, found.start() + 1)
    return place


def word_in_file(path: str, line: int, word: str) -> Place:
    """Where `word` stands in that line of a template file."""
    found = pattern(word).search(linecache.getline(path, line)) if word else None
    return Place(path, line, found.start() + 1 if found else 1)


def pattern(word: str) -> re.Pattern[str]:
    """The word, not as part of a longer one."""
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def line_of(traceback: TracebackType | None) -> int:
    """The line of the template file that was being rendered."""
    line = 1
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        if template is not None and template.name is None:
            line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return line
