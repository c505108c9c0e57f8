"""`host.images`: only what is missing is pulled, and changed says whether anything was."""

import os

import pytest

from runtime.errors import ArchiveError, NoSpace
from runtime.image import store as stores
from runtime.image.api import Images
from runtime.state import Dirs
from tests.runtime.image.crafted import config_of, folder, layer, member, sha256
from tests.sandbox import in_sandbox

BASE = layer(folder(b"etc"), member(b"etc/base", b"b" * 100_000))
ONE, TWO = layer(member(b"one", b"1")), layer(member(b"two", b"2"))


class Archive:
    """As the agent hands it to a module."""

    def __init__(self, layers, names=("app:1",), **overrides):
        self.config = config_of(layers, **overrides)
        self.id, self.names = f"sha256:{sha256(self.config)}", list(names)
        self.layers = [(f"sha256:{sha256(each)}", len(each)) for each in layers]


class Controller:
    """Gives layers and counts."""

    def __init__(self, layers):
        self._layers, self.pulled = {f"sha256:{sha256(each)}": each for each in layers}, []

    def pull(self, digest):
        self.pulled.append(digest)
        data = self._layers[digest]
        return (data[at : at + 1000] for at in range(0, len(data), 1000))


def images(controller, check=False):
    return Images(stores.Store(Dirs()), controller.pull, check)


@pytest.mark.root
@in_sandbox
def test_only_missing_layers_are_pulled_and_the_second_time_none():
    controller = Controller([BASE, ONE, TWO])
    assert images(controller).ensure(Archive([BASE, ONE])) is True
    assert images(controller).ensure(Archive([BASE, ONE])) is False
    assert images(controller).ensure(Archive([BASE, TWO])) is True
    assert controller.pulled == [f"sha256:{sha256(each)}" for each in (BASE, ONE, TWO)]
    assert images(controller).find("app:1").layers[1] == f"sha256:{sha256(TWO)}"


@pytest.mark.root
@in_sandbox
def test_a_new_name_is_a_change_without_content():
    controller = Controller([BASE])
    images(controller).ensure(Archive([BASE]))
    assert images(controller).ensure(Archive([BASE]), name="app:stable") is True
    assert images(controller).ensure(Archive([BASE]), name="app:stable") is False
    assert (len(controller.pulled), images(controller).find("app:1").names) == (1, ["app:1", "app:stable"])


@pytest.mark.root
@in_sandbox
def test_check_mode_says_what_would_change_and_changes_nothing():
    controller = Controller([BASE])
    assert images(controller, check=True).ensure(Archive([BASE])) is True
    assert (controller.pulled, stores.Store(Dirs()).images()) == ([], [])
    images(controller).ensure(Archive([BASE]))
    assert images(controller, check=True).ensure(Archive([BASE])) is False
    assert images(controller, check=True).remove("app:1") is True
    assert images(controller).find("app:1")


@pytest.mark.root
@in_sandbox
def test_a_layer_with_other_bytes_is_refused_and_removed():
    controller = Controller([BASE, ONE])
    controller._layers[f"sha256:{sha256(ONE)}"] = TWO
    with pytest.raises(ArchiveError, match=f"expected sha256:{sha256(ONE)}, got sha256:{sha256(TWO)}"):
        images(controller).ensure(Archive([BASE, ONE]))
    store = stores.Store(Dirs())
    assert (store.images(), os.listdir(store.layers), os.listdir(f"{store.path}/tmp")) == ([], [], [])


@pytest.mark.root
@in_sandbox
def test_a_transfer_that_was_cut_off_goes_on_with_the_next_layer():
    def cut(digest):
        if digest == f"sha256:{sha256(ONE)}":
            raise ConnectionResetError
        return iter([BASE])

    with pytest.raises(ConnectionResetError):
        Images(stores.Store(Dirs()), cut).ensure(Archive([BASE, ONE]))
    assert stores.Store(Dirs()).images() == []
    controller = Controller([BASE, ONE])
    images(controller).ensure(Archive([BASE, ONE]))
    assert controller.pulled == [f"sha256:{sha256(ONE)}"]


@pytest.mark.root
@in_sandbox
def test_nothing_is_pulled_of_what_cannot_be_meant():
    controller = Controller([BASE])
    lying = Archive([BASE])
    lying.id = f"sha256:{'0' * 64}"
    unlike = Archive([BASE])
    unlike.layers = [(f"sha256:{'0' * 64}", 5)]
    huge = Archive([BASE])
    huge.layers = [(huge.layers[0][0], 1 << 60)]
    for archive, error, text in [
        (lying, ArchiveError, "is not the image's"),
        (unlike, ArchiveError, "not those that the configuration names"),
        (Archive([BASE], architecture="s390y"), ArchiveError, "the image is for linux/s390y, this machine is"),
        (huge, NoSpace, "are needed"),
    ]:
        with pytest.raises(error, match=text):
            images(controller).ensure(archive)
    assert controller.pulled == []


@pytest.mark.root
@in_sandbox
def test_removal_says_whether_there_was_one():
    controller = Controller([BASE])
    images(controller).ensure(Archive([BASE]))
    assert images(controller).remove("app:1") is True
    assert images(controller).remove("app:1") is False
