"""The `wherry` command on a controller: play, inventory, explain, doc, pack, init, lab. Container verbs live in runtime/."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from wherry import __version__
from wherry.errors import Interrupted, UsageError, WherryError
from wherry.text import visible

if TYPE_CHECKING:
    from wherry.project import Project

Verb = Callable[[argparse.Namespace], int]
ON_HOSTS = "run create start stop kill rm wait exec ps logs inspect images load rmi pause unpause rename"


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words say; returns the exit code. Only this function prints errors."""
    words = list(sys.argv[1:] if words is None else words)
    if words[:1] == ["lab"]:  # has a parser of its own
        chosen = argparse.Namespace(verb=lab, words=words[1:], traceback=False)
    else:
        chosen = _parser().parse_args(words)
    verb: Verb = chosen.verb
    try:
        return verb(chosen)
    except WherryError as error:
        if chosen.traceback:
            raise
        print(f"error: {visible(str(error), lines=True)}", file=sys.stderr)  # it may hold a host's words
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return Interrupted.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: nothing to say to it
        return 1


def play(chosen: argparse.Namespace) -> int:
    """Run a playbook, as `invoke deploy` does, by its path."""
    from wherry import tasks

    return tasks.play(
        chosen.env,
        chosen.playbook,
        limit=chosen.limit,
        extra=chosen.extra,
        tags=chosen.tags,
        skip_tags=chosen.skip_tags,
        check=chosen.check,
        diff=chosen.diff,
        dirty=chosen.dirty,
        forks=chosen.forks,
        verbose=chosen.verbose,
        detailed_exitcode=chosen.detailed_exitcode,
    )


def inventory(chosen: argparse.Namespace) -> int:
    """List the hosts that a pattern names, with their groups."""
    from wherry import project
    from wherry.language import inventory as inventories

    found = inventories.load(project.find("."), chosen.env)
    for host in found.match(chosen.pattern):
        print(f"{host.name}  ({', '.join(host.groups)})")
    return 0


def explain(chosen: argparse.Namespace) -> int:
    """Print every definition of a variable on a host, the one that counts first."""
    from wherry import project
    from wherry.execution.outside import World
    from wherry.language import inventory as inventories
    from wherry.language.templating import Templar
    from wherry.language.variables import Run

    place = project.find(".")
    hosts = inventories.load(place, chosen.env)
    (host,) = hosts.match(chosen.host)[:1]
    definitions = Run(hosts, Templar(World()), place).scope(host).explain(chosen.name)
    if not definitions:
        raise UsageError(f"nothing defines '{chosen.name}' for {host.name} in the inventory")
    for number, each in enumerate(definitions):
        print(f"{'=>' if number == 0 else '  '} {each.value!r}  {each.level.name.lower()}  {each.place or ''}")
    return 0


def doc(chosen: argparse.Namespace) -> int:
    """Print what a module promises: its docstring."""
    from wherry.execution.catalog import Catalog

    catalog = Catalog(_project_or_product())
    if not chosen.module:
        print("\n".join(sorted(catalog.names)))
        return 0
    action = catalog.actions.get(chosen.module)
    spec = action.spec if action else catalog.module(chosen.module)
    if spec is None:
        near = difflib.get_close_matches(chosen.module, catalog.names, 1)
        raise UsageError(
            f"no module '{chosen.module}'", hint=f"did you mean '{near[0]}'?" if near else "list: wherry doc"
        )
    print(spec.doc)
    return 0


def _project_or_product() -> Project:
    from wherry import project

    try:
        return project.find(".")
    except UsageError:
        return project.Project(project.product_root())


def init(chosen: argparse.Namespace) -> int:
    """Lay out a project."""
    from wherry import layout

    for path in layout.lay_out(chosen.folder):
        print(os.path.relpath(path))
    print("next: edit inventory/prod.yml, save an image as app.tar, then `invoke plan --env prod`")
    return 0


def pack(chosen: argparse.Namespace) -> int:
    """Make an image archive from files of this machine."""
    from wherry import pack as packing

    files = dict(_pair(each, "INSIDE=FILE") for each in chosen.file)
    environment = dict(_pair(each, "NAME=VALUE") for each in chosen.env)
    image = packing.pack(
        chosen.output, files=files, command=chosen.command, env=environment, python=chosen.python, name=chosen.name
    )
    size = os.path.getsize(chosen.output)
    print(f"{chosen.name}: {image[:19]} in {chosen.output} ({size / 1e6:.1f} MB)")
    return 0


def _pair(text: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"'{text}'", hint=f"write {form}")
    return name, value


def lab(chosen: argparse.Namespace) -> int:
    """Throwaway hosts on this machine."""
    from wherry import project
    from wherry.lab import verbs

    return verbs.main(chosen.words, project.find(".").root, print)


class _Parser(argparse.ArgumentParser):
    """Says did-you-mean for a misspelled verb."""

    def error(self, message: str) -> NoReturn:
        word = next((each for each in sys.argv[1:] if not each.startswith("-")), "")
        verbs = [*VERBS, *ON_HOSTS.split()]
        near = difflib.get_close_matches(word, verbs, 1) if "invalid choice" in message else []
        hint = f"did you mean '{near[0]}'?" if near else f"see: {self.prog} --help"
        self.exit(1, f"error: {message if not near else f'wherry has no command {word!r}'}\n  hint: {hint}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="wherry", description="Deploy containers to plain Linux servers over SSH.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"wherry {__version__}")
    parser.add_argument("--traceback", action="store_true", help="on an error, show where it was raised")
    verbs = parser.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    for name, (verb, arguments) in VERBS.items():
        text = (verb.__doc__ or "").strip()
        each = verbs.add_parser(name, help=text, description=text)
        each.set_defaults(verb=verb)
        arguments(each)
    return parser


def _play_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("playbook")
    parser.add_argument("-e", "--env", default="prod", help="inventory/ENV.yml (default: %(default)s)")
    parser.add_argument("-l", "--limit", default="")
    parser.add_argument("-t", "--tags", default="")
    parser.add_argument("--skip-tags", default="")
    parser.add_argument("-x", "--extra", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("-C", "--check", action="store_true", help="change nothing")
    parser.add_argument("-D", "--diff", action="store_true", help="show what files change")
    parser.add_argument("-f", "--forks", type=int, default=50)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--dirty", action="store_true", help="deploy uncommitted changes too")
    parser.add_argument("--detailed-exitcode", action="store_true")


def _inventory_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", nargs="?", default="all")
    parser.add_argument("-e", "--env", default="prod")


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["var"])
    parser.add_argument("host")
    parser.add_argument("name")
    parser.add_argument("-e", "--env", default="prod")


def _doc_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", nargs="?")


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".")


def _pack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", required=True, metavar="ARCHIVE")
    parser.add_argument("-n", "--name", required=True, metavar="NAME:TAG")
    parser.add_argument("-f", "--file", action="append", default=[], metavar="INSIDE=FILE")
    parser.add_argument("-e", "--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--python", action="store_true", help="add this machine's Python")
    parser.add_argument("command", nargs="*", help="what a container of it runs")


def _lab_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs=argparse.REMAINDER, help="up N | down | list | ssh NAME | cut NAME | mend NAME")


VERBS: dict[str, tuple[Verb, Callable[[argparse.ArgumentParser], None]]] = {
    "play": (play, _play_arguments),
    "inventory": (inventory, _inventory_arguments),
    "explain": (explain, _explain_arguments),
    "doc": (doc, _doc_arguments),
    "init": (init, _init_arguments),
    "pack": (pack, _pack_arguments),
    "lab": (lab, _lab_arguments),
}
EPILOG = f"On a Linux machine also, as with docker: {ON_HOSTS}. Release verbs are invoke tasks: invoke -l."

if __name__ == "__main__":
    sys.exit(main())
