"""Archives that are not what they should be, made from a good one."""

import hashlib
import io
import json
import os
import tarfile


def damaged(good, folder):
    """Paths of archives by what is wrong with them."""
    with open(good, "rb") as file:
        content = file.read()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    wrong = {"garbage": b"not an archive\n" * 100, "truncated": content[:middle], "flipped": flipped}
    found = {"missing": os.path.join(folder, "missing.tar"), "foreign": of_another_machine(good, folder)}
    for name, data in wrong.items():
        found[name] = os.path.join(folder, f"{name}.tar")
        with open(found[name], "wb") as file:
            file.write(data)
    return found


def of_another_machine(good, folder):
    """The same image, for s390x."""
    path = os.path.join(folder, "foreign.tar")
    with tarfile.open(good) as source, tarfile.open(path, "w") as target:
        manifest = json.load(source.extractfile("manifest.json"))
        old = manifest[0]["Config"]
        config = json.dumps({**json.load(source.extractfile(old)), "architecture": "s390x"}).encode()
        manifest[0]["Config"] = f"{hashlib.sha256(config).hexdigest()}.json"
        for member in source:
            if member.name not in (old, "manifest.json"):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
        for name, data in ((manifest[0]["Config"], config), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            target.addfile(entry, io.BytesIO(data))
    return path
