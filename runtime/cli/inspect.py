"""inspect: all that is known of a container or an image, as JSON in docker's shape."""

from ..container.container import Containers
from ..errors import NotFound, UsageError
from . import table
from .options import VALUE, Command, Option

INSPECT = Command(
    "inspect",
    "[OPTIONS] NAME [NAME...]",
    "Print all that is known of containers or images as JSON.",
    (Option("--type", VALUE, "container or image, when both have the name", "TYPE"),),
    least=1,
)


def inspect(dirs, words):
    """wherry inspect"""
    import json

    given, refs = INSPECT.parse(words)
    if given.get("type") not in (None, "container", "image"):
        raise UsageError(f"--type {given['type']}: container or image is needed")
    containers = Containers(dirs)
    print(json.dumps([one(containers, ref, given.get("type")) for ref in refs], indent=4))
    return 0


def one(containers, ref, kind):
    """The object of the container or the image called `ref`."""
    if kind != "image":
        try:
            return container(containers.find(ref))
        except NotFound:
            if kind == "container":
                raise
    try:
        return image(containers.images.find(ref))
    except NotFound as error:
        raise NotFound(f"no container or image {ref!r}", hint=error.hint) from None


def container(record):
    """A container as docker shows it, and what is wherry's own under Wherry."""
    spec, asked = record.spec, record.request
    path, *arguments = spec["process"]["args"]
    return {
        "Id": record.id,
        "Created": table.moment(record.created),
        "Path": path,
        "Args": arguments,
        "State": state(record),
        "Image": record.image_id,
        "Name": "/" + record.name,
        "HostsPath": f"{record.run_dir}/etc/hosts",
        "LogPath": f"{record.disk_dir}/log/log",
        "RestartCount": 0,
        "Mounts": mounts(record, spec),
        "HostConfig": host_config(record, spec, asked),
        "Config": own_config(record, spec, asked),
        "NetworkSettings": {"IPAddress": record.address or "", "Ports": ports(record)},
        "Wherry": {"Request": asked, "Release": record.release, "Monitor": record.monitor, "Error": record.error},
    }


def mounts(record, spec):
    """The volumes; the files of /etc that every container is given are not shown."""
    return [
        {
            "Type": "bind",
            "Source": each["source"],
            "Destination": each["destination"],
            "RW": "ro" not in each["options"],
        }
        for each in spec["mounts"]
        if each["type"] == "bind" and not each["source"].startswith(record.run_dir)
    ]


def host_config(record, spec, asked):
    """What the host gives it: network, limits, rights."""
    return {
        "NetworkMode": asked.get("network", "bridge"),
        "Memory": asked.get("memory", 0),
        "NanoCpus": int(asked.get("cpus", 0) * 1e9),
        "PidsLimit": spec["linux"]["resources"].get("pids", {}).get("limit", 0),
        "AutoRemove": record.ephemeral,
        "Privileged": asked.get("privileged", False),
        "ReadonlyRootfs": asked.get("read_only", False),
        "RestartPolicy": {"Name": asked.get("restart", "no"), "MaximumRetryCount": 0},
    }


def own_config(record, spec, asked):
    """What it is by itself."""
    process = spec["process"]
    return {
        "Hostname": spec["hostname"],
        "User": asked.get("user", ""),
        "Tty": process["terminal"],
        "OpenStdin": asked.get("interactive", False),
        "Env": process["env"],
        "Cmd": asked.get("command"),
        "Entrypoint": asked.get("entrypoint"),
        "Image": record.image,
        "WorkingDir": process["cwd"],
        "Labels": record.labels,
        "StopTimeout": spec["wherry"]["stop"]["timeout"],
    }


def state(record):
    """The State of a container."""
    status = record.status
    found = {
        "Status": status,
        "Running": status in ("running", "paused"),
        "Paused": status == "paused",
        "OOMKilled": record.oom,
        "Dead": False,
        "Pid": record.pid if status != "exited" else 0,
        "ExitCode": 0 if status in ("created", "running", "paused") else record.exit_code,
        "Error": record.error or "",
        "StartedAt": table.moment(record.started),
        "FinishedAt": table.moment(record.finished),
    }
    if record.health:
        found["Health"] = {
            "Status": record.health["status"],
            "FailingStreak": record.health["failures"],
            "Log": [
                {"Start": table.moment(each["time"]), "ExitCode": 0 if each["passed"] else 1, "Output": each["text"]}
                for each in record.health["results"]
            ],
        }
    return found


def ports(record):
    """The published ports by what they are in the container."""
    found = {}
    for each in record.ports:
        place = {"HostIp": each["address"], "HostPort": str(each["host_port"])}
        found.setdefault(f"{each['container_port']}/{each['protocol']}", []).append(place)
    return found


def image(found):
    """An image as docker shows it."""
    config = found.config
    return {
        "Id": found.id,
        "RepoTags": found.names,
        "Created": found.created,
        "Architecture": config.get("architecture"),
        "Os": config.get("os"),
        "Size": found.size,
        "Config": config.get("config") or {},
        "RootFS": {"Type": "layers", "Layers": found.layers},
    }
