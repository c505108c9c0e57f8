"""The words of plays, blocks and tasks."""

from __future__ import annotations

from typing import Any


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Of anything that holds tasks or is one; a task has its own value or that of the nearest block, then of the play.
INHERITED = words("""any_errors_fatal become become_exe become_flags become_method become_user check_mode collections connection debugger
    diff environment ignore_errors ignore_unreachable module_defaults no_log port remote_user run_once throttle timeout
    """)
ON_EVERYTHING = INHERITED | {"name", "tags", "vars"}

PLAY = ON_EVERYTHING | words("""fact_path force_handlers gather_facts gather_subset gather_timeout handlers hosts max_fail_percentage order
    post_tasks pre_tasks roles rollout serial strategy tasks user vars_files vars_prompt""")
ROLLOUT = words("app drain_timeout keep min_healthy_time retire start_timeout")
BLOCK = ON_EVERYTHING | words("always block delegate_facts delegate_to notify rescue when")
TASK = ON_EVERYTHING | words("""action args async changed_when delay delegate_facts delegate_to failed_when listen local_action loop loop_control
    notify poll register retries until when""")

LOOP_CONTROL = words("loop_var index_var label pause extended extended_allitems break_when")

# with_NAME that loops.py knows
WITH = words("""dict fileglob file first_found flattened indexed_items items lines list nested random_choice sequence subelements
    template together""")

# Actions of the engine: neither modules nor files.
ACTIONS = words("""add_host assert async_status debug fail gather_facts group_by import_playbook import_role import_tasks include
    include_role include_tasks include_vars meta pause raw reboot set_fact set_stats validate_argument_spec
    wait_for_connection""")

# Constructs that are understood and not carried out yet: an error where they would run.
LATER = words("""add_host async_status group_by import_playbook import_role import_tasks include include_role include_tasks pause
    raw reboot set_stats validate_argument_spec wait_for_connection""")

# Modules whose one string is not a list of k=v, and the options that may stand in it.
FREE_FORM = {
    "command": words(
        "chdir creates removes executable warn stdin stdin_add_newline strip_empty_ends expand_argument_vars"
    ),
    "shell": words("chdir creates removes executable warn stdin stdin_add_newline"),
    "raw": frozenset({"executable"}),
    "script": words("chdir creates removes executable decrypt"),
    "meta": frozenset[str](),
    **dict.fromkeys(
        ("include", "include_tasks", "import_tasks", "import_playbook", "include_vars"),
        words("file apply tags vars name dir depth files_matching ignore_files extensions hash_behaviour"),
    ),
}

# What a keyword's value must be; a string that is a template may stand for any of them.
TYPES: dict[str, tuple[type[Any], ...]] = {
    **dict.fromkeys(("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"), (list,)),
    **dict.fromkeys(("vars", "loop_control", "rollout"), (dict,)),
    **dict.fromkeys(("tags", "notify", "listen", "vars_files"), (str, list)),
    **dict.fromkeys(("environment", "module_defaults"), (dict, list)),
    **dict.fromkeys(("name", "register", "order", "strategy", "connection"), (str,)),
}
TYPE_NAMES: dict[type[Any], str] = {list: "a list", dict: "a mapping", str: "a string"}

CHOICES = {
    "order": words("inventory sorted reverse_sorted reverse_inventory shuffle"),
    "strategy": words("linear free host_pinned"),
}

# Prefixes under which Ansible's collections ship what is built in here.
ALWAYS_BUILT_IN = ("ansible.builtin.", "ansible.posix.", "community.general.", "wherry.")
PREFER_PROJECT = "ansible.legacy."


def short_name(name: str) -> str:
    """A module's name without the collection it is known by: ansible.builtin.copy -> copy."""
    for prefix in (*ALWAYS_BUILT_IN, PREFER_PROJECT):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name
