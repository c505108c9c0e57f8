"""Where benchmarks run: lab hosts that nothing else uses, and a project that deploys to them."""

import contextlib
import json
import os
import tempfile

from tests.bench import images
from tests.lab.project import Project, free_net
from wherry import lab as labs

WATCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stopwatch.py")
IMAGE = "bench:1"
SET_UP = """\
- hosts: web
  gather_facts: false
  tasks:
    - runtime:
    - image:
        load: {archive}
"""


@contextlib.contextmanager
def place(count, **options):
    """A project with a lab of `count` hosts, gone at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="wherry-bench-", dir="/var/tmp") as folder,
        labs.up(os.path.join(folder, "lab"), count, net=free_net(), **options) as lab,
    ):
        yield Project.lay_out(os.path.join(folder, "project"), lab)


def set_up_runtime(project):
    """Install the runtime on every host and load an image that does nothing."""
    archive = images.busybox(project.path("bench.tar"), IMAGE)
    project.write("playbooks/setup.yml", SET_UP.format(archive=archive))
    deploy(project, "setup")


def deploy(project, playbook, *words):
    """Run a playbook on the lab; an error with its output when it fails."""
    ended = project.invoke("deploy", "--env", "lab", "--playbook", playbook, "--dirty", *words)
    if ended.returncode:
        raise RuntimeError(f"deploy of {playbook} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended


def time_on_host(lab, commands, rounds, name="web1"):
    """Samples in milliseconds of each contestant's command, run in turns inside a host."""
    with open(WATCH) as file:
        program = file.read()
    lab.run(name, ["sh", "-c", "cat > /root/stopwatch.py"], stdin=program)
    order = json.dumps({"rounds": rounds, "commands": commands})
    ended = lab.run(name, ["python3", "-I", "/root/stopwatch.py"], stdin=order, timeout=600)
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    return json.loads(ended.stdout)
