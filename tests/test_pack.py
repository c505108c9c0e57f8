"""`wherry pack`: images from files of this machine that run without anything else, the same bytes each time."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile

import pytest

from runtime.image import store as stores
from runtime.state import Dirs
from tests.runtime.image import dockerd
from tests.sandbox import in_sandbox
from wherry import pack
from wherry.errors import UsageError, WherryError
from wherry.images import elf, interpreter

APP = """
import asyncio, ctypes, hashlib, http.server, json, sqlite3, ssl, sys, threading, urllib.request, wsgiref.simple_server, zlib
print(json.dumps([VERSION, sys.version_info[:2], sys.prefix, hashlib.sha256(b"x").hexdigest()[:4]]))
"""


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    """Two versions of an application, packed: {version: path of the archive}."""
    folder = tmp_path_factory.mktemp("pack")
    paths = {}
    for version in (1, 2):
        (folder / "app.py").write_text(APP.replace("VERSION", str(version)))
        paths[version] = str(folder / f"app{version}.tar")
        pack.pack_app(paths[version], str(folder / "app.py"), "app")
    return paths


def manifest(path):
    with tarfile.open(path) as tar:
        return json.load(tar.extractfile("manifest.json"))[0]


def test_a_new_version_shares_the_lower_layer(apps):
    one, two = manifest(apps[1]), manifest(apps[2])
    assert (one["Layers"][0], one["RepoTags"]) == (two["Layers"][0], ["app:latest"])
    assert one["Layers"][1] != two["Layers"][1]
    assert 15e6 < os.path.getsize(apps[1]) < 45e6


def test_the_same_files_give_the_same_bytes(apps, tmp_path):
    (tmp_path / "app.py").write_text(APP.replace("VERSION", "1"))
    script = "from wherry import pack; pack.pack_app('again.tar', 'app.py', 'app')"
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(pack.__file__)), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    assert digest(apps[1]) == digest(tmp_path / "again.tar")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def run(root, argv):
    """Run a command in a root that holds nothing else."""
    process = subprocess.run(
        ["/usr/sbin/chroot", root, *argv], capture_output=True, text=True, env={"PATH": "/usr/bin"}
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def unpacked(path):
    """(image, a root directory with all its layers)."""
    store, root = stores.Store(Dirs()), "/var/lib/wherry/root"
    (image,) = store.load(path)
    os.mkdir(root)
    for layer in reversed(store.lower_dirs(image)):
        subprocess.run(["cp", "-a", f"{layer}/.", root], check=True)
    return image, root


@pytest.mark.root
@in_sandbox
def test_the_application_runs_where_nothing_else_is(apps):
    image, root = unpacked(apps[1])
    assert json.loads(run(root, image.config["config"]["Cmd"])) == [1, list(sys.version_info[:2]), "/usr", "2d71"]


@pytest.mark.root
@in_sandbox
def test_programs_bring_their_libraries_and_their_loader():
    os.makedirs("/run/site/sub")
    with open("/run/site/sub/page", "w") as file:
        file.write("hello")
    files = {"/bin/cat": "/bin/cat", "/lib64/../bin/ls": "/bin/ls", "/srv": "/run/site"}
    pack.pack("/run/image.tar", files=files, command=["cat", "/srv/sub/page"], env={"A": "b"}, name="cat:1")
    image, root = unpacked("/run/image.tar")
    assert run(root, ["cat", "/srv/sub/page"]) == "hello"
    assert run(root, ["ls", "/bin"]).split() == ["cat", "ls"]
    assert image.config["config"]["Env"] == [pack.PATH, "A=b"]


@pytest.mark.peer
@pytest.mark.root
@in_sandbox
def test_docker_podman_and_skopeo_take_what_is_packed():
    pack.pack("/run/image.tar", files={"/bin/true": "/bin/true"}, command=["true"], name="localhost/true:1")
    podman = ["podman", "--root", "/var/lib/wherry/podman", "--runroot", "/run/podman", "--storage-driver", "vfs"]
    loaded = subprocess.run([*podman, "load", "-i", "/run/image.tar"], capture_output=True, text=True, check=True)
    assert "localhost/true:1" in loaded.stdout
    with dockerd.running() as docker:
        assert "localhost/true:1" in docker("load", "-i", "/run/image.tar")
    inspected = subprocess.run(
        ["skopeo", "inspect", "docker-archive:/run/image.tar"], capture_output=True, text=True, check=True
    )
    assert len(json.loads(inspected.stdout)["Layers"]) == 2


def test_times_come_from_source_date_epoch(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    pack.pack(str(tmp_path / "x.tar"), files={"/etc/motd": __file__}, command=["x"], name="x")
    with tarfile.open(tmp_path / "x.tar") as tar:
        assert {member.mtime for member in tar} == {86400}
        config = json.load(tar.extractfile(manifest(tmp_path / "x.tar")["Config"]))
    assert config["created"] == "1970-01-02T00:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        pack.pack(str(tmp_path / "x.tar"), files={"/etc/motd": __file__}, command=["x"], name="x")


@pytest.mark.parametrize("path, kept", [
    ("/bin/sh", "/usr/bin/sh"), ("/lib64/x.so", "/usr/lib/x.so"), ("/usr/lib64/x.so", "/usr/lib/x.so"),
    ("/lib/a/b", "/usr/lib/a/b"), ("/binary", "/binary"), ("/a/../b", "/b"),
])  # fmt: skip
def test_paths_follow_the_links_of_the_lower_layer(path, kept):
    assert pack.image_path(path) == kept


@pytest.mark.parametrize("path", ["relative", "/", "/..", ""])
def test_a_path_that_names_no_file_in_the_image_is_refused(path):
    with pytest.raises(UsageError):
        pack.image_path(path)


def test_missing_files_and_libraries_are_named(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="/nowhere: no such file"):
        pack.pack(str(tmp_path / "x.tar"), files={"/x": "/nowhere"}, command=["x"], name="x")
    monkeypatch.setattr(elf, "_folders", list)
    with pytest.raises(WherryError, match=r"/bin/true: needs the library libc\.so\.6"):
        elf.libraries(["/bin/true"])


def test_a_stripped_program_is_still_one(tmp_path):
    with open(interpreter.program(), "rb") as file:
        data = file.read()
    path = tmp_path / "python3"
    path.write_bytes(elf.stripped(data))
    path.chmod(0o755)
    environment = {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": os.path.join(sys.base_prefix, "lib")}
    assert (
        subprocess.run([path, "-c", "print(6 * 7)"], env=environment, capture_output=True, text=True).stdout == "42\n"
    )
    assert elf.stripped(b"#!/bin/sh") == b"#!/bin/sh"
