"""Everything that can go wrong on a host, as one tree; each error says what, where, and what to do next.

WherryError                     exit code 1
+-- UsageError                  1    a request that cannot be meant: unknown key, bad value
+-- NotFound                    1    no such container, image, network, release
+-- Conflict                    1    a name or a port that somebody else has
+-- ArchiveError                65   an archive or layer that is damaged or hostile
+-- NoSpace                     1    the disk or its inodes are full
+-- KernelError                 1    the kernel refused a step
+-- NetworkError                1    bridge, address, port
+-- StartError                  125  the container could not be started (126 not executable, 127 not found)
+-- LockedError                 6    another run holds the application
+-- ProtocolError               1    the other end of a channel does not keep the protocol
"""


class WherryError(Exception):
    """What happened (`what`), where, and what to do `hint`; `str()` is one readable line."""

    exit_code = 1

    def __init__(self, what, where="", hint=""):
        super().__init__(what, where, hint)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self):
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.hint}" if self.hint else text

    def to_json(self):
        """The error as the wire carries it: kind, what, where, hint, exit_code."""
        return {
            "kind": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "hint": self.hint,
            "exit_code": self.exit_code,
        }


class UsageError(WherryError):
    """A request that cannot be meant."""


class NotFound(WherryError):
    """Nothing of that name."""


class Conflict(WherryError):
    """A name or a port that somebody else has."""


class ArchiveError(WherryError):
    """An archive or a layer that is damaged or hostile."""

    exit_code = 65


class NoSpace(WherryError):
    """The disk or its inodes are full."""


class KernelError(WherryError):
    """The kernel refused a step."""


class NetworkError(WherryError):
    """A bridge, an address or a port could not be set up."""


class StartError(WherryError):
    """The container's command did not start; 126 found but not executable, 127 not found, 125 anything else."""

    def __init__(self, what, where="", hint="", exit_code=125):
        super().__init__(what, where, hint)
        self.exit_code = exit_code


class LockedError(WherryError):
    """Another run holds the application; `live` tells whether its heartbeat goes on."""

    exit_code = 6

    def __init__(self, what, where="", hint="", owner="", expires_in=0.0, live=True):
        super().__init__(what, where, hint)
        self.owner, self.expires_in, self.live = owner, expires_in, live

    def to_json(self):
        """As the tree's root, with owner, seconds until expiry and whether the heartbeat lives."""
        return {**super().to_json(), "owner": self.owner, "expires_in": self.expires_in, "live": self.live}


class ProtocolError(WherryError):
    """The other end does not keep the protocol."""
