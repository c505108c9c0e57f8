"""Image archives in docker save's layout, made without the product that is measured."""

import hashlib
import io
import json
import tarfile

BUSYBOX = "/bin/busybox"


def busybox(path, name):
    """Write an archive of static busybox with `true` and `sleep`; for containers that do nothing."""
    files = {"bin/busybox": read(BUSYBOX)}
    return save(path, name, files, {"bin/true": "busybox", "bin/sleep": "busybox", "bin/sh": "busybox"})


def save(path, name, files, links=None):
    """Write an archive with one layer of these files (path -> bytes) and symlinks (path -> target)."""
    layer = tar({**files}, links or {}, mode=0o755)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/true"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created_by": "tests/bench"}],
    }
    text = json.dumps(config).encode()
    config_name = hashlib.sha256(text).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]
    with open(path, "wb") as file:
        file.write(tar({"manifest.json": json.dumps(manifest).encode(), config_name: text, "layer.tar": layer}, {}))
    return path


def tar(files, links, mode=0o644):
    """A tar of these files and symlinks, as bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
        for path, target in links.items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return buffer.getvalue()


def read(path):
    """A file's bytes."""
    with open(path, "rb") as file:
        return file.read()
