"""Put the command `wherry` on the host, and set what its containers have in common."""

import json
import sys

MARK = "# wherry:"  # the second line of the launcher: by it we know that a file is ours
SETTINGS = "/var/lib/wherry/settings.json"
BUNDLE = "import sys; sys.path.insert(0, sys.argv[1]); from runtime.cli.bundle import build; build(sys.argv[1])"


def run(
    host,
    state: "present | absent" = "present",
    path: "path" = "/usr/local/bin/wherry",
    publish_address: "str" = None,
    network_subnet: "str" = None,
):
    """Have the command `wherry` at `path`, of the version that this deploy brings; or have it gone.

    A file at `path` that is not wherry's is an error, it is never written over.
    publish_address: where a port that names no address answers (127.0.0.1).  network_subnet: the network of the
    containers (10.88.0.0/16), as ADDRESS/LENGTH; changes nothing for containers that run.
    state: absent removes the command; images, containers and settings stay.  Registers: changed, path, payload.
    """
    require_ours(host, path)
    if state == "absent":
        return {"changed": bool(host.remove(path)["changed"]), "path": path}
    payload = __file__.rpartition("/modules/")[0]
    if not payload.startswith("/"):
        host.fail("the payload is held in memory here, so no command can point to it; use become_user: root")
    launcher = filled_in(host.read_text(f"{payload}/runtime/cli/launcher.py"), payload, sys.executable)
    changed = [host.write_text(path, launcher, mode="0755")]
    changed += set_up(host, publish_address=publish_address, network_subnet=network_subnet)
    bundle(host, payload)
    return {"changed": any(each["changed"] for each in changed), "path": path, "payload": payload}


def require_ours(host, path):
    """Fail when a file that is not ours lies at `path`."""
    text = host.read(path, missing=b"")
    if text and MARK.encode() not in text[:200]:
        host.fail(f"{path} is there and is not wherry's; move it away, or set `path` to another place")


def filled_in(text, payload, python):
    """The launcher for one payload and one interpreter; pure."""
    first, rest = text.split("\n", 1)
    return f"#!{python} {first.partition(' ')[2]}\n" + rest.replace('payload = ""\n', f'payload = "{payload}"\n', 1)


def set_up(host, **settings):
    """Write the settings that are given, keep the others: a list of results."""
    given = {name: value for name, value in settings.items() if value is not None}
    if not given:
        return []
    before = json.loads(host.read_text(SETTINGS, missing="{}"))
    return [host.write_text(SETTINGS, json.dumps({**before, **given}, indent=1) + "\n", mode="0600")]


def bundle(host, payload):
    """Put the payload's modules into one file, so that commands start fast; not a change that anybody sees."""
    if not host.check and host.stat(f"{payload}/bundle-{sys.implementation.cache_tag}") is None:
        host.query([sys.executable, "-I", "-S", "-B", "-c", BUNDLE, payload])
