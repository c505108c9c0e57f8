"""Names are resolved inside the root, by openat2 and by the walk for older kernels alike."""

import os
import threading

import pytest

from runtime import linux
from runtime.errors import StartError
from runtime.process import rootpath

WAYS = {"openat2": rootpath.open_in_root, "walk": rootpath.walk}


@pytest.fixture
def root(tmp_path):
    """A root with links of every kind; beside it lies what must not be reached."""
    inside = tmp_path / "root"
    for folder in ("etc", "deep/er", "tmp"):
        (inside / folder).mkdir(parents=True)
    (inside / "etc/passwd").write_text("inside")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("outside")
    links = {
        "absolute": "/etc",
        "up": "../../../etc",
        "deep/er/relative": "../../etc",
        "loop": "loop",
        "one": "/two",
        "two": "one",
        "nowhere": "/missing",
        "outside": str(tmp_path / "etc"),
    }
    for name, target in links.items():
        os.symlink(target, inside / name)
    fd = os.open(inside, linux.O_PATH)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "etc/passwd",
        "../../etc/passwd",
        "absolute/passwd",
        "up/passwd",
        "deep/er/relative/passwd",
        "deep/../up/passwd",
    ],
)
def test_every_way_leads_to_the_file_inside(root, way, path):
    fd = way(root, path, os.O_RDONLY)
    assert os.read(fd, 100) == b"inside"
    os.close(fd)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "path, error", [("loop", 40), ("one", 40), ("nowhere", 2), ("missing/x", 2), ("etc/passwd/x", 20), ("outside", 2)]
)
def test_what_leads_nowhere_inside_is_an_error(root, way, path, error):
    with pytest.raises(OSError, match=r"open") as caught:
        way(root, path)
    assert caught.value.errno == error


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("path", ["absolute", "up/passwd", "deep/er/relative"])
def test_links_are_refused_when_they_are_not_to_be_followed(root, way, path):
    with pytest.raises(OSError, match=r"open") as caught:
        way(root, path, follow=False)
    assert caught.value.errno == 40


@pytest.mark.parametrize("has_openat2", [True, False])
def test_missing_directories_and_files_are_made_inside(root, has_openat2, monkeypatch):
    if not has_openat2:
        monkeypatch.setattr(linux, "openat2", not_on_this_kernel)
    for path in ("a/b/c", "up/new", "tmp"):
        os.close(rootpath.ensure_directory(root, path))
    os.close(rootpath.ensure_file(root, "absolute/hosts"))
    for path, kind in (("a/b/c", os.path.isdir), ("etc/new", os.path.isdir), ("etc/hosts", os.path.isfile)):
        assert kind(f"/proc/self/fd/{root}/{path}")
    with pytest.raises(StartError, match="link to something that is not there"):
        rootpath.ensure_directory(root, "nowhere")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_directory_that_is_swapped_for_a_link_all_the_time_never_leads_out(root, way):
    base = f"/proc/self/fd/{root}"
    os.makedirs(f"{base}/swap/etc")
    with open(f"{base}/swap/etc/passwd", "w") as file:
        file.write("inside")
    os.symlink("../../../..", f"{base}/link")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            linux.renameat2(root, "swap", root, "link", linux.RENAME_EXCHANGE)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(500):
            try:
                fd = way(root, "swap/etc/passwd", os.O_RDONLY)
            except (OSError, StartError):
                continue
            assert os.read(fd, 100) == b"inside"
            os.close(fd)
    finally:
        stop.set()
        swapper.join()


def not_on_this_kernel(*_):
    raise OSError(linux.ENOSYS, "not on this kernel")
