"""The image module: what it asks of the controller and of the host."""

import importlib.util
import os

import pytest

PATH = os.path.join(os.path.dirname(__file__), "..", "..", "modules", "image.py")
spec = importlib.util.spec_from_file_location("wherry_module_image", PATH)
image = importlib.util.module_from_spec(spec)
spec.loader.exec_module(image)


class Archive:
    """What the agent makes of an archive argument."""

    id, names = "sha256:1", ["app:1", "app:latest"]


class Images:
    """Records what is asked for; `here` are the names that exist."""

    def __init__(self, here=()):
        self.here, self.calls = set(here), []

    def missing(self, archive):
        return {"sha256:2": 30, "sha256:3": 12}

    def ensure(self, archive, name=""):
        self.calls.append(("ensure", archive.id, name))
        return True

    def remove(self, name):
        self.calls.append(("remove", name))
        return name in self.here


class Host:
    """A host with images only."""

    def __init__(self, here=()):
        self.images = Images(here)

    def fail(self, text):
        raise AssertionError(text)


class Task:
    """A task on the controller."""

    def __init__(self, **args):
        self.args = args

    def path(self, argument):
        return f"/project/files/{self.args[argument]}"

    def archive(self, path):
        return f"archive of {path}"


def test_prepare_turns_the_path_into_an_archive():
    task = Task(load="app.tar", name="app:stable")
    image.prepare(task)
    assert task.args == {"load": "archive of /project/files/app.tar", "name": "app:stable"}


def test_prepare_leaves_a_task_without_archive_alone():
    task = Task(name="app:1", state="absent")
    image.prepare(task)
    assert task.args == {"name": "app:1", "state": "absent"}


def test_present_ensures_the_archive_under_the_additional_name():
    host = Host()
    result = image.run(host, load=Archive(), name="app:stable")
    assert host.images.calls == [("ensure", "sha256:1", "app:stable")]
    assert result == {
        "changed": True,
        "image": "sha256:1",
        "names": ["app:1", "app:latest", "app:stable"],
        "missing_bytes": 42,
        "missing_layers": 2,
    }


def test_absent_removes_every_name_and_is_changed_by_one():
    host = Host(here=["app:latest"])
    result = image.run(host, load=Archive(), state="absent")
    assert host.images.calls == [("remove", "app:1"), ("remove", "app:latest")]
    assert result["changed"] is True
    assert image.run(Host(), name="app:1", state="absent")["changed"] is False


@pytest.mark.parametrize("arguments", [{}, {"name": "app:1"}, {"state": "absent"}])
def test_a_task_that_names_no_image_fails(arguments):
    with pytest.raises(AssertionError, match="say what image"):
        image.run(Host(), **arguments)
