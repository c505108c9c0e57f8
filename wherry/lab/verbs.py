"""`wherry lab up N | down | list | ssh NAME | cut NAME | mend NAME`."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Callable
from typing import NoReturn, TypeAlias

from wherry.errors import UsageError
from wherry.lab import lab, layout, record
from wherry.lab.lab import Lab

Say = Callable[[str], None]
Verbs: TypeAlias = "argparse._SubParsersAction[_Parser]"  # argparse has no public name for it


def main(words: list[str], project_root: str, say: Say) -> int:
    """Do what the words after `wherry lab` say and return the exit code; `say` is handed one line at a time."""
    chosen = _parser().parse_args(words)
    verb: Callable[[argparse.Namespace, str, Say], int] = chosen.verb
    return verb(chosen, project_root, say)


def up(chosen: argparse.Namespace, project_root: str, say: Say) -> int:
    """Start hosts and say how to reach them."""
    began = time.monotonic()
    running = lab.up(
        project_root,
        chosen.count,
        name=chosen.name,
        net=chosen.net,
        root=chosen.root,
        delay_ms=chosen.delay,
        progress=say,
    )
    say(f"{len(running.hosts)} hosts in {time.monotonic() - began:.1f} s; inventory: {_short(running.inventory_file)}")
    say("next: invoke deploy --env lab, wherry lab ssh web1, wherry lab down")
    return 0


def down(chosen: argparse.Namespace, project_root: str, say: Say) -> int:
    """Take the hosts down."""
    say("lab is down" if lab.down(project_root, chosen.name) else "no lab was up")
    return 0


def list_hosts(chosen: argparse.Namespace, project_root: str, say: Say) -> int:
    """Name every host, its address and its first process, or say that it has ended."""
    state = record.read(layout.layout(project_root, chosen.name).record)
    if state is None:
        say("no lab is up; start one: wherry lab up 3")
        return 0
    for host in state.hosts:
        say(f"{host.name:<8} {host.address:<15} {f'pid {host.first.pid}' if host.first.alive else 'ended'}")
    return 0


def ssh(chosen: argparse.Namespace, project_root: str, say: Say) -> int:
    """Become `ssh` to the host, or a shell in its namespaces where no OpenSSH client is installed."""
    running = _running(chosen, project_root)
    host = running.host(chosen.host)
    client = shutil.which("ssh")
    if client:
        argv = [client, "-F", running.files.ssh_config, host.name, *chosen.command]
    else:
        argv = running.command(host.name, chosen.command or ["/bin/sh", "-l"])
    os.execv(argv[0], argv)


def cut(chosen: argparse.Namespace, project_root: str, say: Say) -> int:
    """Pull the host's cable."""
    _running(chosen, project_root).cut(chosen.host)
    say(f"{chosen.host} is cut off; mend it: wherry lab mend {chosen.host}")
    return 0


def mend(chosen: argparse.Namespace, project_root: str, say: Say) -> int:
    """Plug the host's cable in again."""
    _running(chosen, project_root).mend(chosen.host)
    say(f"{chosen.host} is reachable again")
    return 0


def _running(chosen: argparse.Namespace, project_root: str) -> Lab:
    running = lab.find(project_root, chosen.name)
    if running is None:
        raise UsageError("the lab is not up", project_root, "start it: wherry lab up 3")
    return running


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong with the words instead of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="wherry lab", description="Throwaway hosts on this machine (needs root).")
    verbs: Verbs = parser.add_subparsers(required=True, metavar="VERB")
    started = _add(verbs, "up", up, "start hosts web1..webN; they stay until `down`")
    started.add_argument("count", type=int, metavar="N", help="how many")
    started.add_argument("--net", default=lab.NET, help="first three bytes of their network (default: %(default)s)")
    started.add_argument("--root", default="/", help="file system they start from (default: this machine's)")
    started.add_argument("--delay", type=float, default=0, metavar="MS", help="added to every round trip over SSH")
    _add(verbs, "down", down, "end the hosts and remove what they wrote")
    _add(verbs, "list", list_hosts, "the hosts and their addresses")
    _add(verbs, "cut", cut, "pull a host's cable").add_argument("host", metavar="NAME")
    _add(verbs, "mend", mend, "plug it in again").add_argument("host", metavar="NAME")
    shell = _add(verbs, "ssh", ssh, "log in, or run a command")
    shell.add_argument("host", metavar="NAME")
    shell.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    return parser


def _add(
    verbs: Verbs,
    word: str,
    verb: Callable[[argparse.Namespace, str, Say], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(word, help=text, description=text)
    parser.add_argument("--name", default="lab", help="which lab of the project (default: %(default)s)")
    parser.set_defaults(verb=verb)
    return parser


def _short(path: str) -> str:
    return os.path.relpath(path)
