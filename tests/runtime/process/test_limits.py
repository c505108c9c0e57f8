"""OCI resources as the files of v1 and v2."""

import pytest

from runtime.process import limits

CASES = [
    (
        {"memory": {"limit": 1000, "swap": 1000}},
        ["memory.limit_in_bytes 1000", "memory.memsw.limit_in_bytes 1000"],
        ["memory.max 1000", "memory.swap.max 0"],
    ),
    (
        {"memory": {"limit": 1000, "swap": 3000}},
        ["memory.limit_in_bytes 1000", "memory.memsw.limit_in_bytes 3000"],
        ["memory.max 1000", "memory.swap.max 2000"],
    ),
    (
        {"memory": {"limit": -1, "swap": -1}},
        ["memory.limit_in_bytes -1", "memory.memsw.limit_in_bytes -1"],
        ["memory.max max", "memory.swap.max max"],
    ),
    (
        {"cpu": {"quota": 150000, "period": 100000}},
        ["cpu.cfs_period_us 100000", "cpu.cfs_quota_us 150000"],
        ["cpu.max 150000 100000"],
    ),
    ({"cpu": {"quota": -1}}, ["cpu.cfs_quota_us -1"], ["cpu.max max 100000"]),
    ({"cpu": {"shares": 2}}, ["cpu.shares 2"], ["cpu.weight 1"]),
    ({"cpu": {"shares": 262144}}, ["cpu.shares 262144"], ["cpu.weight 10000"]),
    ({"cpu": {"cpus": "0-1", "mems": "0"}}, ["cpuset.cpus 0-1", "cpuset.mems 0"], ["cpuset.cpus 0-1", "cpuset.mems 0"]),
    ({"pids": {"limit": 7}}, ["pids.max 7"], ["pids.max 7"]),
    ({"pids": {"limit": -1}}, ["pids.max max"], ["pids.max max"]),
    ({}, [], []),
]


@pytest.mark.parametrize("resources, v1, v2", CASES)
def test_each_limit_is_written_as_its_version_wants_it(resources, v1, v2):
    assert [f"{file} {value}" for _, file, value in limits.v1(resources)] == v1
    assert [f"{file} {value}" for _, file, value in limits.v2(resources)] == v2
