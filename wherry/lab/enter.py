"""Run a command inside a lab host without SSH: `python -m wherry.lab.enter PID GROUP COMMAND...`."""

from __future__ import annotations

import os
import signal
import sys

from wherry.lab import cgroups, namespaces
from wherry.lab.root import ENVIRONMENT


def main(words: list[str]) -> int:
    """Join the host's cgroups and namespaces, run the command as its child, return its exit code (128 + signal)."""
    pid, group, *command = words
    cgroups.join(cgroups.find(group))
    namespaces.enter(int(pid))
    # In all of the host's namespaces but the PID namespace, where only children can be.
    child = os.fork()
    if child == 0:
        namespaces.die_with_parent(signal.SIGKILL)
        os.chdir("/root")
        try:
            os.execvpe(command[0], command, {**ENVIRONMENT, "HOME": "/root", "TERM": os.environ.get("TERM", "dumb")})
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(127)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
