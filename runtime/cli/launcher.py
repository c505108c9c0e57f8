#!/usr/bin/python3 -ISB
# wherry: the command on a host; the installation fills in the interpreter above and the payload below.
"""Not a script of the shell: that would be a program more to load before the one that does the work."""

import marshal
import sys

payload = ""
sys.argv.insert(1, payload)
try:
    with open(f"{payload}/bundle-{sys.implementation.cache_tag}/boot", "rb", 0) as file:
        boot = marshal.loads(file.read())  # noqa: S302 - as any .pyc is
except OSError:
    with open(f"{payload}/runtime/cli/boot.py") as file:
        boot = file.read()
exec(boot)  # noqa: S102 - it is of the payload
