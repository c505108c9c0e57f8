"""/etc/hosts of a container."""

from runtime.network.names import hosts_file


def test_a_container_finds_itself_its_peers_and_the_host():
    text = hosts_file("web", "10.88.0.2", {"db": "10.88.0.3", "web": "10.88.0.2"}, "10.88.0.1")
    names = {name: line.split()[0] for line in text.splitlines() for name in line.split()[1:]}
    assert names["db"] == "10.88.0.3"
    assert names["web"] == "10.88.0.2"
    assert names["host.internal"] == "10.88.0.1"
    assert text.count("web") == 1
