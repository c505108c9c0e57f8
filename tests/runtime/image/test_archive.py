"""Saved archives into the store: every layout, plain and gzip, file and pipe; and every way of being wrong (I10)."""

import gzip
import json
import os
import subprocess

import pytest

from runtime.errors import ArchiveError, NotFound
from runtime.image import store as stores
from runtime.state import Dirs
from tests.runtime.image import dockerd
from tests.runtime.image.crafted import (
    LAYOUTS,
    archive,
    config_of,
    docker_20,
    docker_28,
    folder,
    layer,
    member,
    podman,
    saved,
    sha256,
)  # fmt: skip
from tests.sandbox import in_sandbox

LAYERS = [
    layer(folder(b"etc"), member(b"etc/one", b"1" * 5000)),
    layer(member(b"etc/two", b"2"), member(b"etc/.wh.one")),
]


def store():
    return stores.Store(Dirs())


def write(data, path="/run/image.tar"):
    with open(path, "wb") as file:
        file.write(data)
    return path


def nothing_is_visible():
    """No image, no layer, nothing half-made."""
    here = store()
    folders = (here.layers, f"{here.path}/tmp", f"{here.path}/blobs/sha256")
    return here.images() == [] and not any(os.path.isdir(each) and os.listdir(each) for each in folders)


@pytest.mark.root
@pytest.mark.parametrize("way", ["file", "pipe"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("layout", LAYOUTS)
@in_sandbox
def test_an_image_loads_from_every_layout_in_every_way(layout, compressed, way):
    data = LAYOUTS[layout](LAYERS)
    data = gzip.compress(data) if compressed else data
    if way == "file":
        images = store().load(write(data))
    else:
        images = load_from_pipe(data)
    (image,) = images
    assert (image.names, image.id) == (["app:1"], f"sha256:{sha256(config_of(LAYERS))}")
    assert (image.size, image.config["config"]["Cmd"]) == (5001, ["true"])
    top, base = store().lower_dirs(store().find("app:1"))
    assert os.path.isfile(f"{top}/etc/two")
    assert os.path.isfile(f"{base}/etc/one")


def load_from_pipe(data):
    reader, writer = os.pipe()
    feeder = os.fork()
    if feeder == 0:
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(data)
        os._exit(0)
    os.close(writer)
    images = store().load(reader)
    os.waitpid(feeder, 0)
    return images


@pytest.mark.root
@in_sandbox
def test_layers_compressed_inside_the_archive_load_too():
    (image,) = store().load(write(docker_28(LAYERS, compress=True)))
    assert image.size == 5001


@pytest.mark.root
@in_sandbox
def test_a_layer_that_comes_twice_counts_once():
    (image,) = store().load(write(podman([LAYERS[0], LAYERS[1], LAYERS[0]])))
    assert len(image.layers) == 3
    assert [path.split("/")[-2] for path in store().lower_dirs(image)] == [sha256(LAYERS[0]), sha256(LAYERS[1])]


@pytest.mark.root
@in_sandbox
def test_layers_that_are_here_are_not_unpacked_again():
    store().load(write(docker_28(LAYERS[:1])))
    place = os.stat(store().layer(f"sha256:{sha256(LAYERS[0])}")).st_ino
    store().load(write(docker_20(LAYERS, names=["app:2"])))
    assert os.stat(store().layer(f"sha256:{sha256(LAYERS[0])}")).st_ino == place


@pytest.mark.root
@in_sandbox
def test_an_archive_of_several_images_loads_all():
    one, two = config_of(LAYERS[:1]), config_of(LAYERS)
    items = [
        {"Config": "one.json", "RepoTags": ["one:1", "one:latest"], "Layers": ["a.tar"]},
        {"Config": "two.json", "RepoTags": None, "Layers": ["a.tar", "b.tar"]},
    ]
    members = {"a.tar": LAYERS[0], "b.tar": LAYERS[1], "one.json": one, "two.json": two}
    images = store().load(write(archive({**members, "manifest.json": json.dumps(items).encode()})))
    assert [image.names for image in images] == [["one:1", "one:latest"], []]
    assert len(store().images()) == 2


GOOD = docker_28(LAYERS)


@pytest.mark.root
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@in_sandbox
def test_an_archive_cut_off_anywhere_is_refused(compressed):
    # GNU's and Python's writers pad the end to 10 KiB: what is cut off there, nobody misses.
    end = len(GOOD.rstrip(b"\0")) // 512 * 512 + 1024
    data = gzip.compress(GOOD[:end]) if compressed else GOOD[:end]
    for index in range(20):
        with pytest.raises(ArchiveError) as caught:
            store().load(write(data[: len(data) * index // 20]))
        assert caught.value.where.startswith("/run/image.tar")
        assert nothing_is_visible(), index


@pytest.mark.root
@in_sandbox
def test_a_byte_flipped_in_what_is_used_is_found():
    useful = [GOOD.index(LAYERS[0]) + 700, GOOD.index(LAYERS[1]) + 20, GOOD.index(b'"rootfs"'), GOOD.index(b'"Layers"')]
    for at in useful + [GOOD.index(LAYERS[0]) + step * 97 for step in range(40)]:
        data = bytearray(GOOD)
        data[at] ^= 0x01
        with pytest.raises(ArchiveError):
            store().load(write(bytes(data)))
        assert nothing_is_visible(), at


OTHER = layer(member(b"other", b"other"))
CONFIG = config_of(LAYERS)
DIGESTS = [sha256(each) for each in LAYERS]
PLACES = [f"{digest}.tar" for digest in DIGESTS]
PARTS = dict(zip(PLACES, LAYERS, strict=True))
MANIFEST = {"Config": "c.json", "RepoTags": ["app:1"], "Layers": PLACES}


def image(config=CONFIG, manifest=None, **parts):
    """An archive of PARTS with some of them other than they should be."""
    text = manifest if isinstance(manifest, bytes) else json.dumps([{**MANIFEST, **(manifest or {})}]).encode()
    return archive({**PARTS, "c.json": config, **parts, "manifest.json": text})


WRONG = {
    "nothing": (b"", "is empty"),
    "text": (b"hello world\n" * 100, "is not a tar archive"),
    "zeros": (bytes(20_000), "no manifest.json"),
    "bzip2": (b"BZh91AY" + bytes(600), "bzip2"),
    "xz": (b"\xfd7zXZ\0" + bytes(600), "xz"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(600), "zstd"),
    "an OCI archive": (archive({"oci-layout": b"{}", "index.json": b"{}"}), "OCI archive"),
    "a root file system": (layer(folder(b"etc"), member(b"etc/passwd", b"root")), "root file system"),
    "another layer in a layer's place": (image(**{PLACES[0]: OTHER}), "expected sha256:"),
    "layers exchanged": (image(manifest={"Layers": PLACES[::-1]}), "expected sha256:"),
    "a layer that is no tar": (image(**{PLACES[0]: b"not a tar"}), "layer"),
    "a missing layer": (saved({}, "c.json", CONFIG, PLACES, ["app:1"]), "no such"),
    "one layer too few": (image(manifest={"Layers": PLACES[:1]}), "1 layers"),
    "one layer too many": (image(manifest={"Layers": [*PLACES, PLACES[0]]}), "3 layers"),
    "a configuration under another's digest": (saved(PARTS, f"{'0' * 64}.json", CONFIG, PLACES, []), "expected 0000"),
    "a missing configuration": (image(manifest={"Config": "d.json"}), "no such"),
    "a configuration that is no JSON": (image(b"{"), "not usable JSON"),
    "a configuration without layers": (image(b"{}"), "names no layers"),
    "a configuration with a path for a digest": (
        image(json.dumps({"rootfs": {"diff_ids": ["sha256:../../../x", "y"]}}).encode()), "not a layer's digest",
    ),
    "a key that comes twice": (image(CONFIG[:-1] + b', "rootfs": {"diff_ids": []}}'), "twice"),
    "nesting without end": (image(b'{"a":' * 100_000), "JSON"),
    "a manifest that is no list": (image(manifest=b"{}"), "does not name"),
    "an empty manifest": (image(manifest=b"[]"), "does not name"),
    "a manifest of numbers": (image(manifest=b'[{"Config": 1}]'), "does not name"),
    "a manifest of 9 MiB": (image(manifest=b" " * (9 << 20)), "JSON"),
    "a name with a path": (image(manifest={"RepoTags": ["../../x:1"]}), "cannot name an image"),
    "a name with a newline": (image(manifest={"RepoTags": ["app:1\n"]}), "cannot name an image"),
    "another architecture": (image(config_of(LAYERS, architecture="s390y")), "the image is for linux/s390y"),
    "half a character for a configuration's name": (image(manifest={"Config": "\ud800"}), "no such"),
    "half a character for a layer's name": (image(manifest={"Layers": ["\ud800", PLACES[1]]}), "no such"),
    "half a character for a name": (image(manifest={"RepoTags": ["\ud800"]}), "cannot name an image"),
    "half a character for an architecture": (image(config_of(LAYERS, architecture="\ud800")), r"linux/\ud800"),
    "an escape sequence for an architecture": (image(config_of(LAYERS, architecture="\x1b[2J")), r"linux/\x1b[2J,"),
    "another system": (image(config_of(LAYERS, os="windows")), "the image is for windows/"),
    "a link that leads to itself": (
        archive({"c.json": CONFIG, PLACES[0]: PLACES[0], PLACES[1]: LAYERS[1], "manifest.json": json.dumps([MANIFEST]).encode()}),
        "leads nowhere",
    ),
    "something behind the end": (GOOD + b"more", "behind the end"),
    "an image behind the end": (GOOD + GOOD, "behind the end"),
}  # fmt: skip


# One compression inside another is no archive, and a pipe's members cannot be looked at again.
SAID_OTHERWISE_IN_GZIP = {"bzip2", "xz", "zstd", "nothing"}


@pytest.mark.root
@pytest.mark.parametrize("way", ["file", "gzip"])
@pytest.mark.parametrize("case", WRONG)
@in_sandbox
def test_a_wrong_archive_is_refused_with_the_reason(case, way):
    data, reason = WRONG[case]
    if way == "gzip":
        data = gzip.compress(data)
    with pytest.raises(ArchiveError) as caught:
        store().load(write(data))
    assert caught.value.exit_code == 65
    if way == "file" or case not in SAID_OTHERWISE_IN_GZIP:
        assert reason in str(caught.value)
    assert str(caught.value).isprintable()
    assert nothing_is_visible()


@in_sandbox
def test_a_missing_file_and_a_directory_are_named():
    with pytest.raises(NotFound, match=r"/run/nowhere\.tar: cannot read the archive: No such file"):
        store().load("/run/nowhere.tar")
    with pytest.raises(ArchiveError, match="/run: is a directory"):
        store().load("/run")


@pytest.mark.peer
@pytest.mark.root
@in_sandbox
def test_what_podman_and_skopeo_save_loads_equal_to_what_was_imported():
    podman_ = ["podman", "--root", "/var/lib/wherry/podman", "--runroot", "/run/podman", "--storage-driver", "vfs"]
    source = "/var/lib/wherry/source"
    subprocess.run(["cp", "-a", "/etc", source], check=True)
    os.mkfifo(f"{source}/pipe")
    os.unlink(f"{source}/pipe")
    subprocess.run(["tar", "-C", source, "-cf", "/run/tree.tar", "."], check=True)
    subprocess.run([*podman_, "import", "/run/tree.tar", "localhost/small:1"], check=True, capture_output=True)
    subprocess.run([*podman_, "save", "-o", "/run/podman.tar", "localhost/small:1"], check=True, capture_output=True)
    target = "docker-archive:/run/skopeo.tar:docker.io/library/small:2"
    subprocess.run(["skopeo", "copy", "docker-archive:/run/podman.tar", target], check=True, capture_output=True)
    (one,), (two,) = store().load("/run/podman.tar"), store().load("/run/skopeo.tar")
    assert (one.id, two.names) == (two.id, ["small:1", "small:2"])
    tree = store().lower_dirs(two)[0]
    argv = ["rsync", "-anXAHi", "--delete", f"{source}/", f"{tree}/"]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == b""


DOCKERFILE = """
FROM scratch
COPY one /
COPY two /
LABEL some=label
"""


@pytest.mark.peer
@pytest.mark.root
@in_sandbox
def test_what_docker_saves_loads():
    os.makedirs("/run/build/two")
    for path in ("one", "two/inside"):
        with open(f"/run/build/{path}", "w") as file:
            file.write(path)
    with open("/run/build/Dockerfile", "w") as file:
        file.write(DOCKERFILE)
    with dockerd.running() as docker:
        docker("build", "-t", "built:1", "/run/build", env={**os.environ, "DOCKER_BUILDKIT": "0"})
        docker("save", "-o", "/run/docker.tar", "built:1")
        expected = docker("image", "inspect", "-f", "{{.Id}}", "built:1").strip()
    (image,) = store().load("/run/docker.tar")
    assert (image.id, image.names, len(image.layers)) == (expected, ["built:1"], 2)
    assert [os.listdir(path) for path in store().lower_dirs(image)] == [["inside"], ["one"]]
