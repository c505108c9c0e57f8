"""Hostile layers: nothing outside the layer is touched, nothing of them becomes visible."""

import os
import subprocess

import pytest

from runtime.errors import ArchiveError
from runtime.image import store as stores
from runtime.state import Dirs
from tests.runtime.image.crafted import docker_28, folder, layer, member
from tests.sandbox import in_sandbox

CANARY = "/run/canary"
CHARACTER, BLOCK, FIFO, SYMLINK, HARD_LINK = b"3", b"4", b"6", b"2", b"1"
DEEP = b"/".join([b"d"] * 2000)

REFUSED = {
    "a parent of the root": [member(b"../canary/x", b"evil")],
    "a parent in the middle": [folder(b"a"), member(b"a/../../run/canary/x", b"evil")],
    "a parent at the end": [member(b"a/..", b"evil")],
    "a parent behind a control character": [member(b"a\x01/../x", b"evil")],
    "a parent behind a line feed": [member(b"a\n/../x", b"evil")],
    "a parent behind a terminal's command": [member(b"u\x1b]52;x\x07/../y", b"evil")],
    "an absolute name": [member(b"/run/canary/x", b"evil")],
    "an absolute name in a pax record": [member(b"a", b"evil", pax={b"path": b"/run/canary/x"})],
    "a parent in a pax record": [member(b"a", b"evil", pax={b"path": b"../run/canary/x"})],
    "a name with NUL in a pax record": [member(b"a", b"evil", pax={b"path": b"a\0b"})],
    "an empty name": [member(b"", b"evil")],
    "a part that is too long": [member(b"a", b"evil", pax={b"path": b"n" * 300})],
    "a name of 4096 bytes": [member(b"a", b"evil", pax={b"path": b"/".join([b"n" * 200] * 20)[:4096]})],
    "2000 folders deep": [member(b"a", b"evil", pax={b"path": DEEP})],
    "a file below a file": [member(b"a", b"x"), member(b"a/b", b"evil")],
    "a file below a dangling link": [member(b"a", kind=SYMLINK, link=b"nowhere"), member(b"a/b", b"evil")],
    "a file below a link to itself": [member(b"a", kind=SYMLINK, link=b"a"), member(b"a/b", b"evil")],
    "a link to nothing": [member(b"a", kind=SYMLINK)],
    "a link with NUL": [member(b"a", kind=SYMLINK, pax={b"linkpath": b"a\0b"})],
    "a link target of 5000 bytes": [member(b"a", kind=SYMLINK, pax={b"linkpath": b"l" * 5000})],
    "a hard link to an absolute name": [member(b"a", kind=HARD_LINK, link=b"/run/canary/file")],
    "a hard link to a parent": [member(b"a", kind=HARD_LINK, link=b"../run/canary/file")],
    "a hard link through a link": [
        member(b"out", kind=SYMLINK, link=b"/"), member(b"a", kind=HARD_LINK, link=b"out/run/canary/file"),
    ],
    "a hard link through a link inside": [
        folder(b"d"), member(b"d/f", b"x"), member(b"l", kind=SYMLINK, link=b"d"), member(b"a", kind=HARD_LINK, link=b"l/f"),
    ],
    "a hard link to what is not there": [member(b"a", kind=HARD_LINK, link=b"run/canary/file")],
    "a hard link to a folder": [folder(b"d"), member(b"a", kind=HARD_LINK, link=b"d")],
    "a hard link to itself": [member(b"a", b"x"), member(b"a", kind=HARD_LINK, link=b"a")],
    "a hard link to the root": [member(b"a", kind=HARD_LINK, link=b"./")],
    "a hard link to a whiteout": [member(b".wh.b"), member(b"a", kind=HARD_LINK, link=b"b")],
    "a character device": [member(b"mem", kind=CHARACTER, device=(1, 1))],
    "a character device that poses as a whiteout": [member(b"etc", kind=CHARACTER, device=(0, 0))],
    "a block device": [member(b"a/sda", kind=BLOCK, device=(8, 0))],
    "a fifo": [member(b"run/pipe", kind=FIFO)],
    "a device in what is only called dev": [member(b"usr/dev/mem", kind=CHARACTER, device=(1, 1))],
    "a whiteout of nothing": [member(b"a/.wh.")],
    "a whiteout of .": [member(b"a/.wh..")],
    "a whiteout of ..": [member(b"a/.wh...")],
    "a whiteout as a folder": [member(b".wh.a/b", b"evil")],
    "a whiteout of a parent": [member(b"../.wh.canary")],
    "the root as a file": [member(b"./", b"", kind=b"0", pax={b"path": b"."})],
    "a user that does not exist": [member(b"a", uid=2**32 - 1)],
    "a sparse file": [member(b"a", kind=b"S")],
    "an unknown kind of entry": [member(b"a", kind=b"Q")],
    "an attribute with a NUL in its name": [member(b"a", pax={b"SCHILY.xattr.user.a\0b": b"1"})],
}  # fmt: skip

ESCAPED = {
    "a parent behind a control character": r"a\x01/../x",
    "a parent behind a line feed": r"a\x0a/../x",
    "a parent behind a terminal's command": r"u\x1b]52;x\x07/../y",
}

CONTAINED = {
    "a file through an absolute link": [
        member(b"out", kind=SYMLINK, link=b"/run/canary"), folder(b"run"), folder(b"run/canary"), member(b"out/file", b"evil"),
    ],
    "a file through a relative link": [
        folder(b"a"), member(b"a/out", kind=SYMLINK, link=b"../../../.."), member(b"a/out/file", b"evil"),
    ],
    "a file through a chain of links": [
        member(b"one", kind=SYMLINK, link=b"/"), member(b"two", kind=SYMLINK, link=b"one/.."), folder(b"two/run"),
        folder(b"two/run/canary"), member(b"two/run/canary/file", b"evil"),
    ],
    "a file in the place of a link": [member(b"a", kind=SYMLINK, link=b"/run/canary/file"), member(b"a", b"evil")],
    "a folder in the place of a link": [
        member(b"a", kind=SYMLINK, link=b"/run/canary"), folder(b"a", mode=0o777, uid=5), member(b"a/file", b"evil"),
    ],
    "a mode through a link": [member(b"a", kind=SYMLINK, link=b"/run/canary/file", mode=0o777, uid=7, mtime=99)],
    "a hard link to a link, then written": [
        member(b"a", kind=SYMLINK, link=b"/run/canary/file"), member(b"b", kind=HARD_LINK, link=b"a"), member(b"b", b"evil"),
    ],
    "a whiteout through a link": [
        folder(b"run"), folder(b"run/canary"), member(b"out", kind=SYMLINK, link=b"/run/canary"), member(b"out/.wh.file"),
    ],
    "an opaque mark through a link": [
        folder(b"run"), folder(b"run/canary"), member(b"out", kind=SYMLINK, link=b"/run/canary"), member(b"out/.wh..wh..opq"),
    ],
    "aufs's own folder": [folder(b".wh..wh.plnk"), member(b".wh..wh.plnk/1.2", b"evil")],
    "the root as /": [folder(b"/", mode=0o755)],
}  # fmt: skip


def canary():
    """Everything about a tree that must not change."""
    format_ = r"%p %y %m %U %G %s %n %T@ %C@ %l\n"
    listing = subprocess.run(["find", CANARY, "-printf", format_], capture_output=True, check=True).stdout
    with open(f"{CANARY}/file", "rb") as file:
        return listing, file.read()


def make_canary():
    os.mkdir(CANARY)
    with open(f"{CANARY}/file", "w") as file:
        file.write("alive")


def load(members):
    """Load an image with one harmless layer and one of these members."""
    path = "/run/evil.tar"
    with open(path, "wb") as file:
        file.write(docker_28([layer(member(b"harmless", b"x")), layer(*members)]))
    store = stores.Store(Dirs())
    return store, store.load(path)


def contents(store):
    """Every file of the store but its lock."""
    return {
        os.path.join(folder_, name)
        for folder_, folders, names in os.walk(store.path)
        for name in [*folders, *names]
        if name not in ("lock", "tmp", "layers", "blobs", "sha256")
    }


@pytest.mark.root
@pytest.mark.parametrize("case", REFUSED)
@in_sandbox
def test_a_hostile_layer_is_refused_and_leaves_nothing(case):
    make_canary()
    before = canary()
    with pytest.raises(ArchiveError) as caught:
        load(REFUSED[case])
    assert caught.value.exit_code == 65
    assert "layer" in caught.value.where
    assert str(caught.value).isprintable()
    assert ESCAPED.get(case, "") in str(caught.value)
    assert canary() == before
    store = stores.Store(Dirs())
    assert (store.images(), contents(store)) == ([], set())


@pytest.mark.root
@pytest.mark.parametrize("case", CONTAINED)
@in_sandbox
def test_a_tricky_layer_stays_inside_its_own_directory(case):
    make_canary()
    before = canary()
    store, images = load(CONTAINED[case])
    assert len(store.images()) == len(images) == 1
    assert canary() == before


@pytest.mark.root
@in_sandbox
def test_an_error_names_the_entry():
    with pytest.raises(ArchiveError, match=r"usr/bin/../../../x"):
        load([member(b"usr/bin/../../../x", b"evil")])


@pytest.mark.root
@in_sandbox
def test_devices_below_dev_are_passed_over_and_hard_links_to_them_too():
    devices = [
        member(b"dev/null", kind=CHARACTER, device=(1, 3)),
        member(b"dev/zero", kind=HARD_LINK, link=b"dev/null"),
    ]
    store, images = load([folder(b"dev"), *devices, member(b"dev/pipe", kind=FIFO), member(b"after", b"x")])
    tree = store.lower_dirs(images[0])[0]
    assert os.listdir(f"{tree}/dev") == []
    assert os.path.exists(f"{tree}/after")
