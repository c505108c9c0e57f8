"""The launcher and the payload of this machine: filled when missing, filled again when the source changes, fast otherwise."""

import marshal
import os
import shutil
import subprocess
import sys

import pytest

from runtime.cli import bundle, local
from runtime.process import capabilities, profile, seccomp
from tests.runtime.container.machine import ROOT


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    for name in ("runtime", "modules"):
        shutil.copytree(os.path.join(ROOT, name), folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def start(python, payload, *words):
    return subprocess.run(
        [python, "-I", "-S", "-B", "-c", local.START, payload, *words], capture_output=True, text=True
    )


def test_a_payload_has_the_digest_that_a_host_would_give_it(tmp_path, source):
    from wherry.connection import payload

    _, folder = local.fill(str(tmp_path / "root" / "payload" / "local" / "bin"), str(source))

    class Folders:
        runtime, built_in_modules = str(source / "runtime"), str(source / "modules")

    assert os.path.basename(folder) == payload.make(Folders).digest


def test_the_command_runs_from_its_payload_with_and_without_the_bundle(tmp_path, source):
    python, folder = local.fill(str(tmp_path / "root" / "payload" / "local" / "bin"), str(source))
    assert os.path.basename(folder)[:12] in start(python, folder, "version").stdout
    assert "Usage:  wherry run" in start(python, folder, "run", "--help").stdout
    for name in os.listdir(folder):
        if name.startswith("bundle-"):
            shutil.rmtree(os.path.join(folder, name))
    assert "Usage:  wherry run" in start(python, folder, "run", "--help").stdout


def test_a_change_of_the_source_is_noticed_at_the_next_start(tmp_path, source):
    place = str(tmp_path / "root" / "payload" / "local" / "bin")
    python, folder = local.fill(place, str(source))
    unchanged = start(python, folder, "--filled-for", place, "version").stdout
    assert os.path.basename(folder)[:12] in unchanged
    (source / "modules" / "another.py").write_text('"""Another."""\n')
    changed = start(python, folder, "--filled-for", place, "version").stdout
    assert "payload" in changed
    assert changed != unchanged


def test_the_launcher_fills_what_is_missing_and_takes_container_verbs_only(tmp_path):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    shutil.copy(os.path.join(ROOT, "runtime", "cli", "wherry.sh"), bin_folder / "wherry")
    (bin_folder / "python").write_text(
        f'#!/bin/sh\n[ "$3" = wherry.cli ] && echo engine "$@" && exit 0\nexec {sys.executable} "$@"\n'
    )
    (bin_folder / "python").chmod(0o755)
    environment = {
        **os.environ,
        "WHERRY_ROOT": str(tmp_path / "root"),
        "WHERRY_STATE": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path),
    }

    def run(*words):
        return subprocess.run(
            ["sh", str(bin_folder / "wherry"), *words], capture_output=True, text=True, env=environment
        )

    assert run("version").stdout.startswith("wherry, payload ")
    assert run("ps").stdout.startswith("CONTAINER ID")
    assert run("play", "x.yml").stdout == "engine -I -m wherry.cli play x.yml\n"
    assert run("--on", "web1", "ps").stdout == "engine -I -m wherry.cli --on web1 ps\n"


def test_the_bundle_knows_the_filter_of_nearly_every_container(tmp_path, source):
    place = bundle.build(str(source))
    with open(f"{place}/run.verb", "rb") as file:
        _, modules, known = marshal.load(file)
    section = profile.default(capabilities.DEFAULT)
    assert known == [(section, seccomp.compile(section))]
    assert "runtime.process.filters" in [name for name, *_ in modules]
    assert "runtime.process.seccomp" not in [name for name, *_ in modules]


def test_modules_stand_behind_what_they_import(tmp_path, source):
    files = {bundle._name(path): path for path in bundle._paths(str(source))}
    order = bundle.in_order(bundle.VERBS["run"], str(source), files)
    assert set(bundle.VERBS["run"]) <= set(order)
    assert order.index("runtime.errors") < order.index("runtime.state") < order.index("runtime.container.foreground")
