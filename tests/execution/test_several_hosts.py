"""Playbooks on several hosts: what is done once, in step, in batches, and what one failure means for the others."""

from wherry.events import HostUnreachable, PlayStarted


def test_run_once_is_done_by_one_host_for_all_of_them_and_in_step(site):
    site.hosts("web1", "web2", "web3")
    run = site.run("""
        - hosts: web
          tasks:
            - shell: "sleep 0.2; touch {{ work }}/{{ inventory_hostname }}"
              when: inventory_hostname != 'web1'
            - command: ls {{ work }}
              run_once: true
              register: seen
            - assert: {that: "seen.stdout_lines == ['web2', 'web3']"}
    """)
    assert run.outcome.exit_code == 0
    assert [host for host, task, *_ in run.results if task == "command"] == ["web1"]


def test_a_failed_run_once_ends_the_play_for_all(site):
    site.hosts("web1", "web2")
    run = site.run("""
        - hosts: web
          tasks:
            - {command: "false", run_once: true}
            - {name: never, ping: }
    """)
    assert run.results == [("web1", "command", "failed")]
    assert run.outcome.failed == ["web1"]


def test_hostvars_show_other_hosts_as_they_were_at_this_task(site):
    site.hosts("web1", "web2")
    run = site.run("""
        - hosts: web
          tasks:
            - shell: "sleep {{ 0.3 if inventory_hostname == 'web2' else 0 }}; echo one {{ inventory_hostname }}"
              register: said
            - debug: msg="{{ hostvars.web1.said.stdout }}, {{ hostvars['web2'].said.stdout }}"
            - command: echo two
              register: said
    """)
    assert {run.result("debug", host)["msg"] for host in ("web1", "web2")} == {"one web1, one web2"}


def test_serial_cuts_hosts_into_batches_and_a_whole_failed_batch_ends_the_run(site):
    site.hosts("web1", "web2", "web3")
    run = site.run("""
        - hosts: web
          serial: [1, 2]
          tasks:
            - command: "{{ 'false' if inventory_hostname == 'web1' else 'true' }}"
    """)
    assert [event.hosts for event in run.events if isinstance(event, PlayStarted)] == [("web1",)]
    assert run.outcome.exit_code == 4


def test_any_errors_fatal_lets_no_host_begin_the_next_task(site):
    site.hosts("web1", "web2")
    run = site.run("""
        - hosts: web
          any_errors_fatal: true
          tasks:
            - command: "{{ 'false' if inventory_hostname == 'web1' else 'true' }}"
            - {name: never, ping: }
    """)
    assert sorted(run.results) == [("web1", "command", "failed"), ("web2", "command", "changed")]


def test_a_failed_host_leaves_the_others_alone_and_stays_out_of_later_plays(site):
    site.hosts("web1", "web2")
    run = site.run("""
        - hosts: web
          tasks: [{command: "false", when: inventory_hostname == 'web1'}, {ping: }]
        - hosts: web
          tasks: [{name: later, ping: }]
    """)
    assert sorted(run.results) == [
        ("web1", "command", "failed"),
        ("web2", "command", "skipped"),
        ("web2", "later", "ok"),
        ("web2", "ping", "ok"),
    ]


def test_an_unreachable_host_is_reported_and_the_others_go_on(site):
    from wherry.connection import session
    from wherry.errors import UnreachableError

    def connect(target, packed):
        if target.name == "web1":
            raise UnreachableError("no route", "web1")
        return session.open(target, packed)

    site.hosts("web1", "web2")
    run = site.run("- hosts: web\n  tasks: [{ping: }]\n", connect=connect)
    assert [event.host for event in run.events if isinstance(event, HostUnreachable)] == ["web1"]
    assert run.results == [("web2", "ping", "ok")]
    assert run.outcome.exit_code == 5


def test_a_failure_in_a_block_that_is_fatal_ends_the_play_before_the_task_behind_it(site):
    site.hosts("web1", "web2")
    run = site.run("""
        - hosts: web
          tasks:
            - block: [{command: "{{ 'false' if inventory_hostname == 'web1' else 'true' }}"}]
              any_errors_fatal: true
            - {name: never, ping: }
    """)
    assert sorted(run.results) == [("web1", "command", "failed"), ("web2", "command", "changed")]


def test_more_failures_than_are_tolerated_end_the_play(site):
    site.hosts("web1", "web2", "web3")
    text = """
        - hosts: web
          max_fail_percentage: {}
          tasks:
            - {{command: "false", when: inventory_hostname == 'web1'}}
            - {{name: next, ping: }}
    """
    assert "next" in [task for _, task, *_ in site.run(text.format(34)).results]
    assert "next" not in [task for _, task, *_ in site.run(text.format(30)).results]


def test_more_hosts_than_forks_still_wait_for_each_other(site):
    site.hosts("web1", "web2", "web3")
    run = site.run("- hosts: web\n  tasks: [{ping: }, {ping: , run_once: true}, {ping: }]\n", forks=1)
    assert len(run.results) == 7
