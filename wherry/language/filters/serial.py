"""JSON and YAML: to_json, from_json, to_yaml, from_yaml and their nice forms."""

from __future__ import annotations

import json
from typing import Any

import yaml

from wherry.language.templating import plain


def to_json(value: Any, **options: Any) -> str:
    """The value as JSON."""
    options.pop("vault_to_text", None)
    options.pop("preprocess_unsafe", None)
    return json.dumps(plain(value), **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    """The value as JSON that people read."""
    return to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **options)


def from_json(value: Any) -> Any:
    """The value that JSON stands for."""
    return json.loads(value)


class Dumper(yaml.CSafeDumper):
    """YAML without anchors: each occurrence is written out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    """The value as YAML, innermost lists and mappings on one line."""
    text = yaml.dump(plain(value), Dumper=Dumper, allow_unicode=True, default_flow_style=default_flow_style, **options)
    return str(text)


def to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    """The value as YAML that people read."""
    return to_yaml(value, default_flow_style=False, indent=indent, **options)


def from_yaml(value: Any) -> Any:
    """The value that YAML text stands for; anything but text is handed on. The strings in it are data, never templates."""
    return yaml.load(value, Loader=yaml.CSafeLoader) if isinstance(value, str) else value


def from_yaml_all(value: Any) -> Any:
    """The values of every document in YAML text."""
    return list(yaml.load_all(value, Loader=yaml.CSafeLoader)) if isinstance(value, str) else value


FILTERS = {
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "from_json": from_json,
    "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
}
