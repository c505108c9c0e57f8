"""Run a command, without a shell."""

import glob
import os
import time

RULES = {
    "free_form": "cmd",
    "aliases": {"command": "cmd"},
    "exclusive": [["cmd", "argv"]],
    "one_of": [["cmd", "argv"]],
}


def run(
    host,
    cmd: "str" = None,
    argv: "list" = None,
    chdir: "path" = None,
    creates: "path" = None,
    removes: "path" = None,
    stdin: "str" = None,
    stdin_add_newline=True,
    strip_empty_ends=True,
    expand_argument_vars=True,
    executable: "path" = None,
    uses_shell=False,
):
    """Run `cmd` (split like a shell would, without running one) or `argv`; a code other than 0 is a failure.

    chdir: folder to run in.  creates: a path or pattern; if it is there, nothing is run.  removes: if it is not.
    stdin: text given to the command, with a newline at its end unless stdin_add_newline is false.
    strip_empty_ends: drop newlines at the end of what is printed.  expand_argument_vars: replace $NAME in arguments.
    executable, uses_shell: how the module `shell` asks for a shell; not for playbooks.
    Registers: cmd, rc, stdout, stderr, stdout_lines, stderr_lines, start, end, delta, changed.
    """
    words = shell_words(cmd, executable) if uses_shell else argument_words(cmd, argv, expand_argument_vars)
    shown = cmd if uses_shell else words
    reason = reason_to_skip(chdir, creates, removes)
    if reason:
        return {**outcome(shown, 0, "skipped, since " + reason, "", time.time(), time.time()), "changed": False}
    began = time.time()
    done = host.command(words, stdin=input_text(stdin, stdin_add_newline), cwd=chdir)
    if done.skipped:
        return skipped(shown, changed=bool(creates or removes))
    if done.missing:
        text = f"[Errno 2] No such file or directory: {words[0]!r}"
        return {**outcome(shown, 2, "", "", began), "changed": False, "failed": True, "msg": text}
    result = outcome(shown, done.rc, *(stripped(each, strip_empty_ends) for each in (done.stdout, done.stderr)), began)
    return {**result, **({"failed": True, "msg": "non-zero return code"} if done.rc else {})}


def argument_words(cmd, argv, expand):
    """The words of `argv`, or of `cmd` split by a shell's quoting rules; $NAME and ~ replaced when `expand`."""
    if argv is not None:
        words = [str(word) for word in argv]
    else:
        import shlex

        words = shlex.split(cmd)
    return [os.path.expanduser(os.path.expandvars(word)) for word in words] if expand else words


def shell_words(cmd, executable):
    """The words that let a shell run `cmd`."""
    return [executable or "/bin/sh", "-c", cmd]


def reason_to_skip(chdir, creates, removes):
    """Why `creates` or `removes` say that nothing is to be run; None when they do not."""
    if creates and matches(chdir, creates):
        return creates + " exists"
    if removes and not matches(chdir, removes):
        return removes + " does not exist"
    return None


def matches(chdir, pattern):
    """Whether anything is at the path or pattern, which is relative to `chdir`."""
    return glob.glob(os.path.join(chdir or "/", os.path.expanduser(pattern)))


def input_text(stdin, add_newline):
    """What the command reads."""
    return stdin + "\n" if stdin is not None and add_newline else stdin


def stripped(text, strip):
    """Output without the newlines at its end."""
    return text.rstrip("\r\n") if strip else text


def skipped(cmd, changed):
    """The result of a command that check mode did not run; with `creates` or `removes` it would have changed."""
    text = "Command would have run if not in check mode"
    return {"changed": changed, "skipped": not changed, "cmd": cmd, "rc": 0, "stdout": "", "stderr": "", "msg": text}


def outcome(cmd, rc, stdout, stderr, began, ended=None):
    """The result that a command registers."""
    ended = time.time() if ended is None else ended
    return {
        "changed": True,
        "cmd": cmd,
        "rc": rc,
        "stdout": stdout,
        "stderr": stderr,
        "stdout_lines": stdout.splitlines(),
        "stderr_lines": stderr.splitlines(),
        "start": moment(began),
        "end": moment(ended),
        "delta": duration(ended - began),
    }


def moment(seconds):
    """Local time as Ansible writes it: 2026-11-24 22:39:45.123456."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}"


def duration(seconds):
    """A time span as Ansible writes it: 0:00:01.234567."""
    micro = max(0, int(seconds * 1e6))
    minutes, rest = divmod(micro, 60_000_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 1_000_000:02d}.{rest % 1_000_000:06d}"
