"""Owner, group, mode and labels of files."""

import os

from . import modes


class Attributes:
    """Owner, group and mode that a file is to have: what was asked for, else what it has, else the default of a new one."""

    def __init__(self, old, mode, owner, group, directory=False):
        start = old.mode if old else (0o777 if directory else 0o666) & ~umask()
        self.mode = start if mode is None else modes.apply(mode, start, directory)
        self.uid = modes.user_id(owner) if owner is not None else old.uid if old else os.geteuid()
        self.gid = modes.group_id(group) if group is not None else old.gid if old else None

    def differ(self, old):
        """Whether an Entry has to change for them."""
        mode = old.mode if old.kind == "link" else self.mode
        return (mode, self.uid, old.gid if self.gid is None else self.gid) != (old.mode, old.uid, old.gid)

    def apply(self, place, old):
        """Set them on what lies at a place and is `old`; a link has no mode of its own."""
        if old.kind == "link":
            os.chown(place.name, self.uid, self._gid, dir_fd=place.folder, follow_symlinks=False)
            return
        handle = place.open(os.O_PATH)
        try:
            self._set(
                f"/proc/self/fd/{handle}"
            )  # O_PATH: works for any kind of file, and cannot be another one meanwhile
        finally:
            os.close(handle)

    def apply_to(self, handle):
        """Set them on an open file."""
        self._set(handle)

    def described(self):
        """The keys that a task registers."""
        keys = {"mode": f"{self.mode:04o}", "uid": self.uid, "owner": modes.user_name(self.uid)}
        return keys if self.gid is None else {**keys, "gid": self.gid, "group": modes.group_name(self.gid)}

    @property
    def _gid(self):
        return -1 if self.gid is None else self.gid

    def _set(self, target):
        os.chown(target, self.uid, self._gid)
        os.chmod(target, self.mode)  # after chown, which clears setuid and setgid


def described(attributes):
    """Owner, group and mode on one line, for a diff."""
    return f"{attributes.uid}:{'' if attributes.gid is None else attributes.gid} {attributes.mode:04o}"


def umask():
    """This process's umask."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def copy_labels(place, handle):
    """Give the new file the old one's access list, SELinux label and user attributes, where the file system has them."""
    old = place.open()
    try:
        for name in os.listxattr(old):
            if name.startswith("user.") or name in ("security.selinux", "system.posix_acl_access"):
                os.setxattr(handle, name, os.getxattr(old, name))
    except OSError:
        pass  # not supported here: nothing to keep
    finally:
        os.close(old)
