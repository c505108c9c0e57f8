"""Meaning to requests: a playbook on an inventory is planned, then carried out, a thread for each host.

plan          everything that can be told without a host: steps bound to modules (steps), checked (arguments), hosts cut into batches
catalog       which module or action a name means; module_spec reads its signature; ansible_names: what only Ansible has
executor      plays, batches, threads; batch: where hosts wait for each other; hooks: what a rollout adds; stage: what it asks before
walk          one host's way through a play: blocks, rescue, handlers, meta
pipeline      one host's tasks on their way (entry), sent ahead of results as far as their text allows
calls         a step and variables become a request or a result; controller_task and attachments: what `prepare` is handed
host_run      one host in one batch: session, variables, what becomes of results; run_state: what lasts longer
values        what may still be on its way: results, facts, other hosts' variables (horizon); facts: which are gathered
results       what a host sent, checked and judged; outcome: what came of the run; emitter: events on their way out
actions/      what the engine does itself, one file each
outside       the world as templates see it
"""
