"""Have a container image on the host, from a saved archive; no registry."""


def prepare(task):
    """Read the archive on the controller; only what the host lacks of it is sent."""
    if task.args.get("load"):
        task.args["load"] = task.archive(task.path("load"))


def run(host, load=None, name: "str" = None, state: "present | absent" = "present"):
    """Have the image of the archive `load` on the host under the names it was saved with, or have it gone.

    load: an archive on the controller as `docker save` or `podman save` write it, plain or gzip; needed for present.
    name: one more name for the image (NAME:TAG); with state=absent and no `load`, the image to remove.
    state: absent takes the names away, and the image with its last name; refused while a container needs it.
    Registers: changed, names; for present also image (its ID), missing_bytes and missing_layers: what the host lacked of
    it, uncompressed.
    """
    if load is None and (state == "present" or not name):
        host.fail("say what image: `load` is missing" if state == "present" else "say what image: by `name` or `load`")
    names = [*(load.names if load else []), *([name] if name else [])]
    if state == "absent":
        removed = [host.images.remove(each) for each in names]
        return {"changed": any(removed), "names": names}
    missing = host.images.missing(load)
    sizes = {"missing_bytes": sum(missing.values()), "missing_layers": len(missing)}
    return {"changed": host.images.ensure(load, name=name or ""), "image": load.id, "names": names, **sizes}
