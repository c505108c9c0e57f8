"""What a module is handed: the only way to touch the machine.  Check mode and diffs are honoured here, not in modules."""

import os

from ..errors import UsageError, WherryError
from . import commands
from .arguments import Blob
from .content import damaged, digest_of, through_file, verified, write_all
from .files import ABSENT, Files
from .modes import user_name


class Failure(Exception):
    """A module's own word that its task failed; `result` is what it registers beside `msg`."""

    def __init__(self, text, result):
        super().__init__(text)
        self.text, self.result = text, result


class Host:
    """The host as one task sees it: `check` changes nothing, `diff` asks for before and after of what changes."""

    def __init__(self, agent, check=False, diff=False, environment=None):
        self.check, self.diff = check, diff
        self.diffs, self.warnings = [], []
        self.undivided = agent.undivided
        self._agent = agent
        self._environment = environment or {}
        files = Files(self)
        self.read, self.stat, self.digest = files.read, files.stat, files.digest
        self.write, self.write_tree, self.make_dir = files.write, files.write_tree, files.make_dir
        self.link, self.remove, self.set_attributes = files.link, files.remove, files.set_attributes
        self.copy, self.touch = files.copy, files.touch

    def read_text(self, path, missing=ABSENT):
        """The text of a UTF-8 file; `missing` when there is none, NotFound without that."""
        content = self.read(path, missing)
        return content.decode("utf-8", "surrogateescape") if isinstance(content, bytes) else content

    def write_text(self, path, text, **attributes):
        """`write` of text; what `read_text` could not decode goes back as it was."""
        return self.write(path, text.encode("utf-8", "surrogateescape"), **attributes)

    def list(self, path):
        """The sorted names in a directory; none when it is missing."""
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise WherryError(f"cannot be listed: {error.strerror}", path) from None

    def query(self, argv, stdin=None, env=None, cwd=None):
        """Run a program that changes nothing, in check mode too; a Completed."""
        done = commands.run(argv, stdin, {**self._environment, **(env or {})}, cwd)
        if done.cut:
            self.warn(f"{argv[0]} printed more than {commands.OUTPUT_LIMIT >> 20} MiB; the rest is not kept")
        return done

    def command(self, argv, stdin=None, env=None, cwd=None):
        """Run a program to its end; in check mode it is skipped and `skipped` is true."""
        if self.check:
            return commands.Completed(0, skipped=True)
        with self.undivided:
            return self.query(argv, stdin, env, cwd)

    def pull(self, digest, size=None):
        """The decoded content that the controller holds under a digest (or a layer's diff_id), in chunks, size-checked."""
        for _, chunks in self._agent.streams.pull([(digest, size)]):
            yield from chunks

    def pull_many(self, wanted):
        """For (path, Blob, mode) each: (path, content as bytes or Blob, mode), with one question for all that is small."""
        small = [each for each in wanted if each[1].size <= SMALL]
        arriving = self._agent.streams.pull([(blob.digest, blob.size) for _, blob, _ in small]) if small else ()
        for (path, blob, mode), (_, chunks) in zip(small, arriving):
            yield path, verified(b"".join(chunks), blob), mode
        for path, blob, mode in wanted:
            if blob.size > SMALL:
                yield path, blob, mode

    def open_blob(self, blob):
        """A binary file with a Blob's verified content; it has no name and goes when it is closed."""
        from tempfile import TemporaryFile

        file = TemporaryFile()  # noqa: SIM115 - the module closes it
        write_all(file.fileno(), self.pull(blob.digest, blob.size))
        if digest_of(through_file(file)) != blob.digest:
            file.close()
            raise damaged(blob)
        file.seek(0)
        return file

    def offer(self, path):
        """A Blob of a file of the host, which the controller may read until the session ends."""
        digest = self.digest(path)
        if digest is None:
            raise UsageError("no such file", path)
        self._agent.offers[digest] = path
        return Blob(digest, self.stat(path, follow=True).size)

    def fact(self, name):
        """A fact of this host by Ansible's name without `ansible_`, None for one that it does not have; "*": all, a dict."""
        return self._agent.facts.get(name)

    def warn(self, text):
        """Tell the operator about something that works and should not stay so."""
        self.warnings.append(text)

    def output(self, text):
        """Show a line of progress while the task runs."""
        self._agent.worker.output(text)

    def fail(self, text, **result):
        """End the task as failed; `result` is registered beside `msg`."""
        raise Failure(text, result)

    @property
    def images(self):
        """The images of this host: find, ensure, remove."""
        return self._agent.runtime.images(self.pull, self.check)

    @property
    def containers(self):
        """The containers of this host: find, ensure, remove."""
        return self._agent.runtime.containers(self.check)


SMALL = 1 << 20


class Runtime:
    """The container runtime, imported when a task first asks for it."""

    def __init__(self):
        self._containers, self._store = {}, None

    @property
    def dirs(self):
        """The folders of this host's runtime."""
        from ..state import Dirs, environment

        if os.geteuid() and not environment("WHERRY_ROOT", ""):
            hint = "let the play become root (`become: true`), or log in as root (`ansible_user: root`)"
            raise UsageError(f"containers need root here, and the user is {user_name(os.geteuid())}", hint=hint)
        return Dirs()

    def containers(self, check=False):
        """runtime.container's Containers; with `check` they only answer what would change."""
        if check not in self._containers:
            from ..container.container import Containers

            self._containers[check] = Containers(self.dirs, check=check)
        return self._containers[check]

    def images(self, pull, check=False):
        """runtime.image's Images over the store, with a task's way to get content."""
        from ..image.api import Images
        from ..image.store import Store

        if self._store is None:
            from ..release.record import users_of

            self._store = Store(self.dirs, users=users_of(self.containers()))
        return Images(self._store, pull, check)
