"""file: each state, twice; check mode; links that are not followed where that matters."""

import os
import stat

import pytest


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_a_directory_is_made_with_its_parents_and_only_once(machine, tmp_path):
    path = str(tmp_path / "a" / "b")
    assert machine.do("file", path=path, state="directory", mode="0710")["changed"] is True
    assert machine.do("file", path=path, state="directory", mode="0710")["changed"] is False
    assert mode(path) == 0o710


def test_check_mode_makes_nothing(machine, tmp_path):
    for state in ("directory", "touch"):
        assert machine.do("file", path=str(tmp_path / state), state=state, check=True)["changed"] is True
    assert os.listdir(tmp_path) == []


def test_recurse_changes_all_below_and_no_link_out(machine, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o644)
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_text("x")
    (tree / "link").symlink_to(outside)
    assert machine.do("file", path=str(tree), recurse=True, mode="u=rwX,go=")["changed"] is True
    assert machine.do("file", path=str(tree), recurse=True, mode="u=rwX,go=")["changed"] is False
    assert (mode(tree / "sub"), mode(tree / "sub" / "file"), mode(outside)) == (0o700, 0o600, 0o644)


def test_links_are_made_once_and_moved(machine, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    link = str(tmp_path / "link")
    assert machine.do("file", path=link, src="one", state="link")["changed"] is True
    assert machine.do("file", path=link, src="one", state="link")["changed"] is False
    assert machine.do("file", path=link, src="two", state="link")["changed"] is True
    assert os.readlink(link) == "two"


def test_a_link_to_nothing_needs_force(machine, tmp_path):
    link = str(tmp_path / "link")
    assert machine.do("file", path=link, src="nowhere", state="link")["failed"] is True
    assert machine.do("file", path=link, src="nowhere", state="link", force=True)["changed"] is True


def test_a_hard_link_shares_the_file(machine, tmp_path):
    (tmp_path / "one").write_text("x")
    for changed in (True, False):
        result = machine.do("file", path=str(tmp_path / "two"), src=str(tmp_path / "one"), state="hard")
        assert result["changed"] is changed
    assert os.stat(tmp_path / "one").st_ino == os.stat(tmp_path / "two").st_ino


def test_absent_removes_a_tree_but_not_what_links_name(machine, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "link").symlink_to(outside)
    for changed in (True, False):
        assert machine.do("file", path=str(tmp_path / "tree"), state="absent")["changed"] is changed
    assert (outside / "kept").exists()


def test_touch_always_changes_unless_times_are_preserved(machine, tmp_path):
    path = str(tmp_path / "file")
    assert machine.do("file", path=path, state="touch")["changed"] is True
    assert machine.do("file", path=path, state="touch")["changed"] is True
    preserve = {"modification_time": "preserve", "access_time": "preserve"}
    assert machine.do("file", path=path, state="touch", **preserve)["changed"] is False
    machine.do("file", path=path, state="touch", modification_time="200102030405.06", access_time="preserve")
    assert os.stat(path).st_mtime < 1e9 < os.stat(path).st_atime


def test_a_missing_file_is_a_failure_and_an_existing_one_gets_its_mode(machine, tmp_path):
    path = tmp_path / "file"
    assert "is absent" in machine.do("file", path=str(path), mode="0600")["msg"]
    path.write_text("x")
    assert machine.do("file", path=str(path), mode="0600", diff=True)["diff"]
    assert machine.do("file", path=str(path), mode=0o600)["changed"] is False


@pytest.mark.parametrize("name", ["with space", "new\nline", os.fsdecode(b"\xfe\xff"), "-n"])
def test_unusual_names_are_only_names(machine, tmp_path, name):
    assert machine.do("file", path=str(tmp_path / name), state="touch")["changed"] is True
    assert os.listdir(tmp_path) == [name]
