"""Hold files and functions to the house's sizes: `python -m tests.sizes FILE_LINES FUNCTION_LINES`."""

import ast
import subprocess
import sys


def main(longest_file, longest_function):
    """Print what is too long; 1 if anything is."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], capture_output=True, text=True, check=True
    )
    problems = [
        problem for path in listing.stdout.split() for problem in too_long(path, longest_file, longest_function)
    ]
    print("\n".join(problems) or "sizes: every file and function is within its limit")
    return bool(problems)


def too_long(path, longest_file, longest_function):
    """The complaints about one file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if (lines := text.count("\n")) > longest_file:
        yield f"{path}: {lines} lines; more than one noun?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            if length > longest_function:
                yield f"{path}:{node.lineno}: {node.name} is {length} lines"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
