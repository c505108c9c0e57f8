"""The pages of docs/reference/ that are written from the code: `python -m tests.docs.reference` writes them anew.

command-line.md       the whole page: invoke tasks, the engine's verbs, container verbs
modules.md            the whole page: what each module's and action's signature and docstring say
playbook-keywords.md  the tables between `<!-- written from the code -->` and `<!-- until here -->`
"""

import argparse
import os
import re
import sys
import textwrap

from tests.docs.pages import ROOT
from tests.docs.words import CONTEXTS, container_commands
from wherry import cli, project, tasks
from wherry.execution import plan, steps
from wherry.execution.catalog import Catalog
from wherry.lab import verbs as lab_verbs
from wherry.language import keywords, lookups, playbook_reader

FOLDER = "docs/reference"
FROM, UNTIL = "<!-- written from the code -->", "<!-- until here -->"
LATER, REFUSED_BLANK = "not yet: an error at load", "not yet: an error unless it is empty or false"
# Understood, so that content written for Ansible loads, and without effect here.
TAKEN = {
    "collections": "modules are found by their short names",
    "fact_path": "`setup` has no local facts",
    "gather_subset": "only facts that are referenced are gathered",
    "gather_timeout": "only facts that are referenced are gathered",
    "delegate_facts": "there is no delegation yet",
    "poll": "there is no `async` yet",
}


def main():
    """Write every page."""
    for name, text in pages().items():
        with open(os.path.join(ROOT, name), "w", encoding="utf-8") as file:
            file.write(text)
        sys.stdout.write(f"{name}\n")


def pages():
    """What each page must be, by its path."""
    return {
        f"{FOLDER}/command-line.md": command_line(),
        f"{FOLDER}/modules.md": modules(),
        f"{FOLDER}/playbook-keywords.md": with_tables(f"{FOLDER}/playbook-keywords.md", keyword_tables()),
    }


def command_line():
    """Every task and verb with its flags."""
    text = [COMMAND_LINE_HEAD]
    for each in sorted(CONTEXTS["invoke"], key=lambda context: ORDER.index(context.name)):
        promise = joined(tasks.namespace.tasks[each.name].__doc__)
        text += [f"### invoke {each.name}", "", promise, "", table(TASK_HEAD, task_rows(each))]
    text += ["## wherry, on the controller", "", CONTROLLER_HEAD]
    for verb, (function, arguments) in cli.VERBS.items():
        if verb == "lab":
            continue
        parser = argparse.ArgumentParser()
        arguments(parser)
        text += [f"### wherry {verb}", "", function.__doc__.strip(), "", table(VERB_HEAD, parser_rows(parser))]
    text += ["### wherry lab", "", cli.lab.__doc__.strip(), "", LAB_HEAD]
    lab = next(each for each in lab_verbs._parser()._actions if isinstance(each, argparse._SubParsersAction))
    for verb, parser in lab.choices.items():
        text += [f"#### wherry lab {verb}", "", parser.description + ".", "", table(VERB_HEAD, parser_rows(parser))]
    text += ["## wherry, on a host", "", HOST_HEAD]
    for verb, command in container_commands().items():
        text += [f"### On a host: wherry {verb}", "", command.help, "", usage(command)]
    return "\n".join(text).rstrip() + "\n"


NO_CONTROL = frozenset({"pause", "break_when"})  # steps.py refuses them
ORDER = ["plan", "deploy", "status", "history", "rollback"]
TASK_HEAD, VERB_HEAD = ("flag", "default", "meaning"), ("argument", "default", "meaning")
COMMAND_LINE_HEAD = """# The command line

Written from the code by `python -m tests.docs.reference`; a test compares.

There are two commands. `invoke` runs the tasks of a project's `tasks.py`, which takes them over by
`from wherry.tasks import namespace`. `wherry` does the rest, on the controller and on hosts. What they end with:
[exit codes](exit-codes.md).

## invoke tasks
"""
CONTROLLER_HEAD = """`wherry --version` prints the version; `wherry --traceback VERB ...` shows where in wherry an error was raised.
"""
LAB_HEAD = """Needs Linux and root. See [try things in the lab](../how-to/try-things-in-the-lab.md).
"""
HOST_HEAD = """The module `runtime` puts this command on hosts; on a Linux controller the same verbs act on the controller itself.
Words, flags and codes are docker's, as far as they are here. `--root DIR` and `--state DIR` before the verb move the
folders /var/lib/wherry and /run/wherry, as the variables `WHERRY_ROOT` and `WHERRY_STATE` do. `wherry version` and
`wherry help` take no arguments.
"""


def task_rows(context):
    """The flags of an invoke task."""
    for argument in dict.fromkeys(context.args.values()):
        flags = sorted((f"--{n}" if len(n) > 1 else f"-{n}" for n in argument.names), key=lambda flag: -len(flag))
        shown = argument.default if argument.default not in (None, "", (), False, []) else ""
        yield (
            ", ".join(f"`{flag}`" for flag in flags),
            f"`{shown}`" if shown not in ("", 0) else "",
            argument.help or "",
        )


def parser_rows(parser):
    """The arguments of a verb."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        flags = ", ".join(f"`{flag}`" for flag in sorted(action.option_strings, key=len, reverse=True))
        default = action.default if action.default not in (None, "", False, []) else ""
        help_text = (action.help or "").replace("(default: %(default)s)", "").strip()
        if action.choices:
            help_text = help_text or "only " + ", ".join(f"`{each}`" for each in action.choices)
        yield flags or f"`{action.metavar or action.dest.upper()}`", f"`{default}`" if default else "", help_text


def usage(command):
    """The help of a container verb."""
    lines = command.usage().splitlines()
    return "\n".join(["```text", *(lines if command.options else lines[:1]), "```", ""])


def modules():
    """Every module and action with its arguments and its promise."""
    catalog = Catalog(project.Project(project.product_root()))
    names = sorted(catalog.names - catalog.actions.keys() - {"gather_facts"})
    text = [MODULES_HEAD]
    for name in names:
        text += section(catalog.module(name))
    text += ["## Actions of the engine", "", ACTIONS_HEAD]
    for name in sorted(catalog.actions):
        text += section(catalog.actions[name].spec, level="###")
    return "\n".join(text).rstrip() + "\n"


MODULES_HEAD = """# Modules

Written from the modules by `python -m tests.docs.reference`; a test compares. `wherry doc` lists them, `wherry doc
NAME` prints what one promises. A module of your own: [write a module](../how-to/write-a-module.md).

Every argument is checked against this before any host is contacted. Kinds: `path`, `str`, `int`, `float`, `bool`,
`list` (a text is split at its commas), `dict`; `mode` is octal or symbolic; `raw` is taken as it is.
"""
ACTIONS_HEAD = """These run on the controller. A project's own module cannot have the name of one.
"""


def section(spec, level="##"):
    """One module."""
    aliases = {}
    for alias, name in spec.rules.aliases.items():
        aliases.setdefault(name, []).append(alias)
    rows = [argument_row(each, aliases.get(each.name, ())) for each in spec.parameters.values()]
    promise, _, rest = spec.doc.partition("\n\n")
    text = [f"{level} {spec.name}", "", wrapped(joined(promise)), ""]
    if rest:
        text += [*sentences(spec, rest), ""]
    return [*text, table(("argument", "kind", "default", "also called"), rows)] if rows else text


def joined(text):
    """A paragraph on one line."""
    return " ".join(text.split())


def wrapped(text):
    """A paragraph or an item of a list, in lines that fit a terminal."""
    indent = "  " if text.startswith("- ") else ""
    fill = textwrap.TextWrapper(120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return fill.fill(text) + ("\n" if text.endswith("\n") else "")


def sentences(spec, text):
    """A list of what a docstring says of each argument; the pieces stand two spaces or a line apart there."""
    known, items = {*spec.parameters, "Registers"}, []
    for piece in re.split(r"(?<=[.)])(?:\s{2,}|\n\s*)", text.strip()):
        names, colon, meaning = joined(piece).partition(": ")
        if colon and known.issuperset(names.split(", ")):
            items.append(f"- {', '.join(f'`{name}`' for name in names.split(', '))}: {meaning}")
        elif piece.startswith("Registers"):
            items.append(f"- {joined(piece)}")
        elif items:
            items[-1] += f" {joined(piece)}"
        else:
            items.append(joined(piece) + "\n")
    return [wrapped(re.sub(r"^- `Registers`", "- Registers", item)) for item in items]


def argument_row(parameter, aliases):
    """One argument."""
    kind = " \\| ".join(f"`{choice}`" for choice in parameter.choices) or parameter.kind
    default = "required" if parameter.required else "" if parameter.default is None else f"`{shown(parameter.default)}`"
    return f"`{parameter.name}`", kind, default, ", ".join(f"`{each}`" for each in aliases)


def shown(default):
    """A default as YAML has it."""
    if isinstance(default, bool):
        return str(default).lower()
    return default if default != "" else '""'


def keyword_tables():
    """Plays, blocks and tasks: each keyword and what is done with it."""
    text = []
    for title, words in (("play", keywords.PLAY), ("block", keywords.BLOCK), ("task", keywords.TASK)):
        rows = [(f"`{word}`", standing(word, title)) for word in sorted(words)]
        text += [f"### Of a {title}", "", table(("keyword", "standing"), rows)]
    not_yet = {name for name, each in lookups.LOOKUPS.items() if each is lookups.not_yet}
    loops = listed(f"with_{each}" for each in keywords.WITH - not_yet)
    text += ["### Loops", "", wrapped(f"`loop`, and {loops}."), ""]
    control = f"`loop_control` takes {listed(keywords.LOOP_CONTROL - NO_CONTROL)}"
    text += [wrapped(f"{control}; {listed(NO_CONTROL)} are not supported yet: an error at load."), ""]
    text += [f"Not yet, an error when the task runs: {listed(f'with_{each}' for each in keywords.WITH & not_yet)}.", ""]
    catalog = Catalog(project.Project(project.product_root()))
    later = keywords.ACTIONS - catalog.actions.keys() - {"gather_facts"}
    text += ["### Actions", "", f"Here: {listed({*catalog.actions, 'gather_facts'})}.", ""]
    text += [wrapped(f"Not yet, an error at load: {listed(later)}."), ""]
    return "\n".join(text)


def standing(word, holder):
    """What is done with a keyword."""
    if word in TAKEN:
        return f"taken, without effect: {TAKEN[word]}"
    if word in plan.WITHOUT_EFFECT:
        return "taken with a warning, without effect: say it in the inventory"
    if word == "connection" and holder != "play":
        return LATER
    if holder == "play" and word in (*playbook_reader.NOT_YET, *plan.LATER):
        return REFUSED_BLANK
    if word in steps.LATER:
        return REFUSED_BLANK
    if word == "local_action":
        return LATER
    return NOTES.get(word, "supported")


NOTES = {
    "strategy": "`linear` only; hosts run at their own pace and wait only where one could see another",
    "order": "`inventory`, `sorted`, `reverse_sorted`, `reverse_inventory`",
    "rollout": "wherry's own: [rollout](rollout.md)",
    "connection": "`ssh` or `local`",
    "become_method": "`sudo` or `su`, without a password",
    "hosts": "supported; no template",
}


def listed(words):
    """Words for a sentence."""
    return ", ".join(f"`{each}`" for each in sorted(words))


def with_tables(name, tables):
    """The page with what is between its marks replaced."""
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        before, _, rest = file.read().partition(FROM)
    return f"{before}{FROM}\n\n{tables}\n{UNTIL}{rest.partition(UNTIL)[2]}"


def table(head, rows):
    """A Markdown table; a sentence when it has no rows."""
    rows = list(rows)
    if not rows:
        return "Takes no arguments.\n"
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
