"""The modules that commands about containers need, compiled into a few files: half of what an import takes is finding.

    PAYLOAD/bundle-<cache tag>/
        boot        code of boot.py, which the launcher runs and which reads the others
        run.verb, ...    ({extension module: file}, [(module, is a package, file, code)] in the order of import,
                    what process/filters.py knows from the beginning)
        runtime, runtime.cli, runtime.state, ...    {module of or below that name: (is a package, file, code as bytes)}

Without a bundle for its Python, boot.py imports from the folder as ever.
"""

import marshal
import posix
import sys

from .. import state

FOLDERS = ("runtime", "runtime/cli", "runtime/container", "runtime/network", "runtime/process", "runtime/image")
LEFT_OUT = ("runtime/cli/boot.py", "runtime/cli/bundle.py", "runtime/cli/launcher.py")
OF_IMAGES = ("runtime/image/__init__.py", "runtime/image/store.py", "runtime/image/reference.py")
PROCESS = "runtime.process"
COMMON = ("runtime.__main__", "runtime.cli.options", "runtime.container.container")
VERBS = {  # verb: modules that it imports, with whatever those import at their top
    "run": (*COMMON, "runtime.cli.run", "runtime.image.store", "runtime.container.foreground"),
    "exec": (*COMMON, "runtime.cli.exec", "runtime.container.session"),
    "ps": (*COMMON, "runtime.cli.show"),
    "stop": (*COMMON, "runtime.cli.life"),
}


def build(payload):
    """Write the bundle of this Python into the folder `payload`; its path."""
    files = {_name(path): path for path in _paths(payload)}
    codes = {name: _code(payload, path) for name, path in files.items()}
    target = f"{payload}/bundle-{sys.implementation.cache_tag}"
    new = f"{target}.{posix.getpid()}.new"
    state.ensure_private(new)
    _write(new, "boot", _code(payload, "runtime/cli/boot.py"))
    for package, modules in _packages(files, codes).items():
        _write(new, package, modules)
    for verb, roots in VERBS.items():
        names = in_order(roots, payload, files)
        extensions = _extensions({each for name in names for each in _absolute(_source(payload, files[name]))})
        modules = [(name, *_place(files[name]), codes[name]) for name in names]
        _write(new, f"{verb}.verb", (extensions, modules, _filters() if f"{PROCESS}.filters" in names else None))
    _put(new, target)
    return target


def _put(new, target):
    state.remove_tree(target)
    try:
        posix.rename(new, target)
    except OSError:
        state.remove_tree(new)
        if not state.exists(target):
            raise  # else another process has just put the same there


def _filters():
    """The filter that nearly every container has, compiled."""
    from ..process import capabilities, profile, seccomp

    section = profile.default(capabilities.DEFAULT)
    return [(section, seccomp.compile(section))]


def _write(folder, name, content):
    state.replace(f"{folder}/{name}", marshal.dumps(content), durable=False)


def _packages(files, codes):
    """{"runtime.cli": {module: (is a package, file, code as bytes)}}: by the first two parts of the modules' names."""
    found = {}
    for name, path in files.items():
        found.setdefault(".".join(name.split(".")[:2]), {})[name] = (*_place(path), marshal.dumps(codes[name]))
    return found


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


def _extensions(names):
    """{module: file} of those that are files of machine code, so that no folder is searched for them."""
    from importlib.machinery import ExtensionFileLoader, PathFinder

    specs = [spec for spec in map(PathFinder.find_spec, names) if spec]
    return {spec.name: spec.origin for spec in specs if isinstance(spec.loader, ExtensionFileLoader)}


def _absolute(source):
    """The modules of others that a module imports at its top."""
    import ast

    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def _paths(payload):
    """The source files that belong into it."""
    for folder in FOLDERS:
        for name in posix.listdir(f"{payload}/{folder}"):
            path = f"{folder}/{name}"
            if name.endswith(".py") and path not in LEFT_OUT and (folder != "runtime/image" or path in OF_IMAGES):
                yield path


def _place(path):
    return path.endswith("/__init__.py"), path


def _name(path):
    name = path[: -len(".py")].replace("/", ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def _code(payload, path):
    return compile(_source(payload, path), f"{payload}/{path}", "exec", optimize=2)


def _source(payload, path):
    with open(f"{payload}/{path}", encoding="utf-8") as file:
        return file.read()
