"""The store: names, removal, what may go, and what is left by a full disk or a killed process."""

import os
import signal
import time

import pytest

from runtime import linux
from runtime.errors import Conflict, KernelError, NoSpace, NotFound, UsageError
from runtime.image import reference
from runtime.image import store as stores
from runtime.image.staging import Staging
from runtime.state import Dirs
from tests.runtime.image.crafted import docker_28, folder, layer, member, sha256
from tests.sandbox import in_sandbox

BASE = layer(folder(b"etc"), member(b"etc/base", b"b"))
ONE = layer(member(b"one", b"1"))
TWO = layer(member(b"two", b"2"))


def store(users=None):
    return stores.Store(Dirs(), users)


def load(layers, *names):
    path = "/run/image.tar"
    with open(path, "wb") as file:
        file.write(docker_28(layers, names=names))
    return store().load(path)[0]


def layers_here():
    return set(os.listdir(store().layers))


@pytest.mark.parametrize(
    "given, kept",
    [
        ("app", "app:latest"), ("docker.io/library/app:1", "app:1"), ("docker.io/me/app", "me/app:latest"),
        ("localhost/app:1", "app:1"), ("localhost:5000/app", "localhost:5000/app:latest"), ("ghcr.io/a/b:c", "ghcr.io/a/b:c"),
    ],
)  # fmt: skip
def test_names_have_one_spelling(given, kept):
    assert reference.normal(given) == reference.checked(given) == kept


@pytest.mark.parametrize(
    "name", ["", "UPPER:1", "../x", "a b", "app:", "app:1:2", "a" * 300, "app\n", "/app", "app:.x"]
)
def test_what_docker_would_not_take_for_a_name_is_refused(name):
    with pytest.raises(UsageError):
        reference.checked(name)


@pytest.mark.root
@in_sandbox
def test_an_image_is_found_by_name_and_by_id():
    image = load([BASE, ONE], "app:1", "registry.example/app:1")
    for ref in ("app:1", "docker.io/library/app:1", "registry.example/app:1", image.id, image.id[7:19]):
        assert store().find(ref).id == image.id
    with pytest.raises(NotFound, match="did you mean 'app:1'"):
        store().find("app:11")
    assert store().has([image.layers[0], f"sha256:{'0' * 64}"]) == {image.layers[0]}


@pytest.mark.root
@in_sandbox
def test_a_name_moves_to_the_image_that_comes_with_it():
    old = load([BASE, ONE], "app:1")
    new = load([BASE, TWO], "app:1")
    assert store().find("app:1").id == new.id
    assert [image.names for image in store().images()] == [[], ["app:1"]]
    store().tag(old.id, "app:old")
    assert store().find("app:old").id == old.id


@pytest.mark.root
@in_sandbox
def test_removal_takes_a_name_then_the_image_then_the_layers_nobody_else_has():
    one = load([BASE, ONE], "app:1", "app:one")
    load([BASE, TWO], "app:2")
    with pytest.raises(Conflict, match="2 names"):
        store().remove(one.id)
    assert store().remove("app:1") == [("untagged", "app:1")]
    assert store().remove("app:one") == [("untagged", "app:one"), ("deleted", one.id)]
    assert layers_here() == {sha256(BASE), sha256(TWO)}
    assert not os.path.exists(store().blob(one.id))
    with pytest.raises(NotFound):
        store().find(one.id)


@pytest.mark.root
@in_sandbox
def test_force_takes_all_names_of_an_id():
    image = load([BASE], "app:1", "app:one")
    assert store().remove(image.id[7:20], force=True)[-1] == ("deleted", image.id)
    assert (store().images(), layers_here()) == ([], set())


@pytest.mark.root
@in_sandbox
def test_an_image_that_a_container_needs_stays():
    load([BASE], "app:1", "app:one")
    busy = store(users=lambda image_id: ["container web"])
    assert busy.remove("app:one") == [("untagged", "app:one")]
    with pytest.raises(Conflict, match="app:1: is needed by container web"):
        busy.remove("app:1")
    assert store().find("app:1").names == ["app:1"]


@pytest.mark.root
@in_sandbox
def test_nothing_is_swept_while_somebody_is_adding():
    load([BASE], "app:1")
    with store().staging():
        store().remove("app:1")
        assert layers_here() == {sha256(BASE)}
    store().sweep()
    assert layers_here() == set()


@pytest.mark.root
@in_sandbox
def test_a_disk_that_fills_up_is_said_with_numbers_and_leaves_the_old_state():
    linux.mount("tmpfs", "/var/lib/wherry", "tmpfs", 0, "size=8m,mode=700")
    load([BASE], "app:1")
    free = free_bytes()
    for big in ([b"x" * (12 << 20)], [b"x" * (3 << 20)] * 2 + [b"x" * (2 << 20)]):
        members = [member(b"big%d" % index, content) for index, content in enumerate(big)]
        with pytest.raises(NoSpace, match=r"MB and \d+ inodes are free"):
            load([layer(*members)], "app:2")
        assert [image.names for image in store().images()] == [["app:1"]]
        assert (layers_here(), free_bytes()) == ({sha256(BASE)}, free)
    load([ONE], "app:2")


@pytest.mark.root
@in_sandbox
def test_a_disk_without_inodes_is_said_too():
    linux.mount("tmpfs", "/var/lib/wherry", "tmpfs", 0, "nr_inodes=100,mode=700")
    load([BASE], "app:1")
    with pytest.raises((NoSpace), match="disk is full"):
        load([layer(*[member(b"f%d" % index) for index in range(200)])], "app:2")
    assert layers_here() == {sha256(BASE)}


@pytest.mark.root
@in_sandbox
def test_a_disk_that_cannot_be_written_is_named():
    linux.mount("tmpfs", "/var/lib/wherry", "tmpfs", 0, "size=8m,mode=700")
    load([BASE], "app:1")
    linux.mount("none", "/var/lib/wherry", None, linux.MS_REMOUNT | linux.MS_RDONLY)
    with pytest.raises(
        KernelError, match=r"/var/lib/wherry/images.*the store cannot be written: Read-only file system"
    ):
        load([ONE], "app:2")
    assert store().find("app:1").names == ["app:1"]


@pytest.mark.root
@in_sandbox
def test_a_bomb_stops_where_the_disk_would_be_full():
    linux.mount("tmpfs", "/var/lib/wherry", "tmpfs", 0, "size=16m,mode=700")
    load([BASE], "app:1")
    free = free_bytes()
    zeros = layer(member(b"zeros", bytes(200 << 20)))
    with open("/run/bomb.tar", "wb") as file:
        file.write(docker_28([zeros], names=["bomb:1"], compress=True))
    assert os.path.getsize("/run/bomb.tar") < 1 << 20
    with pytest.raises(NoSpace, match=r"zeros.*MB and \d+ inodes are free"):
        store().load("/run/bomb.tar")
    assert (layers_here(), free_bytes()) == ({sha256(BASE)}, free)


def free_bytes():
    found = os.statvfs("/var/lib/wherry")
    return found.f_bavail * found.f_frsize


@pytest.mark.root
@in_sandbox
def test_a_killed_load_leaves_nothing_visible_and_the_next_one_succeeds():
    big = layer(*[member(b"f%d" % index, b"x" * 20_000) for index in range(1500)])
    for index in range(8):
        loader = os.fork()
        if loader == 0:
            load([BASE, big], "app:1")
            os._exit(0)
        time.sleep(0.02 + index * 0.06)
        os.kill(loader, signal.SIGKILL)
        os.waitpid(loader, 0)
        assert all(image.names == ["app:1"] for image in store().images())
        for name in layers_here() if os.path.isdir(store().layers) else []:
            assert os.path.exists(f"{store().layers}/{name}/layer.json")
    load([BASE, big], "app:1")
    assert os.listdir(f"{store().path}/tmp") == []
    assert len(os.listdir(store().lower_dirs(store().find("app:1"))[0])) == 1500


@pytest.mark.root
@in_sandbox
def test_a_staging_folder_is_removed_only_when_its_owner_is_gone():
    images = Dirs().images
    with Staging(images) as living:
        with Staging(images) as other:
            assert living.path != other.path
        with Staging(images):
            assert os.path.isdir(living.path)
    os.mkdir(f"{images}/tmp/left-by-a-dead-one")
    with Staging(images) as last:
        assert os.listdir(f"{images}/tmp") == [os.path.basename(last.path)]


def test_the_way_of_wherry_run_imports_nothing_slow():
    import subprocess
    import sys

    script = "import sys; sys.path.insert(0, '.'); import runtime.image.store; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(loaded) & {"json", "re", "hashlib", "tarfile", "dataclasses", "os", "runtime.image.unpack"}
