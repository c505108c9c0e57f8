"""Paths and URLs."""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
from typing import Any
from urllib.parse import urlsplit

from jinja2 import pass_context
from jinja2.runtime import Context

from wherry.language.functions import scope_of

URL_PARTS = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def splitext(path: Any) -> list[str]:
    """The path without its ending, and the ending."""
    return list(posixpath.splitext(str(path)))


def path_join(paths: Any) -> str:
    """Parts as one path."""
    return posixpath.join(*map(str, paths)) if isinstance(paths, list | tuple) else str(paths)


@pass_context
def expanduser(context: Context, path: Any) -> str:
    """~ as the home folder on the controller."""
    home = scope_of(context).run.templar.outside.environment().get("HOME", "~")
    text = str(path)
    return home + text[1:] if text == "~" or text.startswith("~/") else text


@pass_context
def expandvars(context: Context, path: Any) -> str:
    """$NAME as in the controller's environment; unknown ones stay."""
    environment = scope_of(context).run.templar.outside.environment()
    return VARIABLE.sub(lambda found: environment.get(found[1] or found[2], found[0]), str(path))


def url_parts(value: Any, query: str = "") -> Any:
    """The parts of a URL, or the one that `query` names."""
    split = urlsplit(str(value))
    parts = {name: getattr(split, name) for name in URL_PARTS}
    if query and query not in parts:
        raise ValueError(f"'{query}' is not a part of a URL; one of {', '.join(URL_PARTS)}")
    return parts[query] if query else parts


FILTERS: dict[str, Any] = {
    "basename": posixpath.basename,
    "dirname": posixpath.dirname,
    "normpath": posixpath.normpath,
    "realpath": os.path.realpath,
    "relpath": os.path.relpath,
    "commonpath": posixpath.commonpath,
    "splitext": splitext,
    "path_join": path_join,
    "expanduser": expanduser,
    "expandvars": expandvars,
    "win_basename": ntpath.basename,
    "win_dirname": ntpath.dirname,
    "win_splitdrive": lambda path: list(ntpath.splitdrive(path)),
    "urlsplit": url_parts,
}
