"""cold-run, bridge-run, memory: containers on a lab host, beside crun, podman and docker."""

import json
import os
import shutil

from tests.bench.figures import Figure
from tests.bench.place import IMAGE, place, set_up_runtime, time_on_host

ROUNDS = 15
IDLE = 50
BUNDLE = "/var/tmp/bundle"
PODMAN = ["podman", "--root", "/var/tmp/podman", "--runroot", "/run/podman", "--cgroup-manager", "cgroupfs"]
LEGACY = "umount /sys/fs/cgroup/unified 2>/dev/null; true"  # crun refuses hybrid mode; only this host is concerned
UNPACK = f"mkdir -p {BUNDLE}/rootfs && cd {BUNDLE} && tar xf ../bench.tar && tar xf layer.tar -C rootfs && crun spec"


def cold_run(rounds=ROUNDS):
    """`run --rm IMAGE true` without a network."""
    with place(1) as project:
        set_up_runtime(project)
        peers, skipped = find_peers(project, "crun", "podman", "docker")
        commands = {"wherry": [["wherry", "run", "--rm", "--network", "none", IMAGE, "true"]]}
        if "crun" in peers:
            make_bundle(project)
            commands["crun"] = [["crun", "--cgroup-manager", "cgroupfs", "run", "-b", BUNDLE, "c@TURN@"]]
        if "podman" in peers:
            commands["podman"] = [[*PODMAN, "run", "--rm", "--network", "none", IMAGE, "true"]]
        samples = time_on_host(project.lab, commands, rounds)
        figure = Figure("cold-run", "run --rm IMAGE true, no network", "ms", samples, {"crun": 1.3}, skipped=skipped)
        return with_profile(figure, project, commands["wherry"][0])


def bridge_run(rounds=ROUNDS):
    """`run --rm IMAGE true` on the default network."""
    with place(1) as project:
        set_up_runtime(project)
        peers, skipped = find_peers(project, "podman", "docker")
        commands = {"wherry": [["wherry", "run", "--rm", IMAGE, "true"]]}
        if "podman" in peers:
            commands["podman"] = [[*PODMAN, "run", "--rm", "--network", "podman", IMAGE, "true"]]
        samples = time_on_host(project.lab, commands, rounds)
        figure = Figure("bridge-run", "run --rm IMAGE true, bridge", "ms", samples, {"podman": 0.09}, skipped=skipped)
        return with_profile(figure, project, commands["wherry"][0])


def memory(count=IDLE):
    """What each of many idle detached containers costs beyond its own process."""
    with place(1) as project:
        set_up_runtime(project)
        peers, skipped = find_peers(project, "podman", "docker")
        rows = {"wherry": [idle_cost(project.lab, ["wherry"], count)]}
        if "podman" in peers:
            rows["podman"] = [idle_cost(project.lab, PODMAN, count // 5)]
        return Figure(
            "memory", f"PSS of an idle detached container, of {count}", "kB", rows, limit=1024, skipped=skipped
        )


def idle_cost(lab, engine, count):
    """kB (proportional set size) per container of all processes that `count` detached ones left, payloads excepted."""
    start = f"{' '.join(engine)} run -d --network none {IMAGE} sleep 1000 >/dev/null"
    script = f"for i in $(seq {count}); do {start} || exit 1; done"
    before = resident(lab)
    ended = lab.run("web1", ["sh", "-c", script], timeout=300)
    if ended.returncode:
        raise RuntimeError(f"{engine[0]}: {ended.stderr}")
    return sum(size for pid, size in resident(lab).items() if pid not in before) / count


def resident(lab):
    """PSS in kB of every process of the host but payloads (`sleep`), by PID."""
    each = 'echo "${p#/proc/} $(cat $p/comm) $(sed -n "s/^Pss: *//p" $p/smaps_rollup)"'
    script = f"for p in /proc/[0-9]*; do {each}; done 2>/dev/null"
    lines = [line.split() for line in lab.run("web1", ["sh", "-c", script]).stdout.splitlines()]
    return {
        int(words[0]): int(words[-2]) for words in lines if words[-1] == "kB" and words[1] not in ("sleep", "busybox")
    }


def find_peers(project, *names):
    """The peers that can run here, made ready, and why the others cannot."""
    reasons = {name: unfit(name) for name in names}
    project.lab.run("web1", ["sh", "-c", LEGACY])
    archive = project.path("bench.tar")
    with open(archive, "rb") as file:
        content = file.read()
    put(project.lab, "/var/tmp/bench.tar", content)
    if "podman" in reasons and not reasons["podman"]:
        ended = project.lab.run("web1", [*PODMAN, "load", "-i", "/var/tmp/bench.tar"])
        reasons["podman"] = ended.stderr.strip()[-200:] if ended.returncode else ""
    return [name for name in names if not reasons[name]], {name: why for name, why in reasons.items() if why}


def unfit(name):
    """Why a peer cannot be measured here; empty when it can."""
    if shutil.which(name) is None:
        return "not installed"
    if name == "docker":
        return "needs its daemon inside the lab host" if os.path.exists("/run/docker.sock") else "no daemon runs"
    return ""


def make_bundle(project):
    """An OCI bundle of the image's files for crun, with its default configuration and no terminal."""
    lab = project.lab
    ended = lab.run("web1", ["sh", "-c", UNPACK])
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    config = json.loads(lab.run("web1", ["cat", f"{BUNDLE}/config.json"]).stdout)
    config["process"].update(terminal=False, args=["/bin/true"])
    put(lab, f"{BUNDLE}/config.json", json.dumps(config).encode())


def put(lab, path, content):
    """Write a file inside the host by way of its process's root."""
    with open(f"/proc/{lab.host('web1').first.pid}/root{path}", "wb") as file:
        file.write(content)


def with_profile(figure, project, argv):
    """The figure, with the system calls that took longest when its bar was missed."""
    if figure.missed and shutil.which("strace"):
        ended = project.lab.run("web1", ["strace", "-f", "-c", "-w", *argv])
        figure.profile = "\n".join(["  profile (strace -f -c -w):", *ended.stderr.splitlines()[:18]])
    return figure
