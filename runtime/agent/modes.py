"""File modes as people write them, and users and groups by name."""

import grp
import pwd

from ..errors import NotFound, UsageError

CLAUSE = r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)"
ACTION = r"([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)"
_SHIFT = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": 0o4000, "g": 0o2000, "o": 0}


def apply(mode, old, directory=False):
    """Permission bits after `mode`: an int, octal text ("0644", "1777") or symbolic text ("u=rw,g+r,o-rwx"); pure."""
    if isinstance(mode, bool) or not isinstance(mode, (int, str)):
        raise UsageError(f"mode {mode!r} is neither octal nor symbolic", hint='write it in quotes: mode: "0644"')
    if isinstance(mode, int):
        return mode
    text = mode.strip().removeprefix("0o")
    if text.isdigit():
        if len(text) > 5 or set(text) - set("01234567"):
            raise UsageError(f"mode {mode!r} is not octal", hint='for example "0644"')
        return int(text, 8)
    for clause in text.split(","):
        old = _clause(clause, old, directory, mode)
    return old


def _clause(clause, bits, directory, whole):
    import re  # 7 ms, and most modes are octal

    found = re.fullmatch(CLAUSE, clause)
    if not found:
        raise UsageError(f"mode {whole!r} is neither octal nor symbolic", hint='for example "0644" or "u=rw,g=r,o="')
    classes = "ugo" if found[1] in ("", "a") or "a" in found[1] else found[1]
    for operator, permissions in re.findall(ACTION, found[2]):
        bits = _action(bits, classes, operator, permissions, directory)
    return bits


def _action(bits, classes, operator, permissions, directory):
    for who in classes:
        wanted = _wanted(bits, who, permissions, directory)
        if operator == "=":
            keep_sticky = bits & 0o1000 if who != "o" else 0
            bits = bits & ~(0o7 << _SHIFT[who] | _SPECIAL[who]) & ~0o1000 | keep_sticky | wanted
        else:
            bits = bits | wanted if operator == "+" else bits & ~wanted
    return bits


def _wanted(bits, who, permissions, directory):
    if permissions in _SHIFT:
        return (bits >> _SHIFT[permissions] & 0o7) << _SHIFT[who]
    single = ("r" in permissions) << 2 | ("w" in permissions) << 1 | ("x" in permissions)
    if "X" in permissions and (directory or bits & 0o111):
        single |= 1
    special = _SPECIAL[who] if "s" in permissions else 0
    return single << _SHIFT[who] | special | (0o1000 if "t" in permissions else 0)


def user_id(owner):
    """The uid of a user given by name or number; NotFound for an unknown name."""
    return _identity(owner, "user", lambda name: pwd.getpwnam(name).pw_uid)


def group_id(group):
    """The gid of a group given by name or number; NotFound for an unknown name."""
    return _identity(group, "group", lambda name: grp.getgrnam(name).gr_gid)


def _identity(value, kind, find):
    text = str(value)
    if text.isdigit():
        if int(text) >= 0xFFFFFFFF:  # chown takes it for "leave as it is"
            raise UsageError(f"{kind} {text} is no {kind} id")
        return int(text)
    try:
        return find(text)
    except KeyError:
        raise NotFound(f"there is no {kind} '{text}'", hint=f"create it first, or write the {kind}'s number") from None


def user_name(uid):
    """The name of a uid, or the number as text."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid):
    """The name of a gid, or the number as text."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
