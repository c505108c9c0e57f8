"""OCI linux.resources as what is to be written into cgroup files; pure.

Each answer is [(controller, file, value)] in the order of writing.
"""

UNLIMITED = -1


def v1(resources):
    """For hierarchies of version 1."""
    memory, cpu, pids = (resources.get(part) or {} for part in ("memory", "cpu", "pids"))
    return [
        *_given("memory", ("memory.soft_limit_in_bytes", memory.get("reservation"))),
        *_given("memory", ("memory.limit_in_bytes", memory.get("limit"))),
        *_given("memory", ("memory.memsw.limit_in_bytes", memory.get("swap"))),
        *_given("cpu", ("cpu.shares", cpu.get("shares"))),
        *_given("cpu", ("cpu.cfs_period_us", cpu.get("period")), ("cpu.cfs_quota_us", cpu.get("quota"))),
        *_given("pids", ("pids.max", _or_max(pids.get("limit")))),
        *_given("cpuset", ("cpuset.cpus", cpu.get("cpus")), ("cpuset.mems", cpu.get("mems"))),
    ]


def v2(resources):
    """For the unified hierarchy."""
    memory, cpu, pids = (resources.get(part) or {} for part in ("memory", "cpu", "pids"))
    return [
        *_given("memory", ("memory.low", memory.get("reservation"))),
        *_given("memory", ("memory.max", _or_max(memory.get("limit")))),
        *_given("memory", ("memory.swap.max", _swap_alone(memory.get("limit"), memory.get("swap")))),
        *_given("cpu", ("cpu.weight", _weight(cpu.get("shares"))), ("cpu.max", _quota(cpu))),
        *_given("pids", ("pids.max", _or_max(pids.get("limit")))),
        *_given("cpuset", ("cpuset.cpus", cpu.get("cpus")), ("cpuset.mems", cpu.get("mems"))),
    ]


def _given(controller, *files):
    return [(controller, file, str(value)) for file, value in files if value is not None]


def _or_max(limit):
    return limit if limit is None or limit > 0 else "max"


def _swap_alone(limit, swap):
    """OCI counts memory and swap together, v2 counts swap by itself."""
    if swap is None or limit is None:
        return None
    return "max" if swap == UNLIMITED else max(0, swap - limit)


def _quota(cpu):
    if cpu.get("quota") is None:
        return None
    return f"{cpu['quota'] if cpu['quota'] > 0 else 'max'} {cpu.get('period') or 100_000}"


def _weight(shares):
    """2 .. 262144 of v1 onto 1 .. 10000 of v2, as the OCI specification proposes."""
    return None if not shares else 1 + (shares - 2) * 9999 // 262142
