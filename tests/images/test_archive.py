"""Archives on the controller: read once, verified, cached while the file stays as it is; and every way of being wrong."""

import base64
import gzip
import hashlib
import os
import zlib

import pytest

from tests.runtime.image.crafted import LAYOUTS, archive, config_of, docker_28, folder, layer, member
from tests.runtime.image.test_archive import CONFIG, GOOD, LAYERS, PARTS, PLACES, WRONG, image, saved
from wherry.errors import ArchiveError, WherryError
from wherry.images import archive as archives
from wherry.images import manifest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own; what this process has opened before is forgotten."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(archives, "_opened", {})
    return tmp_path / "cache" / "wherry" / "archives"


def write(tmp_path, data, name="image.tar"):
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_image(tmp_path, layout, compressed):
    data = LAYOUTS[layout](LAYERS)
    opened = archives.open(write(tmp_path, gzip.compress(data) if compressed else data))
    assert opened.config == config_of(LAYERS)
    assert opened.image_id == f"sha256:{hashlib.sha256(opened.config).hexdigest()}"
    assert [each.rpartition("/")[2] for each in opened.names] == ["app:1"]
    assert [layer.size for layer in opened.layers] == [len(each) for each in LAYERS]
    assert [b"".join(layer.read("raw")) for layer in opened.layers] == LAYERS
    assert [zlib.decompress(b"".join(layer.read("zlib"))) for layer in opened.layers] == LAYERS


def test_layers_compressed_inside_the_archive_are_sent_as_what_they_unpack_to(tmp_path):
    opened = archives.open(write(tmp_path, docker_28(LAYERS, compress=True)))
    assert [(layer.size, b"".join(layer.read("raw"))) for layer in opened.layers] == [
        (len(each), each) for each in LAYERS
    ]


def test_the_wire_form_holds_all_but_the_layers(tmp_path):
    opened = archives.open(write(tmp_path, GOOD))
    wire = opened.to_wire()["$archive"]
    assert base64.b64decode(wire["config"]) == opened.config
    assert (wire["id"], wire["names"]) == (opened.image_id, ["app:1"])
    assert wire["layers"] == [{"diff_id": layer.diff_id, "size": layer.size} for layer in opened.layers]


@pytest.mark.parametrize("data", [GOOD, gzip.compress(GOOD)], ids=["plain", "gzip"])
def test_an_unchanged_archive_is_not_read_again(tmp_path, monkeypatch, data):
    path = write(tmp_path, data)
    first = archives.open(path)
    monkeypatch.setattr(archives, "_opened", {})
    monkeypatch.setattr(manifest, "read", lambda *_: pytest.fail("the archive was read again"))
    again = archives.open(path)
    assert (again.image_id, again.config, again.names) == (first.image_id, first.config, first.names)
    assert b"".join(again.layers[0].read("raw")) == LAYERS[0]


def test_a_changed_archive_is_read_again_and_leaves_no_old_cache(tmp_path, cache):
    path = write(tmp_path, gzip.compress(GOOD))
    first = archives.open(path)
    write(tmp_path, docker_28(LAYERS[:1]))
    assert archives.open(path).image_id != first.image_id
    assert [name.rpartition(".")[2] for name in os.listdir(cache)] == ["json"]


def test_a_damaged_cache_is_made_anew(tmp_path, cache, monkeypatch):
    path = write(tmp_path, GOOD)
    first = archives.open(path)
    monkeypatch.setattr(archives, "_opened", {})
    for name in os.listdir(cache):
        (cache / name).write_text('{"identity": [')
    assert archives.open(path).image_id == first.image_id


FOR_THE_HOST_TO_JUDGE = {case for case in WRONG if case.endswith(("architecture", "system"))}


@pytest.mark.parametrize("case", sorted(set(WRONG) - FOR_THE_HOST_TO_JUDGE))
def test_a_wrong_archive_is_refused_with_its_name(tmp_path, case, cache):
    path = write(tmp_path, WRONG[case][0])
    with pytest.raises(ArchiveError) as caught:
        archives.open(path)
    assert (caught.value.exit_code, caught.value.where.startswith(path)) == (65, True)
    assert f"{caught.value.where}{caught.value.what}".isprintable()
    assert not cache.exists() or os.listdir(cache) == []


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_an_archive_cut_off_anywhere_is_refused_and_leaves_no_cache(tmp_path, compressed, cache):
    data = GOOD[: len(GOOD.rstrip(b"\0")) // 512 * 512 + 1024]
    data = gzip.compress(data) if compressed else data
    for index in range(20):
        with pytest.raises(ArchiveError):
            archives.open(write(tmp_path, data[: len(data) * index // 20]))
        assert not cache.exists() or os.listdir(cache) == []


def test_an_archive_of_several_images_names_them(tmp_path):
    items = (
        b'[{"Config":"c.json","RepoTags":["one:1"],"Layers":[]},{"Config":"c.json","RepoTags":["two:1"],"Layers":[]}]'
    )
    with pytest.raises(ArchiveError, match=r"holds 2 images \(one:1, two:1\)"):
        archives.open(write(tmp_path, image(manifest=items)))


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(ArchiveError, match="No such file"):
        archives.open(str(tmp_path / "nowhere.tar"))
    with pytest.raises(ArchiveError, match="is not a file"):
        archives.open(str(tmp_path))


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "occupied"))
    with pytest.raises(WherryError, match="set XDG_CACHE_HOME"):
        archives.open(write(tmp_path, GOOD))


def test_a_layer_that_changes_on_disk_after_it_was_read_ends_with_an_error(tmp_path):
    path = write(tmp_path, GOOD)
    opened = archives.open(path)
    os.truncate(path, 1000)
    with pytest.raises(ArchiveError, match="truncated"):
        b"".join(opened.layers[0].read("zlib"))


def test_a_layer_under_a_link_is_found(tmp_path):
    data = layer(folder(b"a"), member(b"a/b", b"c"))
    members = {"x.tar": data, "y/layer.tar": "../x.tar", "c.json": config_of([data])}
    text = b'[{"Config": "c.json", "RepoTags": null, "Layers": ["y/layer.tar"]}]'
    opened = archives.open(write(tmp_path, archive({**members, "manifest.json": text})))
    assert (opened.names, b"".join(opened.layers[0].read("raw"))) == ([], data)


def test_a_configuration_under_anothers_digest_is_refused(tmp_path):
    with pytest.raises(ArchiveError, match="expected 0000"):
        archives.open(write(tmp_path, saved(PARTS, f"{'0' * 64}.json", CONFIG, PLACES, [])))
