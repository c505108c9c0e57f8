"""What the launcher runs: find the payload's modules, in one file if they were bundled for this Python, and start.

python3 -I -S -B -c 'import sys; exec(open(sys.argv[1] + "/runtime/cli/boot.py").read())' PAYLOAD WORD...
"""

import gc
import marshal
import sys

gc.disable()  # a command lives for a moment; what collects cycles is switched on again by what lives longer
folder = sys.argv.pop(1)
sys.path.insert(0, folder)
try:
    with open(f"{folder}/bundle-{sys.implementation.cache_tag}", "rb") as file:
        finder, modules, start = marshal.loads(file.read())  # noqa: S302 - as any .pyc is
    exec(finder)  # noqa: S102 - it is of the same folder, and as much ours
except FileNotFoundError:
    pass

from runtime.__main__ import main  # noqa: E402

main()
