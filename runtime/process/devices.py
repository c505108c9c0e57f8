"""Which devices a cgroup may open: lists on v1, a small eBPF program of our own on v2 (BPF_PROG_TYPE_CGROUP_DEVICE).

An OCI rule is {"allow", "type": "a" | "b" | "c", "major", "minor", "access": "rwm"}; a missing number means any.
The last rule that matches decides; wherry's own key "path" names a host device instead of numbers.
"""

from _ctypes import addressof
from _struct import pack
from posix import O_CLOEXEC, O_DIRECTORY, O_RDONLY, O_WRONLY, close, major, minor, stat, write
from posix import open as open_file

from .. import linux

_ANY = -1
_ACCESS = {"m": 1, "r": 2, "w": 4}  # BPF_DEVCG_ACC_MKNOD, _READ, _WRITE
_KIND = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_BLOCK, _CHAR
_BLOCK_DEVICE = 0o060000


def restrict(cgroup, rules):
    """Let processes of `cgroup` use the devices that `rules` allow, and no others."""
    rules = [_numbered(rule) for rule in rules]
    if not rules:
        return
    if "devices" in cgroup.v1:
        _write_lists(cgroup.v1["devices"], rules)
    elif cgroup.v2:
        attach(cgroup.v2, program(rules))


def _numbered(rule):
    """The rule as (allow, type, major, minor, access)."""
    access = rule.get("access") or "rwm"
    if "path" in rule:
        found = stat(rule["path"])
        kind = "b" if found.st_mode & 0o170000 == _BLOCK_DEVICE else "c"
        return rule["allow"], kind, major(found.st_rdev), minor(found.st_rdev), access
    return rule["allow"], rule.get("type") or "a", _number(rule.get("major")), _number(rule.get("minor")), access


def _number(value):
    return _ANY if value is None or value < 0 else value


def _write_lists(folder, rules):
    """devices.allow and devices.deny, in the order of the rules."""
    files = {
        allow: open_file(f"{folder}/devices.{name}", O_WRONLY | O_CLOEXEC)
        for allow, name in ((1, "allow"), (0, "deny"))
    }
    for allow, *rule in rules:
        write(files[bool(allow)], v1_line(*rule).encode())
    for fd in files.values():
        close(fd)


def v1_line(kind, first, second, access):
    """A line of devices.allow, such as "c 1:3 rwm"; the kernel wants "a" alone for everything."""
    if kind == "a" and first == _ANY and second == _ANY and access == "rwm":
        return "a"
    return f"{kind} {'*' if first == _ANY else first}:{'*' if second == _ANY else second} {access}"


# --- v2: instructions of eBPF (linux/bpf.h); r1 is struct bpf_cgroup_dev_ctx {u32 access_type, major, minor} ---------

_LOAD_WORD, _MOVE, _MOVE_REGISTER, _AND, _SHIFT_RIGHT = 0x61, 0xB7, 0xBF, 0x57, 0x77
_JUMP_NOT_EQUAL, _JUMP_NOT_EQUAL_REGISTER, _EXIT = 0x55, 0x5D, 0x95
_KIND_REGISTER, _ACCESS_REGISTER, _MAJOR_REGISTER, _MINOR_REGISTER, _WORK = 2, 3, 4, 5, 6
_PROG_LOAD, _PROG_ATTACH, _TYPE_CGROUP_DEVICE, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI = 5, 8, 15, 6, 2


def program(rules):
    """An eBPF program that returns 1 for what `rules` allow; the last matching rule is tried first."""
    code = [
        _instruction(_LOAD_WORD, _KIND_REGISTER, 1, 0),
        _instruction(_MOVE_REGISTER, _ACCESS_REGISTER, _KIND_REGISTER),
        _instruction(_AND, _KIND_REGISTER, immediate=0xFFFF),
        _instruction(_SHIFT_RIGHT, _ACCESS_REGISTER, immediate=16),
        _instruction(_LOAD_WORD, _MAJOR_REGISTER, 1, 4),
        _instruction(_LOAD_WORD, _MINOR_REGISTER, 1, 8),
    ]
    everything = (_ANY, _ANY, "rwm")
    for rule in reversed([(False, "a", *everything), *rules]):
        code += _rule(*rule)
        if rule[1:] == ("a", *everything):
            break  # the kernel refuses instructions that are never reached
    return b"".join(code)


def _rule(allow, kind, first, second, access):
    """Return `allow` if kind, access and numbers match; an access matches when the rule names all of it."""
    tests = []
    if kind != "a":
        tests.append((_JUMP_NOT_EQUAL, _KIND_REGISTER, 0, _KIND[kind]))
    mask = sum(_ACCESS[letter] for letter in set(access))
    if mask != 7:
        tests += [(_MOVE_REGISTER, _WORK, _ACCESS_REGISTER, 0), (_AND, _WORK, 0, mask)]
        tests.append((_JUMP_NOT_EQUAL_REGISTER, _WORK, _ACCESS_REGISTER, 0))
    for register, number in ((_MAJOR_REGISTER, first), (_MINOR_REGISTER, second)):
        if number != _ANY:
            tests.append((_JUMP_NOT_EQUAL, register, 0, number))
    length = len(tests) + 2
    jumps = (_JUMP_NOT_EQUAL, _JUMP_NOT_EQUAL_REGISTER)
    code = [
        _instruction(operation, target, source, length - index - 1 if operation in jumps else 0, immediate)
        for index, (operation, target, source, immediate) in enumerate(tests)
    ]
    return [*code, *_return(int(bool(allow)))]


def _return(value):
    return [_instruction(_MOVE, 0, immediate=value), _instruction(_EXIT)]


def _instruction(code, target=0, source=0, offset=0, immediate=0):
    return pack("=BBhi", code, source << 4 | target, offset, immediate)


def attach(folder, code):
    """Load the program and attach it to the v2 cgroup `folder`; the cgroup keeps it as long as it lives."""
    instructions, licence = linux.copied(code), linux.copied(b"GPL\0")
    loaded = linux.bpf(
        _PROG_LOAD,
        pack(
            "=IIQQIIQII",
            _TYPE_CGROUP_DEVICE,
            len(code) // 8,
            addressof(instructions),
            addressof(licence),
            0,
            0,
            0,
            0,
            0,
        ),
    )
    target = open_file(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    linux.bpf(_PROG_ATTACH, pack("=IIII", target, loaded, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI))
    close(target)
    close(loaded)
