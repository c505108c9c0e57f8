"""Run a command line in a shell."""

RULES = {"free_form": "cmd", "aliases": {"command": "cmd"}}


def prepare(task):
    """Let `command` run the shell."""
    task.args["uses_shell"] = True
    task.hand_over("command")


def run(
    host,
    cmd: "str",
    chdir: "path" = None,
    creates: "path" = None,
    removes: "path" = None,
    executable: "path" = None,
    stdin: "str" = None,
    stdin_add_newline=True,
    strip_empty_ends=True,
):
    """Run `cmd` by /bin/sh; a code other than 0 is a failure.

    chdir: folder to run in.  creates: a path or pattern; if it is there, nothing is run.  removes: if it is not.
    executable: another shell.  stdin: text given to it, with a newline at its end unless stdin_add_newline is false.
    strip_empty_ends: drop newlines at the end of what is printed.
    Registers: cmd, rc, stdout, stderr, stdout_lines, stderr_lines, start, end, delta, changed.
    """
    raise AssertionError("prepare hands this task over to command")
