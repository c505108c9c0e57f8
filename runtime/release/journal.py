"""What of a release is not committed yet, on disk before it happens: `uncommitted.json`."""

import posix

from .. import state

_NAME = "uncommitted.json"


class Journal:
    """The release that run `run_id` is making: names of all its containers, what is staged, what is being switched.

    staged: {name: id}.  switches, in order: {"name", "strategy", "old": id or None, "address": the old one's,
    "new": id, "ports": [Port as JSON] that the old one had published, "answer": what was reported, None until it is done}.
    """

    def __init__(self, app, number, run_id=None, names=(), staged=None, switches=()):
        self.app, self.number, self.run_id = app, number, run_id
        self.names, self.staged, self.switches = list(names), dict(staged or {}), list(switches)

    def save(self):
        """Write it so that it survives a power cut."""
        fields = {"number": self.number, "run_id": self.run_id, "names": self.names}
        fields.update(staged=self.staged, switches=self.switches)
        state.write(self.app.path(_NAME), fields)

    def name(self, name):
        """Count container `name` among those of the release."""
        if name not in self.names:
            self.names.append(name)

    def remove(self):
        """There is nothing uncommitted any more."""
        posix.unlink(self.app.path(_NAME))
        state.sync_dir(self.app.folder)


def load(app):
    """The journal of what is uncommitted, or None."""
    fields = state.read(app.path(_NAME), missing=None)
    return fields and Journal(app, **fields)
