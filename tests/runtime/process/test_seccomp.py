"""The compiled filter decides as the profile says, for every number, whatever lies in the upper half of an argument."""

import struct

import pytest

from runtime.errors import UsageError
from runtime.process import capabilities, profile, seccomp, syscalls

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026


def decide(program, number, *arguments, arch=None, machine="x86_64"):
    """What the kernel would return for a call: an interpreter of classic BPF."""
    arch = syscalls.audit_architecture(machine) if arch is None else arch
    padded = [each & (1 << 64) - 1 for each in arguments] + [0] * (6 - len(arguments))
    data = struct.pack("<IIQ6Q", number, arch, 0, *padded)
    code = [struct.unpack_from("<HBBI", program, offset) for offset in range(0, len(program), 8)]
    at = accumulator = 0
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        elif operation == 0x54:
            accumulator &= operand
        elif operation == 0x05:
            at += operand
        elif operation == 0x06:
            return operand
        else:
            holds = {0x15: accumulator == operand, 0x25: accumulator > operand, 0x35: accumulator >= operand}[operation]
            at += if_true if holds else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_call_gets_what_the_profile_says(machine):
    section = profile.default(capabilities.DEFAULT)
    program = seccomp.compile(section, machine)
    numbers = syscalls.numbers(machine)
    plain = {
        name
        for rule in section["syscalls"]
        if not rule["args"] and rule["action"] == "SCMP_ACT_ALLOW"
        for name in rule["names"]
    }
    conditional = {name for rule in section["syscalls"] if rule["args"] for name in rule["names"]} | {"clone3"}
    for name, number in numbers.items():
        if name not in conditional:
            assert decide(program, number, machine=machine) == (ALLOW if name in plain else EPERM), name
    known = set(numbers.values())
    assert {decide(program, number, machine=machine) for number in range(2000) if number not in known} == {ENOSYS}
    assert decide(program, 0xFFFFFFFF, machine=machine) == ENOSYS
    assert decide(program, numbers["read"], arch=0x40000003, machine=machine) == KILL


@pytest.mark.parametrize(
    "name, arguments, expected",
    [
        ("clone", (17,), ALLOW),
        ("clone", (0x10000000 | 17,), EPERM),
        ("clone", (0x1_1000_0000 | 17,), EPERM),
        ("clone3", (), ENOSYS),
        ("socket", (1, 1, 0), ALLOW),
        ("socket", (2, 1, 0), ALLOW),
        ("socket", (10, 1, 0), ALLOW),
        ("socket", (16, 3, 0), ALLOW),
        ("socket", (16, 3, 9), EPERM),
        ("socket", (0x1_0000_0010, 3, 0x1_0000_0009), EPERM),
        ("socket", (38, 5, 0), EPERM),
        ("socket", (40, 1, 0), EPERM),
        ("socket", (0x1_0000_0028, 1, 0), EPERM),
        ("socket", (-1, 1, 0), EPERM),
        ("socket", (46, 1, 0), EPERM),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), EPERM),
        ("ioctl", (0, 0x1_0000_5412), EPERM),
        ("ioctl", (0, 0x541C), EPERM),
        ("personality", (0,), ALLOW),
        ("personality", (0xFFFFFFFF,), ALLOW),
        ("personality", (0x0400000,), EPERM),
    ],
)
def test_arguments_are_looked_at(name, arguments, expected):
    program = seccomp.compile(profile.default(capabilities.DEFAULT), "x86_64")
    assert decide(program, syscalls.numbers("x86_64")[name], *arguments) == expected


def test_capabilities_open_the_calls_that_need_them():
    number = syscalls.numbers("x86_64")
    program = seccomp.compile(profile.default(["CAP_SYS_ADMIN", "CAP_SYS_TIME"]), "x86_64")
    allowed = ("mount", "setns", "clone3", "clone", "clock_settime", "unshare")
    assert {decide(program, number[name], 0x10000000) for name in allowed} == {ALLOW}
    assert decide(program, number["init_module"]) == EPERM


SAMPLES = [0, 1, 4, 5, 6, (1 << 32) - 1, 1 << 32, (1 << 32) + 4, (1 << 32) + 5, (1 << 32) + 6, 2 << 32, (1 << 64) - 1]
COMPARISONS = {
    "EQ": lambda argument, value: argument == value,
    "NE": lambda argument, value: argument != value,
    "LT": lambda argument, value: argument < value,
    "LE": lambda argument, value: argument <= value,
    "GT": lambda argument, value: argument > value,
    "GE": lambda argument, value: argument >= value,
}


@pytest.mark.parametrize("operator", COMPARISONS)
def test_64_bit_comparisons(operator):
    for value in SAMPLES:
        argument = {"index": 3, "value": value, "op": f"SCMP_CMP_{operator}"}
        rule = {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [argument]}
        program = seccomp.compile({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}, "x86_64")
        for given in SAMPLES:
            assert (decide(program, 0, 1, 2, 3, given) == ALLOW) == COMPARISONS[operator](given, value), (given, value)


def test_a_filter_too_long_for_short_jumps_still_finds_its_way():
    names = list(syscalls.numbers("x86_64"))
    rules = [
        {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": index % 4000, "args": []}
        for index, name in enumerate(names)
    ]
    program = seccomp.compile({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}, "x86_64")
    numbers = syscalls.numbers("x86_64")
    for index, name in enumerate(names):
        assert decide(program, numbers[name]) == 0x50000 | index % 4000, name


@pytest.mark.parametrize("section", [{"defaultAction": "SCMP_ACT_NOTIFY"}, {"defaultAction": "SCMP_ACT_BOGUS"}])
def test_an_action_that_is_not_supported_is_refused(section):
    with pytest.raises(UsageError, match="SCMP_ACT"):
        seccomp.compile(section)
