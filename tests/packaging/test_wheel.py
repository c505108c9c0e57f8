"""What is shipped: the wheel's and the sdist's content."""

import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(folder), ROOT]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def tracked(*folders):
    """The files of these folders that belong to the project, as git sees them (new ones included)."""
    command = ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", *folders]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {path for path in listing if os.path.exists(os.path.join(ROOT, path))}


def test_the_wheel_holds_one_package_with_everything_that_is_sent_to_hosts(built):
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name and ".data/" not in name}
    engine = tracked("wherry")
    shipped = {f"wherry/{path}" for path in tracked("modules", "runtime", "playbooks", "inventory")}
    assert names == engine | shipped


def test_the_wheel_brings_the_launchers_as_scripts(built):
    (wheel,) = built.glob("*.whl")
    scripts = {
        os.path.basename(n): zipfile.ZipFile(wheel).read(n)
        for n in zipfile.ZipFile(wheel).namelist()
        if ".data/scripts/" in n
    }
    assert set(scripts) == {"wherry", "wherry-oci"} or set(scripts) == {"wherry"}
    assert all(text.startswith(b"#!/bin/sh") for text in scripts.values())


def test_the_sdist_holds_the_sources_and_nothing_else(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    listed = ["wherry", "modules", "runtime", "playbooks", "inventory", "tests", "docs"]
    files = ["tasks.py", "inv", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "pyproject.toml"]
    assert names - {"PKG-INFO", ".gitignore"} == tracked(*listed, *files)
