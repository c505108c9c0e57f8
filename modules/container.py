"""Have a container running, made from an image that is on the host."""

RULES = {
    "aliases": {
        "volume": "volumes",
        "published_ports": "ports",
        "network_mode": "network",
        "healthcheck": "health",
        "working_dir": "workdir",
    },
    "required_if": [["state", "started", ["image"]], ["state", "created", ["image"]]],
    "secret": ["env"],
}


def run(
    host, name: "str", image: "str" = None, state: "started | created | stopped | absent" = "started",
    command=None, entrypoint=None, env: "dict" = None, workdir: "path" = None, user: "str" = None, hostname: "str" = None,
    ports: "list" = None, volumes: "list" = None, tmpfs: "list" = None, network: "bridge | host | none" = None,
    memory: "str" = None, cpus: "float" = None, pids: "int" = None, ulimits: "dict" = None,
    cap_add: "list" = None, cap_drop: "list" = None, privileged=False, allow_setuid=False, read_only=False,
    labels: "dict" = None, devices: "list" = None, health: "dict" = None, stop_signal: "str" = None,
    stop_timeout: "str" = None, tty=False, interactive=False, restart: "str" = None, rollout: "dict" = None,
):  # fmt: skip
    """Make the container `name` be as described; one that is as described already is left alone.

    What is compared is what is asked for here and the image's id: a newer wherry with other defaults replaces nothing.
    state: started: it runs, replaced when it differs.  created: it exists.  stopped: it does not run.  absent: it is gone.
    command, entrypoint: lists, or one text that is split as a shell would.  env: name: value.  ports: "8080:80",
    "public:8080:80", "10.0.0.5:8080:80/udp".  volumes: "/host/folder:/folder[:ro]" or "name:/folder".  memory: such as 512m.
    health: one of command, http (":8080/path"), tcp (port), and interval, timeout, retries, start_period.
    stop_timeout: seconds, or 1m30s (10).  rollout: in a play with `rollout:`: switch, drain, drain_timeout, retire,
    min_healthy_time.  Registers: changed, container (id, name, status, image, address, ports), absent with state=absent.
    """
    wanted = request({key: value for key, value in locals().items() if key not in ("host", "state")})
    if state in ("stopped", "absent"):
        return gone(host, name) if state == "absent" else stopped(host, name)
    if state == "created":
        return created(host, wanted)
    changed = host.containers.ensure(wanted)
    container = found(host, name)
    return {"changed": changed, **({"container": shown(container)} if container else {})}


def request(arguments):
    """The request for the runtime: the arguments that are given, commands and lists of texts as lists of text; pure."""
    wanted = {key: value for key, value in arguments.items() if value is not None and value is not False}
    for key in ("command", "entrypoint"):
        if key in wanted:
            wanted[key] = words(wanted[key])
    for key in ("ports", "volumes", "tmpfs", "cap_add", "cap_drop", "devices"):
        if key in wanted:
            wanted[key] = [str(each) for each in wanted[key]]
    return wanted


def words(command):
    """A command as a list; one text is split as a shell would."""
    import shlex

    if isinstance(command, str):
        return shlex.split(command)
    return [str(each) for each in command]


def created(host, wanted):
    """Make the container, if there is none of its name, without starting it."""
    if found(host, wanted["name"]):
        return False
    if not host.check:
        host.containers.create(wanted)
    return True


def stopped(host, name):
    """Stop the container if it runs."""
    container = found(host, name)
    if container is None or container.status not in ("running", "paused"):
        return False
    if not host.check:
        host.containers.stop(container)
    return True


def gone(host, name):
    """Stop and remove the container if there is one."""
    container = found(host, name)
    if container is None:
        return {"changed": False, "absent": True}
    if not host.check:
        host.containers.stop(container)
        host.containers.remove(container)
    return {"changed": True, "absent": True}


def found(host, name):
    """The container of that name, or None."""
    return next((each for each in host.containers.list() if each.name == name), None)


def shown(container):
    """What a playbook gets to see of a container."""
    keys = ("id", "name", "status", "image", "image_id", "address", "ports")
    return {key: getattr(container, key) for key in keys}
