"""Inventories: hosts, groups, ranges, files of variables, and which environment is which."""

import pytest

from wherry.errors import ProjectError, UsageError
from wherry.language import host_range
from wherry.language.precedence import Level

FLEET = """
all:
  vars: {color: all, zone: all}
  hosts:
    loose:
  children:
    web:
      hosts:
        web[01:03]:
        web04: {color: host}
      vars: {color: web}
    db:
      hosts:
        db-[a:c]:
    site:
      children: {web: , db: }
      vars: {zone: site, color: site}
"""


def names(hosts):
    return [host.name for host in hosts]


def test_ranges_groups_and_children_are_read(desk):
    inventory = desk.inventory(FLEET)
    assert list(inventory.hosts) == ["loose", "web01", "web02", "web03", "web04", "db-a", "db-b", "db-c"]
    assert inventory.hosts["web01"].groups == ["site", "web"]
    assert inventory.hosts["loose"].groups == ["ungrouped"]
    assert set(inventory.groups["site"].all_hosts()) == set(inventory.hosts) - {"loose"}
    assert set(inventory.groups) == {"all", "ungrouped", "web", "db", "site"}


def test_the_deeper_group_wins_and_the_host_over_all(desk):
    inventory = desk.inventory(FLEET)
    assert inventory.hosts["web01"].merged["color"] == "web"
    assert inventory.hosts["web04"].merged["color"] == "host"
    assert inventory.hosts["db-a"].merged["color"] == "site"
    assert inventory.hosts["loose"].merged["zone"] == "all"


def test_of_groups_at_one_depth_priority_then_name_decides(desk):
    text = "a: {hosts: {h: }, vars: {x: a, y: a}}\nb: {hosts: {h: }, vars: {x: b, y: b, ansible_group_priority: 0}}\n"
    assert desk.inventory(text.replace("0", "1")).hosts["h"].merged["x"] == "b"
    assert desk.inventory(text.replace("b, ansible_group_priority: 0", "b"), "two").hosts["h"].merged["y"] == "b"
    text = text.replace("a}}", "a, ansible_group_priority: 10}}")
    assert desk.inventory(text, "three").hosts["h"].merged["x"] == "a"


def test_files_of_variables_rank_as_in_ansible(desk):
    for path, value in [
        ("inventory/group_vars/all.yml", 4),
        ("playbooks/group_vars/all/one.yml", 5),
        ("inventory/group_vars/web.yml", 6),
        ("group_vars/web/deep/two.yaml", 7),
        ("inventory/host_vars/web01", 9),
        ("playbooks/host_vars/web01.json", 10),
    ]:
        desk.write(path, f'{{"rank": {value}, "from{value}": true}}')
    desk.write("inventory/group_vars/web~", "not: read")
    inventory = desk.inventory("web: {hosts: {web01: {rank: 8}}, vars: {rank: 3}}")
    host = inventory.hosts["web01"]
    assert [(int(layer.level), layer.values["rank"]) for layer in host.variables] == [(n, n) for n in range(3, 11)]
    assert host.merged["rank"] == 10
    assert all(host.merged[f"from{n}"] for n in (4, 5, 6, 7, 9, 10))
    assert host.variables[0].level.label == Level.INVENTORY_GROUP.label == "inventory, group"


@pytest.mark.parametrize(
    ("written", "hosts"),
    [
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:10]", ["web08", "web09", "web10"]),
        ("web[a:c].x", ["weba.x", "webb.x", "webc.x"]),
        ("w[1:5:2]", ["w1", "w3", "w5"]),
        ("r[1:2]-[a:b]", ["r1-a", "r1-b", "r2-a", "r2-b"]),
        ("w[:2]", ["w0", "w1", "w2"]),
        ("plain", ["plain"]),
    ],
)
def test_a_range_stands_for_its_hosts(written, hosts):
    assert host_range.expand(written) == hosts


@pytest.mark.parametrize(
    "written", ["w[3:1]", "w[a:3]", "w[1:", "w[1:999999999]", "w[1:999]-[1:999]", "w[]", "w[1:2:0]"]
)
def test_a_range_that_makes_no_sense_is_refused(written):
    with pytest.raises(ProjectError, match=r"range|hosts"):
        host_range.expand(written)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- web1\n", "mapping of groups"),
        ("all: [web1]\n", "is a mapping"),
        ("all: {host: {web1: }}\n", "did you mean 'hosts'"),
        ("all: {hosts: [web1]}\n", "end each name with a colon"),
        ("all: {hosts: {web1: 10.0.0.1}}\n", "ansible_host: ADDRESS"),
        ("a: {children: {b: {children: {a: }}}}\n", "contain itself"),
    ],
)
def test_a_wrong_inventory_is_one_clear_error_with_its_place(desk, text, words):
    with pytest.raises(ProjectError, match=words) as caught:
        desk.inventory(text)
    assert caught.value.place.file.endswith("prod.yml")


def test_an_environment_is_a_file_a_directory_or_an_error_that_helps(desk):
    desk.write("inventory/dir/one.yml", "web: {hosts: {a: }}")
    desk.write("inventory/dir/two.yaml", "web: {hosts: {b: }, vars: {x: 1}}")
    desk.write("inventory/dir/group_vars/web.yml", "y: 2")
    both = desk.inventory(env="dir")
    assert list(both.hosts) == ["a", "b"]
    assert dict(both.hosts["b"].merged) == {"x": 1, "y": 2}
    desk.write("inventory/staging.yml", "all: {hosts: {a: }}")
    with pytest.raises(UsageError, match="did you mean 'staging'"):
        desk.inventory(env="stagin")
    desk.write("inventory/old.ini", "[web]")
    with pytest.raises(UsageError, match="INI inventories are not supported yet"):
        desk.inventory(env="old")
    script = desk.root / "inventory" / "dir" / "ec2.py"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(UsageError, match="inventory scripts are not supported yet"):
        desk.inventory(env="dir")
    script.unlink()
    assert list(desk.inventory("", "empty").hosts) == []


def test_the_lab_that_is_up_comes_before_the_projects_own(desk):
    desk.write("inventory/lab.yml", "all: {hosts: {default1: }}")
    assert list(desk.inventory(env="lab").hosts) == ["default1"]
    desk.write("inventory/group_vars/all.yml", "x: 1")
    desk.write(".wherry/lab/inventory.yml", "all: {hosts: {web1: }}")
    up = desk.inventory(env="lab")
    assert list(up.hosts) == ["web1"]
    assert up.hosts["web1"].merged["x"] == 1


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("all", "loose web01 web02 web03 web04 db-a db-b db-c"),
        ("*", "loose web01 web02 web03 web04 db-a db-b db-c"),
        ("web", "web01 web02 web03 web04"),
        ("web:db", "web01 web02 web03 web04 db-a db-b db-c"),
        ("db,web01", "db-a db-b db-c web01"),
        ("db[0]:web[2]", "db-a web03"),
        ("db:web[0]", "db-a db-b db-c web01"),
        ("site:&web:!web04", "web01 web02 web03"),
        ("!db", "loose web01 web02 web03 web04"),
        ("all:!site", "loose"),
        ("web0[1-2]", "web01 web02"),
        ("web0?", "web01 web02 web03 web04"),
        ("~(web|db)0?[1a-]", "web01 db-a db-b db-c"),
        ("~web0[12]", "web01 web02"),
        ("web[0]", "web01"),
        ("web[-1]", "web04"),
        ("web[0:1]", "web01 web02"),
        ("web[1:]", "web02 web03 web04"),
        ("web[9]", ""),
        ("ungrouped", "loose"),
        (" web01 , db-a ", "web01 db-a"),
        ("localhost", "localhost"),
    ],
)
def test_a_pattern_names_hosts_in_the_order_of_its_terms(desk, pattern, hosts):
    assert names(desk.inventory(FLEET).match(pattern)) == hosts.split()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("wbe", "did you mean 'web'"),
        ("web01,wb02", "did you mean 'web02'"),
        ("all:!web1", "did you mean 'web"),
        ("nowhere", "there are: loose"),
        ("x*", "no host or group matches"),
        ("~(", "not a regular expression"),
        ("@retry", "not supported yet"),
        ("", "empty"),
    ],
)
def test_a_pattern_that_names_nothing_is_an_error_that_helps(desk, pattern, words):
    with pytest.raises(UsageError, match=words):
        desk.inventory(FLEET).match(pattern)


def test_a_group_that_is_only_excluded_need_not_exist(desk):
    inventory = desk.inventory(FLEET)
    assert len(inventory.match("all:!maintenance")) == 8
    assert inventory.warnings == ["the pattern '!maintenance' names no host or group"]


def test_the_controller_needs_no_inventory(desk):
    assert desk.inventory(FLEET).match("localhost")[0].merged == {"ansible_connection": "local"}
