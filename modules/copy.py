"""Put files on the host."""

import os

RULES = {
    "aliases": {"thirsty": "force"},
    "exclusive": [["src", "content"]],
    "one_of": [["src", "content"]],
}


def prepare(task):
    """Attach the controller's file, directory or text; the host asks for what it lacks."""
    args = task.args
    if args.get("remote_src"):
        return
    if "content" in args:
        args["src"] = task.attach_bytes(args.pop("content").encode("utf-8", "surrogateescape"))
        args.setdefault("original_basename", "")
        return
    path = task.path("src")
    args.setdefault("original_basename", "" if path.endswith("/") else os.path.basename(path))
    if args.get("mode") == "preserve":
        args["mode"] = os.stat(path).st_mode & 0o7777
    args["src"] = task.attach_tree(path) if os.path.isdir(path) else task.attach(path)


def run(
    host,
    dest: "path",
    src: "raw" = None,
    content: "str" = None,
    mode: "mode" = None,
    directory_mode: "mode" = None,
    owner: "str" = None,
    group: "str" = None,
    backup=False,
    validate: "str" = None,
    force=True,
    remote_src=False,
    follow=False,
    original_basename="",
):
    """Make `dest` the same as `src` or `content`; a directory's files are put below it, and nothing is removed there.

    src: file or directory of the controller, looked for in files/ first; a directory that ends with / gives its content,
    else itself.  remote_src: it lies on the host.  content: the text itself.  dest: a file, or a directory (exists or ends
    with /).  mode: octal, symbolic or preserve.  directory_mode: of directories that are made.  backup: keep the old file.
    validate: a command that must accept the new file's name (%s) first.  force: false leaves a file that exists as it is.
    follow: write to what a link at dest names.  original_basename: the file's name, for `prepare`; not for playbooks.
    Registers: dest, src, mode, owner, group, uid, gid, size, state, backup_file, changed.
    """
    attributes = {"mode": mode, "owner": owner, "group": group}
    options = {"backup": backup, "validate": validate, **attributes}
    if remote_src:
        return from_host(host, src, dest, force, directory_mode, options)
    if hasattr(src, "entries"):
        target = os.path.join(dest, original_basename) if original_basename else dest
        return dict(host.write_tree(target, src, directory_mode=directory_mode, **attributes))
    target = file_path(host, dest, original_basename, directory_mode)
    return kept(host, target, force) or dict(host.write(target, src, follow=follow, **options))


def kept(host, target, force):
    """The result for a file that stays as it is, because it exists and nothing is forced; None when it is to be written."""
    if force or host.stat(target) is None:
        return None
    return {"changed": False, "dest": target, "msg": "file already exists"}


def from_host(host, src, dest, force, directory_mode, options):
    """Copy what lies on the host itself: a file, or a directory with all below it."""
    found = host.stat(src, follow=True)
    if found is None:
        return host.fail(f"Source {src} not found")
    name = os.path.basename(src)
    if found.kind == "directory":
        target = os.path.join(dest, name) if name else dest
        return {"changed": copy_tree(host, src, target, options), "src": src, "dest": target, "state": "directory"}
    target = file_path(host, dest, name, directory_mode)
    return kept(host, target, force) or {**host.copy(src, target, **options), "src": src}


def copy_tree(host, src, dest, options):
    """Copy a directory of the host; modes are those of its files unless one is given."""
    changed = bool(host.make_dir(dest))
    for name in host.list(src):
        inner, target = os.path.join(src, name), os.path.join(dest, name)
        found = host.stat(inner)
        if found.kind == "directory":
            changed |= copy_tree(host, inner, target, options)
        elif found.kind == "link":
            changed |= bool(host.link(target, found.target, force=True))
        elif found.kind == "file":
            changed |= bool(host.copy(inner, target, **{**options, "mode": options["mode"] or "preserve"}))
    return changed


def file_path(host, dest, name, directory_mode):
    """The file that is written: `dest`, or `name` in it when it is a directory, which is made if it ends with /."""
    found = host.stat(dest, follow=True)
    if found is None and dest.endswith("/") and name:
        host.make_dir(dest, mode=directory_mode)
    elif found is None or found.kind != "directory":
        return dest
    if not name:
        return host.fail(f"dest {dest} is a directory, and content has no file name")
    return os.path.join(dest, name)
