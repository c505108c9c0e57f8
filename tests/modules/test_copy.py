"""copy: content, attributes, directories; nothing is written, sent or followed that need not be."""

import os
import stat

import pytest

from runtime.errors import WherryError


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_file_is_written_once_and_its_content_asked_for_once(machine, tmp_path):
    blob, dest = machine.controller.blob(b"hello\n"), str(tmp_path / "file")
    first = machine.do("copy", src=blob, dest=dest, mode="0640")
    assert (first["changed"], first["mode"], first["state"]) == (True, "0640", "file")
    assert machine.do("copy", src=blob, dest=dest, mode="0640")["changed"] is False
    assert len(machine.controller.asked) == 1
    assert read(dest) == b"hello\n" and stat.S_IMODE(os.stat(dest).st_mode) == 0o640


def test_check_mode_writes_nothing_and_diff_shows_both_texts(machine, tmp_path):
    dest = tmp_path / "file"
    dest.write_text("old\n")
    result = machine.do("copy", src=machine.controller.blob(b"new\n"), dest=str(dest), check=True, diff=True)
    assert result["changed"] is True and dest.read_text() == "old\n"
    assert [(each["before"], each["after"]) for each in result["diff"]] == [("old\n", "new\n")]


def test_only_the_mode_changes_when_the_content_is_the_same(machine, tmp_path):
    dest = tmp_path / "file"
    dest.write_bytes(b"same")
    before = os.stat(dest).st_ino
    result = machine.do("copy", src=machine.controller.blob(b"same"), dest=str(dest), mode="u=rw,go=")
    assert result["changed"] is True and os.stat(dest).st_ino == before and not machine.controller.asked


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", "q'uo\"te", os.fsdecode(b"not-utf8-\xff"), "-rf", "ünïcode"]
)
def test_unusual_names_are_only_names(machine, tmp_path, name):
    blob = machine.controller.blob(b"x")
    result = machine.do("copy", src=blob, dest=str(tmp_path) + "/", original_basename=name)
    assert result["changed"] is True and os.listdir(tmp_path) == [name]


def test_a_directory_gets_its_files_and_keeps_what_else_is_there(machine, tmp_path):
    (tmp_path / "mine").write_text("stays")
    tree = machine.controller.tree({"a": b"1", "sub": None, "sub/b": b"2", "empty": None})
    assert machine.do("copy", src=tree, dest=str(tmp_path), directory_mode="0700")["changed"] is True
    assert machine.do("copy", src=tree, dest=str(tmp_path), directory_mode="0700")["changed"] is False
    assert read(tmp_path / "sub" / "b") == b"2" and (tmp_path / "empty").is_dir() and (tmp_path / "mine").exists()
    assert stat.S_IMODE(os.stat(tmp_path / "sub").st_mode) == 0o700
    assert sorted(machine.controller.asked) == sorted(machine.controller.contents)


def test_a_link_at_the_destination_is_replaced_and_what_it_names_is_not_touched(machine, tmp_path):
    secret, dest = tmp_path / "shadow", tmp_path / "dest"
    secret.write_text("secret")
    dest.symlink_to(secret)
    machine.do("copy", src=machine.controller.blob(b"new"), dest=str(dest))
    assert secret.read_text() == "secret" and not dest.is_symlink() and read(dest) == b"new"


def test_a_failed_validation_keeps_the_old_file(machine, tmp_path):
    dest = tmp_path / "file"
    dest.write_text("old")
    with pytest.raises(WherryError, match="validation failed"):
        machine.do("copy", src=machine.controller.blob(b"bad"), dest=str(dest), validate="grep -q good %s")
    assert dest.read_text() == "old" and os.listdir(tmp_path) == ["file"]


def test_a_backup_keeps_the_old_content_under_a_name_that_is_told(machine, tmp_path):
    dest = tmp_path / "file"
    dest.write_text("old")
    result = machine.do("copy", src=machine.controller.blob(b"new"), dest=str(dest), backup=True)
    assert read(result["backup_file"]) == b"old" and read(dest) == b"new"


def test_without_force_an_existing_file_stays(machine, tmp_path):
    dest = tmp_path / "file"
    dest.write_text("old")
    assert machine.do("copy", src=machine.controller.blob(b"new"), dest=str(dest), force=False)["changed"] is False
    assert dest.read_text() == "old"


def test_a_file_of_the_host_is_copied_there(machine, tmp_path):
    src, dest = tmp_path / "src", tmp_path / "dest"
    src.write_text("content")
    src.chmod(0o600)
    first = machine.do("copy", src=str(src), dest=str(dest), remote_src=True, mode="preserve")
    assert first["changed"] is True and stat.S_IMODE(os.stat(dest).st_mode) == 0o600
    assert machine.do("copy", src=str(src), dest=str(dest), remote_src=True, mode="preserve")["changed"] is False
    assert machine.do("copy", src=str(tmp_path / "none"), dest=str(dest), remote_src=True)["failed"] is True


def test_a_directory_of_the_host_is_copied_with_its_links(machine, tmp_path):
    src = tmp_path / "src"
    (src / "sub").mkdir(parents=True)
    (src / "sub" / "a").write_text("1")
    (src / "link").symlink_to("sub/a")
    for changed in (True, False):
        assert machine.do("copy", src=f"{src}/", dest=str(tmp_path / "dest"), remote_src=True)["changed"] is changed
    assert os.readlink(tmp_path / "dest" / "link") == "sub/a" and read(tmp_path / "dest" / "sub" / "a") == b"1"


def test_text_for_a_directory_has_no_name_there(machine, tmp_path):
    result = machine.do("copy", src=machine.controller.blob(b"x"), dest=str(tmp_path))
    assert result["failed"] is True and "is a directory" in result["msg"]
