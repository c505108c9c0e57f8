"""Records on disk: whole or not at all, private, locked."""

import os
import stat

import pytest

from runtime import state
from runtime.errors import Conflict, NotFound, WherryError


@pytest.mark.parametrize("value", [{}, [], None, True, 1.5, "é\n\x00", {"a": [1, {"b": None}]}, "\udcff"])
def test_what_is_encoded_is_decoded_as_it_was(value):
    assert state.decode(state.encode(value)) == value


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', '{"a": 1} x', "[" * 100_000, "nope"])
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError, match="JSON"):
        state.decode(text)


def test_a_record_is_written_whole_for_its_owner_only(tmp_path):
    path = str(tmp_path / "record.json")
    state.write(path, {"a": 1})
    state.write(path, {"a": 2}, durable=False)
    assert state.read(path) == {"a": 2}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path) == ["record.json"]


def test_a_record_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = str(tmp_path / "record.json")
    state.write(path, {"a": 1})
    with pytest.raises(TypeError):
        state.write(path, {"a": object()})
    assert state.read(path) == {"a": 1}


def test_a_missing_record_and_a_damaged_one_say_where(tmp_path):
    path = tmp_path / "record.json"
    assert state.read(str(path), missing=None) is None
    with pytest.raises(NotFound, match=r"record\.json"):
        state.read(str(path))
    path.write_text('{"a": ')
    with pytest.raises(WherryError, match="damaged"):
        state.read(str(path))


def test_directories_are_private_and_made_on_use(tmp_path):
    dirs = state.Dirs(str(tmp_path / "a" / "root"), str(tmp_path / "state"))
    assert dirs.containers == str(tmp_path / "a" / "root" / "containers")
    assert stat.S_IMODE(os.stat(dirs.root).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(dirs.run).st_mode) == 0o700


def test_a_directory_that_was_put_there_by_others_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WherryError, match="belongs to this user alone"):
        _ = state.Dirs(str(tmp_path / "root"), str(tmp_path / "state")).containers
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(WherryError, match="belongs to this user alone"):
        _ = state.Dirs(str(tmp_path / "open"), str(tmp_path / "state")).containers


def test_a_lock_is_held_by_one(tmp_path):
    path = str(tmp_path / "lock")
    with state.locked(path), pytest.raises(Conflict), state.locked(path, wait=False):
        pass
    with state.locked(path, wait=False):
        pass


def test_settings_are_read_with_a_default(tmp_path):
    dirs = state.Dirs(str(tmp_path), str(tmp_path / "state"))
    assert dirs.setting("publish_address", "127.0.0.1") == "127.0.0.1"
    state.write(str(tmp_path / "settings.json"), {"publish_address": "10.0.0.1"})
    assert dirs.setting("publish_address", "127.0.0.1") == "10.0.0.1"


def test_a_tree_is_removed_without_following_links(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "tree" / "inner").mkdir(parents=True)
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "kept")
    state.remove_tree(str(tmp_path / "tree"))
    state.remove_tree(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == ["kept"]
