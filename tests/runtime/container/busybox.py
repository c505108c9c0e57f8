"""A small image for tests: a static busybox, as `docker save` would write it."""

import hashlib
import io
import json
import os
import tarfile

BUSYBOX = "/bin/busybox"
TOOLS = """
cat date dd echo env false grep head hostname httpd id ip kill ls mkdir mount nc od printf ps pwd rm sed seq sh sleep stty tail
test touch true tty wc yes
"""


def archive(path, name="busybox:test", config=None):
    """Write the image's archive to `path`."""
    layer = _layer()
    diff_id = hashlib.sha256(layer).hexdigest()
    machine = "amd64" if os.uname().machine == "x86_64" else "arm64"
    image = {
        "architecture": machine,
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"], **(config or {})},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
    }
    text = json.dumps(image).encode()
    image_id = hashlib.sha256(text).hexdigest()
    manifest = [{"Config": f"{image_id}.json", "RepoTags": [name], "Layers": [f"{diff_id}/layer.tar"]}]
    with tarfile.open(path, "w") as tar:
        for file, content in (
            (f"{image_id}.json", text),
            (f"{diff_id}/layer.tar", layer),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            _add(tar, file, content)
    return path


def _layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "proc", "sys", "dev", "root"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        with open(BUSYBOX, "rb") as file:
            _add(tar, "bin/busybox", file.read(), 0o755)
        for tool in TOOLS.split():
            entry = tarfile.TarInfo(f"bin/{tool}")
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, "busybox", 0o777
            tar.addfile(entry)
        _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n")
        _add(tar, "etc/group", b"root:x:0:\napp:x:1000:\nextra:x:1001:app\n")
    return out.getvalue()


def _add(tar, name, content, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
