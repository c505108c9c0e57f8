"""deploy-noop, deploy-16, task-cost, send: playbooks over SSH, beside ansible-playbook, pyinfra and `ssh cat`."""

import os
import subprocess
import time

from tests.bench import images, tools
from tests.bench.figures import Figure
from tests.bench.place import deploy, place
from tests.bench.playbooks import ansible, pyinfra_files, trivial, twenty_tasks

LIMIT_16 = 80.0  # MB
PEERS = ("ansible, pipelining", "pyinfra")


def deploy_noop(rounds=5):
    """A second deploy of an unchanged playbook of 20 tasks to one host."""
    with place(1) as project:
        rows, skipped = unchanged(project, rounds)
        figure = Figure("deploy-noop", "unchanged deploy, 20 tasks, 1 host", "s", rows, skipped=skipped)
        figure.bars = {"ansible, pipelining": 0.12, "pyinfra": 0.3}
        return with_profile(figure, project)


def deploy_16(rounds=3):
    """The same to sixteen hosts; also beside one host, and the controller's memory."""
    with place(1) as project:
        prepare(project)
        alone = [seconds(project, wherry(project)) for _ in range(rounds)]
    with place(16) as project:
        rows, skipped = unchanged(project, rounds, PEERS[1:])  # ansible takes two minutes a run here
        rows["wherry, 1 host"] = alone
        figure = Figure("deploy-16", "unchanged deploy, 20 tasks, 16 hosts", "s", rows, skipped=skipped)
        figure.bars = {"pyinfra": 0.3, "wherry, 1 host": 4.0}
        memory = Figure("deploy-16 memory", "controller, 16 hosts", "MB", {"wherry": [peak(project)]}, limit=LIMIT_16)
        return [with_profile(figure, project), memory]


def task_cost(rounds=5):
    """One trivial task more: without delay, and in round trips of 20 ms."""
    figures = []
    for delay, limit in ((0, 3.0), (20, 0.3)):
        with place(1, delay_ms=delay) as project:
            for count in (20, 220):
                project.write(f"playbooks/trivial{count}.yml", trivial(count))
                deploy(project, f"trivial{count}")
            samples = [cost(project) for _ in range(rounds)]
        unit = "round trips of 20 ms" if delay else "ms"
        scaled = [sample / delay if delay else sample for sample in samples]
        figures.append(
            Figure("task-cost", f"one trivial task more, {delay} ms delay", unit, {"wherry": scaled}, limit=limit)
        )
    return figures


def send(rounds=3, megabytes=64):
    """An image of incompressible files that the host has not got, beside the same bytes through `ssh cat`."""
    rows = {"wherry": [], "ssh cat": []}
    with place(1) as project:
        deploy(project, project_playbook(project, "small", 1 << 10))
        for turn in range(rounds):
            playbook = project_playbook(project, f"turn{turn}", megabytes << 20)
            rows["wherry"].append(seconds(project, wherry(project, playbook)))
            rows["ssh cat"].append(through_ssh(project, f"turn{turn}.tar"))
    return Figure("send", f"{megabytes} MB image that the host lacks", "s", rows)


def unchanged(project, rounds, peers=PEERS):
    """Seconds of each contestant's deploy when nothing is left to do, in turns, and the peers that were left out."""
    prepare(project)
    contestants = {"wherry": wherry(project)}
    environment, reason = tools.environment()
    if not reason:
        pyinfra_files(project)
        commands = (ansible(project, environment), [f"{environment}/bin/pyinfra", "-y", "inventory.py", "deploy.py"])
        contestants |= {name: argv for name, argv in zip(PEERS, commands, strict=True) if name in peers}
        for argv in list(contestants.values())[1:]:
            seconds(project, argv)  # the first run changes things, and is not measured
    rows = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, argv in contestants.items():
            rows[name].append(seconds(project, argv))
    return rows, {name: reason for name in peers if reason}


def prepare(project):
    """Write the playbook of 20 tasks and run it once, so that nothing is left to do."""
    twenty_tasks(project)
    deploy(project, "twenty")


def wherry(project, playbook="twenty"):
    """The command that a user types."""
    return [tools.PYTHON, "-m", "invoke", "deploy", "--env", "lab", "--playbook", playbook, "--dirty"]


def seconds(project, argv):
    """How long a command takes in the project; an error with its output when it fails."""
    began = time.perf_counter()
    ended = project.run(
        argv, timeout=300, env={**os.environ, **tools.ENVIRONMENT, "ANSIBLE_HOME": project.path(".ansible")}
    )
    if ended.returncode:
        raise RuntimeError(f"{argv} ended with {ended.returncode}:\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}")
    return time.perf_counter() - began


def cost(project):
    """Milliseconds that each of 200 tasks more takes."""
    few, many = (seconds(project, wherry(project, f"trivial{count}")) for count in (20, 220))
    return (many - few) * 1000 / 200


def peak(project):
    """Most memory in MB that the controller holds during a deploy."""
    with project.lab.inside():
        child = subprocess.Popen(wherry(project), cwd=project.root, stdout=subprocess.DEVNULL)
    usage = os.wait4(child.pid, 0)[2]
    child.returncode = 0
    return usage.ru_maxrss / 1024


def project_playbook(project, name, size):
    """A playbook that loads an image of `size` random bytes; returns its name."""
    archive = images.save(project.path(f"{name}.tar"), f"{name}:1", {"data": os.urandom(size)})
    text = f"- hosts: web\n  gather_facts: false\n  tasks:\n    - runtime:\n    - image:\n        load: {archive}\n"
    project.write(f"playbooks/{name}.yml", text)
    return name


def through_ssh(project, archive):
    """Seconds that the archive takes through `ssh cat`."""
    argv = ["ssh", "-F", project.lab.files.ssh_config, "web1", "cat > /var/tmp/received && sync -d /var/tmp/received"]
    began = time.perf_counter()
    with project.lab.inside(), open(project.path(archive), "rb") as file:
        subprocess.run(argv, stdin=file, check=True)
    return time.perf_counter() - began


def with_profile(figure, project):
    """The figure, with where the controller's time goes when its bar was missed."""
    if figure.missed:
        argv = [tools.PYTHON, "-m", "cProfile", "-s", "cumtime", *wherry(project)[1:]]
        lines = project.run(argv, timeout=300).stdout.splitlines()
        start = next((number for number, line in enumerate(lines) if "function calls" in line), 0)
        figure.profile = "\n".join(["  profile (cProfile, cumulative):", *lines[start : start + 30]])
    return figure
