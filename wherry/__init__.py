"""wherry deploys containers to plain Linux servers over SSH. This package is the engine: it runs on the controller.

    tasks.py, cli.py   what people type: `invoke deploy`, `wherry lab up 3`
    project.py         a project's folders
    language/          text -> meaning: YAML that remembers file:line, inventory, variables, playbook, templates
    execution/         meaning -> requests: plan, executor, handlers, actions
    connection/        requests -> bytes: ssh, local, session, wire, payload
    images/, pack.py   archives and what must be sent
    rollout/           locks, stage, batches, switch, commit, revert, releases
    report/            events -> lines
    events.py          what happened
    lab/, demo.py      throwaway hosts on this machine, and the story told on them
    errors.py          the error tree and the exit codes
    text.py            what others said, harmless for a terminal
    protocols.py       what module authors and the layers see of each other

Data enters at the top and leaves at the bottom; `./inv check` holds the layers to it.
"""

__version__ = "0.1.0"
