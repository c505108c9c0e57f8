"""A start imports little: what is not a module of the interpreter's core costs milliseconds each time."""

import os
import subprocess
import sys

ALLOWED = {"_ctypes", "_struct", "fcntl"}  # fcntl: records, not the process
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))


def test_only_the_interpreters_core_is_imported():
    code = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]);"
        "from runtime.process import init, enter, cgroup, spec, user;"
        "print(*{name for name in set(sys.modules) - before if not name.startswith('runtime')})"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code, ROOT], capture_output=True, text=True, check=True
    )
    assert set(result.stdout.split()) - set(sys.builtin_module_names) <= ALLOWED
