"""The `wherry` command's container verbs: `wherry run`, `wherry ps`, ...; each family is a file in cli/."""

import sys

from . import errors, state

VERBS = {  # verb: (file in cli/, function)
    "run": ("run", "run"),
    "create": ("run", "create"),
    "ps": ("show", "ps"),
    "inspect": ("inspect", "inspect"),
    "logs": ("logs", "logs"),
    "exec": ("exec", "exec_"),
    "start": ("life", "start"),
    "stop": ("life", "stop"),
    "kill": ("life", "kill"),
    "rm": ("life", "rm"),
    "wait": ("life", "wait"),
    "pause": ("life", "pause"),
    "unpause": ("life", "unpause"),
    "rename": ("life", "rename"),
    "images": ("images", "images"),
    "rmi": ("images", "rmi"),
    "load": ("images", "load"),
    "version": ("about", "version"),
    "help": ("about", "help_"),
}
INTERRUPTED = 130


def main(words=None):
    """Run one verb; never returns: exits with docker's codes."""
    words = sys.argv[1:] if words is None else words
    try:
        code = _run(words)
        sys.stdout.flush()
    except errors.WherryError as error:
        code = _fail(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        code = 1  # whoever read our output has seen enough
    except OSError as error:
        code = _fail(errors.WherryError(error.strerror or str(error), error.filename or ""))
    _exit(code)


def _run(words):
    if words[:1] == ["--filled-for"]:  # the launcher of the machine that wherry itself is installed on
        from .cli.local import refill_if_stale

        refill_if_stale(words[1], words[2:])
        words = words[2:]
    words, dirs = global_options(words)
    verb = words[0] if words else "help"
    if verb in ("--help", "-h"):
        verb = "help"
    if verb in ("--version", "-v"):
        verb = "version"
    if verb not in VERBS:
        from .container.nearest import hint

        raise errors.UsageError(f"wherry has no command {verb!r}", hint=hint(verb, VERBS, "see: wherry --help"))
    module, function = VERBS[verb]
    from .cli.options import HelpWanted

    try:
        return getattr(_load(module), function)(dirs, words[1:])
    except HelpWanted as help_text:
        print(help_text, end="")
        return 0


def global_options(words):
    """The words after `--root DIR` and `--state DIR`, and the folders that those name."""
    given = {}
    while words and words[0].partition("=")[0] in ("--root", "--state"):
        name, equals, value = words[0].partition("=")
        if not equals and len(words) < 2:
            raise errors.UsageError(f"{name} needs a directory")
        given[name[2:]] = value if equals else words[1]
        words = words[1 if equals else 2 :]
    return words, state.Dirs(**given)


def _load(module):
    return __import__(f"{__package__}.cli.{module}", fromlist=["*"])


def _fail(error):
    """Print the error with whatever a container or an image may have put into it made harmless; its exit code."""
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(error))
    print(f"wherry: {text}", file=sys.stderr)
    return error.exit_code


def _exit(code):
    from posix import _exit

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 1
    _exit(code or 0)  # nothing is left to be done that the interpreter's own way out would do


if __name__ == "__main__":
    main()
