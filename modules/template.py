"""Render a template of the controller into a file on the host."""

import os


def prepare(task):
    """Render, and let `copy` put the text on the host."""
    args = task.args
    path = task.path("src")
    if args.get("mode") == "preserve":
        args["mode"] = os.stat(path).st_mode & 0o7777
    name = os.path.basename(path)
    args["original_basename"] = name[: -len(".j2")] if name.endswith(".j2") else name
    del args["src"]
    args["content"] = task.render_file(path)
    task.hand_over("copy")


def run(
    host,
    src: "path",
    dest: "path",
    mode: "mode" = None,
    owner: "str" = None,
    group: "str" = None,
    backup=False,
    validate: "str" = None,
    force=True,
    follow=False,
):
    """Make `dest` the text that the template `src` gives with the host's variables.

    src: file of the controller, looked for in templates/ first.  dest: a file, or a directory (then the template's name,
    without .j2).  mode, owner, group, backup, validate, force, follow: as for `copy`.
    Registers: what `copy` registers.
    """
    raise AssertionError("prepare hands this task over to copy")
