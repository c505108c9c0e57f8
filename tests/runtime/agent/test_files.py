"""Files are replaced whole or not at all, and only when they differ."""

import hashlib
import os
import stat
import subprocess
import threading
import time

import pytest

from runtime.agent.arguments import Blob, Tree, TreeEntry
from runtime.errors import NoSpace, NotFound, UsageError, WherryError
from tests.sandbox import in_sandbox


def blob_of(agent, data):
    """A Blob that the agent's controller holds."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    agent.streams.contents[digest] = data
    return Blob(digest, len(data))


def test_a_new_file_gets_content_mode_and_a_diff(host, tmp_path):
    result = host.write(str(tmp_path / "new"), "text\n", mode="0640")
    assert result
    assert (tmp_path / "new").read_text() == "text\n"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert (result["mode"], result["state"], result["size"]) == ("0640", "file", 5)
    assert host.diffs == [{"path": str(tmp_path / "new"), "before": "", "after": "text\n"}]


def test_the_same_content_and_mode_change_nothing(host, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"same")
    path.chmod(0o600)
    before = path.stat()
    assert not host.write(str(path), b"same", mode="u=rw,go=")
    assert path.stat() == before
    assert host.diffs == []


def test_a_changed_file_keeps_owner_mode_and_what_was_not_asked_for(host, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o4711)
    os.chown(path, 1, 2)
    path.chmod(0o4711)
    assert host.write(str(path), b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1, 2, 0o4711)


def test_a_blob_is_asked_for_only_when_the_file_differs(host, agent, tmp_path):
    blob = blob_of(agent, b"content" * 1000)
    assert host.write(str(tmp_path / "file"), blob)
    assert agent.streams.asked == [blob.digest]
    assert not host.write(str(tmp_path / "file"), blob)
    assert agent.streams.asked == [blob.digest]


def test_check_mode_changes_nothing_and_says_what_would(checking, agent, tmp_path):
    (tmp_path / "file").write_text("old\n")
    os.mkdir(tmp_path / "folder")
    assert checking.write(str(tmp_path / "file"), "new\n")
    assert checking.remove(str(tmp_path / "file"))
    assert checking.make_dir(str(tmp_path / "a/b"))
    assert checking.link(str(tmp_path / "link"), "target")
    assert checking.set_attributes(str(tmp_path / "folder"), mode="0700")
    assert checking.touch(str(tmp_path / "touched"))
    assert checking.command(["touch", str(tmp_path / "run")]).skipped
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old\n"
    assert {"path": str(tmp_path / "file"), "before": "old\n", "after": "new\n"} in checking.diffs


def test_a_backup_keeps_the_old_content(host, tmp_path):
    (tmp_path / "file").write_text("old")
    result = host.write(str(tmp_path / "file"), "new", backup=True)
    with open(result["backup_file"]) as file:
        assert file.read() == "old"
    assert "backup_file" not in host.write(str(tmp_path / "file"), "new", backup=True)


def test_a_file_that_does_not_validate_is_not_put_in_place(host, tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(WherryError, match="validation failed"):
        host.write(str(tmp_path / "file"), "bad", validate="grep -q good %s")
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
    assert host.write(str(tmp_path / "file"), "good", validate="grep -q good %s")


def test_damaged_content_leaves_the_old_file_and_nothing_else(host, agent, tmp_path):
    blob = blob_of(agent, b"right")
    agent.streams.contents[blob.digest] = b"wrong"
    (tmp_path / "file").write_text("old")
    with pytest.raises(WherryError, match="not what was announced"):
        host.write(str(tmp_path / "file"), blob)
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_link_is_replaced_and_not_written_through_unless_asked(host, tmp_path):
    (tmp_path / "real").write_text("real")
    os.symlink(tmp_path / "real", tmp_path / "link")
    assert host.write(str(tmp_path / "link"), "followed", follow=True)
    assert (tmp_path / "real").read_text() == "followed"
    assert host.write(str(tmp_path / "link"), "own")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "followed"


def test_writers_and_readers_never_see_half_a_file(host, tmp_path):
    path = str(tmp_path / "file")
    contents = {b"a" * 300_000, b"b" * 300_000}
    seen, done = set(), threading.Event()
    host.write(path, min(contents))

    def watch():
        while not done.is_set():
            with open(path, "rb") as file:
                seen.add(file.read())

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(20):
        for content in contents:
            host.write(path, content)
    done.set()
    watcher.join()
    assert seen <= contents


def test_a_folder_swapped_for_a_link_does_not_lead_the_write_elsewhere(host, tmp_path):
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "file").write_text("untouched")
    inner, aside = tmp_path / "inner", tmp_path / "aside"
    inner.mkdir()
    done = threading.Event()

    def swap():
        while not done.is_set():
            os.rename(inner, aside)
            os.symlink(canary, inner)
            os.unlink(inner)
            os.rename(aside, inner)

    swapper = threading.Thread(target=swap)
    swapper.start()
    end = time.monotonic() + 2
    count = 0
    while time.monotonic() < end:
        count += 1
        try:
            host.remove(str(inner / "file"))
            host.write(str(inner / "file"), f"{count}")
        except (NotFound, WherryError):
            pass
    done.set()
    swapper.join()
    assert os.listdir(canary) in (["file"], [])
    for name in os.listdir(canary):
        assert not name.endswith(".wherry")


@pytest.mark.root
@in_sandbox
def test_a_full_disk_is_an_error_with_the_old_content_intact():
    from runtime.agent.host import Host
    from tests.runtime.agent.conftest import Agent

    host = Host(Agent())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"], check=True)
    host.write("/mnt/file", "old")
    with pytest.raises(NoSpace, match="disk is full"):
        host.write("/mnt/file", b"x" * 200_000)
    assert os.listdir("/mnt") == ["file"]
    with open("/mnt/file") as file:
        assert file.read() == "old"
    subprocess.run(["mount", "-o", "remount,ro", "/mnt"], check=True)
    with pytest.raises(WherryError, match="read-only"):
        host.write("/mnt/file", "new")
    with pytest.raises(WherryError, match="read-only"):
        host.remove("/mnt/file")
    subprocess.run(["mount", "-o", "remount,rw", "/mnt"], check=True)
    subprocess.run(["mount", "--bind", "/mnt/file", "/mnt/file"], check=True)
    with pytest.raises(WherryError, match="mount point"):
        host.write("/mnt/file", "new")
    assert os.listdir("/mnt") == ["file"]


@pytest.mark.root
@in_sandbox
def test_no_inodes_left_is_an_error_that_says_so():
    from runtime.agent.host import Host
    from tests.runtime.agent.conftest import Agent

    host = Host(Agent())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs", "/mnt"], check=True)
    host.write("/mnt/file", "old")
    with pytest.raises(NoSpace, match="df -i"):
        host.write("/mnt/file", "new")


def test_attributes_are_set_and_recursion_follows_no_links(host, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o600)
    (tmp_path / "tree/inner").mkdir(parents=True)
    (tmp_path / "tree/inner/file").write_text("x")
    os.symlink(outside, tmp_path / "tree/link")
    result = host.set_attributes(str(tmp_path / "tree"), mode="u=rwX,go=", owner="daemon", recurse=True)
    assert result
    assert stat.S_IMODE((tmp_path / "tree/inner").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "tree/inner/file").stat().st_mode) == 0o600
    assert (tmp_path / "tree/inner/file").stat().st_uid == 1
    assert outside.stat().st_uid == os.getuid()
    assert not host.set_attributes(str(tmp_path / "tree"), mode="u=rwX,go=", owner="daemon", recurse=True)


def test_a_missing_file_has_no_attributes(host, checking, tmp_path):
    with pytest.raises(NotFound):
        host.set_attributes(str(tmp_path / "none"), mode="0600")
    assert checking.set_attributes(str(tmp_path / "none"), mode="0600")


def test_links_are_made_changed_and_left_alone(host, tmp_path):
    link = str(tmp_path / "link")
    assert host.link(link, "one")
    assert not host.link(link, "one")
    assert host.link(link, "two")
    assert os.readlink(link) == "two"
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="force"):
        host.link(str(tmp_path / "file"), "one")
    assert host.link(str(tmp_path / "file"), "one", force=True)
    (tmp_path / "data").write_text("x")
    assert host.link(str(tmp_path / "hard"), str(tmp_path / "data"), hard=True)
    assert not host.link(str(tmp_path / "hard"), str(tmp_path / "data"), hard=True)
    assert (tmp_path / "hard").stat().st_nlink == 2


def test_directories_are_made_with_parents_and_removed_with_content(host, tmp_path):
    assert host.make_dir(str(tmp_path / "a/b/c"), mode="0750")
    assert not host.make_dir(str(tmp_path / "a/b/c"), mode="0750")
    assert stat.S_IMODE((tmp_path / "a/b/c").stat().st_mode) == 0o750
    os.symlink("/etc", tmp_path / "a/b/c/link")
    assert host.remove(str(tmp_path / "a"))
    assert not host.remove(str(tmp_path / "a"))
    assert os.path.exists("/etc/passwd")
    with pytest.raises(UsageError):
        host.remove("/")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        host.make_dir(str(tmp_path / "file"))


def test_a_tree_asks_once_for_what_differs(host, agent, tmp_path):
    files = {"a": b"A" * 10, "sub/b": b"B" * 2000, "sub/c": b"C"}
    entries = [TreeEntry("sub", 0o755, None)]
    entries += [TreeEntry(path, 0o644, blob_of(agent, data)) for path, data in files.items()]
    tree = Tree(sorted(entries, key=lambda entry: entry.path))
    assert host.write_tree(str(tmp_path / "tree"), tree)
    assert {path: (tmp_path / "tree" / path).read_bytes() for path in files} == files
    assert len(agent.streams.asked) == 3
    assert not host.write_tree(str(tmp_path / "tree"), tree)
    (tmp_path / "tree/sub/c").write_bytes(b"D")
    (tmp_path / "tree/other").write_bytes(b"stays")
    assert host.write_tree(str(tmp_path / "tree"), tree)
    assert len(agent.streams.asked) == 4
    assert (tmp_path / "tree/other").exists()


def test_a_file_of_the_host_is_copied_with_its_mode(host, tmp_path):
    (tmp_path / "source").write_bytes(b"x" * 100_000)
    (tmp_path / "source").chmod(0o751)
    assert host.copy(str(tmp_path / "source"), str(tmp_path / "copy"), mode="preserve")
    assert (tmp_path / "copy").read_bytes() == b"x" * 100_000
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o751
    assert not host.copy(str(tmp_path / "source"), str(tmp_path / "copy"), mode="preserve")
    with pytest.raises(NotFound):
        host.copy(str(tmp_path / "none"), str(tmp_path / "copy"))


def test_touch_makes_a_file_and_sets_its_times(host, tmp_path):
    host.touch(str(tmp_path / "file"), mtime=1000, atime=2000)
    assert ((tmp_path / "file").stat().st_mtime, (tmp_path / "file").stat().st_atime) == (1000, 2000)


def test_text_that_is_not_utf_8_goes_back_as_it_was(host, tmp_path):
    (tmp_path / "file").write_bytes(b"caf\xe9\n")
    host.write_text(str(tmp_path / "file"), host.read_text(str(tmp_path / "file")) + "more\n")
    assert (tmp_path / "file").read_bytes() == b"caf\xe9\nmore\n"


def test_reading_what_is_not_there(host, tmp_path):
    assert host.read(str(tmp_path / "none"), missing=b"") == b""
    assert host.read_text(str(tmp_path / "none"), missing="") == ""
    assert host.stat(str(tmp_path / "none/deeper")) is None
    assert host.list(str(tmp_path / "none")) == []
    assert host.digest(str(tmp_path)) is None
    with pytest.raises(NotFound):
        host.read(str(tmp_path / "none"))


@pytest.mark.parametrize("path", ["relative", "", "/with\0null"])
def test_a_path_that_cannot_be_is_a_usage_error(host, path):
    with pytest.raises(UsageError):
        host.write(path, "x")


def test_a_fifo_in_the_place_of_a_file_does_not_hang(host, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert host.digest(str(tmp_path / "fifo")) is None
    assert host.write(str(tmp_path / "fifo"), "file now")
    assert (tmp_path / "fifo").read_text() == "file now"


def test_extended_attributes_and_access_lists_survive(host, tmp_path):
    path = str(tmp_path / "file")
    host.write(path, "old", mode="0640")
    os.setxattr(path, "user.note", b"kept")
    subprocess.run(["setfacl", "-m", "u:daemon:r", path], check=True)
    host.write(path, "new")
    assert os.getxattr(path, "user.note") == b"kept"
    assert (
        "user:daemon:r--" in subprocess.run(["getfacl", "-c", path], capture_output=True, text=True, check=True).stdout
    )


def test_blobs_can_be_read_as_files(host, agent):
    data = os.urandom(50_000)
    with host.open_blob(blob_of(agent, data)) as file:
        assert file.read() == data
    bad = blob_of(agent, b"x")
    agent.streams.contents[bad.digest] = b"y"
    with pytest.raises(WherryError, match="not what was announced"):
        host.open_blob(bad)
