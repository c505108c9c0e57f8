"""Tar streams and saved images made byte by byte, so that they can be as wrong as somebody hostile would make them."""

import gzip
import hashlib
import io
import json
import os
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
END = bytes(1024)


def member(
    name, content=b"", kind=b"0", link=b"", mode=0o644, uid=0, gid=0, mtime=1, size=None, device=(0, 0), pax=None
):
    """One tar member; `pax` records come before it, `size` may lie."""
    before = pax_header(pax) if pax else b""
    count = len(content) if size is None else size
    fields = [
        (name, 100), (b"%07o" % mode, 8), (number(uid, 8), 8), (number(gid, 8), 8), (number(count, 12), 12),
        (number(mtime, 12), 12), (b" " * 8, 8), (kind, 1), (link, 100), (b"ustar\0", 6), (b"00", 2), (b"root", 32),
        (b"root", 32), (b"%07o" % device[0], 8), (b"%07o" % device[1], 8), (b"", 155), (b"", 12),
    ]  # fmt: skip
    header = b"".join(value[:width].ljust(width, b"\0") for value, width in fields)
    header = header[:148] + b"%06o\0 " % sum(header) + header[156:]
    return before + header + padded(content)


def number(value, width):
    """Octal where it fits, base-256 where it does not."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o" % (width - 1, value)
    return (0xFF if value < 0 else 0x80).to_bytes(1, "big") + value.to_bytes(width - 1, "big", signed=value < 0)


def padded(content):
    """Content up to the next block."""
    return content + bytes(-len(content) % 512)


def pax_header(records):
    """A pax header of records (bytes: bytes)."""
    lines = b"".join(pax_line(key, value) for key, value in records.items())
    return member(b"PaxHeaders/x", lines, kind=b"x")


def pax_line(key, value):
    """One record with its own length in front."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


def folder(name, mode=0o755, **options):
    """A directory member."""
    return member(name, kind=b"5", mode=mode, **options)


def layer(*members):
    """A layer's tar."""
    return b"".join(members) + END


def sha256(content):
    """Hexadecimal digest."""
    return hashlib.sha256(content).hexdigest()


def config_of(layers, **overrides):
    """An image configuration."""
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{sha256(each)}" for each in layers]}
    config = {"architecture": ARCHITECTURE, "os": "linux", "config": {"Cmd": ["true"]}, "rootfs": rootfs, **overrides}
    return json.dumps(config).encode()


def archive(members):
    """An outer archive of {name: bytes, or a str for a link's target}."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def docker_20(layers, names=("app:1",), config=None):
    """As docker save wrote it up to 24: a folder for each layer, the manifest last."""
    config = config or config_of(layers)
    members = {}
    for index, each in enumerate(layers):
        folder_name = sha256(b"%d" % index + each)
        members |= {f"{folder_name}/VERSION": b"1.0", f"{folder_name}/json": b"{}", f"{folder_name}/layer.tar": each}
    places = [name for name in members if name.endswith("layer.tar")]
    return saved(members, f"{sha256(config)}.json", config, places, names)


def docker_28(layers, names=("app:1",), config=None, compress=False):
    """As docker save writes it from 25 on: an OCI layout with a manifest.json; layers gzip with the containerd store."""
    config = config or config_of(layers)
    stored = [gzip.compress(each, mtime=0) if compress else each for each in layers]
    members = {f"blobs/sha256/{sha256(each)}": each for each in stored}
    members |= {
        "index.json": b'{"schemaVersion": 2, "manifests": []}',
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
    }
    places = [f"blobs/sha256/{sha256(each)}" for each in stored]
    return saved(members, f"blobs/sha256/{sha256(config)}", config, places, names)


def podman(layers, names=("localhost/app:1",), config=None):
    """As podman save and skopeo write it: layers by digest, once each, with links in docker's old layout."""
    config = config or config_of(layers)
    members = {f"{sha256(each)}.tar": each for each in layers}
    members |= {f"{sha256(b'v1' + each)}/layer.tar": f"../{sha256(each)}.tar" for each in layers}
    return saved(members, f"{sha256(config)}.json", config, [f"{sha256(each)}.tar" for each in layers], names)


def saved(members, config_name, config, places, names):
    """An archive of members, configuration and manifest."""
    manifest = json.dumps([{"Config": config_name, "RepoTags": list(names), "Layers": places}]).encode()
    return archive({**members, config_name: config, "manifest.json": manifest})


LAYOUTS = {"docker 20": docker_20, "docker 28": docker_28, "podman": podman}
