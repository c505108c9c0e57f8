"""A layer's directory is what the layer says: content, owners, modes, times, attributes, links, and overlayfs's marks."""

import os
import signal
import stat
import subprocess
import tarfile

import pytest

from runtime import linux
from runtime.errors import WherryError
from runtime.image import receive
from runtime.image import store as stores
from runtime.state import Dirs
from tests.runtime.image.crafted import folder, layer, member, sha256
from tests.sandbox import in_sandbox

SYMLINK, HARD_LINK = b"2", b"1"
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw+ep


def unpacked(*members):
    """The directory of a layer of these members."""
    store, data = stores.Store(Dirs()), layer(*members)
    receive.layer(store, f"sha256:{sha256(data)}", [data])
    return f"{store.layers}/{sha256(data)}/tree"


def content(path):
    with open(path) as file:
        return file.read()


def is_whiteout(path):
    found = os.lstat(path)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(path):
    return "trusted.overlay.opaque" in os.listxattr(path)


@pytest.mark.root
@in_sandbox
def test_attributes_are_kept():
    xattrs = {
        b"SCHILY.xattr.user.note": b"\0kept",
        b"SCHILY.xattr.security.capability": CAPABILITY,
        b"SCHILY.xattr.trusted.overlay.opaque": b"y",
        b"SCHILY.xattr.trusted.overlay.redirect": b"/etc",
        b"SCHILY.xattr.user.overlay.opaque": b"y",
        b"SCHILY.xattr.security.selinux": b"system_u:object_r:etc_t:s0",
    }
    tree = unpacked(
        folder(b"./", mode=0o711, uid=3, mtime=5),
        folder(b"mail", mode=0o2775, gid=8, mtime=1000),
        member(b"mail/box", b"content", mode=0o640, mtime=2000, pax=xattrs),
        member(b"su", b"#!", mode=0o4755, uid=0, gid=12),
        member(b"su2", kind=HARD_LINK, link=b"su"),
        member(b"link", kind=SYMLINK, link=b"/anywhere", uid=9, mtime=3000),
        member(b"\xff\n", b"bytes"),
    )
    root, mail, box, su, link = (os.lstat(f"{tree}/{name}") for name in (".", "mail", "mail/box", "su", "link"))
    assert (root.st_mode & 0o7777, root.st_uid, root.st_mtime) == (0o711, 3, 5)
    assert (mail.st_mode & 0o7777, mail.st_gid, mail.st_mtime) == (0o2775, 8, 1000)
    assert (box.st_mode & 0o7777, box.st_gid, box.st_mtime) == (0o640, 0, 2000)
    assert (su.st_mode & 0o7777, su.st_gid, su.st_nlink) == (0o4755, 12, 2)
    assert (link.st_uid, link.st_mtime, os.readlink(f"{tree}/link")) == (9, 3000, "/anywhere")
    assert sorted(os.listxattr(f"{tree}/mail/box")) == ["security.capability", "user.note"]
    assert os.getxattr(f"{tree}/mail/box", "user.note") == b"\0kept"
    assert b"\xff\n" in os.listdir(os.fsencode(tree))


@pytest.mark.root
@in_sandbox
def test_whiteouts_become_overlayfs_marks():
    tree = unpacked(
        member(b"gone/.wh.file"),
        folder(b"new"),
        member(b"new/.wh..wh..opq"),
        folder(b"own"),
        member(b".wh.own"),
        member(b".wh.later"),
        folder(b"later"),
        member(b"kept", b"x"),
        member(b".wh.kept"),
        member(b".wh..wh.plnk/1", b"x"),
    )
    assert is_whiteout(f"{tree}/gone/file")
    assert [is_opaque(f"{tree}/{name}") for name in ("new", "own", "later", "gone")] == [True, True, True, False]
    assert os.path.isfile(f"{tree}/kept")
    assert sorted(os.listdir(tree)) == ["gone", "kept", "later", "new", "own"]


@pytest.mark.root
@in_sandbox
def test_overlayfs_takes_the_marks():
    below = unpacked(folder(b"a"), member(b"a/old", b"x"), folder(b"b"), member(b"b/old", b"x"), member(b"c", b"x"))
    above = unpacked(
        member(b"a/.wh.old"), folder(b"b"), member(b"b/.wh..wh..opq"), member(b"b/new", b"x"), member(b".wh.c")
    )
    for name in ("merged", "upper", "work"):
        os.mkdir(f"/run/{name}")
    linux.mount(
        "overlay", "/run/merged", "overlay", 0, f"lowerdir={above}:{below},upperdir=/run/upper,workdir=/run/work"
    )
    assert [sorted(os.listdir(f"/run/merged{name}")) for name in ("", "/a", "/b")] == [["a", "b"], [], ["new"]]


@pytest.mark.root
@in_sandbox
def test_the_last_of_two_entries_with_one_name_wins():
    tree = unpacked(
        member(b"a", b"first"),
        member(b"a", b"second"),
        folder(b"b"),
        member(b"b/inside", b"x"),
        member(b"b", b"file"),
        member(b"c", b"file"),
        folder(b"c"),
        member(b"c/inside", b"x"),
        member(b"caf\xc3\xa9", b"nfc"),
        member(b"cafe\xcc\x81", b"nfd"),
    )
    assert (content(f"{tree}/a"), content(f"{tree}/b")) == ("second", "file")
    assert os.listdir(f"{tree}/c") == ["inside"]
    assert len([name for name in os.listdir(tree) if name.startswith("caf")]) == 2


@pytest.mark.root
@in_sandbox
def test_folders_that_a_layer_does_not_name_are_made():
    tree = unpacked(member(b"a/b/c/file", b"x"), member(b"usr/lib/x", b"x"), member(b"lib", kind=SYMLINK, link=b"usr/lib"),
                    member(b"lib/y", b"y"))  # fmt: skip
    assert os.lstat(f"{tree}/a/b/c").st_mode & 0o7777 == 0o755
    assert os.path.exists(f"{tree}/usr/lib/y")


@pytest.mark.root
@in_sandbox
def test_a_real_tree_comes_out_equal_to_what_tar_makes_of_it():
    with tarfile.open("/run/layer.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add("/etc", "etc", filter=lambda info: info if info.isreg() or info.isdir() or info.issym() else None)
    with open("/run/layer.tar", "rb") as file:
        data = file.read()
    store = stores.Store(Dirs())
    receive.layer(store, f"sha256:{sha256(data)}", (data[at : at + 10_000] for at in range(0, len(data), 10_000)))
    os.mkdir("/var/lib/wherry/reference")
    subprocess.run(["tar", "-xpf", "/run/layer.tar", "-C", "/var/lib/wherry/reference"], check=True)
    argv = [
        "rsync",
        "-anXAHi",
        "--delete",
        "/var/lib/wherry/reference/etc/",
        f"{store.layers}/{sha256(data)}/tree/etc/",
    ]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == b""


@pytest.mark.root
@in_sandbox
def test_a_directory_that_is_swapped_for_a_link_meanwhile_leads_nowhere():
    os.mkdir("/run/canary")
    members = [member(b"d/%d" % index, b"x" * 4096) for index in range(3000)]
    data = layer(folder(b"d"), member(b"l", kind=SYMLINK, link=b"/run/canary"), folder(b"run/canary"), *members)
    store = stores.Store(Dirs())
    swapper = os.fork()
    if swapper == 0:
        swap_for_ever(f"{store.path}/tmp")
    try:
        receive.layer(store, f"sha256:{sha256(data)}", [data])
    except WherryError:
        pass  # any refusal will do, only the canary counts
    finally:
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)
    assert os.listdir("/run/canary") == []


def swap_for_ever(folder_):
    """Exchange d and l in whatever tree appears."""
    while True:
        for name in os.listdir(folder_) if os.path.isdir(folder_) else []:
            try:
                fd = os.open(f"{folder_}/{name}/layer/tree", os.O_RDONLY)
                linux.renameat2(fd, "d", fd, "l", linux.RENAME_EXCHANGE)
                os.close(fd)
            except OSError:
                pass
