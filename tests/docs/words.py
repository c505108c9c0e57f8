"""Whether a command line asks for what there is, without running it."""

import re
import shlex

from invoke.exceptions import ParseError
from invoke.parser import Parser

import tasks
from runtime import __main__ as container_verbs
from runtime.cli.options import Command
from wherry import cli
from wherry import tasks as deployment
from wherry.errors import WherryError
from wherry.lab import verbs as lab_verbs

# Made once: invoke takes the help out of a task when it is first asked for its arguments.
CONTEXTS = {"invoke": deployment.namespace.to_contexts(), "./inv": tasks.namespace.to_contexts()}


def check(line):
    """AssertionError unless every `invoke` and `wherry` in the line gets words that it understands."""
    for part in re.split(r"\s*(?:&&|\|\||;|\|)\s*", line.replace("\\\n", " ")):
        words = shlex.split(part, comments=True)
        if words[:1] and words[0] in CONTEXTS:
            check_task(CONTEXTS[words[0]], words[1:], line)
        elif words[:1] == ["wherry"]:
            check_verb(words[1:], line)


def check_task(contexts, words, line):
    """`invoke TASK --flag ...`."""
    try:
        found = Parser(contexts=contexts).parse_argv(words)
    except ParseError as error:
        raise AssertionError(f"`{line}`: {error}") from None
    assert found, f"`{line}` names no task"


def check_verb(words, line):
    """`wherry VERB --flag ...`."""
    verb, rest = words[0], words[1:]
    try:
        if verb == "lab":
            lab_verbs._parser().parse_args(rest)
        elif verb in container_verbs.VERBS:
            container_command(verb).parse(rest)
        else:
            cli._parser().parse_args(words)
    except WherryError as error:
        raise AssertionError(f"`{line}`: {error}") from None
    except SystemExit as error:
        assert not error.code, f"`{line}` is not understood"


def container_commands():
    """Every container verb that takes arguments, in the order in which `wherry help` names them."""
    return {verb: container_command(verb) for verb in container_verbs.VERBS if verb not in ("version", "help")}


def container_command(verb):
    """The table of a container verb's options."""
    module = container_verbs._load(container_verbs.VERBS[verb][0])
    return next(each for each in vars(module).values() if isinstance(each, Command) and each.name == verb)
