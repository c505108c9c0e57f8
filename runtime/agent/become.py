"""Agents for other users and for tasks with a time limit: children that speak the same frames over pipes.

From root a child is a fork that gives up its identity; otherwise sudo or su start a second agent.  A password is never
asked for here.  The child sees only its own pipes; frames of its tasks are passed on.
"""

import os
import pwd
import select
import sys
import time
import zlib

from ..errors import NotFound, UsageError, WherryError
from .channel import Channel

START_TIME = 30  # seconds


class Children:
    """The children of one agent: one per target user, a fresh one for each task with a time limit."""

    def __init__(self, agent):
        self._agent = agent
        self._by_user = {}

    def find(self, header):
        """The child that has to do this request, None when this process does it itself."""
        wanted = header.get("become")
        user = wanted and wanted.get("user", "root")
        if user and lookup(user).pw_uid == os.geteuid():
            user = None
        if header.get("timeout"):
            return self._start(user, wanted)
        if user is None:
            return None
        key = user, wanted.get("method")
        if key not in self._by_user or self._by_user[key].ended:
            self._by_user[key] = self._start(user, wanted)
        return self._by_user[key]

    def living(self, header):
        """The child that does this user's requests, if it was started and has not ended."""
        wanted = header.get("become")
        found = wanted and self._by_user.get((wanted.get("user", "root"), wanted.get("method")))
        return found if found and not found.ended else None

    def _start(self, user, wanted):
        if user is None or os.geteuid() == 0:
            return fork(self._agent, user)
        return execute(self._agent, user, (wanted or {}).get("method") or "sudo")


class Child:
    """A second agent."""

    def __init__(self, agent, pid, channel, title):
        self._agent, self._pid, self.channel, self._title = agent, pid, channel, title
        self.ended = False

    def relay(self, header, deadline):
        """Have the child do a request; its answer.  TimeoutError at the deadline (monotonic)."""
        try:
            self.channel.send({key: value for key, value in header.items() if key not in ("become", "timeout")})
            while (found := self.channel.receive(deadline)) is not None:
                reply, body = found
                if reply["type"] in ("result", "dropped"):
                    return reply
                if reply["type"] == "want":
                    self._agent.streams.pass_on(reply["stream"], self.channel)
                self._agent.channel.send(reply, body)
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
        self.kill()
        raise WherryError(f"{self._title} ended in the middle of a task")

    def greeting(self):
        """Wait for the child's first frame."""
        try:
            found = self.channel.receive(time.monotonic() + START_TIME)
        except TimeoutError:
            found = None
        if found is None or found[0]["type"] != "ready":
            raise WherryError(f"{self._title} did not start")
        return self

    def kill(self):
        """End the child and whatever its task has started."""
        try:
            os.killpg(self._pid, 9)  # the child leads a session of its own
        except (ProcessLookupError, PermissionError):
            pass  # gone, or another user's behind sudo: that one ends with its channel
        self.close()

    def close(self):
        """Let the child end, which it does when its channel ends, and wait for it."""
        if not self.ended:
            self.ended = True
            self.channel.close()
            os.waitpid(self._pid, 0)


def lookup(user):
    """The passwd entry of a user given by name or number."""
    try:
        return pwd.getpwuid(int(user)) if str(user).isdigit() else pwd.getpwnam(user)
    except KeyError:
        raise NotFound(f"become: there is no user '{user}'", hint="create it first, or correct become_user") from None


def fork(agent, user):
    """A child by fork; as `user` when one is named (we are root then)."""
    entry = user and lookup(user)
    (child_source, our_sink), (our_source, child_sink) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        serve_as(agent, entry, child_source, child_sink)
    os.close(child_source)
    os.close(child_sink)
    return Child(agent, pid, Channel(our_source, our_sink), f"the agent for {user or 'this task'}").greeting()


def serve_as(agent, entry, source, sink):
    """Be the child: nothing but our own pipes, the user's identity, then serve (never returns)."""
    code = 1
    try:
        os.setsid()
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2 and int(name) not in (source, sink):
                close_quietly(int(name))
        if entry:
            agent.payload.keep_in_memory()  # the folder is closed to the user; what is not imported yet comes from memory
            take_identity(entry)
        from .serve import Agent

        Agent(Channel(source, sink), agent.payload).run()
        code = 0
    finally:
        os._exit(code)


def close_quietly(fd):
    """Close a descriptor if it is still open."""
    try:
        os.close(fd)
    except OSError:
        pass  # the descriptor of the listing itself


def take_identity(entry):
    """Give up root for good: groups, group, user, in this order; then the user's environment and home."""
    os.setgroups(os.getgrouplist(entry.pw_name, entry.pw_gid))
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ.update(HOME=entry.pw_dir, USER=entry.pw_name, LOGNAME=entry.pw_name, SHELL=entry.pw_shell or "/bin/sh")
    try:
        os.chdir(entry.pw_dir)
    except OSError:
        os.chdir("/")  # a home that is missing or closed, as nobody's


def execute(agent, user, method):
    """A child through sudo or su, neither of which may ask for a password."""
    import shlex
    import subprocess

    boot = agent.payload.read("runtime/agent/boot.py").decode()
    root = (
        "" if lookup(user).pw_uid == 0 else "-"
    )  # root runs from root's own folder, others hold the payload in memory
    argv = [sys.executable, "-I", "-S", "-B", "-c", boot, agent.payload.digest, root]
    ways = {
        "sudo": ["sudo", "-n", "-H", "-u", user, "--", *argv],
        "su": ["su", user, "-c", shlex.join(["exec", *argv])],
    }
    if method not in ways:
        raise UsageError(f"become_method '{method}' is not supported", hint="sudo or su")
    try:
        process = subprocess.Popen(
            ways[method],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise NotFound(f"there is no {method} on the host", hint="install it, or connect as the user itself") from None
    channel = Channel(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    process.stdin.close()
    answer_boot(agent, channel, process, f"{method} to {user}")
    process.stdout.close()
    process.stderr.close()
    child = Child(agent, process.pid, channel, f"the agent for {user}")
    process.returncode = 0  # the child is waited for by pid, not by subprocess
    return child.greeting()


def answer_boot(agent, channel, process, title):
    """Give boot.py in the child what it asks for, until it says ok."""
    mark = f"wherry {agent.payload.digest[:16]} "
    deadline = time.monotonic() + START_TIME
    while (line := read_line(channel.source, deadline)) is not None:
        word, _, rest = line[len(mark) :].partition(" ") if line.startswith(mark) else ("", "", "")
        if word == "ok":
            return
        if word == "need":
            send_packed(channel, agent.payload.read("runtime/agent/load.py"))
        elif word == "send":
            send_packed(channel, agent.payload.archive())
        elif word:
            raise WherryError(f"{title}: {word} {rest}")
    process.kill()
    said = process.stderr.read(4096).decode("utf-8", "replace").strip()
    raise WherryError(
        f"{title} failed: {said or 'no answer'}", hint="become needs a rule without password (NOPASSWD) here"
    )


def send_packed(channel, content):
    """An answer as boot.py reads it."""
    packed = zlib.compress(content, 1)
    channel.write(b"%8d" % len(packed) + packed)


def read_line(source, deadline):
    """A line, byte by byte, because frames follow the last one; None at the end or at the deadline."""
    line = b""
    while select.select([source], [], [], max(0, deadline - time.monotonic()))[0]:
        byte = os.read(source, 1)
        if byte == b"\n":
            return line.decode("utf-8", "replace")
        if not byte:
            break
        line += byte
    return None
