"""Where the product's own folders are found."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_an_editable_install_reads_the_checkout_and_no_stale_copy():
    command = [sys.executable, "-c", "from wherry.project import product_root; print(product_root())"]
    assert subprocess.run(command, capture_output=True, text=True, cwd="/").stdout.strip() == ROOT


def test_runtime_and_modules_need_nothing_but_the_standard_library():
    program = """
import ast, os, sys
allowed = set(sys.stdlib_module_names) | {"posix"}
for folder in ("runtime", "modules"):
    own = {"runtime"} if folder == "runtime" else set()
    for where, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".py"):
                continue
            path = os.path.join(where, name)
            for node in ast.walk(ast.parse(open(path).read(), path)):
                if isinstance(node, ast.Import):
                    bad = [a.name for a in node.names if a.name.split(".")[0] not in allowed | own]
                elif isinstance(node, ast.ImportFrom):
                    bad = [] if node.level or node.module.split(".")[0] in allowed | own else [node.module]
                else:
                    continue
                if bad or (folder == "modules" and getattr(node, "level", 0)):
                    print(f"{path}:{node.lineno}: {bad}")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout == ""
