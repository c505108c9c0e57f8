"""A step and a host's variables become a call: a request to the host, or the result of what the engine does itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wherry.connection.content import BytesContent
from wherry.connection.session import Become, TaskRequest
from wherry.errors import ProjectError
from wherry.execution import arguments, results
from wherry.execution.attachments import to_wire
from wherry.execution.catalog import Action
from wherry.execution.controller_task import ControllerTask
from wherry.execution.entry import Part
from wherry.execution.module_spec import ModuleSpec
from wherry.execution.steps import Step
from wherry.language import conditional, loops
from wherry.language.source import Secret, place_of
from wherry.language.task import Task
from wherry.language.variables import Scope

if TYPE_CHECKING:
    from wherry.execution.host_run import HostRun


def parts(step: Step, run: HostRun) -> Iterator[Part]:
    """The calls of a step, one an item of its loop, each with its request or result; raises Waiting, ProjectError."""
    scope = run.scope.for_task(step.task)
    if step.task.loop is None:
        yield _part(step, run, Part(scope))
        return
    try:
        items = list(loops.scopes(step.task, scope))
    except ProjectError:
        if conditional.test(list(step.task.when), scope):
            raise
        items = []  # what a skipped task would go through need not exist
    for item, inner in items:
        yield _part(step, run, Part(inner, _label(step.task, item, inner, run), _item(step.task, item, inner)))


def rendered(step: Step, scope: Scope, run: HostRun) -> dict[str, Any]:
    """A step's arguments, rendered, checked and converted; those that are expressions as written."""
    call, expressions = step.call(), step.spec.rules.expressions
    given = run.templar.render({key: value for key, value in call.raw.items() if key not in expressions}, scope)
    if step.task.args_from is not None:
        further = run.templar.render(step.task.args_from, scope)
        given = {**further, **given}
    resolved = arguments.resolve(call, given | {key: call.raw[key] for key in expressions if key in call.raw})
    hide = [resolved.get(name) for name in step.spec.rules.secret]
    run.hide([*hide, *_secrets(given)])
    return resolved


def prepared(step: Step, scope: Scope, run: HostRun) -> tuple[ModuleSpec, ControllerTask]:
    """The module that will do the step, and the call as `prepare` left it."""
    spec, plan = step.spec, run.state.plan
    args, files = rendered(step, scope, run), run.state.attachments
    task = ControllerTask(
        args, spec.name, step.task, scope, run.templar, plan.project, run.play.play.path, files, run.contents
    )
    while spec.prepares:
        spec.functions["prepare"](task)
        if task.module == spec.name:
            break
        spec = _handed_over(task.module, step, run)
    return spec, task


def in_wire_form(spec: ModuleSpec, args: dict[str, Any]) -> dict[str, Any]:
    """Arguments as the module's `run` takes them: by the names in its signature, content as markers."""
    names = {parameter.name: parameter.written for parameter in spec.parameters.values()}
    return {names.get(name, name): to_wire(value) for name, value in args.items()}


def _part(step: Step, run: HostRun, part: Part) -> Part:
    if not conditional.test(list(step.task.when), part.scope):
        part.result = dict(results.SKIPPED)
    elif isinstance(step.target, Action):
        part.result = step.target.run(ActionCall(step, part.scope, run), **rendered(step, part.scope, run))
    else:
        part.spec, part.prepared = prepared(step, part.scope, run)
        args = in_wire_form(part.spec, part.prepared.args)
        part.request = request(step.task, part.spec, args, part.scope, run)
    return part


def request(task: Task, spec: ModuleSpec, args: dict[str, Any], scope: Scope, run: HostRun) -> TaskRequest:
    """The frame that asks a host for a call."""
    if spec.own:
        run.contents.setdefault(spec.digest, BytesContent(spec.source))
    timeout = run.value(task.timeout, scope)
    return TaskRequest(
        module=spec.name,
        args=args,
        digest=spec.digest if spec.own else None,
        check=run.flag(task.check_mode, scope, default=run.state.plan.check),
        diff=run.flag(task.diff, scope, default=run.state.plan.diff),
        become=become(task, scope, run),
        timeout=None if timeout is None else int(timeout),
        environment=environment(task, scope, run),
    )


def become(task: Task, scope: Scope, run: HostRun) -> Become | None:
    """Whom a task runs as; None: the login user. Variables of the host are stronger than keywords, as in Ansible."""
    if not run.flag(run.variable("ansible_become", scope, task.become), scope, default=False):
        return None
    user = run.variable("ansible_become_user", scope, task.effective("become_user"))
    method = run.variable("ansible_become_method", scope, task.effective("become_method"))
    return Become(str(run.value(user, scope) or "root"), str(run.value(method, scope) or "sudo"))


def environment(task: Task, scope: Scope, run: HostRun) -> dict[str, str]:
    """The environment of the task's commands: mappings of play, blocks and task, the innermost winning."""
    found: dict[str, str] = {}
    for raw in task.environment:
        each = run.templar.render(raw, scope)
        if not isinstance(each, dict | None):
            raise ProjectError("'environment' is not a mapping", place_of(raw) or task.place)
        found.update({str(name): str(value) for name, value in (each or {}).items()})
    return found


class ActionCall:
    """What an action may use of the engine and of the host's variables."""

    def __init__(self, step: Step, scope: Scope, run: HostRun) -> None:
        self.task, self.scope = step.task, scope
        self._run = run

    def render(self, value: Any) -> Any:
        """A raw value, rendered."""
        return self._run.templar.render(value, self.scope)

    def evaluate(self, expression: str) -> Any:
        """The value of a variable or an expression of the project's own."""
        return self._run.templar.evaluate(expression, self.scope)

    def test(self, condition: Any) -> bool:
        """Whether a condition holds."""
        return conditional.test(condition, self.scope)

    def sleep(self, seconds: float) -> None:
        """Wait; ended by an interruption."""
        self._run.sleep(seconds)


def _secrets(value: Any) -> Iterator[str]:
    """The secrets in a rendered value, however deep."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _secrets(each)


def _handed_over(name: str, step: Step, run: HostRun) -> ModuleSpec:
    spec = run.state.plan.catalog.module(name, built_in=True)
    if spec is None:
        raise ProjectError(f"module '{step.task.module}' hands over to '{name}', which does not exist", step.task.place)
    return spec


def _label(task: Task, item: Any, scope: Scope, run: HostRun) -> str:
    label = task.loop_control.get("label")
    value = item if label is None else run.templar.render(label, scope)
    return value if isinstance(value, str) else repr(value)


def _item(task: Task, item: Any, scope: Scope) -> dict[str, Any]:
    """What a result says of its item."""
    loop = task.loop
    assert loop is not None  # only called for items
    found = {loop.variable: item, "ansible_loop_var": loop.variable}
    if index := task.loop_control.get("index_var"):
        found |= {"ansible_index_var": index, index: scope[index]}
    return found
