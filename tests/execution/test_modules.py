"""Calling modules: what they are handed, what they may answer, which files they find."""

from wherry.events import Warned


def test_environment_and_timeout_travel_with_a_task(site):
    run = site.run("""
        - hosts: web
          environment: {ONE: "1", TWO: "2"}
          tasks:
            - {shell: "echo $ONE$TWO", environment: {TWO: "zwei"}, register: r}
            - assert: {that: "r.stdout == '1zwei'"}
            - {command: sleep 20, timeout: 1}
    """)
    assert [status for _, _, status in run.results] == ["changed", "ok", "failed"]
    assert "timed out" in run.result("command")["msg"]


def test_a_module_that_only_ansible_has_is_a_warning_until_it_would_run(site):
    run = site.run("""
        - hosts: web
          tasks:
            - {yum: {name: x}, when: ansible_facts.os_family == 'RedHat'}
            - pacman: {name: y}
    """)
    assert [status for _, _, status in run.results][1:] == ["skipped", "failed"]
    warnings = [event.text for event in run.events if isinstance(event, Warned)]
    assert ["'yum'" in warnings[0], "'pacman'" in warnings[1], len(warnings)] == [True, True, 2]


def test_files_and_templates_are_found_beside_the_playbook_and_in_the_project(site):
    site.write("files/plain", "plain")
    site.write("playbooks/files/tree/a/b", "deep")
    site.write(
        "playbooks/templates/t.conf.j2", "host={{ inventory_hostname }}\n{% for n in [1, 2] %}\n{{ n }}\n{% endfor %}\n"
    )
    run = site.run("""
        - hosts: web
          tasks:
            - copy: {src: plain, dest: "{{ work }}/", mode: preserve}
            - copy: {src: tree/, dest: "{{ work }}/tree"}
            - copy: {src: tree, dest: "{{ work }}/named"}
            - template: {src: t.conf.j2, dest: "{{ work }}/"}
    """)
    assert run.outcome.exit_code == 0
    assert (site.read("plain"), site.read("tree/a/b"), site.read("named/tree/a/b")) == ("plain", "deep", "deep")
    assert site.read("t.conf") == "host=web1\n1\n2\n"


def test_a_broken_template_is_an_error_in_the_template_file(site):
    site.write("templates/t.j2", "fine\n{{ nothing_here }}\n")
    run = site.run("- hosts: web\n  tasks: [{template: {src: t.j2, dest: '{{ work }}/t'}}]\n")
    assert "t.j2:2" in run.result("template")["msg"]


def test_a_module_may_return_what_json_can_hold_and_no_more(site):
    site.write(
        "modules/odd.py",
        "def run(host, kind='set'):\n    return {'changed': True, 'value': {1, 2} if kind == 'set' else 'x' * 300000}\n",
    )
    run = site.run("""
        - hosts: web
          tasks:
            - {name: set, odd: , ignore_errors: true}
            - {name: long, odd: {kind: text}}
    """)
    assert [status for *_, status in run.results] == ["ignored", "changed"]
    assert len(run.result("long")["value"]) == 300000


def test_a_modules_finish_completes_its_result_on_the_controller(site):
    site.write(
        "modules/two_sided.py",
        """
        def prepare(task):
            task.args["text"] = task.render("{{ inventory_hostname }}")

        def finish(task, result):
            return {**result, "said": task.args["text"] + " " + result["said"]}

        def run(host, text="unprepared"):
            return {"said": text}
        """,
    )
    run = site.run("- hosts: web\n  tasks: [{two_sided: }]\n")
    assert run.result("two_sided")["said"] == "web1 web1"


def test_a_name_that_cannot_be_rendered_is_shown_as_written(site):
    run = site.run("""
        - hosts: web
          vars: {what: it}
          tasks:
            - {name: "do {{ what }}", ping: }
            - {name: "do {{ item }}", ping: , loop: [1]}
    """)
    assert [task for _, task, *_ in run.results] == ["do it", "do {{ item }}", "do {{ item }}"]
