"""Read tasks and blocks: which key is the module, which are keywords, and what is a typing error."""

from __future__ import annotations

import re
from typing import Any

from wherry.errors import ProjectError
from wherry.language import arguments
from wherry.language import keywords as words
from wherry.language.playbook import Play
from wherry.language.source import Source, SourceMap, key_place, place_of
from wherry.language.suggest import did_you_mean
from wherry.language.task import Block, Loop, Task

NAME = re.compile(r"[A-Za-z_]\w*\Z")
PYTHON_WORDS = words.words("True False None true false none and or not in is if else")


class TaskReader:
    """Reads lists of tasks; `modules` are the names that have a module or action."""

    def __init__(self, modules: frozenset[str]) -> None:
        self.modules = modules

    def read_list(self, written: Any, parent: Block | Play, *, handlers: bool = False) -> list[Task | Block]:
        """The tasks and blocks of a list, in order."""
        if written is None:
            return []
        return [self.read(each, parent, handlers) for each in written]

    def read(self, written: Any, parent: Block | Play, handler: bool) -> Task | Block:
        """One entry of a task list."""
        if not isinstance(written, dict):
            place = place_of(written) or place_of(parent.keywords)
            raise ProjectError(f"a task is a mapping, not '{written}'", place, "write `- module: arguments`")
        if "block" in written:
            return self.block(written, parent, handler)
        return self.task(written, parent, handler)

    def block(self, written: dict[Any, Any], parent: Block | Play, handler: bool) -> Block:
        check(written, words.BLOCK, "a block")
        inherited = {key: value for key, value in written.items() if key not in ("block", "rescue", "always")}
        block = Block(keywords=inherited, parent=parent, place=place_of(written))
        block.tasks = self.read_list(written["block"], block, handlers=handler)
        block.rescue = self.read_list(written.get("rescue"), block, handlers=handler)
        block.always = self.read_list(written.get("always"), block, handlers=handler)
        return block

    def task(self, written: dict[Any, Any], parent: Block | Play, handler: bool) -> Task:
        key = self.module_key(written)
        check({name: each for name, each in written.items() if not is_other(name)}, words.TASK, "a task", written)
        module, value, place = str(key), written[key], key_place(written, key)
        local = module == "local_action"
        if module in ("action", "local_action"):
            module, value = split_action(value, place)
        short = words.short_name(module)
        try:
            found = arguments.read(short, value, place_of(written, key) or place)
        except ProjectError:
            if not self.knows(module) and (hint := did_you_mean(short, self.modules | words.FREE_FORM.keys())):
                raise ProjectError(f"no module '{module}'", place, hint) from None
            raise
        more = written.get("args")
        if isinstance(more, str):
            found.template = more
        elif isinstance(more, dict):
            found.values = {**more, **found.values}
        elif more is not None:
            raise ProjectError("args is a mapping", place_of(written, "args"))
        keywords = {
            name: each for name, each in written.items() if not is_other(name) and name not in ("args", "action")
        }
        if local:
            keywords.setdefault("delegate_to", "localhost")
        return Task(
            keywords=keywords,
            parent=parent,
            place=place_of(written),
            module=short,
            written=module,
            args=found.values,
            free_form=found.free_form,
            args_from=found.template,
            loop=read_loop(written),
            handler=handler,
        )

    def module_key(self, written: dict[Any, Any]) -> Any:
        """The key that names the module; ProjectError when there is none, or another key that is no keyword."""
        candidates = [key for key in written if is_other(key) and not is_loop(key)]
        candidates += [key for key in written if key in ("action", "local_action")]
        if len(candidates) == 1:
            return candidates[0]
        if not candidates:
            raise ProjectError("the task names no module", place_of(written), "add one, such as `command: uptime`")
        known = [key for key in candidates if self.knows(str(key))]
        if len(known) == 1:
            wrong = next(key for key in candidates if key != known[0])
            hint = did_you_mean(str(wrong), words.TASK, f"indent it to make it an argument of '{known[0]}'")
            raise ProjectError(f"'{wrong}' is not a keyword of a task", key_place(written, wrong), hint)
        names = " and ".join(f"'{key}'" for key in candidates)
        hint = next(
            (text for key in candidates if (text := did_you_mean(str(key), words.TASK))), "one task, one module"
        )
        raise ProjectError(
            f"the task names {names}, of which one can be its module", key_place(written, candidates[1]), hint
        )

    def knows(self, name: str) -> bool:
        """Whether a key is surely a module: it has a file, or a collection's prefix."""
        return words.short_name(name) in self.modules or "." in name or name in ("action", "local_action")


def is_loop(key: Any) -> bool:
    """with_NAME."""
    return isinstance(key, str) and key.startswith("with_")


def is_other(key: Any) -> bool:
    """Whether a key is none of a task's keywords."""
    return key not in words.TASK


def check(written: dict[Any, Any], known: frozenset[str], what: str, where: dict[Any, Any] | None = None) -> None:
    """Keys that are known, with values of their type; `where` is the mapping that knows the places."""
    origin = where if where is not None else written
    for key, value in written.items():
        if key not in known:
            hint = did_you_mean(str(key), known, f"known ones: {', '.join(sorted(known))}")
            raise ProjectError(f"'{key}' is not a keyword of {what}", key_place(origin, key), hint)
        check_value(key, value, origin)
    register = written.get("register")
    if isinstance(register, str) and "{{" not in register and (not NAME.match(register) or register in PYTHON_WORDS):
        hint = "letters, digits and _ only, not beginning with a digit"
        raise ProjectError(f"'{register}' cannot be the name of a variable", place_of(origin, "register"), hint)
    if isinstance(control := written.get("loop_control"), dict):
        check_names(control, words.LOOP_CONTROL, "loop_control")


def check_value(key: str, value: Any, origin: dict[Any, Any]) -> None:
    """The type and the choices of one keyword."""
    types = words.TYPES.get(key)
    if types and value is not None and not isinstance(value, types):
        if str in types and isinstance(value, int | float) and key != "strategy":
            return
        wanted = " or ".join(words.TYPE_NAMES[each] for each in types)
        raise ProjectError(f"'{key}' is {wanted}", place_of(origin, key) or key_place(origin, key))
    choices = words.CHOICES.get(key)
    if choices and isinstance(value, str) and "{{" not in value and value not in choices:
        hint = did_you_mean(value, choices, f"one of {', '.join(sorted(choices))}")
        raise ProjectError(f"'{value}' is no {key}", place_of(origin, key), hint)


def check_names(written: dict[Any, Any], known: frozenset[str], what: str) -> None:
    """The keys of a mapping below a keyword."""
    for key in written:
        if key not in known:
            hint = did_you_mean(str(key), known, f"known ones: {', '.join(sorted(known))}")
            raise ProjectError(f"'{key}' is not known in {what}", key_place(written, key), hint)


def read_loop(written: dict[Any, Any]) -> Loop | None:
    """The one loop of a task."""
    kinds = [key for key in written if key == "loop" or is_loop(key)]
    if not kinds:
        return None
    key = kinds[0]
    if len(kinds) > 1:
        raise ProjectError(f"one task, one loop: '{kinds[0]}' or '{kinds[1]}'", key_place(written, kinds[1]))
    kind = "loop" if key == "loop" else words.short_name(str(key)[len("with_") :])
    if kind not in words.WITH and kind != "loop":
        known = sorted(f"with_{each}" for each in words.WITH)
        hint = did_you_mean(str(key), known, f"known ones: {', '.join(known)}")
        raise ProjectError(f"'{key}' is not a loop", key_place(written, key), hint)
    place = place_of(written, key) or key_place(written, key)
    return Loop(kind, written[key], written.get("loop_control") or {}, place)


def split_action(value: Any, place: Any) -> tuple[str, Any]:
    """`action: module k=v` or `action: {module: NAME, ...}` as name and arguments."""
    if isinstance(value, dict) and isinstance(value.get("module"), str):
        rest = SourceMap()
        rest.update((key, each) for key, each in value.items() if key != "module")
        return str(value["module"]), rest
    if isinstance(value, str) and value.strip():
        spans = list(arguments.split(value, place))
        name = value[spans[0][0] : spans[0][1]]
        rest_text = value[spans[0][1] :].lstrip()
        if not rest_text:
            return name, None
        return name, Source(rest_text, *arguments.origin(value, len(value) - len(rest_text)))
    raise ProjectError("action names no module", place, "write `action: module name=value`")
