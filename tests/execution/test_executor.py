"""Playbooks on real agents: order, results, failures, handlers, loops, what waits and what does not."""

import os

from tests.execution.conftest import finished
from wherry.events import TaskStarted


def test_results_of_one_task_decide_the_next(site):
    run = site.run("""
        - hosts: web
          tasks:
            - command: echo "hello from {{ inventory_hostname }}"
              register: said
            - copy: {content: "{{ said.stdout }}", dest: "{{ work }}/out"}
              when: said.rc == 0 and said.stdout is search('web1')
            - command: echo never
              when: said is failed
    """)
    assert run.results == [("web1", "command", "changed"), ("web1", "copy", "changed"), ("web1", "command", "skipped")]
    assert site.read("out") == "hello from web1"
    assert run.outcome.exit_code == 0


def test_a_second_run_changes_nothing_and_sends_no_content(site):
    text = """
        - hosts: web
          tasks:
            - file: {path: "{{ work }}/dir", state: directory, mode: "0750"}
            - copy: {content: "text", dest: "{{ work }}/dir/a"}
    """
    assert [status for _, _, status in site.run(text).results] == ["changed", "changed"]
    again = site.run(text)
    assert [status for _, _, status in again.results] == ["ok", "ok"]
    assert [each.content_sent for each in again.outcome.summaries] == [0]


def test_tasks_are_sent_ahead_as_far_as_their_text_allows(site, monkeypatch):
    from wherry.connection.session import Session

    order = []
    submit, wait = Session.submit, Session.wait
    monkeypatch.setattr(Session, "submit", lambda self, request: order.append("send") or submit(self, request))
    monkeypatch.setattr(Session, "wait", lambda self, ticket: order.append("wait") or wait(self, ticket))
    site.run("""
        - hosts: web
          gather_facts: false
          tasks:
            - {ping: , register: first}
            - ping:
            - ping:
            - ping: {data: "{{ first.ping }}"}
            - ping:
            - {ping: , failed_when: false}
            - ping:
    """)
    assert order == ["send"] * 3 + ["wait"] + ["send"] * 3 + ["wait"] * 5 + ["send", "wait"]


def test_what_was_sent_behind_a_failure_is_not_done(site):
    run = site.run("""
        - hosts: web
          tasks:
            - command: "false"
            - file: {path: "{{ work }}/never", state: touch}
    """)
    assert run.results == [("web1", "command", "failed")]
    assert not os.path.exists(f"{site.work}/never")
    assert run.outcome.exit_code == 4


def test_rescue_and_always_see_the_failure_of_their_own_block_only(site):
    run = site.run("""
        - hosts: web
          tasks:
            - block:
                - {name: works, command: "true"}
                - {name: breaks, command: "false"}
                - {name: behind, command: "true"}
              rescue:
                - {name: rescued, debug: {msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.rc }}"}}
              always:
                - {name: always, ping: }
            - {name: unguarded, command: "false"}
            - block:
                - {name: too late, ping: }
              rescue:
                - {name: not mine, ping: }
    """)
    assert [(task, status) for _, task, status in run.results] == [
        ("works", "changed"),
        ("breaks", "failed"),
        ("rescued", "ok"),
        ("always", "ok"),
        ("unguarded", "failed"),
    ]
    summary = run.outcome.summaries[0]
    assert (summary.rescued, summary.failed) == (1, 1)
    assert run.result("rescued")["msg"] == "breaks 1"


def test_a_failing_always_fails_the_host_and_a_failing_rescue_still_runs_it(site):
    run = site.run("""
        - hosts: web
          tasks:
            - block: [{command: "false"}]
              rescue: [{name: rescue, command: "false"}]
              always: [{name: always, ping: }]
            - {name: not reached, ping: }
    """)
    assert [(task, status) for _, task, status in run.results] == [
        ("command", "failed"),
        ("rescue", "failed"),
        ("always", "ok"),
    ]


def test_loops_register_each_item_and_go_on_after_a_failed_one(site):
    run = site.run("""
        - hosts: web
          tasks:
            - shell: "echo {{ item }}; exit {{ index }}"
              loop: [a, b, c]
              loop_control: {index_var: index, label: "item {{ item }}"}
              failed_when: loop_result.rc == 1
              register: loop_result
              ignore_errors: true
            - debug: msg="{{ loop_result.results | map(attribute='item') | join }} {{ loop_result.results[2].stdout }}"
            - ping:
              loop: []
    """)
    assert run.results == [
        ("web1", "shell", "changed", "item a"),
        ("web1", "shell", "ignored", "item b"),
        ("web1", "shell", "changed", "item c"),
        ("web1", "shell", "ignored"),
        ("web1", "debug", "ok"),
        ("web1", "ping", "skipped"),
    ]
    assert run.result("debug")["msg"] == "abc c"


def test_a_failed_item_drops_what_was_sent_behind_its_loop(site):
    run = site.run("""
        - hosts: web
          tasks:
            - command: "{{ item }}"
              loop: ["false", "true"]
            - file: {path: "{{ work }}/never", state: touch}
    """)
    assert run.results == [
        ("web1", "command", "failed", "false"),
        ("web1", "command", "changed", "true"),
        ("web1", "command", "failed"),
    ]
    assert not os.path.exists(f"{site.work}/never")


def test_set_fact_holds_at_once_and_accumulates_in_a_loop(site):
    run = site.run("""
        - hosts: web
          tasks:
            - command: echo b
              register: middle
            - set_fact: {parts: "{{ parts | default([]) + [item] }}"}
              loop: [a, "{{ middle.stdout }}", c]
            - assert: {that: "parts == ['a', 'b', 'c']"}
    """)
    assert run.outcome.exit_code == 0


def test_until_tries_again_and_gives_up(site):
    run = site.run("""
        - hosts: web
          tasks:
            - shell: 'echo x >> {{ work }}/tries; wc -l < {{ work }}/tries'
              register: tries
              until: tries.stdout | int >= 3
              retries: 5
              delay: 0
            - debug: msg="{{ tries.attempts }}"
            - command: "true"
              register: never
              until: never.rc == 1
              retries: 1
              delay: 0
    """)
    assert [status for _, _, status in run.results] == ["changed", "ok", "failed"]
    assert str(run.result("debug")["msg"]) == "3"


def test_changed_when_and_failed_when_decide(site):
    run = site.run("""
        - hosts: web
          tasks:
            - {command: "true", changed_when: false}
            - {command: echo yes, register: r, changed_when: "'no' in r.stdout"}
            - {command: "false", register: r, failed_when: r.rc > 1}
            - {command: "true", failed_when: true, ignore_errors: true}
            - {command: "true", register: r, changed_when: r.nothing.here}
    """)
    assert [status for _, _, status in run.results] == ["ok", "ok", "changed", "ignored", "failed"]


def test_handlers_run_once_in_their_order_at_the_end_of_each_section(site):
    run = site.run("""
        - hosts: web
          pre_tasks:
            - {name: pre, command: "true", notify: second}
          tasks:
            - {name: one, command: "true", notify: [first, second]}
            - {name: two, command: "true", notify: topic}
            - {name: unchanged, ping: , notify: third}
            - meta: flush_handlers
            - {name: three, command: "true", notify: first}
          handlers:
            - {name: first, command: "true", notify: third}
            - {name: second, ping: }
            - {name: third, ping: , listen: topic}
    """)
    assert [task for _, task, _ in run.results] == [
        "pre",
        "second",
        "one",
        "two",
        "unchanged",
        "first",
        "second",
        "third",
        "three",
        "first",
        "third",
    ]
    assert sum(isinstance(event, TaskStarted) and event.handler for event in run.events) == 6


def test_meta_ends_hosts_and_plays_without_failing_them(site):
    site.hosts("web1", "web2")
    run = site.run("""
        - hosts: web
          tasks:
            - meta: end_host
              when: inventory_hostname == 'web1'
            - ping:
            - meta: end_play
            - {name: never, ping: }
        - hosts: web
          tasks: [{name: next play, ping: }]
    """)
    assert sorted(run.results) == [("web1", "next play", "ok"), ("web2", "next play", "ok"), ("web2", "ping", "ok")]
    assert run.outcome.exit_code == 0


def test_only_mentioned_facts_are_gathered_and_in_one_question(site, monkeypatch):
    from wherry.connection.session import Session

    asked, facts = [], Session.facts
    monkeypatch.setattr(Session, "facts", lambda self, names: asked.append(names) or facts(self, names))
    site.write("templates/motd.j2", "{{ ansible_hostname }}\n")
    run = site.run("""
        - hosts: web
          vars: {family: "{{ ansible_facts['os_family'] }}"}
          tasks:
            - debug: msg="{{ family }} {{ ansible_distribution }}"
            - template: {src: motd.j2, dest: "{{ work }}/motd"}
            - debug: msg="{{ ansible_nonsense | default('none') }}"
    """)
    assert asked == [["distribution", "nonsense", "os_family"], ["hostname"]]
    assert run.result("debug")["msg"] == "none"
    assert site.read("motd").strip() == os.uname().nodename.split(".")[0]


def test_without_gather_facts_facts_are_undefined_until_setup_returns_them(site):
    run = site.run("""
        - hosts: web
          gather_facts: false
          tasks:
            - debug: msg="{{ ansible_distribution | default('unknown') }}"
            - setup: {filter: distribution*}
            - debug: msg="{{ ansible_distribution }}"
    """)
    assert [event.result.get("msg") for event in finished(run.events)][0::2] == ["unknown", "Debian"]


def test_check_mode_changes_nothing_and_diff_shows_what_would(site):
    text = """
        - hosts: web
          tasks:
            - copy: {content: "new", dest: "{{ work }}/file"}
            - command: touch {{ work }}/never
            - {command: touch {{ work }}/anyway, check_mode: false}
    """.replace("touch {{ work }}/anyway", "'touch {{ work }}/anyway'")
    run = site.run(text, check=True, diff=True)
    assert [status for _, _, status in run.results] == ["changed", "skipped", "changed"]
    assert os.listdir(site.work) == ["anyway"]
    (change,) = run.result("copy")["diff"]
    assert (change["before"], change["after"]) == ("", "new")


def test_no_log_hides_results_and_items(site):
    run = site.run("""
        - hosts: web
          tasks:
            - {shell: "echo {{ item }}", loop: [CANARY], no_log: true, register: kept}
            - assert: {that: "kept.results[0].stdout == 'CANARY'"}
    """)
    assert "CANARY" not in repr(run.events)
    assert run.outcome.exit_code == 0


def test_an_undefined_variable_fails_the_task_with_its_place(site):
    run = site.run("""
        - hosts: web
          tasks:
            - command: echo {{ mesage }}
              vars: {message: hi}
    """)
    message = run.result("command")["msg"]
    assert "'mesage' is undefined" in message and "test.yml:4:" in message


def test_a_failed_task_notifies_nobody(site):
    run = site.run("""
        - hosts: web
          tasks: [{command: "false", ignore_errors: true, notify: never}]
          handlers: [{name: never, ping: }]
    """)
    assert [task for _, task, *_ in run.results] == ["command"]


def test_what_is_wrong_in_until_fails_the_task_and_can_be_rescued(site):
    run = site.run("""
        - hosts: web
          tasks:
            - block: [{ping: , until: nothing.here, retries: 1, delay: 0}]
              rescue: [{name: rescued, ping: }]
    """)
    assert [status for *_, status in run.results] == ["failed", "ok"]
