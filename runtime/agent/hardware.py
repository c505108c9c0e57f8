"""Facts about memory, processors, mounts and what kind of machine this is; read from /proc and /sys."""

import os

from .sources import answers


@answers("memtotal_mb", "memfree_mb", "swaptotal_mb", "swapfree_mb", "memory_mb")
def memory():
    """memtotal_mb, memfree_mb, swap and memory_mb: /proc/meminfo."""
    found = {}
    for line in lines_of("/proc/meminfo"):
        key, _, value = line.partition(":")
        found[key] = int(value.split()[0]) // 1024 if value.split() else 0
    total, free = found.get("MemTotal", 0), found.get("MemFree", 0)
    swap, swap_free = found.get("SwapTotal", 0), found.get("SwapFree", 0)
    unused = free + found.get("Cached", 0) + found.get("Buffers", 0)
    return {
        "memtotal_mb": total,
        "memfree_mb": free,
        "swaptotal_mb": swap,
        "swapfree_mb": swap_free,
        "memory_mb": {
            "real": {"total": total, "free": free, "used": total - free},
            "nocache": {"free": unused, "used": total - unused},
            "swap": {"total": swap, "free": swap_free, "used": swap - swap_free, "cached": found.get("SwapCached", 0)},
        },
    }


@answers(
    "processor",
    "processor_count",
    "processor_cores",
    "processor_threads_per_core",
    "processor_vcpus",
    "processor_nproc",
)
def processors():
    """processor*: /proc/cpuinfo; Ansible's `processor` lists number, vendor and model of each."""
    listed, sockets, cores, threads = [], set(), 1, 1
    for line in lines_of("/proc/cpuinfo"):
        key, _, value = (part.strip() for part in line.partition(":"))
        if key in ("processor", "vendor_id", "model name"):
            listed.append(value)
        elif key == "physical id":
            sockets.add(value)
        elif key == "cpu cores":
            cores = int(value)
        elif key == "siblings":
            threads = max(1, int(value) // max(1, cores))
    count = max(1, len(sockets))
    return {
        "processor": listed,
        "processor_count": count,
        "processor_cores": cores,
        "processor_threads_per_core": threads,
        "processor_vcpus": os.cpu_count() or 1,
        "processor_nproc": len(os.sched_getaffinity(0)),
    }


@answers("virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host")
def virtualization():
    """virtualization_type and role: containers by their marks, machines by what their firmware says."""
    kind = container_kind() or machine_kind()
    role = "guest" if kind else "host" if os.path.exists("/dev/kvm") else "NA"
    kind = kind or ("kvm" if role == "host" else "NA")
    return {
        "virtualization_type": kind,
        "virtualization_role": role,
        "virtualization_tech_guest": [kind] if role == "guest" else [],
        "virtualization_tech_host": [kind] if role == "host" else [],
    }


def container_kind():
    """docker, podman, lxc, ... or None."""
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    try:
        with open("/proc/1/environ", "rb") as file:
            marks = [each[10:] for each in file.read().split(b"\0") if each.startswith(b"container=")]
    except OSError:
        return None
    return marks[0].decode("utf-8", "replace") if marks else None


def machine_kind():
    """kvm, VMware, virtualbox, ... or None."""
    product = f"{first_line('/sys/class/dmi/id/sys_vendor')} {first_line('/sys/class/dmi/id/product_name')}"
    for mark, kind in (
        ("QEMU", "kvm"), ("KVM", "kvm"), ("Amazon EC2", "kvm"), ("Google", "kvm"), ("DigitalOcean", "kvm"),
        ("OpenStack", "openstack"), ("VMware", "VMware"), ("VirtualBox", "virtualbox"), ("Microsoft", "VirtualPC"),
        ("Xen", "xen"), ("Hetzner", "kvm"),
    ):  # fmt: skip
        if mark in product:
            return kind
    if any(line.startswith("flags") and "hypervisor" in line.split() for line in lines_of("/proc/cpuinfo")):
        return "kvm"
    return None


@answers("mounts")
def mounts():
    """mounts: file systems with a device, their sizes from statvfs(3)."""
    found = []
    for line in lines_of("/proc/self/mounts"):
        device, mount, kind, options = (unescape(word) for word in line.split()[:4])
        if not device.startswith("/") and ":/" not in device and kind != "overlay":
            continue
        entry = {"device": device, "mount": mount, "fstype": kind, "options": options}
        try:
            size = os.statvfs(mount)
        except OSError:
            continue  # a mount that is gone or closed to us
        entry.update(
            size_total=size.f_frsize * size.f_blocks,
            size_available=size.f_frsize * size.f_bavail,
            block_size=size.f_bsize,
            block_total=size.f_blocks,
            block_available=size.f_bavail,
            block_used=size.f_blocks - size.f_bavail,
            inode_total=size.f_files,
            inode_available=size.f_favail,
            inode_used=size.f_files - size.f_favail,
        )
        found.append(entry)
    return {"mounts": found}


def unescape(word):
    """A field of /proc/mounts with its octal escapes undone."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(code, character)
    return word


@answers("uptime_seconds")
def uptime():
    """uptime_seconds: /proc/uptime."""
    return {"uptime_seconds": int(float((first_line("/proc/uptime") or "0").split()[0]))}


@answers(
    "machine_id",
    "product_name",
    "product_uuid",
    "product_serial",
    "product_version",
    "system_vendor",
    "bios_version",
    "bios_date",
    "board_name",
)
def identity():
    """machine_id and what the firmware says about the machine."""
    firmware = (
        "product_name",
        "product_uuid",
        "product_serial",
        "product_version",
        "bios_version",
        "bios_date",
        "board_name",
    )
    found = {name: first_line(f"/sys/class/dmi/id/{name}") or "NA" for name in firmware}
    vendor = first_line("/sys/class/dmi/id/sys_vendor") or "NA"
    return {**found, "system_vendor": vendor, "machine_id": first_line("/etc/machine-id")}


@answers("cmdline", "proc_cmdline")
def command_line():
    """cmdline, proc_cmdline: the kernel's."""
    words = [word.partition("=") for word in first_line("/proc/cmdline").split()]
    single = {key: value if equals else True for key, equals, value in words}
    return {"cmdline": single, "proc_cmdline": single}


@answers("loadavg")
def load():
    """loadavg: over 1, 5 and 15 minutes."""
    return {"loadavg": dict(zip(("1m", "5m", "15m"), os.getloadavg()))}


def lines_of(path):
    """The lines of a file, none when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def first_line(path):
    """The first line of a file, empty when it cannot be read."""
    return next(iter(lines_of(path)), "").strip()
