"""/etc/hosts of a container: who can be reached by name."""


def hosts_file(name, address, peers, host_address):
    """The text of /etc/hosts for container `name` at `address`.

    peers: {name: address} of the other containers of the network.  host_address: where `host.internal` is.
    """
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", f"{host_address}\thost.internal"]
    lines += [f"{where}\t{peer}" for peer, where in sorted(peers.items()) if peer != name]
    lines.append(f"{address}\t{name}")
    return "\n".join(lines) + "\n"
