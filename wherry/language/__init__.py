"""Text to meaning: a project's YAML becomes inventories, playbooks and lazy variables; nothing here touches a host.

    source       YAML that remembers file:line:col; Source and Secret, the types that carry trust (composer, yaml_hints)
    inventory    hosts and groups (inventory_reader; group_files: group_vars/, host_vars/; host_range; pattern: web[0:2]:!db)
    playbook     plays of tasks (playbook_reader; task, task_reader; arguments: k=v and free form; keywords)
    variables    Run and Scope: every definition of a name in Ansible's order (precedence, magic, learned, play_files)
    templating   Templar: renders Source and nothing else (environment: the Jinja sandbox; undefined; template_errors)
    names        which variables and facts a text looks at, without rendering it
    conditional  when, changed_when, failed_when, until
    loops        loop and with_* (loop_forms)
    filters/     what templates may call, beside checks (tests), lookups, functions

Jinja is imported when the first template is rendered, PyYAML when the first file is read.
"""
