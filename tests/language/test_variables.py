"""Variables: Ansible's order of precedence, magic variables, and where each definition stands."""

import pytest

from wherry.errors import ProjectError, TemplateError, UndefinedVariable
from wherry.language import source
from wherry.language.inventory import Host
from wherry.language.learned import is_protected
from wherry.language.precedence import LABELS, Layer, Level
from wherry.language.variables import Learned

PLAY = """
- hosts: all
  vars: {v: play}
  vars_files: [files.yml]
  tasks:
    - block:
        - ping:
          vars: {v: task}
      vars: {v: block, w: "{{ v }}"}
"""


def everything(desk):
    """A scope in which each level that has a source defines `v`."""
    desk.write("playbooks/files.yml", "v: files")
    desk.write("inventory/group_vars/all.yml", "v: inventory all")
    desk.write("group_vars/all.yml", "v: project all")
    desk.write("inventory/group_vars/web.yml", "v: inventory web")
    desk.write("group_vars/web.yml", "v: project web")
    desk.write("inventory/host_vars/web1.yml", "v: inventory host file")
    desk.write("host_vars/web1.yml", "v: project host file")
    text = "web: {hosts: {web1: {v: host}}, vars: {v: group}}"
    run = desk.run(text, extra=source.parse("v: extra"))
    run.of("web1").registered["v"] = "registered"
    run.of("web1").included["v"] = "included"
    run.of("web1").loose["v"] = "fact"
    play = desk.playbook(PLAY).plays[0]
    task = next(play.walk())
    return run.scope(run.inventory.hosts["web1"], play).for_task(task).with_loop({"v": "loop"})


def test_every_level_hides_those_below_it(desk):
    scope = everything(desk)
    assert [(str(each.value), int(each.level)) for each in scope.explain("v")] == [
        ("loop", 24),
        ("extra", 22),
        ("registered", 19),
        ("included", 18),
        ("task", 17),
        ("block", 16),
        ("files", 14),
        ("play", 12),
        ("fact", 11),
        ("project host file", 10),
        ("inventory host file", 9),
        ("host", 8),
        ("project web", 7),
        ("inventory web", 6),
        ("project all", 5),
        ("inventory all", 4),
        ("group", 3),
    ]
    assert scope["v"] == "loop"
    assert set(LABELS) == set(Level)
    assert [each for each in Level if each <= 22] == list(range(1, 23))


def test_explain_tells_where_each_definition_stands(desk):
    places = {each.level: each.place for each in everything(desk).explain("v")}
    assert str(places[Level.PLAY_VARS]).endswith("site.yml:3:13")
    assert str(places[Level.PLAYBOOK_GROUP_VARS]).endswith("group_vars/web.yml:1:4")
    assert str(places[Level.INVENTORY_HOST]).endswith("prod.yml:1:25")
    assert places[Level.REGISTERED] is None


def test_a_value_is_rendered_when_it_is_used_and_sees_what_is_nearest(desk):
    assert everything(desk)["w"] == "loop"
    run = desk.run()
    play = desk.playbook(PLAY.replace("vars_files: [files.yml]", "")).plays[0]
    scope = run.scope(run.inventory.hosts["web1"], play).for_task(next(play.walk()))
    assert scope["w"] == "task"


def test_magic_variables_are_those_of_ansible(desk):
    run = desk.run("web: {hosts: {web1.example.org: , web2: {port: 2}}}\ndb: {hosts: {db1: }}", check=True)
    play = desk.playbook("- hosts: all\n  name: go\n  tasks: []\n").plays[0]
    host = run.inventory.hosts["web1.example.org"]
    scope = run.scope(host, play, play_hosts=["web1.example.org", "web2"], batch=["web2"])
    run.magic["wherry_release"] = 7
    assert scope["inventory_hostname"] == "web1.example.org"
    assert scope["inventory_hostname_short"] == "web1"
    assert scope["group_names"] == ["web"]
    assert scope["groups"] == {
        "all": ["web1.example.org", "web2", "db1"],
        "ungrouped": [],
        "web": ["web1.example.org", "web2"],
        "db": ["db1"],
    }
    assert (scope["play_hosts"], scope["ansible_play_batch"]) == (["web2"], ["web2"])
    assert scope["ansible_play_hosts"] == ["web1.example.org", "web2"]
    assert (scope["ansible_check_mode"], scope["ansible_diff_mode"], scope["ansible_play_name"]) == (True, False, "go")
    assert scope["playbook_dir"] == str(desk.root / "playbooks")
    assert scope["inventory_dir"] == str(desk.root / "inventory")
    assert scope["inventory_file"] == str(desk.root / "inventory" / "prod.yml")
    assert (scope["wherry_env"], scope["wherry_release"]) == ("prod", 7)
    assert scope["ansible_managed"] == "Managed by wherry"
    assert desk.render("{{ ansible_version.full is version('2.9', '>=') }}", scope) is True
    assert desk.render("{{ hostvars['web2'].port + hostvars.web2['port'] }}", scope) == 4
    assert desk.render("{{ hostvars.values() | map(attribute='inventory_hostname') | list | length }}", scope) == 3
    assert desk.render("{{ groups.web | map('extract', hostvars, 'port') | list | last }}", scope) == 2
    assert desk.render("{{ 'web9' in hostvars }} {{ hostvars.web9 is defined }}", scope) == "False False"
    assert desk.render("{{ vars.wherry_env ~ vars['group_names'] | length }}", scope) == "prod1"


def test_magic_variables_cannot_be_redefined(desk):
    run = desk.run("all: {hosts: {a: {inventory_hostname: evil, groups: {}}}}", extra={"ansible_check_mode": True})
    scope = run.scope(run.inventory.hosts["a"])
    assert (scope["inventory_hostname"], scope["ansible_check_mode"]) == ("a", False)


def test_facts_are_seen_under_both_names(desk):
    run = desk.run()
    run.of("web1").learn({"ansible_distribution": "Debian", "os_family": "Debian"})
    run.of("web1").returned({"services": {"x.service": {}}, "ansible_lsb": 1})
    scope = run.scope(run.inventory.hosts["web1"])
    assert (
        desk.render("{{ ansible_distribution }} {{ ansible_facts.os_family }} {{ ansible_facts['lsb'] }}", scope)
        == "Debian Debian 1"
    )
    assert desk.render("{{ services['x.service'] }}", scope) == {}
    assert "distribution" not in scope
    assert {"ansible_distribution", "services"} <= set(scope)


@pytest.mark.parametrize(
    "name",
    [
        "ansible_host",
        "ansible_port",
        "ansible_user",
        "ansible_password",
        "ansible_connection",
        "ansible_ssh_private_key_file",
        "ansible_ssh_common_args",
        "ansible_become",
        "ansible_become_user",
        "ansible_become_password",
        "ansible_python_interpreter",
        "ansible_shell_type",
        "ansible_check_mode",
        "ansible_facts",
        "ansible_play_hosts",
        "hostvars",
        "groups",
        "inventory_hostname",
        "omit",
        "wherry_host_key",
        "wherry_env",
        "item",
        "vars",
    ],
)
def test_a_host_cannot_say_how_it_is_reached_or_who_it_is(desk, name):
    learned = Learned()
    learned.returned({name: "evil"})
    learned.learn({name: "evil"})
    assert is_protected(name)
    assert name not in learned.injected
    assert name not in set(learned.injected)


@pytest.mark.parametrize(
    "name", ["ansible_distribution", "ansible_ssh_host_key_rsa_public", "ansible_user_id", "services"]
)
def test_other_facts_are_its_own_to_say(name):
    learned = Learned()
    learned.returned({name: "x"})
    assert learned.injected[name] == "x"


def test_recursion_is_an_error_that_shows_the_circle(desk):
    with pytest.raises(TemplateError, match="'a' refers to itself: a -> b -> c -> a") as caught:
        desk.scope("a: '{{ b }}'\nb: 'x{{ c }}'\nc: ['{{ a }}']\n")["a"]
    assert caught.value.place is not None


def test_recursion_through_other_hosts_is_found(desk):
    run = desk.run('all: {hosts: {h1: {x: "{{ hostvars.h2.x }}"}, h2: {x: "{{ hostvars.h1.x }}"}}}')
    with pytest.raises(TemplateError, match="'x' refers to itself"):
        run.scope(run.inventory.hosts["h1"])["x"]


def test_members_are_undefined_one_by_one(desk):
    scope = desk.scope("m: {good: 1, bad: '{{ nope }}'}\nl: [1, '{{ nope }}']\n")
    assert desk.render("{{ m.good }} {{ m.bad | default('x') }} {{ l[0] }} {{ l | length }}", scope) == "1 x 1 2"
    with pytest.raises(UndefinedVariable, match=r"'nope' is undefined \(through m\)"):
        scope["m"]
    with pytest.raises(UndefinedVariable, match="'nope' is undefined"):
        desk.render("{{ l | join }}", scope)


def test_vars_files_take_the_first_that_exists_and_wait_for_facts(desk):
    desk.write("playbooks/vars/Debian.yml", "package: apache2")
    desk.write("playbooks/common.yml", "package: none\nx: 1")
    play = desk.playbook(
        "- hosts: all\n  vars_files: [common.yml, ['{{ ansible_os_family }}.yml', common.yml]]\n"
    ).plays[0]
    run = desk.run()
    assert run.scope(run.inventory.hosts["web1"], play)["package"] == "none"
    run.of("web1").learn({"os_family": "Debian"})
    assert run.scope(run.inventory.hosts["web1"], play)["package"] == "apache2"
    missing = desk.playbook("- hosts: all\n  vars_files: [nope.yml]\n").plays[0]
    with pytest.raises(ProjectError, match=r"there is no file nope.yml"):
        run.scope(run.inventory.hosts["web1"], missing)


def test_a_later_task_sees_what_another_host_has_learnt_since(desk):
    run = desk.run("all: {hosts: {h1: , h2: {x: '{{ out | default(0) }}'}}}")
    play = desk.playbook("- hosts: all\n  tasks: [{ping: }, {ping: }]\n").plays[0]
    base = run.scope(run.inventory.hosts["h1"], play)
    first, second = play.walk()
    assert desk.render("{{ hostvars.h2.x }}", base.for_task(first)) == 0
    run.learned["h2"] = Learned(registered={"out": 5})
    assert desk.render("{{ hostvars.h2.x }}", base.for_task(second)) == 5


def test_registered_results_of_the_task_itself_hide_earlier_ones(desk):
    run = desk.run()
    run.of("web1").registered["out"] = {"rc": 0}
    scope = run.scope(run.inventory.hosts["web1"]).with_registered({"out": {"rc": 3}})
    assert desk.render("{{ out.rc }}", scope) == 3


def test_an_exception_of_a_mapping_passes_through_and_nothing_is_kept(desk):
    class Waiting(Exception):
        pass

    class Later(dict):
        ready = False

        def __contains__(self, name):
            return name == "out"

        def __getitem__(self, name):
            if not self.ready:
                raise Waiting
            return 5

    run = desk.run("all: {hosts: {web1: {x: '{{ out }}'}}}")
    run.learned["web1"] = Learned(registered=(later := Later()))
    scope = run.scope(run.inventory.hosts["web1"])
    for text in (
        "{{ out }}",
        "{{ x | default(1) }}",
        "{{ x is defined }}",
        "{{ hostvars.web1.x }}",
        "{{ lookup('vars', 'x') }}",
    ):
        with pytest.raises(Waiting):
            desk.render(text, scope)
    later.ready = True
    assert desk.render("{{ x }}", scope) == 5


def test_a_scope_is_a_mapping_of_all_names(desk):
    scope = desk.scope("a: 1\nb: '{{ a }}'\n")
    assert {"a", "b", "inventory_hostname"} <= set(scope)
    assert (scope.get("b"), scope.get("zzz", 9), "a" in scope) == (1, 9, True)
    assert len(scope) == len(list(scope))
    host = Host("x", variables=[Layer(Level.INVENTORY_HOST, {"a": 1})])
    assert host.merged == {"a": 1}
