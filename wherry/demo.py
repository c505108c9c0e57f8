"""`./inv demo`: three throwaway hosts, three versions of an application, one of them broken; every claim is checked.

It uses the product as anybody does, by `invoke deploy --env lab`, and looks at the result from outside: what the hosts
answer, what a load generator counts, what is left on this machine at the end.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from wherry import lab as labs
from wherry import pack, project
from wherry.errors import Interrupted, WherryError
from wherry.lab import Lab, traces
from wherry.lab.load import Client, Load
from wherry.project import Project

PORT = 8080
BROKEN_ON = "web3"
RATE = 15  # requests a second and kind of client to each host
SENT = re.compile(r"^(\S+) +: sent (.+), received", re.MULTILINE)  # a host's second line in the recap


class Story:
    """Tells what happens, how long it took, and whether each claim held."""

    def __init__(self) -> None:
        self.broken_claims: list[str] = []
        self.began = time.monotonic()
        self._chapter = 0

    def say(self, text: str = "") -> None:
        """One line."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """A numbered part; says how long it took."""
        self._chapter += 1
        self.say(f"\n{self._chapter}. {title}")
        began = time.monotonic()
        yield
        self.say(f"   ({time.monotonic() - began:.1f} s)")

    def claim(self, text: str, held: bool, evidence: str = "") -> None:
        """State something that has been checked."""
        self.say(f"   {'ok    ' if held else 'WRONG '} {text}{f': {evidence}' if evidence else ''}")
        if not held:
            self.broken_claims.append(text)


def main(words: list[str]) -> int:
    """Tell the story and return 0 if every claim held, else 1."""
    parser = argparse.ArgumentParser(prog="./inv demo", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave the hosts, and .wherry/demo/app.tar for another deploy"
    )
    keep = parser.parse_args(words).keep
    story = Story()
    try:
        tell(story, project.find("."), keep)
    except WherryError as error:
        story.say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        story.say("interrupted")
        return Interrupted.exit_code
    story.say(f"\n{time.monotonic() - story.began:.0f} s in all.")
    for text in story.broken_claims:
        story.say(f"This did not hold: {text}")
    return 1 if story.broken_claims else 0


def tell(story: Story, here: Project, keep: bool) -> None:
    """The whole story, in order."""
    before = {*traces.mounts(), *traces.rules()}
    archives = os.path.join(here.state, "demo")
    lab = start_hosts(story, here)
    try:
        pack_versions(story, here, archives)
        deploy_first(story, lab, archives)
        update_under_load(story, lab, archives)
        try_broken(story, lab, archives)
        look_back(story)
    finally:
        if not keep:
            lab.down()
    shutil.copyfile(archive(archives, 2), os.path.join(archives, "app.tar"))
    if keep:
        invite(story)
    else:
        leave_no_trace(story, lab, before)


def start_hosts(story: Story, here: Project) -> Lab:
    """Three hosts."""
    with story.chapter("Three throwaway hosts"):
        story.say("   Each is a set of namespaces of this machine: its own files, network, processes and SSH server.")
        return labs.up(here.root, 3, progress=lambda text: story.say(f"   {text}"))


def pack_versions(story: Story, here: Project, archives: str) -> None:
    """Three image archives of one application."""
    with story.chapter("A small web application, packed three times"):
        story.say(
            "   An archive as `docker save` writes it, made without docker: Python, its libraries, one file of ours."
        )
        os.makedirs(archives, exist_ok=True)
        for version in (1, 2, 3):
            path = archive(archives, version)
            source = write_version(here, archives, version)
            pack.pack_app(path, source, f"hello:{version}")
            story.say(f"   hello:{version}  {os.path.getsize(path) / 1e6:.1f} MB  {os.path.relpath(path)}")


def write_version(here: Project, archives: str, version: int) -> str:
    """The application's source as of a version; the third is broken on one host."""
    with open(os.path.join(here.product, "playbooks", "demo", "hello.py"), encoding="utf-8") as file:
        text = file.read().replace('VERSION = "1"', f'VERSION = "{version}"')
    path = os.path.join(archives, f"hello-{version}.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace('BROKEN_ON = ""', f'BROKEN_ON = "{BROKEN_ON}"') if version == 3 else text)
    return path


def deploy_first(story: Story, lab: Lab, archives: str) -> None:
    """Version 1 to hosts that have nothing."""
    with story.chapter("Version 1 to all three, over SSH"):
        code, output = deploy(story, archives, 1)
        story.claim("the deploy succeeded", code == 0, f"exit code {code}")
        check_bytes(story, lab, output, "the whole image went to every host, compressed", "MB")
        check_serving(story, lab, "hello 1")


def update_under_load(story: Story, lab: Lab, archives: str) -> None:
    """Version 2, batch by batch, while clients go on."""
    with story.chapter("Version 2, one host first, then the others, under load"):
        with load(lab) as clients:
            code, output = deploy(story, archives, 2)
            time.sleep(0.5)  # some more answers from the new version
        story.claim("the deploy succeeded", code == 0, f"exit code {code}")
        check_bytes(story, lab, output, "only what is new in version 2 went to every host", "kB")
        check_load(story, clients)
        for host in lab.hosts:
            seen = clients.hosts[host.name].first_seen
            story.say(f"   {host.name}: {', '.join(f'{text} from {at:.1f} s on' for text, at in seen.items())}")
        check_serving(story, lab, "hello 2")


def try_broken(story: Story, lab: Lab, archives: str) -> None:
    """Version 3, which one host cannot run: all must be as before."""
    with story.chapter(f"Version 3, which is broken on {BROKEN_ON}"):
        with load(lab) as clients:
            code, _ = deploy(story, archives, 3)
            time.sleep(0.5)
        story.claim("the deploy was reverted on every host by itself", code == 3, f"exit code {code}")
        check_load(story, clients)
        check_serving(story, lab, "hello 2")


def look_back(story: Story) -> None:
    """What the hosts know about it."""
    with story.chapter("What serves now, and what was deployed"):
        code, output = invoke(story, "status", "--env", "lab")
        story.claim("status names the release in force", code == 0 and "hello:2" in output)
        code, output = invoke(story, "history", "--env", "lab")
        story.claim("history knows both releases", code == 0 and "hello:1" in output and "hello:2" in output)


def leave_no_trace(story: Story, lab: Lab, before: set[str]) -> None:
    """The hosts are gone, and this machine is as it was."""
    with story.chapter("The hosts are taken down"):
        left = traces.of_lab(lab.record) + sorted({*traces.mounts(), *traces.rules()} - before)
        story.claim("no mount, device, cgroup, nft table or process is left", not left, ", ".join(left[:5]))


def invite(story: Story) -> None:
    """What can be done with the hosts that stay."""
    story.say("\nThe hosts stay. Try:")
    wherry = os.path.relpath(os.path.join(os.path.dirname(sys.executable), "wherry"))
    for command in ("./inv deploy", "./inv rollback", "./inv status"):
        story.say(f"   {command} --env lab")
    for verb in ("ssh web1", "cut web2", "down"):
        story.say(f"   {wherry} lab {verb}")


def deploy(story: Story, archives: str, version: int) -> tuple[int, str]:
    """Deploy a version as anybody would; the exit code and what was said."""
    extra = (f"image_archive={archive(archives, version)}", f"image=hello:{version}")
    return invoke(story, "deploy", "--env", "lab", "--dirty", "--extra", extra[0], "--extra", extra[1])


def invoke(story: Story, *words: str) -> tuple[int, str]:
    """Run `invoke WORDS`, telling what it says; the exit code and the text."""
    story.say(f"   $ invoke {' '.join(words)}")
    command = [sys.executable, "-m", "invoke", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            story.say(f"   | {line.rstrip()}")
    return process.returncode, "".join(lines)


def check_bytes(story: Story, lab: Lab, output: str, claim: str, unit: str) -> None:
    """How many bytes went to each host, as the deploy counted them; the amounts must be in `unit`."""
    sent = dict(SENT.findall(output))
    held = set(sent) == {host.name for host in lab.hosts} and all(size.split()[1] == unit for size in sent.values())
    story.claim(claim, held)
    for host, size in sent.items():
        story.say(f"          {host}: {size}")


def check_serving(story: Story, lab: Lab, expected: str) -> None:
    """Ask every host what it serves."""
    answers = {host.name: answer(host.address) for host in lab.hosts}
    wrong = {name: text for name, text in answers.items() if text != expected}
    story.claim(f"every host serves {expected}", not wrong, ", ".join(f"{name} {text}" for name, text in wrong.items()))


def check_load(story: Story, clients: Load) -> None:
    """What the load generator counted."""
    counted = f"{clients.requests} requests, slowest {clients.slowest * 1000:.0f} ms"
    failures = f"; {'; '.join(clients.failures[:3])}" if clients.failures else ""
    story.claim(f"{clients.failed_requests} requests failed", clients.failed_requests == 0, counted + failures)


def load(lab: Lab) -> Load:
    """Clients for every host."""
    return Load({host.name: (host.address, PORT) for host in lab.hosts}, rate=RATE)


def answer(address: str) -> str:
    """What a host answers now; an error as text."""
    try:
        return Client(address, PORT, "/", keep=False).ask()
    except (OSError, http.client.HTTPException) as error:
        return str(error)


def archive(archives: str, version: int) -> str:
    """The image archive of a version."""
    return os.path.join(archives, f"hello-{version}.tar")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
