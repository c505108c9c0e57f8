"""Find an environment's inventory and read it: YAML files, group_vars/ and host_vars/."""

from __future__ import annotations

import os
from typing import Any

from wherry.errors import ProjectError, UsageError
from wherry.language import source
from wherry.language.group_files import VariableFolder
from wherry.language.host_range import expand
from wherry.language.inventory import Group, Host, Inventory
from wherry.language.precedence import Layer, Level
from wherry.language.source import key_place, place_of
from wherry.language.suggest import did_you_mean
from wherry.project import Project
from wherry.protocols import Place

ENDINGS = (".yml", ".yaml")
SECTIONS = ("hosts", "vars", "children")


def read(project: Project, env: str, extra: dict[str, Any]) -> Inventory:
    """The environment's hosts: files, then groups, then the layers of each host."""
    path = find(project, env)
    inventory = Inventory(env, path, extra=extra)
    everything = group(inventory, "all")
    for file in yaml_files(path):
        content = source.load(file, warn=inventory.warnings.append)
        read_groups(inventory, content, file)
    complete(inventory, everything)
    add_layers(inventory, folders(project, inventory, "group_vars"), folders(project, inventory, "host_vars"))
    return inventory


def find(project: Project, env: str) -> str:
    """The file or directory of an environment: `lab` is the lab that is up, else the project's, else the product's."""
    lab = os.path.join(project.state, "lab", "inventory.yml")
    if env == "lab" and os.path.isfile(lab):
        return lab
    places = [project.inventory]
    if env == "lab":
        places.append(os.path.join(project.product, "inventory"))
    if os.sep in env:
        places = [os.path.dirname(os.path.abspath(env))]
    name = os.path.basename(env)
    for folder in places:
        for candidate in (*(name + ending for ending in ENDINGS), name):
            path = os.path.join(folder, candidate)
            if os.path.isfile(path) or (candidate == name and os.path.isdir(path)):
                return path
    refuse_other_kinds(project.inventory, env)
    known = environments(project)
    hint = did_you_mean(env, known, f"there are: {', '.join(known) or 'none yet'}")
    raise UsageError(f"no inventory for the environment '{env}'", project.inventory, hint)


def environments(project: Project) -> list[str]:
    """The names that --env takes."""
    if not os.path.isdir(project.inventory):
        return []
    names = [name for name in os.listdir(project.inventory) if name not in ("group_vars", "host_vars")]
    return sorted({os.path.splitext(name)[0] for name in names if not name.startswith(".")})


def refuse_other_kinds(folder: str, env: str) -> None:
    """Say so when the environment exists as a kind of inventory that is not read yet."""
    path = os.path.join(folder, env + ".ini")
    if os.path.isfile(path):
        raise UsageError("INI inventories are not supported yet", path, f"write it as YAML in {env}.yml")


def yaml_files(path: str) -> list[str]:
    """The inventory files of a path; UsageError for those that are INI or scripts."""
    if os.path.isdir(path):
        here = [os.path.join(path, name) for name in sorted(os.listdir(path)) if not name.startswith(".")]
        files = [each for each in here if os.path.isfile(each) and not each.endswith(("~", ".md", ".txt", ".bak"))]
    else:
        files = [path]
    for file in files:
        if os.path.splitext(file)[1] not in (*ENDINGS, ".json"):
            kind = "inventory scripts" if os.access(file, os.X_OK) else "INI inventories"
            raise UsageError(f"{kind} are not supported yet", file, "write it as YAML in a file that ends in .yml")
    if not files:
        raise UsageError("the inventory holds no file", path, "add hosts.yml with `all: {hosts: {...}}`")
    return files


def group(inventory: Inventory, name: str) -> Group:
    """The group of that name, made on first use."""
    return inventory.groups.setdefault(name, Group(name))


def read_groups(inventory: Inventory, content: Any, file: str) -> None:
    """Top-level groups of a file."""
    if content is None:
        inventory.warnings.append(f"{file} is empty")
        return
    if not isinstance(content, dict):
        raise ProjectError("an inventory is a mapping of groups", place_of(content), "begin with `all: {hosts: {...}}`")
    for name, written in content.items():
        read_group(inventory, str(name), written, key_place(content, name))


def read_group(inventory: Inventory, name: str, written: Any, place: Place | None) -> Group:
    """One group with its hosts, variables and children."""
    made = group(inventory, name)
    made.place = made.place or place
    if written is None:
        return made
    if not isinstance(written, dict):
        raise ProjectError(f"the group '{name}' is a mapping", place, "it has hosts:, vars: and children:")
    for key in written:
        if key not in SECTIONS:
            hint = did_you_mean(str(key), SECTIONS, "a group has hosts:, vars: and children:")
            raise ProjectError(f"'{key}' is not part of a group", key_place(written, key), hint)
    for pattern, values in section(written, "hosts").items():
        for host_name in expand(str(pattern), key_place(written["hosts"], pattern)):
            read_host(inventory, made, host_name, values, key_place(written["hosts"], pattern))
    if values := section(written, "vars"):
        made.variables.append(Layer(Level.INVENTORY_GROUP, values))
    for child_name, below in section(written, "children").items():
        child = read_group(inventory, str(child_name), below, key_place(written["children"], child_name))
        link(made, child, key_place(written["children"], child_name))
    return made


def section(written: dict[Any, Any], name: str) -> dict[Any, Any]:
    """A mapping below a group; a single name or nothing is written short."""
    value = written.get(name)
    if value is None:
        return {}
    if isinstance(value, str) and name != "vars":
        written[name] = {value: None}
        return {value: None}
    if not isinstance(value, dict):
        raise ProjectError(f"'{name}' is a mapping, not a list", place_of(written, name), "end each name with a colon")
    return value


def read_host(inventory: Inventory, owner: Group, name: str, values: Any, place: Place | None) -> None:
    """One host of a group."""
    if values is not None and not isinstance(values, dict):
        raise ProjectError(
            f"the variables of '{name}' are a mapping", place, f"write {name}: {{ansible_host: ADDRESS}}"
        )
    host = inventory.hosts.setdefault(name, Host(name, place=place))
    owner.hosts[name] = host
    if values:
        host.variables.append(Layer(Level.INVENTORY_HOST, values))


def link(parent: Group, child: Group, place: Place | None) -> None:
    """Make `child` a child of `parent`; ProjectError when that closes a circle."""
    if parent is child or child in ancestors(parent):
        raise ProjectError(f"the group '{child.name}' would contain itself", place)
    parent.children[child.name] = child
    child.parents[parent.name] = parent


def ancestors(start: Group) -> set[Group]:
    """All groups above."""
    found: set[Group] = set()
    waiting = list(start.parents.values())
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += each.parents.values()
    return found


def complete(inventory: Inventory, everything: Group) -> None:
    """Hang loose groups below `all`, put loose hosts into `ungrouped`, number the depths, list each host's groups."""
    ungrouped = group(inventory, "ungrouped")
    for each in inventory.groups.values():
        if each is not everything and not each.parents:
            link(everything, each, each.place)
    for each in inventory.groups.values():
        each.depth = depth(each)
    for name, host in inventory.hosts.items():
        if not any(name in each.hosts for each in inventory.groups.values() if each is not everything):
            ungrouped.hosts[name] = host
    members = {each.name: each.all_hosts() for each in inventory.groups.values()}
    for each in inventory.groups.values():
        if each is not everything:
            for name in members[each.name]:
                inventory.hosts[name].groups.append(each.name)
    everything.hosts = dict(inventory.hosts)
    for host in inventory.hosts.values():
        host.groups.sort()


def depth(each: Group) -> int:
    """The longest way up to `all`."""
    return 1 + max(depth(parent) for parent in each.parents.values()) if each.parents else 0


def folders(project: Project, inventory: Inventory, kind: str) -> tuple[list[VariableFolder], list[VariableFolder]]:
    """The folders of that kind that belong to the inventory, and those of the project; the later wins."""
    near = inventory.path if os.path.isdir(inventory.path) else os.path.dirname(inventory.path)
    own = dict.fromkeys(os.path.join(where, kind) for where in (project.inventory, near))
    projects = [os.path.join(where, kind) for where in (project.root, project.playbooks)]
    warn = inventory.warnings.append
    return [VariableFolder(path, warn) for path in own], [VariableFolder(path, warn) for path in projects]


def add_layers(
    inventory: Inventory,
    group_folders: tuple[list[VariableFolder], list[VariableFolder]],
    host_folders: tuple[list[VariableFolder], list[VariableFolder]],
) -> None:
    """Give groups and hosts what their files say, and each host all of its layers, the weakest first."""
    for each in inventory.groups.values():
        top = each.name == "all"
        levels = (
            (Level.INVENTORY_GROUP_VARS_ALL, Level.PLAYBOOK_GROUP_VARS_ALL)
            if top
            else (Level.INVENTORY_GROUP_VARS, Level.PLAYBOOK_GROUP_VARS)
        )
        each.variables += from_files(group_folders, levels, each.name)
    for host in inventory.hosts.values():
        own = host.variables + from_files(
            host_folders, (Level.INVENTORY_HOST_VARS, Level.PLAYBOOK_HOST_VARS), host.name
        )
        above = sorted((inventory.groups[name] for name in host.groups), key=strength)
        layers = [layer for each in (inventory.groups["all"], *above) for layer in each.variables]
        host.variables = sorted(layers, key=lambda layer: layer.level) + own


def strength(each: Group) -> tuple[int, int, str]:
    """How groups override each other: the deeper, then the higher ansible_group_priority, then by name."""
    return each.depth, each.priority, each.name


def from_files(
    kinds: tuple[list[VariableFolder], list[VariableFolder]], levels: tuple[Level, Level], name: str
) -> list[Layer]:
    """The layers that the inventory's and the project's files have for a name."""
    return [
        Layer(level, values)
        for folders_of_kind, level in zip(kinds, levels, strict=True)
        for folder in folders_of_kind
        for values in folder.of(name)
    ]
