"""Manage files, directories and links, and who may use them."""

import os
import time

RULES = {
    "aliases": {"dest": "path", "name": "path"},
    "required_if": [["state", "link", ["src"]], ["state", "hard", ["src"]]],
}


def run(
    host,
    path: "path",
    state: "absent | directory | file | hard | link | touch" = None,
    src: "path" = None,
    mode: "mode" = None,
    owner: "str" = None,
    group: "str" = None,
    recurse=False,
    follow=True,
    force=False,
    modification_time: "str" = None,
    access_time: "str" = None,
    modification_time_format="%Y%m%d%H%M.%S",
    access_time_format="%Y%m%d%H%M.%S",
):
    """Make `path` be of this `state`, with this mode, owner and group.

    state: file: it must exist, only attributes change (the default for what exists; directory with recurse).  directory:
    made with its parents.  link, hard: to `src`.  touch: made empty, or its times set.  absent: removed, with all below it.
    recurse: mode, owner and group for all below a directory.  follow: what a link names, not the link.
    force: a link replaces a file, and may lead to nothing.  modification_time, access_time: now, preserve, or a time in
    the *_format (strftime).  Registers: path (dest for links), state, src, mode, owner, group, uid, gid, size, changed.
    """
    attributes = {"mode": mode, "owner": owner, "group": group}
    state = state or default_state(host, path, recurse)
    if state == "absent":
        return dict(host.remove(path))
    if state == "directory":
        return directory(host, path, attributes, recurse)
    if state in ("link", "hard"):
        return link(host, path, src, state == "hard", force, attributes)
    if state == "touch":
        times = [seconds(modification_time, modification_time_format), seconds(access_time, access_time_format)]
        return touch(host, path, times, attributes)
    return existing(host, path, follow, attributes)


def default_state(host, path, recurse):
    """The state that is meant when none is given: what lies there stays what it is."""
    if recurse:
        return "directory"
    found = host.stat(path)
    return "directory" if found is not None and found.kind == "directory" else "file"


def existing(host, path, follow, attributes):
    """Change the attributes of what must exist."""
    if host.stat(path, follow=follow) is None:
        return host.fail(f"file ({path}) is absent, cannot continue", path=path, state="absent")
    return {**host.set_attributes(path, follow=follow, **attributes), "path": path}


def directory(host, path, attributes, recurse):
    """Make a directory, and give all below it the attributes if that is asked for."""
    result = dict(host.make_dir(path, **attributes))
    if recurse and any(value is not None for value in attributes.values()):
        inner = host.set_attributes(path, recurse=True, **attributes)
        result["changed"] = result["changed"] or inner["changed"]
    return {**result, "path": path}


def link(host, path, src, hard, force, attributes):
    """Make a link; a symbolic one must lead to something unless forced."""
    if not force and not leads_somewhere(host, path, src, hard):
        return host.fail("src file does not exist, use force=yes if you really want to create the link: " + src)
    result = dict(host.link(path, src, hard=hard, force=force))
    if any(value is not None for value in attributes.values()) and (not host.check or host.stat(path)):
        changed = host.set_attributes(path, follow=False, **{**attributes, "mode": None})
        result["changed"] = result["changed"] or changed["changed"]
    return {**result, "dest": path, "src": src}


def leads_somewhere(host, path, src, hard):
    """Whether a link's target exists; a relative one begins at the folder of the link."""
    base = path.rstrip("/").rpartition("/")[0]
    full = src if hard or src.startswith("/") else base + "/" + src
    return host.stat(full, follow=True) is not None


def touch(host, path, times, attributes):
    """Make an empty file, or set the times of what is there."""
    if host.stat(path, follow=True) is None:
        return {**host.write(path, b"", **attributes), "dest": path}
    adjusted = host.set_attributes(path, **attributes)
    if times == ["preserve", "preserve"]:
        return {**adjusted, "dest": path}
    found = os.stat(path)
    mtime, atime = (old if new == "preserve" else new for old, new in zip((found.st_mtime, found.st_atime), times))
    host.touch(path, mtime=mtime, atime=atime)
    return {**adjusted, "changed": True, "dest": path}


def seconds(text, form):
    """Seconds since the epoch of a time as it is written; None for now, "preserve" as it is."""
    if text in (None, "now"):
        return None
    return text if text == "preserve" else time.mktime(time.strptime(text, form))
