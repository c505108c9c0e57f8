"""Files of the host: read, replaced in one step, linked, removed; what check mode and diffs need is decided here.

Writing: a temporary file beside the target, content, owner, mode, fsync, rename, fsync of the directory.  Until the rename
the old file is untouched, whatever fails.
"""

import os
import time
from hashlib import sha256

from ..errors import NotFound, UsageError, WherryError
from .arguments import Blob
from .attributes import Attributes, copy_labels, described
from .content import Local, chunks_of, damaged, digest_of, text_of, through, verified, write_all
from .place import Place, explained

DIFF_LIMIT = 64 << 10
ABSENT = object()


class Result(dict):
    """What a change registers; true when something changed, so that it can be used as run's answer or as a bool."""

    def __bool__(self):
        return self["changed"]


class Files:
    """The files of the host as one task sees them: `check` changes nothing, `diff` collects into `diffs`."""

    def __init__(self, task):
        self._task = task  # check, diff, diffs, undivided, pull, command: of the task's Host

    def read(self, path, missing=ABSENT):
        """The content of a file; `missing` when there is none, NotFound without that."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            if missing is not ABSENT:
                return missing
            raise NotFound("no such file", path) from None
        except OSError as error:
            raise WherryError(f"cannot be read: {error.strerror}", path) from None

    def stat(self, path, follow=False):
        """The Entry at a path, None for nothing (a missing folder included)."""
        try:
            with Place(path, follow) as place:
                return place.entry()
        except NotFound:
            return None

    def digest(self, path):
        """The digest of a regular file ("sha256:<hex>"), links followed; None when there is none."""
        found = self.stat(path, follow=True)
        if found is None or found.kind != "file":
            return None
        with Place(path, follow=True) as place, explained(path):
            return digest_of(chunks_of(place.open()))

    def write(self, path, content, mode=None, owner=None, group=None, backup=False, validate=None, follow=False):
        """Make `path` a file of this content (bytes, str or Blob), owner and mode; a Result."""
        content = content.encode() if isinstance(content, str) else content
        with Place(path, follow) as place, explained(path):
            old = place.entry()
            if old and old.kind == "directory":
                raise UsageError("is a directory", path, "name the file in it")
            wanted = Attributes(old if old and old.kind == "file" else None, mode, owner, group)
            if old and old.kind == "file" and self._same(place, old, content):
                return self._adjust(place, old, wanted)
            content = self._at_hand(content)
            self._note(path, lambda: self._text_at(place, old), lambda: self._text_of(content))
            result = Result(changed=True, path=place.path, dest=place.path, state="file", **wanted.described())
            if not self._task.check:
                with self._task.undivided:
                    result.update(self._replace(place, old, content, wanted, backup, validate))
            return result

    def copy(self, source, path, mode=None, **others):
        """Make `path` a file with the content of another file of the host; mode "preserve" keeps that one's mode."""
        found = self.stat(source, follow=True)
        if found is None or found.kind != "file":
            raise NotFound("no such file", source)
        content = Local(source, self.digest(source), found.size)
        return self.write(path, content, mode=found.mode if mode == "preserve" else mode, **others)

    def touch(self, path, atime=None, mtime=None):
        """Make a missing file, empty; set its times (seconds since the epoch, default now)."""
        now = time.time()
        if not self._task.check:
            if self.stat(path, follow=True) is None:
                self.write(path, b"")
            with explained(path):
                os.utime(path, (now if atime is None else atime, now if mtime is None else mtime))
        return Result(changed=True, path=path, dest=path, state="file")

    def write_tree(self, path, tree, mode=None, directory_mode=None, owner=None, group=None):
        """Make everything in `tree` lie below `path`; what else lies there stays.  One question for all missing content."""
        changed = bool(self.make_dir(path, directory_mode, owner, group))
        missing = []
        for entry in tree.entries:
            target = os.path.join(path, entry.path)
            file_mode = entry.mode if mode in (None, "preserve") else mode
            if entry.blob is None:
                changed |= bool(self.make_dir(target, directory_mode, owner, group))
            elif self.digest(target) == entry.blob.digest:
                changed |= bool(self.set_attributes(target, file_mode, owner, group))
            else:
                missing.append((target, entry.blob, file_mode))
        for target, content, file_mode in self._arriving(missing):
            self.write(target, content, file_mode, owner, group)
        return Result(changed=changed or bool(missing), path=path, dest=path, state="directory")

    def make_dir(self, path, mode=None, owner=None, group=None, parents=True):
        """Make `path` a directory; missing parents are made too, with the default mode."""
        old = self.stat(path, follow=True)
        if old is None:
            folder = os.path.dirname(os.path.normpath(path))
            if parents and self.stat(folder, follow=True) is None:
                self.make_dir(folder)
            return self._create_dir(path, Attributes(None, mode, owner, group, directory=True))
        if old.kind != "directory":
            raise UsageError(f"is a {old.kind}, not a directory", path, "remove it first, or choose another path")
        return self.set_attributes(path, mode, owner, group)

    def link(self, path, target, hard=False, force=False):
        """Make `path` a symbolic (or hard) link to `target`; `force` replaces a file that lies there."""
        with Place(path) as place, explained(path):
            old = place.entry()
            if self._leads(old, target, hard):
                return Result(
                    changed=False, path=place.path, dest=place.path, src=target, state="hard" if hard else "link"
                )
            if old and old.kind == "directory":
                raise UsageError("is a directory", path, "remove it first")
            if old and old.kind != "link" and not force:
                raise UsageError(f"a {old.kind} lies there", path, "force: true replaces it")
            if not self._task.check:
                with self._task.undivided:
                    self._make_link(place, target, hard)
            return Result(changed=True, path=place.path, dest=place.path, src=target, state="hard" if hard else "link")

    def remove(self, path):
        """Make sure that nothing lies at `path`; a directory goes with all that is in it, links are not followed."""
        old = self.stat(path)
        if old is None:
            return Result(changed=False, path=path, state="absent")
        if os.path.normpath(path) == "/":
            raise UsageError("the root directory is not removed", path)
        self._note(path, lambda: f"{old.kind}\n", lambda: "")
        if not self._task.check:
            with Place(path) as place, explained(path), self._task.undivided:
                if old.kind == "directory":
                    remove_tree(place)
                else:
                    place.unlink()
        return Result(changed=True, path=path, state="absent")

    def set_attributes(self, path, mode=None, owner=None, group=None, recurse=False, follow=True):
        """Give what lies at `path` this mode, owner and group; `recurse` into a directory, links are not followed there."""
        with Place(path, follow) as place, explained(path):
            old = place.entry()
            if old is None:
                if self._task.check:  # an earlier task of this run would have made it
                    return Result(changed=True, path=place.path)
                raise NotFound("no such file or directory", path)
            directory = old.kind == "directory"
            result = self._adjust(place, old, Attributes(old, mode, owner, group, directory))
            if recurse and directory:
                for name in sorted(os.listdir(place.folder if not place.name else place.path)):
                    inner = self.set_attributes(os.path.join(place.path, name), mode, owner, group, True, follow=False)
                    result["changed"] |= inner["changed"]
            return result

    def _adjust(self, place, old, wanted):
        changed = wanted.differ(old)
        if changed and not self._task.check:
            with self._task.undivided:
                wanted.apply(place, old)
        if changed:
            self._note(place.path, lambda: f"{described(old)}\n", lambda: f"{described(wanted)}\n")
        return Result(
            changed=changed, path=place.path, dest=place.path, state=old.kind, size=old.size, **wanted.described()
        )

    def _same(self, place, old, content):
        if isinstance(content, Blob):
            if old.size != content.size:
                return False
            return digest_of(chunks_of(place.open())) == content.digest
        return old.size == len(content) and b"".join(chunks_of(place.open())) == content

    def _replace(self, place, old, content, wanted, backup, validate):
        with place.temporary() as new:
            handle = new.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                size = self._fill(handle, content)
                if old and old.kind == "file":
                    copy_labels(place, handle)
                wanted.apply_to(handle)
                os.fsync(handle)
                if validate:
                    self._validate(validate, new.path)
                kept = keep(place) if backup and old else None
                new.rename_to(place)
            except BaseException:
                new.unlink()
                raise
            finally:
                os.close(handle)
        return {"size": size, **({"backup_file": kept} if kept else {})}

    def _fill(self, handle, content):
        if not isinstance(content, Blob):
            return write_all(handle, [content])
        hashed = sha256()
        size = write_all(handle, through(hashed, self._chunks(content)))
        if f"sha256:{hashed.hexdigest()}" != content.digest:
            raise damaged(content)
        return size

    def _validate(self, command, path):
        import shlex

        if "%s" not in command:
            raise UsageError(f"validate: '{command}' has no %s for the file's name")
        done = self._task.query([word.replace("%s", path) for word in shlex.split(command)])
        if done.rc:
            text = (done.stderr or done.stdout).strip()
            raise WherryError(
                f"validation failed ({command}, exit code {done.rc}): {text}", hint="the old file was kept"
            )

    def _arriving(self, missing):
        if self._task.check or not missing:
            return missing
        return self._task.pull_many(missing)

    def _create_dir(self, path, wanted):
        self._note(path, lambda: "", lambda: "directory\n")
        if not self._task.check:
            with Place(path) as place, explained(path), self._task.undivided:
                os.mkdir(place.name, 0o700, dir_fd=place.folder)
                wanted.apply(place, place.entry())
        return Result(changed=True, path=path, dest=path, state="directory", **wanted.described())

    def _leads(self, old, target, hard):
        if old is None:
            return False
        if not hard:
            return old.kind == "link" and old.target == target
        other = self.stat(target)
        return other is not None and (other.device, other.inode) == (old.device, old.inode)

    def _make_link(self, place, target, hard):
        with place.temporary() as new:
            if hard:
                os.link(target, new.name, dst_dir_fd=new.folder, follow_symlinks=False)
            else:
                os.symlink(target, new.name, dir_fd=new.folder)
            try:
                new.rename_to(place)
            except OSError:
                new.unlink()
                raise

    def _note(self, path, before, after):
        if self._task.diff:
            self._task.diffs.append({"path": path, "before": before(), "after": after()})

    def _text_at(self, place, old):
        if old is None or old.kind != "file":
            return "" if old is None else f"{old.kind} {old.target or ''}\n"
        if old.size > DIFF_LIMIT:
            return f"({old.size} bytes)\n"
        return text_of(b"".join(chunks_of(place.open())))

    def _text_of(self, content):
        size = content.size if isinstance(content, Blob) else len(content)
        return f"({size} bytes)\n" if size > DIFF_LIMIT else text_of(content)

    def _at_hand(self, content):
        """The content itself when it is small and a diff will show it, so that it travels once."""
        if not isinstance(content, Blob) or not self._task.diff or content.size > DIFF_LIMIT:
            return content
        return verified(b"".join(self._chunks(content)), content)

    def _chunks(self, content):
        if isinstance(content, Local):
            return chunks_of(os.open(content.path, os.O_RDONLY | os.O_CLOEXEC))
        return self._task.pull(content.digest, content.size)


def keep(place):
    """Keep what lies at a place under a name of its own; that path."""
    moment = time.strftime("%Y-%m-%d@%H:%M:%S")
    with place.beside(f"{place.name}.{os.getpid()}.{moment}~") as other:
        other.unlink()
        os.link(place.name, other.name, src_dir_fd=place.folder, dst_dir_fd=other.folder, follow_symlinks=False)
        return other.path


def remove_tree(place):
    """Remove a directory by descriptors (shutil.rmtree walks without following links)."""
    import shutil

    shutil.rmtree(place.path)
