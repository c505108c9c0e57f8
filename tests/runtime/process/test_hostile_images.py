"""An image or a volume whose own files try to move our mounts: refused, or contained."""

import os
import threading

import pytest

from runtime import linux
from runtime.errors import StartError
from tests.runtime.process.box import Box, image, refused, run
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root
USR = {
    "destination": "/usr",
    "type": "bind",
    "source": "/var/cache/wherry-roots/bookworm/usr",
    "options": ["rbind", "ro"],
}


def canary():
    """A tree outside the container, and a function that tells whether it is as it was."""
    os.makedirs("/run/canary/pts", exist_ok=True)
    with open("/run/canary/null", "w") as file:
        file.write("canary")

    def untouched():
        with open("/run/canary/null") as file, open("/proc/self/mountinfo") as mounts:
            return (sorted(os.listdir("/run/canary")), file.read(), "/run/canary" in mounts.read()) == (
                ["null", "pts"],
                "canary",
                False,
            )

    return untouched


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
@pytest.mark.parametrize("target", ["/run/canary", "../../../../run/canary", "etc", "/nowhere"])
def test_an_image_whose_kernel_directory_is_a_link_is_refused(name, target):
    @in_sandbox
    def body():
        untouched = canary()
        error = refused(["true"], image=image(name, links={name: target}), mounts=[USR])
        assert error.exit_code == 125
        assert f"/{name} of the image is a symbolic link" in str(error)
        assert untouched()

    body()


@in_sandbox
def test_an_image_whose_dev_is_a_file_is_refused():
    root = image("file")
    with open(f"{root}/dev", "w"):
        pass
    assert "/dev of the image is not a directory" in str(refused(["true"], image=root, mounts=[USR]))


@in_sandbox
def test_what_an_image_puts_into_dev_is_never_seen():
    untouched = canary()
    links = {"dev/null": "/run/canary/null", "dev/console": "/run/canary/null", "dev/pts": "/run/canary/pts"}
    root = image("devices", links=links)
    code, output = run(
        ["sh", "-c", "test -c /dev/null && test -d /dev/pts && echo x > /dev/null && ls /dev"], image=root, mounts=[USR]
    )
    assert code == 0, output
    assert "console" not in output
    assert untouched()
    with Box(["sh", "-c", "test -c /dev/console"], image=root, mounts=[USR], terminal=True) as box:
        assert box.wait() == 0
    assert untouched()


@in_sandbox
def test_a_volume_lands_inside_the_root_whatever_links_lie_on_the_way():
    untouched = canary()
    os.makedirs("/run/data")
    with open("/run/data/here", "w"):
        pass
    root = image(
        "links", links={"var/run": "/run/canary", "data": "../../../../run/canary", "loop": "/loop", "inside": "/tmp"}
    )
    for destination, lands in (
        ("/../../volume", "/volume"),
        ("/tmp/../volume", "/volume"),
        ("/inside/volume", "/tmp/volume"),
    ):
        mounts = [USR, {"destination": destination, "type": "bind", "source": "/run/data", "options": ["rbind"]}]
        assert run(["ls", lands], image=root, mounts=mounts) == (0, "here\n"), destination
        assert untouched()
    for destination in ("/data", "/var/run/deep", "/loop/x"):
        mounts = [USR, {"destination": destination, "type": "bind", "source": "/run/data", "options": ["rbind"]}]
        assert refused(["true"], image=root, mounts=mounts).exit_code == 125
        assert untouched()


@pytest.mark.parametrize("destination", ["/proc/self/attr", "/proc/sys", "/proc/1", "/proc/../proc/sys/kernel"])
def test_nothing_is_mounted_inside_proc(destination):
    @in_sandbox
    def body():
        os.makedirs("/run/data")
        mounts = [{"destination": destination, "type": "bind", "source": "/run/data", "options": ["rbind"]}]
        error = refused(["true"], mounts=mounts)
        assert "/proc is the kernel's" in str(error) or error.exit_code == 125

    body()


@in_sandbox
def test_a_volume_that_swaps_directory_and_link_while_containers_start_never_leads_out():
    untouched = canary()
    os.makedirs("/run/shared/real/inner")
    os.symlink("/run/canary", "/run/shared/swap")
    os.makedirs("/run/data")
    stop = threading.Event()

    def swap():
        folder = os.open("/run/shared", os.O_RDONLY)
        while not stop.is_set():
            linux.renameat2(folder, "real", folder, "swap", linux.RENAME_EXCHANGE)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        mounts = [
            {"destination": "/shared", "type": "bind", "source": "/run/shared", "options": ["rbind"]},
            {"destination": "/shared/real/inner", "type": "bind", "source": "/run/data", "options": ["rbind"]},
        ]
        for _ in range(40):
            try:
                with Box(["sleep", "60"], mounts=mounts):
                    assert untouched()
            except StartError:
                pass  # no such directory just then
            assert untouched()
    finally:
        stop.set()
        swapper.join()
