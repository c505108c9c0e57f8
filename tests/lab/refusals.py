"""What tests of bad input share: small plays, changed inventories, and what an error must look like."""

import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FIRST = "web1: {"  # how the first host's line of the inventory begins


def play(project, text, *words, env="lab"):
    """Run one playbook with `wherry play`."""
    project.write("playbooks/one.yml", text)
    return project.wherry("play", "one", "--env", env, *words)


def tasks(*lines, hosts="web1", facts="false"):
    """A play with these tasks."""
    return "".join([f"- hosts: {hosts}\n  gather_facts: {facts}\n  tasks:\n", *(f"    - {line}\n" for line in lines)])


def environment(project, name, change):
    """Another environment: the lab's inventory as `change` makes it."""
    with open(project.path("inventory/lab.yml")) as file:
        changed = change(file.read())
    project.write(f"inventory/{name}.yml", changed)
    return name


def assert_refused(answer, code, *words):
    """One error with these words and a hint, and the exit code."""
    text = answer.stdout + answer.stderr
    assert answer.returncode == code, text
    assert [word for word in words if word not in text] == [], text
    assert len(re.findall(r"^(?:error: |exit code \d+ in )", text, re.M)) == 1, text
    assert "hint: " in text, text
    assert "Traceback" not in text and not CONTROL.search(text), text
