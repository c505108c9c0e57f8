"""What is shipped works without the checkout: the wheel in a new venv, a repository laid out by it, a deploy from there."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.lab.hello import ROOT, serving
from tests.lab.project import Project
from tests.sandbox import in_sandbox
from wherry import __version__

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
MODULE = '''
"""Write a greeting."""


def run(host, path, text="hello"):
    """Make `path` hold `text`.

    path: file on the host.  Registers: changed.
    """
    return host.write_text(path, text + "\\n")
'''
PLAYBOOK_END = """
    - name: The project's own module
      greet: {path: /root/greeting, text: "from {{ inventory_hostname }}"}
"""


def done(argv, **options):
    """What a command prints; it must succeed."""
    answer = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """The folder of the commands that the wheel brings, in a venv that has nothing else."""
    folder = str(tmp_path_factory.mktemp("wheel"))
    done([sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT])
    (wheel,) = (os.path.join(folder, name) for name in os.listdir(folder))
    done([sys.executable, "-m", "venv", os.path.join(folder, "venv")])
    done([os.path.join(folder, "venv", "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", wheel])
    return os.path.join(folder, "venv", "bin")


@pytest.fixture
def project(lab, commands, hello_archive, tmp_path):
    """What `wherry init` lays out, with a module of its own, the archive where the playbook looks, the lab's inventory."""
    found = Project(str(tmp_path / "project"), lab)
    done([f"{commands}/wherry", "init", found.root], cwd=tmp_path)
    found.write("modules/greet.py", MODULE)
    shutil.copy(hello_archive, found.path("app.tar"))
    shutil.copy(lab.inventory_file, found.path("inventory/lab.yml"))
    with open(found.path("playbooks/deploy.yml"), "a") as file:
        file.write(PLAYBOOK_END)
    yield found
    for host in lab.hosts:
        clean = "wherry rm -f hello; rm -rf /var/lib/wherry/releases /root/greeting"
        lab.run(host.name, ["sh", "-c", clean])


def test_a_laid_out_repository_with_a_module_of_its_own_deploys(project, lab, commands):
    deploy = [f"{commands}/invoke", "deploy", "--env", "lab"]
    answer = project.run(deploy)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    for host in lab.hosts:
        assert serving(lab, host.name) == "hello 1"
        assert lab.run(host.name, ["cat", "/root/greeting"]).stdout == f"from {host.name}\n"
    again = project.run(deploy)
    assert again.returncode == 0 and again.stdout.count("changed=0") == len(lab.hosts), again.stdout + again.stderr


def test_an_argument_that_the_projects_module_lacks_is_an_error_at_load(project, commands):
    project.write("playbooks/greet.yml", "- hosts: web\n  tasks:\n    - greet: {path: /root/greeting, txt: hi}\n")
    answer = project.run([f"{commands}/wherry", "play", "greet", "--env", "lab"])
    assert answer.returncode == 1
    assert "module 'greet' has no argument 'txt'" in answer.stderr and "did you mean 'text'?" in answer.stderr


def test_the_launcher_runs_the_engine(project, commands):
    assert done([f"{commands}/wherry", "--version"], cwd="/").split()[-1] == __version__
    assert done([f"{commands}/wherry", "lab", "list"], cwd=project.root).startswith("no lab is up")
    assert "greet" in done([f"{commands}/wherry", "doc"], cwd=project.root).split()


@in_sandbox
def test_the_launcher_runs_the_runtime(commands, hello_archive):
    assert "hello:1" in done([f"{commands}/wherry", "load", "-i", hello_archive], cwd="/")
    run = [f"{commands}/wherry", "run", "--rm", "--network", "none", "hello:1", "python3", "-c", "print(6 * 7)"]
    assert done(run, cwd="/") == "42\n"
