"""A deploy as a transaction: lock every host, stage everywhere, switch batch by batch, commit all or revert all.

application.py   what a play's `rollout:` says
revision.py      which state of the project is deployed
lock.py          every host's lock, and the heartbeat that keeps it
stage.py         images and containers made ready before the first switch
transaction.py   the hooks that the executor calls: stage, switch, commit, revert
run.py           a playbook from its files to its exit code
history.py       releases, as the hosts keep them
rollback.py      an older release, switched in again
"""
