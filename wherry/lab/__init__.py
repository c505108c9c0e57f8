"""Throwaway hosts on this machine: namespaces, an overlay root and a real sshd each, on a network of their own.

lab.py        up, find, down; Lab: what can be done with one that is up
starting.py   the way up, step by step; record.py what is up, on disk; processes.py PIDs that are known again
host.py       a host's first process; plan.py what it is told; root.py its file system; cgroups.py; namespaces.py
network.py    bridge and cables (pyroute2); relay.py a slow network where the kernel has no netem
sshserver.py  for machines without OpenSSH; keys.py; inventory.py what others read; enter.py a host without SSH
guard.py      commands refuse lab hosts when the lab is not up; verbs.py `wherry lab ...`; load.py requests at a rate
"""

from wherry.lab.guard import require_up
from wherry.lab.lab import Lab, down, find, up
from wherry.lab.record import HostRecord

__all__ = ["HostRecord", "Lab", "down", "find", "require_up", "up"]
