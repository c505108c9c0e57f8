"""What a host holds of wherry and of its tasks: equal before and after whatever was refused."""

import time

# Files, lock owners, cgroups, devices, published ports, processes. The payload and empty lock files stay by design.
SCRIPT = r"""
find /var/lib/wherry /run/wherry /tmp /var/tmp /root /home \
    -path '*/payload' -prune -o -path '*/locks/*' -prune -o -path '*/lock' -prune -o -print 2>/dev/null | sort
sed -n 's/.*\("owner": [^,]*\).*/\1/p' /var/lib/wherry/releases/*/lock.json 2>/dev/null
ls -d /sys/fs/cgroup/*/wherry/*/ 2>/dev/null
ls /sys/class/net
nft list map ip wherry ports 2>/dev/null | grep elements
for pid in /proc/[0-9]*; do
    [ "$(readlink $pid/exe)" = "$(readlink /proc/$$/exe)" ] || (tr '\0' ' ' <$pid/cmdline; echo) 2>/dev/null
done | grep -v -e '^sshd: ' -e '^ *$' -e '^tr ' -e '^grep ' -e '^sort ' | sort
"""


def of(lab, name):
    """All of that as lines of text."""
    return lab.run(name, ["sh", "-c", SCRIPT]).stdout.splitlines()


def since(lab, before, patience=5.0):
    """What has come (+) and gone (-) on hosts since `before` ({host: lines}), once they have come to rest."""
    deadline = time.monotonic() + patience
    while True:
        found = {name: difference for name, lines in before.items() if (difference := _between(lines, of(lab, name)))}
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def _between(old, new):
    return [f"-{line}" for line in old if line not in new] + [f"+{line}" for line in new if line not in old]
