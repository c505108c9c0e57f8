"""Which hosts a pattern names: a:&b:!c, web*, web[0:2], ~regular.expression, lists with commas."""

from __future__ import annotations

import fnmatch
import re

from wherry.errors import UsageError
from wherry.language.inventory import Host, Inventory
from wherry.language.precedence import Layer, Level
from wherry.language.suggest import did_you_mean, near

SUBSCRIPT = re.compile(r"(?P<name>.+)\[(?:(?P<one>-?\d+)|(?P<first>-?\d*)[:-](?P<last>-?\d*))\]\Z")
GLOB = re.compile(r"[*?\[]")
LOCAL = ("localhost", "127.0.0.1", "::1")


def match(inventory: Inventory, pattern: str) -> list[Host]:
    """The hosts in the order of the pattern's terms; UsageError when a term names nothing."""
    terms = split(inventory, pattern)
    if not terms:
        raise UsageError("the host pattern is empty", hint="`all` names every host")
    chosen: dict[str, Host] = {}
    plain = [term for term in terms if term[0] not in "&!"]
    for term in plain or ["all"]:
        chosen.update((host.name, host) for host in named(inventory, term, term))
    for term in terms:
        if term[0] == "&":
            kept = {host.name for host in named(inventory, term[1:], term)}
            chosen = {name: host for name, host in chosen.items() if name in kept}
    for term in terms:
        if term[0] == "!":
            for host in named(inventory, term[1:], term):
                chosen.pop(host.name, None)
    return list(chosen.values())


def split(inventory: Inventory, pattern: str) -> list[str]:
    """The terms of a pattern: separated by commas, else by colons outside of brackets."""
    if pattern in inventory.hosts:
        return [pattern]
    parts = pattern.split(",") if "," in pattern else re.split(r":(?![^\[]*\])", pattern)
    if "," in pattern:
        parts = [term for part in parts for term in re.split(r":(?![^\[]*\])", part)]
    return [part.strip() for part in parts if part.strip().lstrip("&!")]


def named(inventory: Inventory, term: str, written: str) -> list[Host]:
    """The hosts of one term without its sign."""
    if term.startswith("@"):
        raise UsageError(
            f"'{term}': lists of hosts in a file are not supported yet", hint="write the names with commas"
        )
    found = enumerate_hosts(inventory, term)
    if found is None and (subscript := SUBSCRIPT.match(term)):
        whole = enumerate_hosts(inventory, subscript["name"])
        found = None if whole is None else cut(whole, subscript)
    if found is None and term in LOCAL:
        return [implicit_localhost(term)]
    if found is not None:
        return found
    known = [*inventory.groups, *inventory.hosts]
    if written[0] in "&!" and not near(term, known):
        inventory.warnings.append(f"the pattern '{written}' names no host or group")
        return []
    names = ", ".join(list(inventory.hosts)[:10])
    raise UsageError(
        f"no host or group matches '{term}'", inventory.path, did_you_mean(term, known, f"there are: {names or 'none'}")
    )


def enumerate_hosts(inventory: Inventory, term: str) -> list[Host] | None:
    """Hosts of the groups and hosts that match by name; None when no name does."""
    if term in inventory.groups:
        return list(inventory.groups[term].all_hosts().values())
    if term in inventory.hosts:
        return [inventory.hosts[term]]
    if not term.startswith("~") and not GLOB.search(term):
        return None
    expression = compiled(term)
    groups = [group for name, group in inventory.groups.items() if expression.match(name)]
    hosts = {name: host for group in groups for name, host in group.all_hosts().items()}
    hosts.update((name, host) for name, host in inventory.hosts.items() if expression.match(name))
    return list(hosts.values()) or None


def compiled(term: str) -> re.Pattern[str]:
    """A wildcard or ~regex as a regular expression that is matched from the beginning."""
    if not term.startswith("~"):
        return re.compile(fnmatch.translate(term))
    try:
        return re.compile(term[1:])
    except re.error as error:
        raise UsageError(f"'{term}' is not a regular expression: {error}") from error


def cut(hosts: list[Host], subscript: re.Match[str]) -> list[Host]:
    """web[1], web[-1], web[0:2] (both ends included), web[2:]."""
    if subscript["one"]:
        position = int(subscript["one"])
        return [hosts[position]] if -len(hosts) <= position < len(hosts) else []
    last = int(subscript["last"]) if subscript["last"] else -1
    end = len(hosts) if last == -1 else last + 1
    return hosts[int(subscript["first"] or 0) : end]


def implicit_localhost(name: str) -> Host:
    """The controller itself, which needs no inventory."""
    return Host(name, variables=[Layer(Level.INVENTORY_HOST, {"ansible_connection": "local"})])
