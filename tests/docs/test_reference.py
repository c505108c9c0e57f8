"""The reference says what the code does: pages written from it are fresh, tables written by hand have every name."""

import os
import re

import pytest

from runtime.container import health, request
from runtime.process import capabilities
from tests.docs import pages, reference, words
from wherry import errors
from wherry.execution import module_spec
from wherry.rollout import fleet
from wherry.rollout.application import Application

# Not for playbooks: set by a rollout, and by `wherry run --rm`.
OWN_KEYS = {"staged", "release", "image_id", "rm"}


def page(name):
    with open(os.path.join(pages.ROOT, "docs", "reference", name), encoding="utf-8") as file:
        return file.read()


def first_cells(text):
    """The names in the first column of every table of a page."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_a_page_written_from_the_code_is_fresh(name):
    with open(os.path.join(pages.ROOT, name), encoding="utf-8") as file:
        assert file.read() == reference.pages()[name], "write it anew: python -m tests.docs.reference"


def test_every_key_of_a_container_request_is_described():
    described = first_cells(page("container-request.md")) | {"rollout"}  # has a section of its own
    assert described == (request.KEYS.keys() - OWN_KEYS) | {*request.HEALTH, *request.ROLLOUT}


def test_the_flags_beside_the_keys_of_a_request_are_those_of_run():
    rows = [
        line.split("|")[2]
        for line in page("container-request.md").replace("\\|", "/").splitlines()
        if line.startswith("| `")
    ]
    flags = {flag for cell in rows for flag in re.findall(r"`(--?[\w-]+)`", cell)}
    known = {name for option in words.container_command("run").options for name in option.names}
    assert flags and flags <= known


def test_the_defaults_of_probes_are_described():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+)s? \|", page("container-request.md"), re.MULTILINE))
    assert {name: int(value) for name, value in rows.items()} == health.DEFAULTS


def test_the_capabilities_of_a_container_are_described():
    with open(os.path.join(pages.ROOT, "docs", "explanation", "how-it-is-secured.md"), encoding="utf-8") as file:
        row = next(line for line in file if line.startswith("| capabilities of root"))
    assert [f"CAP_{name}" for name in row.split("|")[2].replace(" ", "").split(",")] == list(capabilities.DEFAULT)


def test_the_module_container_takes_what_a_request_takes():
    spec = module_spec.read(os.path.join(pages.ROOT, "modules", "container.py"), own=False)
    assert spec.parameters.keys() - {"state"} == request.KEYS.keys() - OWN_KEYS


def test_every_variable_that_wherry_looks_at_is_described():
    looked_at = set()
    for path in ("wherry/rollout", "wherry/execution", "wherry/lab", "wherry/language"):
        for name in os.listdir(os.path.join(pages.ROOT, path)):
            if name.endswith(".py") and name not in ("magic.py", "learned.py"):
                looked_at |= variables(os.path.join(pages.ROOT, path, name))
    described = {
        name for name in first_cells(page("inventory-variables.md")) if name.startswith(("ansible_", "wherry_"))
    }
    assert looked_at == described


def variables(path):
    """The names of connection variables that a file looks at."""
    with open(path, encoding="utf-8") as file:
        found = set(re.findall(r'"((?:ansible|wherry)_\w+)"', file.read()))
    return {
        name
        for name in found
        if not re.match(
            r"ansible_(loop|index|failed|facts|module|check|diff|version|play|run_tags|skip_tags|parent|limit|date|inventory|config|search|forks|verbosity|local)",
            name,
        )
    } - {"ansible_managed"}


def test_every_connection_is_described():
    text = page("inventory-variables.md")
    assert all(f"`{name}`" in text for name in fleet.CONNECTIONS)


def test_every_key_of_a_rollout_is_described_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page("rollout.md"), re.MULTILINE))
    for name, field in Application.__dataclass_fields__.items():
        default = rows[name].strip().strip("`")
        assert default == ("required" if name == "app" else f"{field.default:g}" if name != "retire" else field.default)
    assert rows.keys() == Application.__dataclass_fields__.keys()


def test_every_exit_code_is_described():
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page("exit-codes.md"), re.MULTILINE)}
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.WherryError)
    ]
    assert codes == {0, *(each.exit_code for each in classes)}
