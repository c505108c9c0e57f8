"""Build Source, SourceMap and SourceList from the nodes of PyYAML's C parser."""

from __future__ import annotations

from typing import Any

import yaml

from wherry.errors import ProjectError
from wherry.language import yaml_hints
from wherry.language.source import Mark, Sealed, Source, SourceList, SourceMap, Warn
from wherry.protocols import Place

TAG = "tag:yaml.org,2002:"
MERGE = TAG + "merge"
MAX_DEPTH = 100
MAX_EXPANDED = 1_000_000  # nodes after every alias is followed; a file without aliases may have more
MAX_EXPANSION = 10  # times what is written
SCALARS = {TAG + "int", TAG + "float", TAG + "bool", TAG + "null", TAG + "timestamp", TAG + "binary"}


def load(path: str, warn: Warn) -> Any:
    """The one document of a YAML file."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    return parse(text, path, warn)


def parse(text: str, name: str, warn: Warn) -> Any:
    """The one document of YAML text; `name` stands for the file in places."""
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        return Composer(loader, name, warn).document(node)
    except yaml.YAMLError as error:
        raise yaml_hints.explain(error, text, name) from error
    except RecursionError:
        raise ProjectError(f"{name}: nested too deeply", Place(name, 1, 1), f"at most {MAX_DEPTH} levels") from None
    finally:
        loader.dispose()


class Composer:
    """One document's nodes, made into values; an aliased node is made once and shared."""

    def __init__(self, loader: yaml.CSafeLoader, name: str, warn: Warn) -> None:
        self.loader, self.name, self.warn = loader, name, warn
        self.made: dict[int, Any] = {}

    def document(self, root: yaml.Node) -> Any:
        """The value of the root node, once it is known to be finite and not out of proportion."""
        sizes: dict[int, int] = {}
        expanded = self.measure(root, sizes, 0)
        if expanded > MAX_EXPANDED and expanded > MAX_EXPANSION * len(sizes):
            raise self.error(root, "its aliases (*name) expand to more than a million values", "write the values out")
        return self.value(root)

    def measure(self, node: yaml.Node, sizes: dict[int, int], depth: int) -> int:
        """How many values `node` stands for with every alias followed; an error for cycles and depth."""
        known = sizes.get(id(node))
        if known is not None:
            if known < 0:
                raise self.error(node, "an alias (*name) refers to something that contains it")
            return known
        if depth > MAX_DEPTH:
            raise self.error(node, "nested too deeply", f"at most {MAX_DEPTH} levels")
        sizes[id(node)] = -1
        size = 1
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                size += self.measure(key, sizes, depth + 1) + self.measure(value, sizes, depth + 1)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                size += self.measure(item, sizes, depth + 1)
        sizes[id(node)] = size
        return size

    def value(self, node: yaml.Node) -> Any:
        """What the node means."""
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        known = self.made.get(id(node))
        if known is None:
            known = self.mapping(node) if isinstance(node, yaml.MappingNode) else self.sequence(node)
            self.made[id(node)] = known
        return known

    def scalar(self, node: yaml.ScalarNode) -> Any:
        tag = node.tag
        if tag in (TAG + "str", "!"):
            return Source(node.value, self.name, mark_of(node))
        if tag in SCALARS:
            return self.typed(node)
        if tag in ("!vault", "!vault-encrypted"):
            return Sealed(node.value, self.name, mark_of(node))
        if tag == "!unsafe":
            return str(node.value)
        if tag == TAG + "value":
            return Source(node.value, self.name, mark_of(node))
        raise self.unknown_tag(node)

    def typed(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.loader.construct_object(node, deep=True)
        except (ValueError, OverflowError) as error:
            raise self.error(node, f"'{node.value}' is not what it looks like: {error}", "put it in quotes") from error

    def mapping(self, node: yaml.MappingNode) -> SourceMap:
        if node.tag not in (TAG + "map", TAG + "omap", TAG + "set"):
            raise self.unknown_tag(node)
        result = SourceMap(self.name, mark_of(node))
        merged: list[SourceMap] = []
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                merged += self.merged(value_node)
                continue
            key = self.key(key_node)
            if key in result:
                self.warn(
                    f"{place(self.name, key_node)}: '{key}' is written twice in this mapping; the last one counts"
                )
            result[key] = self.value(value_node)
            result._marks[key] = mark_of(value_node)
        for other in merged:  # the first of several wins, a key of the mapping's own wins over all
            for key in other:
                if key not in result:
                    result[key] = other[key]
                    result._marks[key] = other._marks[key]
        return result

    def key(self, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(
                node,
                "a mapping or list cannot be a key",
                'a value that begins with {{ must stand in quotes: name: "{{ variable }}"',
            )
        return self.scalar(node)

    def merged(self, node: yaml.Node) -> list[SourceMap]:
        if isinstance(node, yaml.MappingNode):
            return [self.value(node)]
        if isinstance(node, yaml.SequenceNode) and all(isinstance(each, yaml.MappingNode) for each in node.value):
            return [self.value(each) for each in node.value]
        raise self.error(node, "<<: merges a mapping or a list of mappings")

    def sequence(self, node: yaml.Node) -> SourceList:
        if node.tag not in (TAG + "seq", TAG + "pairs", TAG + "omap"):
            raise self.unknown_tag(node)
        result = SourceList(self.name, mark_of(node))
        for item in node.value:
            result.append(self.value(item))
            result._marks.append(mark_of(item))
        return result

    def unknown_tag(self, node: yaml.Node) -> ProjectError:
        return self.error(node, f"the tag {node.tag.replace(TAG, '!!')} is not known", "known ones: !vault, !unsafe")

    def error(self, node: yaml.Node, what: str, hint: str = "") -> ProjectError:
        return ProjectError(what, place(self.name, node), hint)


def mark_of(node: yaml.Node) -> Mark:
    """Line and column, counted from 1."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def place(name: str, node: yaml.Node) -> Place:
    """Where the node stands."""
    return Place(name, *mark_of(node))
