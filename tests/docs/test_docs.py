"""Every command, playbook, inventory, module and link of the pages is tried."""

import os
import re

import pytest

from runtime.container import request
from tests.docs import pages, words
from tests.docs.workshop import Workshop, is_like, wait_for_the_network
from wherry import layout
from wherry.execution import module_spec, plan
from wherry.language import inventory, playbook, source
from wherry.project import Project

ALL = [pages.read(name) for name in pages.names()]
FALLBACK = "all: {children: {web: {hosts: {web1.example.com: , web2.example.com: }}}}\n"


def each_page(keep):
    """Parametrise by the pages that have something to try."""
    return pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in ALL if keep(page)])


def runs(page):
    return any(block.kind == "console" and block.word != "parsed" for block in page.blocks)


@each_page(lambda page: runs(page) and not page.needs_lab)
def test_the_commands_of_a_page_do_what_it_says(page, tmp_path):
    follow(page, tmp_path)


@pytest.mark.lab
@pytest.mark.timeout(900)
@each_page(lambda page: runs(page) and page.needs_lab)
def test_the_commands_of_a_page_do_what_it_says_on_throwaway_hosts(page, tmp_path):
    wait_for_the_network()
    follow(page, tmp_path)


def follow(page, folder):
    """Do what a reader of the page does."""
    workshop = Workshop(str(folder))
    try:
        for block in page.blocks:
            if block.file:
                workshop.write(block)
            elif block.kind == "console" and block.word != "parsed":
                workshop.do(block)
    finally:
        workshop.close()


@each_page(lambda page: page.of("console", "parsed"))
def test_commands_that_are_not_run_ask_for_what_there_is(page):
    for block in page.of("console", "parsed"):
        for command, _ in block.commands:
            words.check(command)


def test_no_command_is_hidden_in_a_block_that_is_only_shown():
    for block in (block for page in ALL for block in page.of("text", "")):
        assert "\n$ " not in "\n" + block.text, f"{block.where}: write ```console, or ```console parsed"


@each_page(lambda page: page.of("yaml", "playbook", "tasks", "inventory"))
def test_playbooks_can_be_planned(page, tmp_path):
    given = page.of("yaml", "inventory")
    for number, block in enumerate(given + page.of("yaml", "playbook", "tasks")):
        project = laid_out(page, tmp_path / str(number), block.text if block in given else given)
        hosts = inventory.load(project, "prod")
        assert hosts.hosts, block.where
        if block not in given:
            steps(project, block, hosts)


def laid_out(page, folder, hosts):
    """A project with the page's modules and these hosts."""
    text = hosts if isinstance(hosts, str) else hosts[0].text if hosts else FALLBACK
    files = {"inventory/prod.yml": text, "playbooks/.keep": ""}
    files |= {block.file: block.text for block in page.of("python", "module")}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Project(str(folder))


def steps(project, block, hosts):
    """Plan a block: a playbook, or tasks of a play."""
    text = block.text
    if block.word == "tasks":
        text = "- hosts: all\n  tasks:\n" + re.sub(r"(?m)^(?=.)", "    ", text)
    with open(os.path.join(project.playbooks, "page.yml"), "w") as file:
        file.write(text)
    try_plan(project, "page", hosts, block.where)


def try_plan(project, name, hosts, where):
    """Plan a playbook, and have the runtime look at what its containers are to be, as far as no template says it."""
    planned = plan.make(project, playbook.load(project, name), hosts)
    found = [step for play in planned.plays for step in play.steps]
    assert found and not planned.warnings, where
    for step in (step for step in found if step.task.module == "container"):
        request.checked(
            {key: step.task.args[key] for key in step.task.args.keys() - {"command", "entrypoint", "state"}}
        )


@pytest.mark.parametrize("env", ["prod", "lab"])
def test_what_init_lays_out_can_be_planned(tmp_path, env):
    layout.lay_out(str(tmp_path))
    project = Project(str(tmp_path))
    try_plan(project, "deploy", inventory.load(project, env), "wherry/layout/deploy.yml")


def test_the_products_own_playbook_and_inventory_can_be_planned():
    project = Project(pages.ROOT)
    try_plan(project, "deploy", inventory.load(project, "prod"), "playbooks/deploy.yml")


def test_other_yaml_can_be_read():
    for block in (block for page in ALL for block in page.of("yaml", "")):
        assert source.parse(block.text, block.where) is not None


@each_page(lambda page: page.of("python", "module"))
def test_modules_are_modules(page, tmp_path):
    for block in page.of("python", "module"):
        path = tmp_path / os.path.basename(block.file)
        path.write_text(block.text)
        assert module_spec.read(str(path), own=True).doc, f"{block.where}: a module says what it promises"


@each_page(lambda page: page.links)
def test_links_lead_somewhere(page):
    for link in page.links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page.name), path)) if path else page.name
        assert os.path.exists(os.path.join(pages.ROOT, target)), f"{page.name}: {link} leads nowhere"
        if anchor:
            assert anchor in pages.read(target).anchors, f"{page.name}: {link}: no such heading"


def test_every_page_is_reached_from_the_readme():
    seen, rest = set(), ["README.md"]
    while rest:
        name = rest.pop()
        if name not in seen and name.endswith(".md") and os.path.exists(os.path.join(pages.ROOT, name)):
            seen.add(name)
            links = pages.read(name).links if name in pages.names() else ()
            rest += [os.path.normpath(os.path.join(os.path.dirname(name), link.partition("#")[0])) for link in links]
    assert set(pages.names()) <= seen


def test_lines_of_pages_are_readable_in_a_terminal():
    for name in pages.names():
        with open(os.path.join(pages.ROOT, name), encoding="utf-8") as file:
            long = [n for n, line in enumerate(file, 1) if len(line.rstrip("\n")) > 120 and not line.startswith("|")]
        assert not long, f"{name}: lines {long}"


def test_expected_output_is_matched_by_lines_and_within_lines():
    assert is_like("one\ntwo 2\nthree\n", ["one", "...", "three"])
    assert is_like("took 3.2 s", ["took ... s"])
    assert is_like("HOST    RELEASE\n", ["HOST  RELEASE"])
    assert not is_like("one\ntwo\n", ["one"])
    assert not is_like("one\n", ["two"])


def test_commands_that_nobody_understands_are_found():
    for line in ("invoke deplyo --env prod", "invoke deploy --envv prod", "wherry lab upp 3", "wherry play"):
        with pytest.raises(AssertionError):
            words.check(line)
