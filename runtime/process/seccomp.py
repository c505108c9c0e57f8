"""Compile the `linux.seccomp` section of an OCI config to BPF: a binary search over the numbers of system calls.

A call of another architecture (i386 by int 0x80, x32) ends the process or is unknown; a call that is in no table gets
ENOSYS, so that programs fall back as on an older kernel; one that is known and in no rule gets the default action.
Encoding: linux/filter.h, seccomp(2).
"""

from _struct import Struct

from .. import linux
from ..errors import UsageError
from . import syscalls

_LOAD, _AND, _RETURN, _JUMP = 0x20, 0x54, 0x06, 0x05
_IF_EQUAL, _IF_GREATER, _IF_GREATER_EQUAL = 0x15, 0x25, 0x35
_NUMBER_OFFSET, _ARCH_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_FAIL = -1  # a jump to where the rule does not match; resolved when the rule's length is known

_KILL_PROCESS, _ERRNO = 0x80000000, 0x00050000
_ACTIONS = {
    "SCMP_ACT_KILL": 0,
    "SCMP_ACT_KILL_THREAD": 0,
    "SCMP_ACT_KILL_PROCESS": _KILL_PROCESS,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": _ERRNO,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_pack = Struct("HBBI").pack


def compile(section, machine=linux.MACHINE):  # noqa: A001 - what is done here has this name everywhere
    """The BPF program of an OCI seccomp section, as bytes of struct sock_filter; UsageError for what is not known."""
    numbers = syscalls.numbers(machine)
    default = _action(section["defaultAction"], section.get("defaultErrnoRet", 1))
    leaves = dict.fromkeys(numbers.values(), ())
    for rule in section.get("syscalls", ()):
        decision = (tuple(map(_condition, rule.get("args") or ())), _action(rule["action"], rule.get("errnoRet", 1)))
        for name in rule["names"]:
            if name in numbers:  # other machines' calls are listed too
                leaves[numbers[name]] += (decision,)
    unknown = _ERRNO | linux.ENOSYS if default & 0xFFFF0000 == _ERRNO else default
    tree = _search(_ranges(leaves, unknown), default)
    head = [
        (_LOAD, 0, 0, _ARCH_OFFSET),
        (_IF_EQUAL, 1, 0, syscalls.audit_architecture(machine)),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    return b"".join([_pack(*each) for each in head + tree])


def _action(name, errno):
    if name not in _ACTIONS:
        raise UsageError(f"seccomp action {name} is not supported", "linux.seccomp", "one of " + ", ".join(_ACTIONS))
    return _ACTIONS[name] | (errno & 0xFFFF if name in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE") else 0)


def _condition(argument):
    return (argument["index"], argument["op"], argument["value"], argument.get("valueTwo", 0))


def _ranges(leaves, unknown):
    """[(first number, rules)] in order, neighbours with the same rules merged; the last range has no end."""
    nowhere = (((), unknown),)
    ranges = []
    for number in range(max(leaves) + 2):
        leaf = leaves.get(number, nowhere)
        if not ranges or ranges[-1][1] != leaf:
            ranges.append((number, leaf))
    return ranges


def _search(ranges, default):
    """Instructions that find the range of the loaded number and decide by its rules."""
    if len(ranges) == 1:
        return _decide(ranges[0][1], default)
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle], default), _search(ranges[middle:], default)
    if len(below) <= 255:
        return [(_IF_GREATER_EQUAL, len(below), 0, ranges[middle][0]), *below, *above]
    return [(_IF_GREATER_EQUAL, 0, 1, ranges[middle][0]), (_JUMP, 0, 0, len(below)), *below, *above]


def _decide(rules, default):
    program = []
    for conditions, action in rules:
        program += _rule(conditions, action)
        if not conditions:
            return program
    return [*program, (_RETURN, 0, 0, default)]


def _rule(conditions, action):
    """Return `action` if all conditions hold, else go on behind the rule."""
    program = [instruction for condition in conditions for instruction in _test(*condition)]
    program.append((_RETURN, 0, 0, action))
    return [_resolve(instruction, len(program) - index - 1) for index, instruction in enumerate(program)]


def _resolve(instruction, to_end):
    code, if_true, if_false, operand = instruction
    return code, to_end if if_true == _FAIL else if_true, to_end if if_false == _FAIL else if_false, operand


def _test(index, operator, value, value_two):
    """Compare argument `index`, 64 bits in two words, high word first."""
    low, high = _ARGUMENTS_OFFSET + 8 * index, _ARGUMENTS_OFFSET + 8 * index + 4  # both machines are little-endian
    top, bottom = value >> 32, value & 0xFFFFFFFF
    load_high, load_low = (_LOAD, 0, 0, high), (_LOAD, 0, 0, low)
    if operator == "SCMP_CMP_MASKED_EQ":
        return [
            *[load_high, (_AND, 0, 0, top), (_IF_EQUAL, 0, _FAIL, (value_two >> 32) & top)],
            *[load_low, (_AND, 0, 0, bottom), (_IF_EQUAL, 0, _FAIL, value_two & bottom)],
        ]
    if operator == "SCMP_CMP_EQ":
        return [load_high, (_IF_EQUAL, 0, _FAIL, top), load_low, (_IF_EQUAL, 0, _FAIL, bottom)]
    if operator == "SCMP_CMP_NE":
        return [load_high, (_IF_EQUAL, 0, 2, top), load_low, (_IF_EQUAL, _FAIL, 0, bottom)]
    if operator in ("SCMP_CMP_GE", "SCMP_CMP_GT"):
        last = _IF_GREATER_EQUAL if operator == "SCMP_CMP_GE" else _IF_GREATER
        higher = [load_high, (_IF_GREATER, 3, 0, top), (_IF_EQUAL, 0, _FAIL, top)]
        return [*higher, load_low, (last, 0, _FAIL, bottom)]
    if operator in ("SCMP_CMP_LE", "SCMP_CMP_LT"):
        last = _IF_GREATER if operator == "SCMP_CMP_LE" else _IF_GREATER_EQUAL
        lower = [load_high, (_IF_GREATER, _FAIL, 0, top), (_IF_EQUAL, 0, 2, top)]
        return [*lower, load_low, (last, _FAIL, 0, bottom)]
    raise UsageError(f"seccomp operator {operator} is not supported", "linux.seccomp")
