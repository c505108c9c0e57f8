"""What the launcher runs: import the payload's modules from a bundle if there is one for this Python, and start.

python3 -I -S -B -c 'START, as local.py has it' PAYLOAD WORD...

Bundles are written by bundle.py, this file among them: half of what an import takes is finding, another part compiling.
"""

import gc
import marshal
import sys

gc.disable()  # a command lives for a moment; what collects cycles is switched on again by what lives longer
folder = sys.argv.pop(1)
sys.path.insert(0, folder)
bundles = f"{folder}/bundle-{sys.implementation.cache_tag}"
Spec, Module = type(sys.__spec__), type(sys)


class Bundle:
    """Finds modules of ours in the file of their package, and those extension modules whose place is known."""

    def __init__(self):
        self._packages, self._extensions = {}, {}

    def find_spec(self, name, path=None, target=None):
        """A spec of the module, or None: then it is looked for in sys.path."""
        if name in self._extensions:
            loader = sys.modules["_frozen_importlib_external"].ExtensionFileLoader(name, self._extensions[name])
            return Spec(name, loader, origin=self._extensions[name])
        if not f"{name}.".startswith("runtime."):
            return None
        package = ".".join(name.split(".")[:2])
        if package not in self._packages:
            self._packages[package] = read(package) or {}
        if name not in self._packages[package]:
            return None
        is_package, file, _ = self._packages[package][name]
        found = Spec(name, self, origin=f"{folder}/{file}", is_package=is_package)
        found.has_location = True
        if is_package:
            found.submodule_search_locations.append(found.origin.rpartition("/")[0])
        return found

    def create_module(self, spec):
        """None: an ordinary module."""

    def exec_module(self, module):
        """Run the module's code."""
        name = module.__name__
        exec(marshal.loads(self._packages[".".join(name.split(".")[:2])][name][2]), module.__dict__)  # noqa: S102, S302

    def start(self, extensions, codes, filters):
        """Import the modules of `codes`, whose order is known: objects first, so that each finds its package."""
        self._extensions = extensions
        for name, is_package, file, _ in codes:
            module = sys.modules[name] = Module(name)
            module.__file__ = f"{folder}/{file}"
            module.__package__ = name if is_package else name.rpartition(".")[0]
            if is_package:
                module.__path__ = [module.__file__.rpartition("/")[0]]
        for name, _, _, code in codes:
            exec(code, sys.modules[name].__dict__)  # noqa: S102 - it is of the same folder, and as much ours
            parent, _, last = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], last, sys.modules[name])
        if filters:
            sys.modules["runtime.process.filters"].KNOWN.extend(filters)


def read(name):
    """What the bundle's file `name` holds; None when there is no such file."""
    try:
        with open(f"{bundles}/{name}", "rb", 0) as file:
            return marshal.loads(file.read())  # noqa: S302 - as any .pyc is
    except FileNotFoundError:
        return None


def start():
    """Import what the verb needs."""
    bundle = Bundle()
    sys.meta_path.insert(0, bundle)
    words = sys.argv[3:] if sys.argv[1:2] == ["--filled-for"] else sys.argv[1:]
    needed = words and words[0].isalpha() and read(f"{words[0]}.verb")
    if needed:
        bundle.start(*needed)


start()
from runtime.__main__ import main  # noqa: E402

main()
