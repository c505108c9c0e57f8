"""Gather facts about the host."""

import fnmatch

RULES = {"returns_facts": True, "aliases": {"gather_timeout": "timeout"}}
PREFIX = "ansible_"


def run(host, filter_: "list" = None, gather_subset: "list" = None, timeout=10, fact_path="/etc/ansible/facts.d"):
    """Return the facts whose names match one of the patterns of `filter`.

    filter: shell patterns of fact names, with or without `ansible_`; default all.  gather_subset, timeout (seconds),
    fact_path: accepted for Ansible's sake; only what `filter` names is ever gathered.
    Registers: ansible_facts, a dict that becomes part of the host's facts.
    """
    return {"changed": False, "ansible_facts": chosen(host.fact("*"), filter_ or ["*"])}


def chosen(facts, patterns):
    """The facts whose names match a pattern; `ansible_` before a name or a pattern makes no difference."""
    bare = [pattern[len(PREFIX) :] if pattern.startswith(PREFIX) else pattern for pattern in patterns]
    return {name: value for name, value in facts.items() if any(fnmatch.fnmatchcase(name, each) for each in bare)}
