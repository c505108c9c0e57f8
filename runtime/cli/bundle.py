"""The modules that commands about containers need, compiled into one file: half of what their import takes is finding them.

    PAYLOAD/bundle-<cache tag>   marshal of (code of `FINDER`, {module: (is a package, file, its code as bytes)}, START)
    START                        bytes of [(module, code)], in the order in which `run` imports them

boot.py, which the launcher runs, looks for it; without one for its Python it imports from the folder as ever.
"""

import marshal
import posix
import sys

from .. import state

FINDER = """
class Bundle:
    def __init__(self, folder, modules):
        self._folder, self._modules = folder, modules

    def find_spec(self, name, path=None, target=None):
        if name in self._modules:
            package, file, _ = self._modules[name]
            found = Spec(name, self, origin=f"{self._folder}/{file}", is_package=package)
            found.has_location = True
            if package:
                found.submodule_search_locations.append(found.origin.rpartition("/")[0])
            return found

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(marshal.loads(self._modules[module.__name__][2]), module.__dict__)

    def start(self, codes):
        # What import does, for modules whose order is known: objects first, so that each finds its package.
        for name, _ in codes:
            package, file, _ = self._modules[name]
            module = sys.modules[name] = Module(name)
            module.__file__ = f"{self._folder}/{file}"
            parent, _, last = name.rpartition(".")
            module.__package__ = name if package else parent
            if package:
                module.__path__ = [module.__file__.rpartition("/")[0]]
        for name, code in codes:
            exec(code, sys.modules[name].__dict__)
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], last, sys.modules[name])


Spec, Module = type(sys.__spec__), type(sys)
bundle = Bundle(folder, modules)
sys.meta_path.insert(0, bundle)
if "run" in sys.argv[1:4:2]:  # the verb, or the one behind --filled-for PLACE
    bundle.start(marshal.loads(start))
"""

FOLDERS = ("runtime", "runtime/cli", "runtime/container", "runtime/network", "runtime/process", "runtime/image")
LEFT_OUT = ("runtime/cli/boot.py", "runtime/cli/bundle.py")
OF_IMAGES = ("runtime/image/__init__.py", "runtime/image/store.py", "runtime/image/reference.py")
RUN = (
    "runtime.__main__",
    "runtime.cli.options",
    "runtime.cli.run",
    "runtime.image.store",
    "runtime.container.foreground",
)


def build(payload):
    """Write the bundle of this Python into the folder `payload`; its path."""
    files = {_name(path): path for path in _paths(payload)}
    codes = {name: _code(payload, path) for name, path in files.items()}
    modules = {name: (path.endswith("/__init__.py"), path, marshal.dumps(codes[name])) for name, path in files.items()}
    start = marshal.dumps([(name, codes[name]) for name in in_order(RUN, payload, files)])
    target = f"{payload}/bundle-{sys.implementation.cache_tag}"
    state.replace(target, marshal.dumps((compile(FINDER, "<bundle>", "exec"), modules, start)), durable=False)
    return target


def in_order(roots, payload, files):
    """`roots` and what they import at their top, each module behind those that it needs."""
    found = {}

    def visit(name):
        if name.rpartition(".")[0] in files:
            visit(name.rpartition(".")[0])  # as import does: the package first, which may bring the module with it
        if name in files and name not in found:
            found[name] = False  # begun: one that imports us in turn is satisfied with our object
            for needed in needs(name, _source(payload, files[name]), files):
                visit(needed)
            del found[name]
            found[name] = True

    for root in roots:
        visit(root)
    return list(found)


def needs(name, source, files):
    """The modules of ours that a module imports at its top."""
    import ast

    package = name.split(".") if files[name].endswith("/__init__.py") else name.split(".")[:-1]
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
            yield ".".join(base)
            yield from (".".join([*base, each.name]) for each in node.names)


def _paths(payload):
    """The source files that belong into it."""
    for folder in FOLDERS:
        for name in posix.listdir(f"{payload}/{folder}"):
            path = f"{folder}/{name}"
            if name.endswith(".py") and path not in LEFT_OUT and (folder != "runtime/image" or path in OF_IMAGES):
                yield path


def _name(path):
    name = path[: -len(".py")].replace("/", ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def _code(payload, path):
    return compile(_source(payload, path), f"{payload}/{path}", "exec", optimize=2)


def _source(payload, path):
    with open(f"{payload}/{path}", encoding="utf-8") as file:
        return file.read()
