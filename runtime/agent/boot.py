# ruff: noqa - every byte below the docstring is sent on every connection, to Pythons that may be too old
"""What `python3 -I -S -B -c` runs on a host: find a verified payload loader, or ask for one (sent without this docstring).

argv: payload digest, state folder ("" for the default, "-" to keep everything in memory).  Each answer is one line
"wherry <first 16 digits of the digest> WORD ..."; whatever a shell profile prints before it is skipped by the controller.
The loader's own digest has to be in the manifest whose digest the controller named; one that is sent comes from it anyway.
"""

import os, sys

D, R = sys.argv[1:3]


def say(t):
    os.write(1, ("\nwherry %s %s\n" % (D[:16], t)).encode())


def read(n):
    b = b""
    while len(b) < n:
        c = os.read(0, n - len(b))
        if not c:
            sys.exit(1)
        b += c
    return b


def get():
    return zlib.decompress(read(int(read(8))))


try:
    if sys.version_info < (3, 9):
        raise ImportError("Python 3.9, it is " + sys.version.split()[0])
    import zlib
    from hashlib import sha256 as H
except ImportError as e:
    say("lacks %s" % (e.name or e))
    sys.exit(1)
R = (
    R
    or os.environ.get("WHERRY_ROOT")
    or ("/var/lib/wherry" if os.geteuid() == 0 else os.path.expanduser("~/.cache/wherry"))
)
try:
    m, l = [open(R + "/payload/" + D + n, "rb").read() for n in ("/manifest", "/runtime/agent/load.py")]
    if H(m).hexdigest() != D or H(l).hexdigest().encode() not in m:
        raise OSError
except OSError:
    say("need")
    l = get()
exec(l)
main(D, R, say, get)
