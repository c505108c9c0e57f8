"""The host's half of a rollout: one application's lock, its staged and switched containers, its numbered releases.

application  one application's folder, and its lock files     lock      who may change it; fencing numbers
record       releases that were committed                     journal   what is not committed yet
stage        containers created beside the running ones       gate      start one and see it healthy
switch       gate, flip, hand-over, drain: one container      ports     published ports from one monitor to another
drain        end a container's connections                    revert    back to what ran before
commit       the new ones for good

State on disk is enough for all of it: the agent may be killed at any point, and the next run goes on or goes back.
"""

from ..errors import UsageError
from . import commit, history, lock, revert, stage, switch

OPERATIONS = {
    "lock": lock.take,
    "heartbeat": lock.heartbeat,
    "unlock": lock.give_back,
    "stage": stage.run,
    "switch": switch.run,
    "commit": commit.run,
    "revert": revert.run,
    "history": history.history,
    "status": history.status,
    "applications": history.applications,
}


def handle(op, fields, containers):
    """Do one operation of a rollout on this host; `containers` is runtime.container's Containers.  Returns a dict."""
    if op not in OPERATIONS:
        raise UsageError(f"unknown release operation {op!r}", hint=f"known: {', '.join(OPERATIONS)}")
    return OPERATIONS[op](containers, fields)
