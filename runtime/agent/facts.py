"""Facts about the host, by Ansible's names without `ansible_`; only what is asked for is looked up, once a session.

A function answers several names at once and is registered under each; interfaces and hardware have files of their own.
"""

import os
import sys
import time

from . import hardware, interfaces  # noqa: F401 - they register their facts
from .sources import SOURCES, answers

FAMILIES = {
    "Debian": ("debian", "ubuntu", "raspbian", "linuxmint", "kali", "devuan", "pop", "neon", "deepin"),
    "RedHat": ("rhel", "centos", "fedora", "rocky", "almalinux", "ol", "amzn", "scientific", "oraclelinux"),
    "Suse": ("sles", "sled", "opensuse", "opensuse-leap", "opensuse-tumbleweed", "suse"),
    "Archlinux": ("arch", "manjaro", "endeavouros", "archarm"),
    "Alpine": ("alpine",),
    "Gentoo": ("gentoo",),
}
NAMES = {
    "debian": "Debian", "ubuntu": "Ubuntu", "raspbian": "Debian", "linuxmint": "Linux Mint", "kali": "Kali",
    "rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux",
    "ol": "OracleLinux", "amzn": "Amazon", "sles": "SLES", "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed", "arch": "Archlinux", "alpine": "Alpine", "gentoo": "Gentoo",
}  # fmt: skip
PACKAGE_MANAGERS = (
    ("apt", "/usr/bin/apt-get"), ("dnf5", "/usr/bin/dnf5"), ("dnf", "/usr/bin/dnf"), ("yum", "/usr/bin/yum"),
    ("zypper", "/usr/bin/zypper"), ("apk", "/sbin/apk"), ("pacman", "/usr/bin/pacman"), ("portage", "/usr/bin/emerge"),
)  # fmt: skip


class Facts:
    """The facts of this host; each group is looked up when one of its names is asked for."""

    def __init__(self):
        self._known = {}

    def get(self, name):
        """One fact, None when the host does not have it; for "*" all, a dict."""
        found = self.gather([name])
        return found if name == "*" else found.get(name)

    def gather(self, names):
        """The facts of these names ("*" for all) that the host has."""
        wanted = list(SOURCES) if "*" in names else [name for name in names if name in SOURCES]
        for name in wanted:
            if name not in self._known:
                self._known.update(SOURCES[name]())
        return {name: self._known[name] for name in wanted if self._known.get(name) is not None}


@answers(
    "distribution",
    "distribution_version",
    "distribution_major_version",
    "distribution_release",
    "os_family",
    "distribution_file_path",
    "distribution_file_variety",
)
def distribution():
    """distribution*, os_family: from os-release(5), named as Ansible names them."""
    release = os_release()
    identity, likes = release.get("ID", "linux"), release.get("ID_LIKE", "").split()
    family = next(
        (family for each in [identity, *likes] for family, members in FAMILIES.items() if each in members), None
    )
    version = release.get("VERSION_ID", "")
    if identity == "debian":
        version = text_of("/etc/debian_version").strip() or version
    name = NAMES.get(identity, release.get("NAME", identity))
    return {
        "distribution": name,
        "distribution_version": version or release.get("BUILD_ID", ""),
        "distribution_major_version": (release.get("VERSION_ID", "") or version).split(".")[0],
        "distribution_release": release.get("VERSION_CODENAME", "NA"),
        "distribution_file_path": "/etc/os-release",
        "distribution_file_variety": family or name,
        "os_family": family or name,
    }


def os_release():
    """The keys of os-release(5)."""
    import shlex

    text = text_of("/etc/os-release") or text_of("/usr/lib/os-release")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): " ".join(shlex.split(value)) for key, _, value in pairs}


@answers("lsb")
def lsb():
    """lsb: as lsb_release would say it, from os-release(5)."""
    release = os_release()
    version = release.get("VERSION_ID", "")
    return {
        "lsb": {
            "id": NAMES.get(release.get("ID", ""), release.get("NAME", "")),
            "release": version,
            "codename": release.get("VERSION_CODENAME", ""),
            "description": release.get("PRETTY_NAME", ""),
            "major_release": version.split(".")[0],
        }
    }


@answers(
    "system",
    "kernel",
    "kernel_version",
    "machine",
    "architecture",
    "userspace_bits",
    "userspace_architecture",
    "nodename",
    "hostname",
)
def kernel():
    """system, kernel, architecture, hostname and its relatives: uname(2)."""
    name = os.uname()
    bits = "32" if sys.maxsize < 1 << 32 else "64"
    return {
        "system": name.sysname,
        "kernel": name.release,
        "kernel_version": name.version,
        "machine": name.machine,
        "architecture": "i386" if name.machine in ("i486", "i586", "i686") else name.machine,
        "userspace_bits": bits,
        "userspace_architecture": name.machine,
        "nodename": name.nodename,
        "hostname": name.nodename.split(".")[0],
    }


@answers("fqdn", "domain")
def full_name():
    """fqdn, domain: by the host's own resolver."""
    import socket

    name = socket.getfqdn()
    return {"fqdn": name, "domain": name.partition(".")[2]}


@answers(
    "user_id",
    "user_uid",
    "user_gid",
    "user_gecos",
    "user_dir",
    "user_shell",
    "real_user_id",
    "effective_user_id",
    "real_group_id",
    "effective_group_id",
)
def user():
    """user_*, real_* and effective_*: who the agent is."""
    import pwd

    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return {"user_id": str(uid), "user_uid": uid, "effective_user_id": uid, "real_user_id": os.getuid()}
    return {
        "user_id": entry.pw_name,
        "user_uid": entry.pw_uid,
        "user_gid": entry.pw_gid,
        "user_gecos": entry.pw_gecos,
        "user_dir": entry.pw_dir,
        "user_shell": entry.pw_shell,
        "real_user_id": os.getuid(),
        "effective_user_id": uid,
        "real_group_id": os.getgid(),
        "effective_group_id": os.getegid(),
    }


@answers("env")
def environment():
    """env: the agent's environment."""
    return {"env": dict(os.environ)}


@answers("date_time")
def date_time():
    """date_time: the host's clock, as strings."""
    now = time.time()
    local, world = time.localtime(now), time.gmtime(now)
    formats = {
        "year": "%Y", "month": "%m", "weekday": "%A", "weekday_number": "%w", "weeknumber": "%W", "day": "%d",
        "hour": "%H", "minute": "%M", "second": "%S", "date": "%Y-%m-%d", "time": "%H:%M:%S",
        "iso8601_basic_short": "%Y%m%dT%H%M%S", "tz": "%Z", "tz_offset": "%z",
    }  # fmt: skip
    found = {key: time.strftime(form, local) for key, form in formats.items()}
    micro = f"{int(now % 1 * 1e6):06d}"
    found.update(
        epoch=str(int(now)),
        epoch_int=str(int(now)),
        iso8601=time.strftime("%Y-%m-%dT%H:%M:%SZ", world),
        iso8601_micro=time.strftime("%Y-%m-%dT%H:%M:%S.", world) + micro + "Z",
        iso8601_basic=found["iso8601_basic_short"] + micro,
        tz_dst=time.tzname[1],
    )
    return {"date_time": found}


@answers("python", "python_version")
def python():
    """python, python_version: the agent's interpreter."""
    version = sys.version_info
    return {
        "python_version": "{}.{}.{}".format(*version[:3]),
        "python": {
            "version": {
                "major": version[0],
                "minor": version[1],
                "micro": version[2],
                "releaselevel": version[3],
                "serial": version[4],
            },
            "version_info": list(version),
            "executable": sys.executable,
            "type": sys.implementation.name,
        },
    }


@answers("pkg_mgr")
def package_manager():
    """pkg_mgr: the first of the known ones that is installed."""
    return {"pkg_mgr": next((name for name, path in PACKAGE_MANAGERS if os.path.exists(path)), "unknown")}


@answers("service_mgr")
def service_manager():
    """service_mgr: what PID 1 is."""
    if os.path.isdir("/run/systemd/system"):
        return {"service_mgr": "systemd"}
    first = text_of("/proc/1/comm").strip()
    if os.path.exists("/sbin/openrc"):
        return {"service_mgr": "openrc"}
    return {"service_mgr": {"init": "sysvinit", "runit-init": "runit"}.get(first, first) or "service"}


@answers("selinux", "selinux_python_present")
def selinux():
    """selinux, selinux_python_present: from the kernel, not from a library."""
    mode = text_of("/sys/fs/selinux/enforce").strip()
    if not mode:
        return {"selinux": {"status": "disabled"}, "selinux_python_present": False}
    settings = dict(
        line.split("=", 1) for line in text_of("/etc/selinux/config").splitlines() if line[:1].isalpha() and "=" in line
    )
    found = {
        "status": "enabled",
        "mode": "enforcing" if mode == "1" else "permissive",
        "config_mode": settings.get("SELINUX", "unknown"),
        "type": settings.get("SELINUXTYPE", "unknown"),
        "policyvers": text_of("/sys/fs/selinux/policyvers").strip(),
    }
    return {"selinux": found, "selinux_python_present": True}


def text_of(path):
    """A small file's text, empty when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
