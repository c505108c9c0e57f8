"""Text: regular expressions, quoting, comments, base64, uuid."""

from __future__ import annotations

import base64
import re
import shlex
import uuid
from typing import Any
from urllib.parse import unquote_plus

ANSIBLE_NAMESPACE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")
COMMENTS = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def flags(ignorecase: bool, multiline: bool) -> int:
    """Flags of a regular expression."""
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(
    value: Any = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """The text with what the expression finds replaced."""
    found, number = re.subn(str(pattern), str(replacement), str(value), count=count, flags=flags(ignorecase, multiline))
    if mandatory_count and number != mandatory_count:
        raise ValueError(f"'{pattern}' is there {number} times, not {mandatory_count}")
    return found


def regex_findall(value: Any, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    """Everything that the expression finds."""
    return re.findall(str(regex), str(value), flags(ignorecase, multiline))


def regex_search(value: Any, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    r"""What the expression finds first, None if nothing; with '\\1' or '\\g<name>' the list of these groups."""
    wanted = [group_of(group) for group in groups]
    found = re.search(str(regex), str(value), flags(ignorecase, multiline))
    if found is None:
        return None
    return [found.group(each) for each in wanted] if wanted else found.group()


def group_of(text: str) -> int | str:
    r"""The group that \1 or \g<name> means."""
    if named := re.match(r"\\g<(\S+)>", text):
        return named[1]
    if numbered := re.match(r"\\(\d+)", text):
        return int(numbered[1])
    raise ValueError(f"'{text}' names no group; write \\\\1 or \\\\g<name>")


def regex_escape(value: Any, re_type: str = "python") -> str:
    """The text with everything that an expression would read as more than itself escaped."""
    if re_type == "python":
        return re.escape(str(value))
    if re_type == "posix_basic":
        return regex_replace(value, r"([].[^$*\\])", r"\\\1")
    raise ValueError(f"'{re_type}' is not a kind of regular expression; python or posix_basic")


def quote(value: Any) -> str:
    """The text as one word of a shell command."""
    return shlex.quote("" if value is None else str(value))


def split(value: str, separator: str | None = None, maximum: int = -1) -> list[str]:
    """The parts of a text."""
    return value.split(separator, maximum)


def b64encode(value: Any, encoding: str = "utf-8") -> str:
    """The text in base64."""
    return base64.b64encode(str(value).encode(encoding)).decode()


def b64decode(value: Any, encoding: str = "utf-8") -> str:
    """The text that the base64 stands for."""
    return base64.b64decode(str(value)).decode(encoding, "surrogateescape")


def to_uuid(value: Any, namespace: Any = ANSIBLE_NAMESPACE) -> str:
    """A UUID that is the same for the same text."""
    return str(uuid.uuid5(namespace if isinstance(namespace, uuid.UUID) else uuid.UUID(str(namespace)), str(value)))


def urldecode(value: Any) -> str:
    """The text that a part of a URL stands for."""
    return unquote_plus(str(value))


def comment(value: Any, style: str = "plain", **options: Any) -> str:
    """The text as a comment of that style; each part of the style can be given by name."""
    if style not in COMMENTS:
        raise ValueError(f"'{style}' is not a style of comments; one of {', '.join(COMMENTS)}")
    around = options.get("decoration", COMMENTS[style]["decoration"]).rstrip()
    look = {
        "newline": "\n",
        "beginning": "",
        "prefix": around,
        "prefix_count": 1,
        "postfix": around,
        "postfix_count": 1,
    }
    look.update({"end": "", **COMMENTS[style], **options})
    newline, mark = str(look["newline"]), str(look["decoration"])
    begin = f"{look['beginning']}{newline}" if look["beginning"] else ""
    prefix = newline if look["prefix"] == newline else f"{look['prefix']}{newline}"
    before = prefix * int(look["prefix_count"]) if look["prefix"] else ""
    # An empty line has its mark without the blank.
    body = (mark + str(value).replace(newline, newline + mark)).replace(mark + newline, mark.rstrip() + newline)
    after = newline.join(["", *[str(look["postfix"])] * int(look["postfix_count"])])
    end = f"{newline}{look['end']}" if look["end"] else ""
    return begin + before + body + after + end


FILTERS = {
    "regex_replace": regex_replace,
    "regex_findall": regex_findall,
    "regex_search": regex_search,
    "regex_escape": regex_escape,
    "quote": quote,
    "split": split,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "to_uuid": to_uuid,
    "urldecode": urldecode,
    "comment": comment,
}
