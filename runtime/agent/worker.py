"""Do requests in the order they came: tasks, facts, release steps, content that was offered."""

import os
import time
from hashlib import sha256

from ..errors import NotFound, ProtocolError, UsageError, WherryError
from . import become
from .arguments import revive
from .host import Failure, Host
from .wire import BODY_LIMIT


class Worker:
    """The order of one agent's requests: after a failure, what was sent ahead in the same epoch is dropped."""

    def __init__(self, agent):
        self._agent = agent
        self._modules = Modules(agent)
        self._children = become.Children(agent)
        self._failed_epoch, self._failed_group = -1, None
        self._task = None

    def handle(self, header):
        """Answer one request (in the main thread)."""
        does = {"task": self.task, "facts": self.facts, "release": self.release, "read": self.read}.get(header["type"])
        if does is None:
            raise ProtocolError(f"a request of the unknown type {header['type']!r}")
        does(header)

    def task(self, header):
        """Run a module, unless a task before it in its epoch has failed (another of its own group excepted)."""
        self._task = header["id"]
        epoch, group = header.get("epoch", 0), header.get("group")
        if epoch <= self._failed_epoch and (group is None or group != self._failed_group):
            self._agent.channel.send({"type": "dropped", "id": header["id"]})
            return
        result = self._result(header)
        if result.get("failed") and not header.get("ignore_errors"):
            self._failed_epoch, self._failed_group = epoch, group
        self._answer(header, result)

    def facts(self, header):
        """Answer with the facts that are asked for; one that the host does not have is left out."""
        child = self._children.find(header)
        if child is not None:
            self._agent.channel.send(child.relay(header, None))
            return
        self._answer(header, self._agent.facts.gather(header["names"]))

    def release(self, header):
        """Do one step of a rollout, on the containers of the user it is for."""
        try:
            child = self._children.find(header)
            if child is not None:
                self._agent.channel.send(child.relay(header, None))
                return
        except WherryError as error:
            self._agent.channel.send({"type": "result", "id": header["id"], "error": error.to_json()})
            return
        with self._agent.undivided:
            self.step(header)

    def heartbeat(self, header):
        """Say that the run lives (in a thread of its own); the child that holds the lock says it if there is one."""
        child = self._children.living(header)
        if child is not None:
            child.channel.send({key: value for key, value in header.items() if key != "become"})
        else:
            self.step({"op": "heartbeat", "fields": {"app": header["app"], "token": header["token"]}})

    def step(self, header):
        """Do one step of a rollout; without id nothing is answered."""
        try:
            from ..release import handle

            answer = {"result": handle(header["op"], header["fields"], self._agent.runtime.containers())}
        except WherryError as error:
            answer = {"error": error.to_json()}
        except OSError as error:
            answer = {"error": WherryError(f"{header['op']}: {error}").to_json()}
        if header.get("id") is not None:
            self._agent.channel.send({"type": "result", "id": header["id"], **answer})

    def read(self, header):
        """Send content that a module offered, as data frames, then its size as the result."""
        path = self._agent.offers.get(header["digest"])
        if path is None:
            error = NotFound(f"{header['digest']} was not offered").to_json()
            self._agent.channel.send({"type": "result", "id": header["id"], "error": error})
            return
        size = 0
        with open(path, "rb") as file:
            while chunk := file.read(BODY_LIMIT):
                size += len(chunk)
                self._agent.channel.send({"type": "data", "id": header["id"]}, chunk)
        self._agent.channel.send({"type": "result", "id": header["id"], "result": {"size": size}})

    def output(self, text):
        """Show a line while the current task runs."""
        self._agent.channel.send({"type": "output", "id": self._task, "text": text[:4096]})

    def _result(self, header):
        """The result of a task's module, run here or in a child for another user or with a time limit."""
        try:
            child = self._children.find(header)
            if child is None:
                return run(self._modules.load(header["module"], header.get("digest")), header, self._agent)
        except WherryError as error:
            return failed(error)
        try:
            reply = child.relay(header, header.get("timeout") and time.monotonic() + header["timeout"])
        except TimeoutError:
            child.kill()
            return {"failed": True, "msg": f"timed out after {header['timeout']} s", "timedout": True}
        except WherryError as error:
            return failed(error)
        finally:
            if header.get("timeout"):
                child.close()
        return reply["result"]

    def _answer(self, header, result):
        reply = {"type": "result", "id": header["id"], "result": result}
        try:
            self._agent.channel.send(reply)
        except (TypeError, ValueError, ProtocolError) as error:  # a value that JSON lacks, or far too much of it
            text = f"the result of {header.get('module', 'this request')} cannot be sent: {error}"
            self._agent.channel.send({**reply, "result": {"failed": True, "msg": text}})


def run(module, header, agent):
    """A module's answer as a result, whatever happens in it."""
    host = Host(agent, header.get("check", False), header.get("diff", False), header.get("environment"))
    try:
        answer = module.run(host, **revive(header["args"]))
        result = dict(answer) if isinstance(answer, dict) else {"changed": bool(answer)}
        result.setdefault("changed", False)
    except Failure as failure:
        result = {"changed": False, **failure.result, "failed": True, "msg": failure.text}
    except WherryError as error:
        result = failed(error)
    except Exception as error:  # noqa: BLE001 - the outermost loop of a task: the operator gets it with its traceback
        import traceback

        result = {"failed": True, "msg": f"{type(error).__name__}: {error}", "exception": traceback.format_exc()}
    if host.warnings:
        result["warnings"] = host.warnings
    if host.diffs:
        result["diff"] = host.diffs
    return result


def failed(error):
    """The result of a task that an error of our tree ended."""
    return {"changed": False, "failed": True, "msg": str(error), "error": error.to_json()}


class Modules:
    """Modules by name (of the payload) or by digest (a project's own, kept beside the payload)."""

    def __init__(self, agent):
        self._agent = agent
        self._loaded = {}

    def load(self, name, digest):
        """The module object; WherryError for one that cannot be loaded."""
        key = digest or name
        if key not in self._loaded:
            self._loaded[key] = self._own(name, digest) if digest else self._built_in(name)
        return self._loaded[key]

    def _built_in(self, name):
        try:
            return self._agent.payload.load(f"wherry_module_{name}", f"modules/{name}.py")
        except FileNotFoundError:
            raise NotFound(f"there is no module '{name}'") from None

    def _own(self, name, digest):
        module = type(os)(f"wherry_module_{name}")
        module.__file__ = f"modules/{name}.py"
        try:
            code = compile(self._source(digest), module.__file__, "exec", dont_inherit=True)
            exec(code, module.__dict__)  # noqa: S102 - the operator's own module, verified by digest
        except (SyntaxError, ImportError) as error:
            raise UsageError(f"{type(error).__name__}: {error}", module.__file__) from None
        return module

    def _source(self, digest):
        kept = self._kept(digest)
        source = read_if(kept)
        if source is None or named(source) != digest:
            source = b"".join(Host(self._agent).pull(digest))
            if named(source) != digest:
                raise WherryError(f"the module {digest} arrived damaged")
            if kept:
                keep(kept, source)
        return source

    def _kept(self, digest):
        folder = self._agent.payload.folder
        return folder and f"{os.path.dirname(folder)}/modules/{digest.partition(':')[2]}.py"


def named(content):
    """The digest of bytes."""
    return f"sha256:{sha256(content).hexdigest()}"


def read_if(path):
    """A file's content, None when there is none."""
    try:
        with open(path or "", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def keep(path, content):
    """Write a file that only we may read, in one step; it is verified whenever it is read."""
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    new = f"{path}.{os.getpid()}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
    os.rename(new, path)
