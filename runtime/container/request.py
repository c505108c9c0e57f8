"""What somebody asks a container to be: the keys that the command line, a playbook and a release have in common."""

from ..errors import UsageError
from . import names
from .nearest import hint

NETWORKS = ("bridge", "host", "none")
HEALTH = ("command", "http", "tcp", "interval", "timeout", "retries", "start_period")
ROLLOUT = ("switch", "drain", "drain_timeout", "retire", "min_healthy_time", "start_timeout")
# How it is replaced or removed, not what it is; images are compared by id, a name may mean another one by now.
NOT_COMPARED = ("name", "image", "image_id", "staged", "rollout", "release", "rm")
DIGITS = frozenset("0123456789")
SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def checked(request):
    """`request` in one form (text as text, sizes in bytes, times in seconds, absent keys left out); UsageError if wrong."""
    unknown = [key for key in request if key not in KEYS]
    if unknown:
        raise UsageError(f"a container has no {unknown[0]!r}", hint=hint(unknown[0], KEYS, "known: " + ", ".join(KEYS)))
    found = {}
    for key, value in request.items():
        if value is not None and value is not False and value != [] and value != {}:
            found[key] = _converted(key, value, KEYS[key])
    return found


def same(one, other):
    """Whether two checked requests ask for the same container, whatever it is called and however it is replaced."""
    ignored = set(NOT_COMPARED)
    return {k: v for k, v in one.items() if k not in ignored} == {k: v for k, v in other.items() if k not in ignored}


def size(text):
    """Bytes: 1048576, "512m", "1.5g", "2GiB"."""
    if isinstance(text, int):
        return text
    number, unit = _number_and_unit(str(text).strip().lower())
    unit = unit[:1] if unit in ("kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib") else unit
    if unit not in SIZES:
        raise ValueError("a size is a number with b, k, m, g or t")
    return int(number * SIZES[unit])


def seconds(text):
    """Seconds: 5, 0.5, "10s", "1m30s", "500ms"."""
    if isinstance(text, (int, float)):
        return text
    rest, total = str(text).strip(), 0
    while True:
        number, rest = _number_and_unit(rest)
        unit = next(
            (each for each in SECONDS if rest.startswith(each) and rest[len(each) :][:1] in DIGITS | {""}), None
        )
        if unit is None and rest:
            raise ValueError('a time is seconds or text such as "10s", "1m30s", "500ms"')
        total += number * SECONDS[unit or "s"]
        rest = rest[len(unit or "") :]
        if not rest:
            return int(total) if total == int(total) else total


def _number_and_unit(text):
    length = next((i for i, letter in enumerate(text) if letter not in DIGITS and letter != "."), len(text))
    return float(text[:length]), text[length:].strip()


def _converted(key, value, convert):
    try:
        return convert(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{key}: {value!r} does not fit: {error}") from None


def _text(value):
    if isinstance(value, (dict, list)):
        raise ValueError("one text is needed")
    text = str(value)
    if "\0" in text:
        raise ValueError("a zero byte ends every text in the kernel")
    return text


def _texts(value):
    if not isinstance(value, (list, tuple)):
        raise ValueError("a list is needed")
    return [_text(each) for each in value]


def _pairs(value):
    if not isinstance(value, dict):
        raise ValueError("a mapping is needed")
    return {_text(key): _text("" if each is None else each) for key, each in value.items()}


def _environment(value):
    wrong = [key for key in _pairs(value) if not key or "=" in key]
    if wrong:
        raise ValueError(f"{wrong[0]!r} cannot name a variable")
    return _pairs(value)


def _flag(value):
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")
    return value


def _choice(*choices):
    def convert(value):
        if value not in choices:
            raise ValueError(hint(str(value), choices, "known: " + ", ".join(choices)))
        return value

    return convert


def _restart(value):
    if value not in ("no", False):
        raise ValueError("restart policies are not supported yet")
    return "no"


def _at_least(smallest, convert):
    def checked_number(value):
        number = convert(value)
        if number < smallest:
            raise ValueError(f"at least {smallest}")
        return number

    return checked_number


def _absolute(value):
    if not str(value).startswith("/"):
        raise ValueError("an absolute path is needed")
    return _text(value)


def _section(keys, needed=()):
    def convert(value):
        if not isinstance(value, dict):
            raise ValueError("a mapping is needed")
        wrong = [key for key in value if key not in keys]
        if wrong:
            raise ValueError(f"unknown key {wrong[0]!r}; " + hint(wrong[0], keys, "known: " + ", ".join(keys)))
        if needed and len([key for key in needed if value.get(key) is not None]) != 1:
            raise ValueError("one of " + ", ".join(needed) + " is needed")
        times = ("interval", "timeout", "start_period", "drain_timeout", "min_healthy_time", "start_timeout")
        return {key: seconds(each) if key in times else each for key, each in value.items() if each is not None}

    return convert


KEYS = {
    "name": names.check,
    "image": _text,
    "image_id": _text,  # this very image, whatever is called `image` by now
    "command": _texts,
    "entrypoint": _texts,
    "env": _environment,
    "workdir": _absolute,
    "user": _text,
    "hostname": _text,
    "ports": _texts,
    "volumes": _texts,
    "tmpfs": _texts,
    "network": _choice(*NETWORKS),
    "memory": _at_least(512 << 10, size),
    "cpus": _at_least(0.001, float),
    "pids": int,
    "ulimits": _pairs,
    "cap_add": _texts,
    "cap_drop": _texts,
    "privileged": _flag,
    "allow_setuid": _flag,
    "read_only": _flag,
    "labels": _pairs,
    "health": _section(HEALTH, needed=("command", "http", "tcp")),
    "stop_signal": _text,
    "stop_timeout": _at_least(0, seconds),
    "tty": _flag,
    "interactive": _flag,
    "rm": _flag,
    "devices": _texts,
    "restart": _restart,
    "staged": _flag,
    "rollout": _section(ROLLOUT),
    "release": int,
}
