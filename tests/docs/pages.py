"""The project's pages: their fenced blocks, links and headings.

The words behind a fence say what is done with the block; a block that says nothing of it is an error:

    console            its `$ ` commands run, in order, in a copy of the checkout; lines below a command are what it
                       prints, `...` standing for anything
    console lab        the same; they start or need throwaway hosts, so the page's test is marked `lab`
    console on HOST    they run on that host of the lab
    console parsed     not run (servers of example.com): what they ask of `invoke` and `wherry` must be understood
    yaml playbook      planned, as `invoke plan` does before it contacts a host; `yaml tasks` the same, as tasks of a play
    yaml inventory     read as an inventory, which the page's playbooks are then planned for
    yaml               read as YAML
    python module      read as a module of a project
    python, text, ...  shown only

`file=PATH` behind any of them: the commands below find the block in that file.
"""

import os
import re
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KINDS = {
    "console": ("", "lab", "on", "parsed"),
    "yaml": ("", "playbook", "tasks", "inventory"),
    "python": ("", "module"),
    "text": ("",),
    "json": ("",),
}
FENCE = re.compile(r"^(`{3,})(.*)$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: `kind` and `word` of its fence, the host of `console on HOST`, the file it is found in."""

    where: str
    kind: str
    word: str
    text: str
    host: str = ""
    file: str = ""

    @property
    def commands(self):
        """(command, lines that it prints) of each `$ ` line; `> ` lines go on with the command above."""
        found = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.startswith("> ") and found and not found[-1][1]:
                found[-1] = (found[-1][0] + "\n" + line[2:], [])
            else:
                assert found, f"{self.where}: {line!r} stands before the first `$ ` command"
                found[-1][1].append(line)
        return found


@dataclass
class Page:
    """One Markdown file; `name` is its path in the checkout."""

    name: str
    blocks: list = field(default_factory=list)
    links: list = field(default_factory=list)
    anchors: set = field(default_factory=set)

    def of(self, kind, *words):
        """The blocks of a kind, with one of these words."""
        return [each for each in self.blocks if each.kind == kind and each.word in words]

    @property
    def needs_lab(self):
        """Whether its commands start or need throwaway hosts."""
        return bool(self.of("console", "lab", "on"))


def names():
    """The paths of all pages, README first."""
    docs = [os.path.join(folder, name) for folder, _, files in os.walk(os.path.join(ROOT, "docs")) for name in files]
    return ["README.md", *sorted(os.path.relpath(path, ROOT) for path in docs if path.endswith(".md"))]


def read(name):
    """The page at a path of the checkout."""
    page, prose, fence, lines = Page(name), [], None, []
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            found = FENCE.match(line)
            if fence is None and found:
                fence, lines = (found[1], found[2].split(), f"{name}:{number}"), []
            elif fence and found and found[1] == fence[0] and not found[2]:
                page.blocks.append(block(*fence[1:], "".join(each + "\n" for each in lines)))
                fence = None
            else:
                (lines if fence else prose).append(line)
    assert fence is None, f"{name}: the last block has no end"
    page.links = LINK.findall(re.sub(r"`[^`]*`", "``", "\n".join(prose)))
    page.anchors = {anchor(line) for line in prose if line.startswith("#")}
    return page


def block(words, where, text):
    """The block whose fence says `words`."""
    options = dict(word.split("=", 1) for word in words if "=" in word)
    kind, word, host = ([word for word in words if "=" not in word] + ["", "", ""])[:3]
    assert word in KINDS.get(kind, ()), f"{where}: ```{' '.join(words)} does not say what is done with the block"
    assert options.keys() <= {"file"}, f"{where}: only file=PATH may stand behind a fence"
    return Block(where, kind, word, text, host, options.get("file", ""))


def anchor(heading):
    """What a link to a heading says behind its #."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")
