"""Where cgroups are mounted, from samples of /proc/self/mountinfo."""

from runtime.process import hierarchies

HYBRID = """\
24 20 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
25 24 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
26 24 0:23 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
27 24 0:24 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
28 24 0:25 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "30 20 0:26 /../.. /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def found(tmp_path, text):
    path = tmp_path / "mountinfo"
    path.write_text(text)
    return hierarchies.find(str(path))


def test_hybrid_has_v1_controllers_and_a_v2_tree(tmp_path):
    result = found(tmp_path, HYBRID)
    assert result.v1 == {"/sys/fs/cgroup/cpu,cpuacct": ["cpu", "cpuacct"], "/sys/fs/cgroup/memory": ["memory"]}
    assert result.v2 == "/sys/fs/cgroup/unified"
    assert result.folder("cpuacct") == "/sys/fs/cgroup/cpu,cpuacct"
    assert result.folder("pids") is None


def test_unified_alone(tmp_path):
    result = found(tmp_path, UNIFIED)
    assert (result.v1, result.v2) == ({}, "/sys/fs/cgroup")


def test_none_at_all(tmp_path):
    result = found(tmp_path, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
    assert (result.v1, result.v2) == ({}, None)
